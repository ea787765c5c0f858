"""The gateway as a separate service, to which executors are connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote

import anyio
import msgspec

from agentserver_reference.domain.errors import BadGateway, Conflict
from agentserver_reference.domain.executors import NAME_TAKEN
from agentserver_reference.domain.times import timestamp
from agentserver_reference.gateways.failures import OutsideError, failure_of
from agentserver_reference.gateways.outside import Outside, decoded

if TYPE_CHECKING:
    from agentserver_reference.gateways.executors.protocol import Change, NewExecutor
    from agentserver_reference.storage.engine.query import Record

TIMEOUT = 10.0
"""Seconds for one request to the gateway, in total."""

_LONGEST = {"client_ip": 255, "client_ua": 1000, "codex_version": 255, "os": 255}
"""Characters that are shown of what a machine says of itself."""
_TIMES = ("last_seen_at", "connected_at", "disconnected_at")

T = TypeVar("T")

_Id = Annotated[str, msgspec.Meta(pattern=r"^exe_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
_Time = Annotated[datetime, msgspec.Meta(tz=True)]


class _Registered(msgspec.Struct):
    exe_id: _Id


class _Executor(msgspec.Struct):
    """An executor as the gateway lists it."""

    exe_id: _Id
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
    description: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    is_default: bool = False
    is_online: bool = False
    client_ip: str | None = None
    client_ua: str | None = None
    codex_version: str | None = None
    os: str | None = None
    last_seen_at: _Time | None = None
    connected_at: _Time | None = None
    disconnected_at: _Time | None = None


_LIST: Any = list[_Executor] | None
"""The form of a list, which may be null if it is empty."""


class RemoteExecutors:
    """Calls the gateway at `base_url`, with the secret that the services share.

    The gateway does not know who is a member of a workspace, and asks this server who an executor
    is (`POST /internal/codex-auth/validate`). The text of its errors is not passed on.
    """

    def __init__(self, base_url: str, *, secret: str | None, timeout: float = TIMEOUT) -> None:
        self._base_url = f"{base_url}/api/codex-exec"
        self._headers = {} if secret is None else {"X-Internal-Secret": secret}
        self._timeout = timeout
        self._outside = Outside(private_allowed=True)

    async def register(
        self, new: NewExecutor, commit: Callable[[str, Change | None], Awaitable[None]]
    ) -> None:
        """See Executors. It belongs to the workspace last, so that what is listed is whole."""
        said = {"display_name": new.name}
        executor_id = (await self._ask("POST", "/register", _Registered, new.user_id, said)).exe_id
        try:
            await commit(executor_id, None)
            await self._bind(new, executor_id)
        except BaseException:
            with anyio.CancelScope(shield=True), suppress(BadGateway):
                await self._unregister(executor_id, new.user_id)
            raise

    async def list_of(self, workspace_id: str, user_id: str) -> list[Record]:
        """See Executors."""
        path = _executors_of(workspace_id)
        found: list[_Executor] | None = await self._ask("GET", path, _LIST, user_id)
        return [_shown(each) for each in found or ()]

    async def unbind(
        self,
        workspace_id: str,
        executor_id: str,
        user_id: str,
        commit: Callable[[Change | None], Awaitable[None]],
    ) -> None:
        """See Executors. The gateway forgets it: without an identity, it is of no use to others."""
        await commit(None)
        rows = await self.list_of(workspace_id, user_id)
        if any(row["exe_id"] == executor_id for row in rows):
            await self._unregister(executor_id, user_id)

    async def close(self) -> None:
        """See Executors."""
        await self._outside.close()

    async def _bind(self, new: NewExecutor, executor_id: str) -> None:
        said = {
            "exe_id": executor_id,
            "name": new.name,
            "description": new.description,
            "is_default": False,
        }
        path = _executors_of(new.workspace_id)
        status, body = await self._send("POST", path, new.user_id, said)
        if status == HTTPStatus.CONFLICT:
            # The gateway says so of whatever fails in its database.
            rows = await self.list_of(new.workspace_id, new.user_id)
            if any(row["name"] == new.name for row in rows):
                raise Conflict(NAME_TAKEN)
        _check(status, body)

    async def _unregister(self, executor_id: str, user_id: str) -> None:
        """Remove an executor from the gateway, and so from its workspace."""
        path = f"/executors/{quote(executor_id, safe='')}"
        status, body = await self._send("DELETE", path, user_id)
        if status != HTTPStatus.NOT_FOUND:
            _check(status, body)

    async def _ask(
        self, method: str, path: str, form: type[T], user_id: str, body: object = None
    ) -> T:
        status, content = await self._send(method, path, user_id, body)
        _check(status, content)
        try:
            return decoded(content, form)
        except OutsideError as error:
            raise _bad(error) from None

    async def _send(
        self, method: str, path: str, user_id: str, body: object = None
    ) -> tuple[int, bytes]:
        headers = {**self._headers, "X-User-Id": user_id}
        url, sent = self._base_url + path, {} if body is None else {"json": body}
        try:
            return await self._outside.send(
                method, url, timeout=self._timeout, headers=headers, **sent
            )
        except OutsideError as error:
            raise _bad(error) from None


def _check(status: int, body: bytes) -> None:
    failure = failure_of(status, body)
    if failure is not None:
        raise _bad(failure)


def _bad(error: OutsideError) -> BadGateway:
    return BadGateway(f"the gateway of executors {error}")


def _executors_of(workspace_id: str) -> str:
    return f"/workspaces/{quote(workspace_id, safe='')}/executors"


def _shown(executor: _Executor) -> Record:
    """Return an executor as it is listed: what is not known is left out."""
    said = {name: getattr(executor, name) for name in _LONGEST}
    # The gateway may keep when an earlier connection ended.
    times = _TIMES[:-1] if executor.is_online else _TIMES
    moments = {name: getattr(executor, name) for name in times}
    return {
        "exe_id": executor.exe_id,
        "name": executor.name,
        "description": executor.description,
        "is_default": executor.is_default,
        "is_online": executor.is_online,
        **{name: value[: _LONGEST[name]] for name, value in said.items() if value},
        **{name: timestamp(value) for name, value in moments.items() if value is not None},
    }
