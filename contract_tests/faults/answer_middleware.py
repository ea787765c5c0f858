"""An application around the server's, which changes the answers of one operation on their way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from answer_faults import changed
from answers import Answer
from definitions import CHECKOUT, AnswerChange
from replacing import everywhere_replaced

from agentserver_contract.contract.document import Contract, load

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Change = Callable[[Answer], Answer]

STREAM = b"text/event-stream"
"""The media type of an answer that is passed on event by event."""


@contextmanager
def answers_changed(
    change: AnswerChange, on_change: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Change answers of every server that this process makes, until the block ends.

    Args:
        change: Of which operation, and how.
        on_change: Called whenever an answer became another one.
    """
    contract = load(CHECKOUT / "openapi.yaml")

    def around(create_app: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(create_app)
        def create_faulty_app(*args: Any, **kwargs: Any) -> Any:
            app = create_app(*args, **kwargs)
            app.add_middleware(
                AnswersChanged,
                change=lambda answer: changed(contract, change, answer),
                contract=contract,
                operation=change.operation,
                on_change=on_change,
            )
            return app

        return create_faulty_app

    with everywhere_replaced("agentserver_reference.app.create_app", around):
        yield


class AnswersChanged:
    """ASGI middleware that changes answers, of one operation or of all.

    Args:
        app: What answers.
        change: Takes an answer and returns the one to send.
        contract: Says which paths are the operation's.
        operation: Whose answers are changed, by operationId; None for those of all.
        on_change: Called whenever an answer became another one.
    """

    def __init__(
        self,
        app: App,
        change: Change,
        contract: Contract | None = None,
        operation: str | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._change = change
        self._contract = contract
        self._operation = operation
        self._on_change = on_change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not self._concerns(scope):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                if _is_stream(start):
                    await send(self._start_of_stream(message))
            elif _is_stream(start):
                await send(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        if not start or _is_stream(start):  # the caller has hung up, or has everything
            return
        before = Answer(start["status"], [(k, v) for k, v in start["headers"]], bytes(body))
        after = self._change(before)
        if after != before:
            self._on_change()
        await send(start | {"status": after.status, "headers": after.headers})
        await send({"type": "http.response.body", "body": after.body})

    def _start_of_stream(self, message: Message) -> Message:
        """The start of a stream, whose status and headers alone can be changed: it has no end."""
        before = Answer(message["status"], list(message["headers"]), b"")
        after = self._change(before)
        if (after.status, after.headers) != (before.status, before.headers):
            self._on_change()
        return {**message, "status": after.status, "headers": after.headers}

    def _concerns(self, scope: Scope) -> bool:
        if self._contract is None or self._operation is None:
            return True
        path = scope.get("raw_path") or scope["path"].encode()
        operation = self._contract.operation_at(scope["method"], path.decode("latin-1"))
        return operation is not None and operation.id == self._operation


def _is_stream(start: Message) -> bool:
    """Whether an answer is sent event by event."""
    return any(
        name.lower() == b"content-type" and value.startswith(STREAM)
        for name, value in start.get("headers", ())
    )
