"""What is no HTTP: refused as the contract says of any request, whatever operation it is for.

It is sent over a connection of its own, since no HTTP library would send it. A proxy in front may
refuse it in a form of its own, or repair it: what is not the server's own answer is a note then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.client import HTTPException
from urllib.parse import urlsplit

from agentserver_contract.context import Context
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.http.messages import Exchange, Request, Response
from agentserver_contract.http.raw import Unfinished, as_command, reaches_server_itself, send_bytes
from agentserver_contract.results.conformance import (
    REQUEST_ID_HEADER,
    Conformance,
    is_of_proxy,
)
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.variants.heads import HEADS, UNFINISHED, BadHead

NAME = "malformed"
_SIGNS = frozenset({"server", "via", "x-cache", "x-served-by"})
"""Headers that proxies add to the answers of a server."""
_ID = "a-contract-test"
_MOMENT = 0.1
"""Seconds for an answer that is there already."""


@contextmanager
def begun(context: Context) -> Iterator[Context]:
    """The context with a request that is not finished as long as the run lasts.

    A server may wait for it longer than a layer takes, so that it is begun before all of them.
    """
    unfinished = None
    if _reason_not_run(context) is None:
        with suppress(OSError):  # an unreachable server is reported by the next request
            heads = _Heads(context, LayerResult(NAME))
            data = UNFINISHED.sent(heads.path, heads.host)
            unfinished = Unfinished(context.target, heads.request, data)
    try:
        yield replace(context, unfinished=unfinished)
    finally:
        if unfinished is not None:
            unfinished.close()


def _reason_not_run(context: Context) -> str | None:
    if context.plan.operations is not None:
        return "it tries no single operation"
    if not reaches_server_itself(context.target):
        return "there is no connection that ends at the server"
    return None


def run(context: Context) -> LayerResult:
    """Send every head that has to be refused."""
    result = context.new_result(NAME)
    if reason := _reason_not_run(context):
        result.not_run[NAME] = reason
    else:
        _Heads(context, result).try_all()
    return result


class _Heads:
    def __init__(self, context: Context, result: LayerResult) -> None:
        self.target = context.target
        self.unfinished = context.unfinished
        self.result = result
        self.conformance = Conformance(context.contract, self.target.base_url)
        parts = urlsplit(self.target.base_url)
        self.host, self.path = parts.netloc, f"{parts.path}/{NO_SUCH}path"
        self.request = Request("GET", f"/{NO_SUCH}path", {})

    def try_all(self) -> None:
        """Send all, and judge the answers in view of what is in front of the server."""
        answers: list[tuple[BadHead, Response | None]] = []
        waited_for: list[BadHead] = []
        for head in HEADS:
            self.result.cases[""] += 1
            try:
                answers.append((head, self._answer(head)))
            except TimeoutError:
                waited_for.append(head)
        received = [answer for _, answer in answers if answer is not None]
        is_direct = not self._is_proxied() and not any(map(is_of_proxy, received))
        for head in waited_for if is_direct else ():
            self._found(head, None, f"no answer within {self.target.timeout:g} s")
        for head, answer in answers:
            if answer is None:
                if is_direct and head.status == 400:  # who sends too much may be hung up on
                    self._found(head, None, "no answer")
                continue
            is_own = REQUEST_ID_HEADER in answer.headers
            if answer.status == head.status and (is_own or is_direct):
                self._judge(head, answer)
            elif is_direct:
                self._found(head, answer, str(answer.status))
            else:
                self.result.notes[f"{head.name}: answered {answer.status} by way of a proxy"] += 1

        self._try_unfinished(is_direct=is_direct)

    def _try_unfinished(self, *, is_direct: bool) -> None:
        """What has become of the request that was begun when the run began."""
        if self.unfinished is None:
            return
        try:
            answer = self.unfinished.answer(_MOMENT)
        except (HTTPException, OSError):
            if is_direct:
                self._found(UNFINISHED, None, "no answer")
            return
        if answer is None:
            self.result.not_run[UNFINISHED.name] = "the server waits longer than this run has taken"
        elif answer.status == UNFINISHED.status:
            self.result.cases[""] += 1
            if is_direct or REQUEST_ID_HEADER in answer.headers:
                self._judge(UNFINISHED, answer)
        elif is_direct:
            self._found(UNFINISHED, answer, str(answer.status))

    def _answer(self, head: BadHead) -> Response | None:
        return send_bytes(self.target, self.request, head.sent(self.path, self.host))

    def _is_proxied(self) -> bool:
        """Whether something in front of the server reads what is sent to it.

        A proxy names itself, or drops a header that is said to be for this connection alone.
        """
        headers = {"connection": f"close, {REQUEST_ID_HEADER}", REQUEST_ID_HEADER: _ID}
        answer = self.target.send(replace(self.request, headers=headers))
        return bool(_SIGNS & answer.headers.keys()) or answer.header(REQUEST_ID_HEADER) != _ID

    def _judge(self, head: BadHead, answer: Response) -> None:
        """Whether a refusal has the form of every refusal."""
        for finding in self.conformance.findings_without_operation(Exchange(self.request, answer)):
            self.result.add(self._shown(head, finding))

    def _found(self, head: BadHead, answer: Response | None, actual: str) -> None:
        finding = Finding(
            layer=NAME,
            operation="",
            promise=f"a request with {head.name} is refused with {head.status}",
            contract="#/info/description",
            detail=f"expected {head.status}, got {actual}",
            check=head.name,
        ).with_exchange(self.request, answer, self.target.base_url)
        self.result.add(self._shown(head, finding))

    def _shown(self, head: BadHead, finding: Finding) -> Finding:
        data = head.sent(self.path, self.host)
        return replace(finding, sent=as_command(self.target.base_url, data))
