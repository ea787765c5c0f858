"""The LLM proxy as a separate service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import anyio
import httpx
import msgspec

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.gateways.llm.protocol import Quota

TIMEOUT = 10.0
"""Seconds for one request to the proxy, in total."""

_MAX_ANSWER_BYTES = 64 * 1024

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _WorkspaceQuota(msgspec.Struct):
    workspace_id: str
    max_rpd: _Count | None
    updated_at: Annotated[datetime, msgspec.Meta(tz=True)]


class _Answer(msgspec.Struct):
    """The fields of a response that are used."""

    default_max_rpd: _Count
    today_request_count: _Count
    workspace_quota: _WorkspaceQuota | None


_read_answer = msgspec.json.Decoder(_Answer).decode


class RemoteLlmProxy:
    """Calls the proxy at `base_url`.

    The text of its errors is not passed on, because it may contain secrets.
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
        # An internal service: environment variables for proxies do not apply, nor do redirects.
        self._client = httpx.AsyncClient(
            timeout=timeout, transport=transport, follow_redirects=False, trust_env=False
        )

    async def quota(self, workspace_id: str) -> Quota:
        """See LlmProxy."""
        status, body = await self._request("GET", workspace_id)
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
        await self._change("PUT", workspace_id, {"max_rpd": max_rpd})

    async def delete_quota(self, workspace_id: str) -> None:
        """See LlmProxy."""
        await self._change("DELETE", workspace_id)

    async def close(self) -> None:
        """See LlmProxy."""
        await self._client.aclose()

    async def _change(self, method: str, workspace_id: str, body: object = None) -> None:
        status, _ = await self._request(method, workspace_id, body)
        if status != httpx.codes.NO_CONTENT:
            raise self._unavailable()

    async def _request(
        self, method: str, workspace_id: str, body: object = None
    ) -> tuple[int, bytes]:
        url = f"{self._base_url}/internal/quotas/{quote(workspace_id, safe='')}"
        try:
            with anyio.fail_after(self._timeout):
                async with self._client.stream(method, url, json=body) as response:
                    answer = bytearray()
                    async for chunk in response.aiter_bytes():
                        answer += chunk
                        if len(answer) > _MAX_ANSWER_BYTES:
                            raise self._unavailable()
                    return response.status_code, bytes(answer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError):
            raise self._unavailable() from None

    @staticmethod
    def _unavailable() -> BadGateway:
        return BadGateway("llmproxy unavailable")
