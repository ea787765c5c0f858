"""A server that answers at once with bytes made before: what is left of a call is the client.

`python canned.py PORT`.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys

WORKSPACE_ID = "5f0c1c7e-3f4b-4a55-9a35-0c2a1d3c7e90"
SESSION = "0123456789abcdef" * 4

WORKSPACE = {
    "id": WORKSPACE_ID,
    "name": "Nightly evaluation runs",
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
}
_WORKSPACE = json.dumps(WORKSPACE, separators=(",", ":")).encode()


def _model() -> bytes:
    """What the OpenAI API answers for one model: four fields, and as long as a workspace."""
    model = {"id": "model", "object": "model", "created": 1763892000, "owned_by": ""}
    shorter = len(_WORKSPACE) - len(json.dumps(model, separators=(",", ":")))
    return json.dumps(model | {"owned_by": "o" * shorter}, separators=(",", ":")).encode()


def _answer(body: bytes) -> bytes:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


_MODEL_ANSWER, _WORKSPACE_ANSWER = _answer(_model()), _answer(_WORKSPACE)


class _Canned(asyncio.Protocol):
    """Answers whatever ends with an empty line; requests here have no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            is_model = head.startswith(b"GET /v1/models/")
            self._transport.write(_MODEL_ANSWER if is_model else _WORKSPACE_ANSWER)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Canned, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def allow_many_connections() -> None:
    """Let this process hold as many as the system grants."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    import uvloop

    allow_many_connections()
    uvloop.run(_serve(int(sys.argv[1])))
