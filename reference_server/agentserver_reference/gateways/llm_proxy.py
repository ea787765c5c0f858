"""The LLM proxy, which counts language-model requests and keeps how many a day are allowed.

Three ways to have one, chosen once at the start: embedded in our own database, over HTTP, or not
at all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Protocol
from urllib.parse import quote

import anyio
import httpx
import msgspec

from agentserver_reference.domain.errors import BadGateway, Missing, Unavailable
from agentserver_reference.domain.times import midnight
from agentserver_reference.storage import llm_usage, workspaces

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store
    from agentserver_reference.storage.engine.connection import Connection

Quota = dict[str, Any]
"""default_max_rpd, today_request_count, and workspace_quota: null, or workspace_id, max_rpd
(null: the default holds) and updated_at.
"""

TIMEOUT = 10.0
"""Seconds that one question to the proxy may take in all."""

_LONGEST_ANSWER = 64 * 1024

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class LlmProxy(Protocol):
    """Keeps the language-model quota of every workspace.

    Each method raises BadGateway where the proxy does not answer, Unavailable where there is none.
    """

    async def quota(self, workspace_id: str, /) -> Quota:
        """The quota of a workspace and what it used of it today."""
        ...

    async def set_quota(self, workspace_id: str, max_rpd: int | None, /) -> None:
        """Replace a workspace's limit of requests a day; None lets the default hold."""
        ...

    async def delete_quota(self, workspace_id: str, /) -> None:
        """Remove a workspace's limit, if there is one."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


def open_llm_proxy(settings: Settings, store: Store, clock: Callable[[], datetime]) -> LlmProxy:
    """The proxy that `settings.llm_proxy_url` asks for: none given, `off`, or a URL."""
    if settings.llm_proxy_url is None:
        return EmbeddedLlmProxy(store, clock, settings.llm_proxy_default_max_rpd)
    if settings.llm_proxy_url == "off":
        return LlmProxyOff()
    return HttpLlmProxy(settings.llm_proxy_url)


class EmbeddedLlmProxy:
    """Keeps the quotas in the server's own database; today began at midnight UTC."""

    def __init__(self, store: Store, clock: Callable[[], datetime], default_max_rpd: int) -> None:
        self._store = store
        self._clock = clock
        self._default_max_rpd = default_max_rpd

    async def quota(self, workspace_id: str) -> Quota:
        """See LlmProxy."""
        return await self._store.read(self._read, workspace_id)

    def _read(self, conn: Connection, workspace_id: str) -> Quota:
        today = midnight(self._clock())
        return {
            "default_max_rpd": self._default_max_rpd,
            "today_request_count": llm_usage.count_since(conn, workspace_id, today),
            "workspace_quota": llm_usage.quota(conn, workspace_id),
        }

    async def set_quota(self, workspace_id: str, max_rpd: int | None) -> None:
        """See LlmProxy. Raises Missing where the workspace has gone in the meantime."""
        await self._store.write(self._write, workspace_id, max_rpd)

    def _write(self, conn: Connection, workspace_id: str, max_rpd: int | None) -> None:
        if not workspaces.lock(conn, workspace_id):
            raise Missing("workspace not found")
        llm_usage.set_quota(conn, workspace_id, max_rpd, self._clock())

    async def delete_quota(self, workspace_id: str) -> None:
        """See LlmProxy."""
        await self._store.write(llm_usage.delete_quota, workspace_id)

    async def close(self) -> None:
        """See LlmProxy; the store is not ours to close."""


class LlmProxyOff:
    """The operator has switched the proxy off."""

    async def _refuse(self, *_: object) -> NoReturn:
        raise Unavailable("llmproxy not configured")

    quota = set_quota = delete_quota = _refuse

    async def close(self) -> None:
        """See LlmProxy."""


class _WorkspaceQuota(msgspec.Struct):
    workspace_id: str
    max_rpd: _Count | None
    updated_at: Annotated[datetime, msgspec.Meta(tz=True)]


class _Answer(msgspec.Struct):
    """What the proxy must answer; whatever else it sends is dropped."""

    default_max_rpd: _Count
    today_request_count: _Count
    workspace_quota: _WorkspaceQuota | None


_read_answer = msgspec.json.Decoder(_Answer).decode


class HttpLlmProxy:
    """Asks a proxy at `base_url` over HTTP.

    Whatever it answers instead of an answer stays here: its text may hold a secret.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        # An internal service: no proxy of the environment stands between, no redirect leads away.
        self._client = httpx.AsyncClient(
            timeout=timeout, transport=transport, follow_redirects=False, trust_env=False
        )

    async def quota(self, workspace_id: str) -> Quota:
        """See LlmProxy."""
        status, body = await self._ask("GET", workspace_id)
        if status != httpx.codes.OK:
            raise self._unavailable()
        try:
            answer = _read_answer(body)
        except (msgspec.DecodeError, RecursionError):
            raise self._unavailable() from None
        own = answer.workspace_quota
        if own is not None and own.workspace_id != workspace_id:
            raise self._unavailable()
        quota: Quota = msgspec.to_builtins(answer)
        return quota

    async def set_quota(self, workspace_id: str, max_rpd: int | None) -> None:
        """See LlmProxy."""
        await self._tell("PUT", workspace_id, {"max_rpd": max_rpd})

    async def delete_quota(self, workspace_id: str) -> None:
        """See LlmProxy."""
        await self._tell("DELETE", workspace_id)

    async def close(self) -> None:
        """See LlmProxy."""
        await self._client.aclose()

    async def _tell(self, method: str, workspace_id: str, body: object = None) -> None:
        status, _ = await self._ask(method, workspace_id, body)
        if status != httpx.codes.NO_CONTENT:
            raise self._unavailable()

    async def _ask(self, method: str, workspace_id: str, body: object = None) -> tuple[int, bytes]:
        url = f"{self._base_url}/internal/quotas/{quote(workspace_id, safe='')}"
        try:
            with anyio.fail_after(self._timeout):
                async with self._client.stream(method, url, json=body) as response:
                    answer = bytearray()
                    async for chunk in response.aiter_bytes():
                        answer += chunk
                        if len(answer) > _LONGEST_ANSWER:
                            raise self._unavailable()
                    return response.status_code, bytes(answer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError):
            raise self._unavailable() from None

    @staticmethod
    def _unavailable() -> BadGateway:
        return BadGateway("llmproxy unavailable")
