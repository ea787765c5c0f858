"""A codex that has commands run on an executor, and the frames by which they speak."""

from typing import Any

import attrs
import httpx
from listening import SECONDS
from machines import Machine
from people import ok
from websockets.asyncio.client import connect

PROFILE = "noise_hybrid_ik_v1"
DATA, RESUME, RESET, HANDSHAKE = 5, 7, 8, 10
"""The numbers of what a frame may carry."""


def _number(value: int) -> bytes:
    """A number in the form of protobuf: seven bits a byte, the lowest first."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _number(rest) if rest else bytes([low])


def field(number: int, value: bytes) -> bytes:
    """A field of protobuf that is bytes, text or a message."""
    return _number(number << 3 | 2) + _number(len(value)) + value


def frame(stream_id: str, kind: int, content: bytes = b"") -> bytes:
    """A frame as codex sends it: version, stream, content."""
    return b"\x08\x01" + field(2, stream_id.encode()) + field(kind, content)


def reset(stream_id: str) -> bytes:
    """The frame by which the server ends a stream."""
    return frame(stream_id, RESET, field(1, b"disconnected"))


@attrs.define
class Harness:
    """A codex with a token, by which it uses an executor."""

    client: httpx.AsyncClient
    token: str
    executor_id: str
    key: Any = "the key of a harness"

    async def ask(self, said: Any = None) -> httpx.Response:
        url = f"/cloud/environment/{self.executor_id}/connect"
        headers = {"Authorization": f"Bearer {self.token}"}
        body = {"harness_public_key": self.key} if said is None else said
        return await self.client.post(url, headers=headers, json=body)

    async def url(self) -> str:
        found: str = ok(await self.ask()).json()["url"]
        return found

    async def shown(self) -> dict[str, Any]:
        """What the executor is shown of it."""
        given = ok(await self.ask()).json()
        return {
            "executor_registration_id": given["executor_registration_id"],
            "harness_public_key": self.key,
            "harness_key_authorization": given["harness_key_authorization"],
        }


def connecting(url: str) -> Any:
    return connect(url, open_timeout=SECONDS, close_timeout=1, user_agent_header=None)


async def encrypted(machine: Machine, key: Any = "the key of an executor") -> dict[str, Any]:
    """Register with a key, and return what the server says."""
    said = {"security_profile": PROFILE, "executor_public_key": key}
    assertion = machine.assertion(await machine.task())
    found: dict[str, Any] = ok(await machine.ask_for_ticket(assertion, said=said)).json()
    return found
