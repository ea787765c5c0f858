"""Codex behind a separate service, the gateway that runs turns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import anyio
import httpx
import msgspec

from agentserver_reference.domain.errors import ServiceUnavailable
from agentserver_reference.domain.turns import (
    BROKER_TIMEOUT,
    DISCONNECT,
    RPC_ERROR,
    SUBPROCESS_CRASH,
    Outcome,
)
from agentserver_reference.gateways.codex.protocol import Host, TurnRequest, Visit

MARGIN = 30.0
"""Seconds that the gateway may take longer than a turn, in which it says that its time is over."""

CONNECTING = 10.0
"""Seconds to connect to the gateway."""

_MAX_BYTES = 64 * 1024 * 1024
_CODES = (BROKER_TIMEOUT, DISCONNECT, RPC_ERROR, SUBPROCESS_CRASH)


class _Transport(msgspec.Struct):
    code: str
    message: str = ""


class _Answer(msgspec.Struct):
    threadId: str  # noqa: N815 - as the gateway names it
    turn: dict[str, Any] | None = None
    transport: _Transport | None = None


class RemoteCodex:
    """Submits turns to the gateway at `base_url`, with the secret that the services share.

    When a call is cancelled, its connection is closed, by which the gateway interrupts the turn.
    """

    def __init__(
        self, base_url: str, clock: Callable[[], datetime], *, secret: str | None = None
    ) -> None:
        self._url = f"{base_url}/api/turns"
        self._clock = clock
        # An internal service: environment variables for proxies do not apply, nor do redirects.
        self._client = httpx.AsyncClient(
            headers={} if secret is None else {"X-Internal-Secret": secret},
            timeout=httpx.Timeout(None, connect=CONNECTING),
            limits=httpx.Limits(max_connections=None),
            follow_redirects=False,
            trust_env=False,
        )

    async def run(self, request: TurnRequest, host: Host) -> Outcome:
        """See Codex."""
        body = {
            "workspaceId": request.workspace_id,
            "threadId": request.thread_id,
            "params": request.params,
            "timeoutMs": round(request.timeout * 1000),
        }
        began = self._clock()
        try:
            with anyio.fail_after(request.timeout + MARGIN):
                status, content = await self._post(body)
        except TimeoutError:
            reason = BROKER_TIMEOUT, f"the turn was not completed within {body['timeoutMs']} ms"
        except (httpx.ConnectError, httpx.ConnectTimeout):
            reason = SUBPROCESS_CRASH, "the gateway of codex could not be reached"
        except httpx.HTTPError:
            reason = DISCONNECT, "the connection to the gateway of codex was lost"
        else:
            outcome = _read(status, content)
            for item in () if outcome.turn is None else outcome.turn.get("items") or ():
                await request.note_item(outcome.thread_id, item, began)
            return outcome
        return Outcome(request.thread_id or "", transport=reason)

    async def _post(self, body: dict[str, Any]) -> tuple[int, bytes]:
        async with self._client.stream("POST", self._url, json=body) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _MAX_BYTES:
                    raise httpx.ReadError("the answer is too long")
            return response.status_code, bytes(content)

    async def converse(self, visit: Visit, host: Host) -> None:
        """See Codex. The gateway has WebSockets of its own."""
        raise ServiceUnavailable("codex is connected at its gateway")

    async def close(self) -> None:
        """See Codex."""
        await self._client.aclose()


def _read(status: int, content: bytes) -> Outcome:
    """Return what an answer says. The text of an error may contain secrets, and is not read."""
    if status != httpx.codes.OK:
        reason = f"the gateway of codex has answered {status}"
        return Outcome("", transport=(DISCONNECT, reason))
    try:
        answer = msgspec.json.decode(content, type=_Answer)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        answer = _Answer("")
    if answer.turn is not None:
        return Outcome(answer.threadId, turn=answer.turn)
    if answer.transport is None or answer.transport.code not in _CODES:
        unreadable = "the answer of the gateway of codex cannot be read"
        return Outcome(answer.threadId, transport=(DISCONNECT, unreadable))
    reported = answer.transport.code, answer.transport.message
    return Outcome(answer.threadId, transport=reported)
