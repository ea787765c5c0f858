"""The resource `client.turns`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentserver._generated.api.turns import submit_turn
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from agentserver._generated.models import CodexTurnResponse
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions


class Turns(Resource):
    """`client.turns`: Turns of codex, the coding agent of a workspace: each is one request to it
    and what it has done about it. Turns that continue each other form a thread.
    """

    __slots__ = ()

    def submit(
        self,
        *,
        workspace_id: str,
        params: Mapping[str, Any],
        idempotency_key: str | Omit = OMIT,
        thread_id: str | Omit | None = OMIT,
        timeout_ms: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> CodexTurnResponse:
        """Run a turn.

        Has codex work on what `params` ask for, and answers when it is done. The role is
        required in the workspace that the body names, which is therefore read before the role
        is checked; an API key is one of a developer, in its own workspace.

        The answer has `turn`, also if it failed or was interrupted, or else `transport` if
        codex could not be heard to its end. One turn at a time runs in a thread; other
        threads are not affected.

        With `Idempotency-Key`, the turn goes on if the caller hangs up. For 24 hours, the
        same key in the same workspace with the same body is answered with that turn, which is
        waited for if it is still under way. Without the key, hanging up interrupts the turn.

        Args:
            workspace_id: The workspace in which codex works. 1 to 255 characters.
            params: What codex gets as the parameters of `turn/start`: `input` is a list of
                what is said to it, such as `{"type": "text", "text": "..."}`. A `threadId` in
                it is rejected, and so is NUL in any text.
            idempotency_key: Names this turn, so that sending it again does not run another
                one. 1 to 255 characters.
            thread_id: The thread that the turn continues; a new one is begun if it is omitted
                or null. 1 to 255 characters.
            timeout_ms: How many milliseconds codex may take; 3600000 if omitted, which is an
                hour. 1 to 3,600,000.

        Returns:
            The turn, or why codex could not be heard to its end.

        Raises:
            BadRequest: Status 400: The body or the `Idempotency-Key` is invalid, or the
                workspace has no such thread. The message names the field and the rule.
            Unauthenticated: Status 401: There is no session or API key, or it is no longer
                valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this, or the API key is of another workspace or lacks the scope
                `turns:submit`.
            Conflict: Status 409: Another turn of the thread is under way, or the
                `Idempotency-Key` was used with another body.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `submit_turn`: `POST /api/turns`. Required role: `developer`.
        """
        return self._call(
            submit_turn.call(
                workspace_id=workspace_id,
                params=params,
                idempotency_key=idempotency_key,
                thread_id=thread_id,
                timeout_ms=timeout_ms,
            ),
            **options,
        )


class AsyncTurns(AsyncResource):
    """`client.turns`: Turns of codex, the coding agent of a workspace: each is one request to it
    and what it has done about it. Turns that continue each other form a thread.
    """

    __slots__ = ()

    async def submit(
        self,
        *,
        workspace_id: str,
        params: Mapping[str, Any],
        idempotency_key: str | Omit = OMIT,
        thread_id: str | Omit | None = OMIT,
        timeout_ms: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> CodexTurnResponse:
        """Run a turn.

        Has codex work on what `params` ask for, and answers when it is done. The role is
        required in the workspace that the body names, which is therefore read before the role
        is checked; an API key is one of a developer, in its own workspace.

        The answer has `turn`, also if it failed or was interrupted, or else `transport` if
        codex could not be heard to its end. One turn at a time runs in a thread; other
        threads are not affected.

        With `Idempotency-Key`, the turn goes on if the caller hangs up. For 24 hours, the
        same key in the same workspace with the same body is answered with that turn, which is
        waited for if it is still under way. Without the key, hanging up interrupts the turn.

        Args:
            workspace_id: The workspace in which codex works. 1 to 255 characters.
            params: What codex gets as the parameters of `turn/start`: `input` is a list of
                what is said to it, such as `{"type": "text", "text": "..."}`. A `threadId` in
                it is rejected, and so is NUL in any text.
            idempotency_key: Names this turn, so that sending it again does not run another
                one. 1 to 255 characters.
            thread_id: The thread that the turn continues; a new one is begun if it is omitted
                or null. 1 to 255 characters.
            timeout_ms: How many milliseconds codex may take; 3600000 if omitted, which is an
                hour. 1 to 3,600,000.

        Returns:
            The turn, or why codex could not be heard to its end.

        Raises:
            BadRequest: Status 400: The body or the `Idempotency-Key` is invalid, or the
                workspace has no such thread. The message names the field and the rule.
            Unauthenticated: Status 401: There is no session or API key, or it is no longer
                valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this, or the API key is of another workspace or lacks the scope
                `turns:submit`.
            Conflict: Status 409: Another turn of the thread is under way, or the
                `Idempotency-Key` was used with another body.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `submit_turn`: `POST /api/turns`. Required role: `developer`.
        """
        return await self._call(
            submit_turn.call(
                workspace_id=workspace_id,
                params=params,
                idempotency_key=idempotency_key,
                thread_id=thread_id,
                timeout_ms=timeout_ms,
            ),
            **options,
        )


class RawTurns:
    """`client.with_raw_response.turns`, whose methods return a `Response`."""

    def __init__(self, resource: Turns) -> None:
        self._resource = resource
        self.submit = _raw(resource.submit)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawTurns:
    """`client.with_raw_response.turns`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncTurns) -> None:
        self._resource = resource
        self.submit = _raw_async(resource.submit)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
