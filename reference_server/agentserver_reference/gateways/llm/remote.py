"""The LLM proxy as a separate service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from agentserver_reference.domain.errors import BadGateway, NotFound
from agentserver_reference.domain.times import timestamp
from agentserver_reference.domain.traces import TRACE_ID
from agentserver_reference.gateways.failures import OutsideError
from agentserver_reference.gateways.llm.protocol import Quota, Record, TraceList
from agentserver_reference.gateways.outside import Outside

TIMEOUT = 10.0
"""Seconds for one request to the proxy, in total."""

_MAX_BYTES = 64 * 1024
_MAX_BYTES_OF_LIST = 8 * 1024 * 1024

T = TypeVar("T")

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _WorkspaceQuota(msgspec.Struct):
    workspace_id: str
    max_rpd: _Count | None
    updated_at: Annotated[datetime, msgspec.Meta(tz=True)]


class _Quota(msgspec.Struct):
    """The fields of a quota that are used."""

    default_max_rpd: _Count
    today_request_count: _Count
    workspace_quota: _WorkspaceQuota | None


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Time = Annotated[datetime, msgspec.Meta(tz=True)]


class _UsageRow(msgspec.Struct):
    provider: str
    model: str
    input_tokens: _Tokens
    output_tokens: _Tokens
    cache_creation_input_tokens: _Tokens
    cache_read_input_tokens: _Tokens
    request_count: _Count


class _Usage(msgspec.Struct):
    usage: list[_UsageRow] | None


class _Trace(msgspec.Struct):
    """A trace; its totals are missing where its requests are beside it."""

    id: str
    sandbox_id: str
    workspace_id: str
    source: str
    created_at: _Time
    updated_at: _Time
    request_count: _Count = 0
    total_input_tokens: _Tokens = 0
    total_output_tokens: _Tokens = 0
    total_cache_read_tokens: _Tokens = 0
    total_cache_creation_tokens: _Tokens = 0
    models: str = ""


class _TraceList(msgspec.Struct):
    total: _Count
    traces: list[_Trace] | None


class _Request(msgspec.Struct):
    id: str
    sandbox_id: str
    workspace_id: str
    provider: str
    model: str
    input_tokens: _Tokens
    output_tokens: _Tokens
    cache_creation_input_tokens: _Tokens
    cache_read_input_tokens: _Tokens
    streaming: bool
    duration: _Tokens
    ttft: _Tokens
    created_at: _Time
    trace_id: str | msgspec.UnsetType = msgspec.UNSET
    message_id: str | msgspec.UnsetType = msgspec.UNSET


class _Detail(msgspec.Struct):
    trace: _Trace
    requests: list[_Request] | None


class RemoteLlmProxy:
    """Calls the proxy at `base_url`, with the secret that the services share, if there is one.

    The text of its errors is not passed on, because it may contain secrets.
    """

    def __init__(
        self,
        base_url: str,
        *,
        secret: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._headers = {} if secret is None else {"X-Internal-Secret": secret}
        self._outside = Outside(private_allowed=True)

    async def quota(self, workspace_id: str) -> Quota:
        """See LlmProxy."""
        answer = await self._read(_quota_path(workspace_id), _Quota)
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

    async def usage(
        self, workspace_id: str, sandbox_id: str, since: datetime | None
    ) -> list[Record]:
        """See LlmProxy."""
        query = _scope(workspace_id, sandbox_id)
        if since is not None:
            query["since"] = timestamp(since)
        answer = await self._read(f"usage?{urlencode(query)}", _Usage, _MAX_BYTES_OF_LIST)
        return [_plain(row) for row in answer.usage or ()]

    async def traces(
        self, workspace_id: str, sandbox_id: str | None, limit: int, offset: int
    ) -> TraceList:
        """See LlmProxy."""
        query = {**_scope(workspace_id, sandbox_id), "limit": limit, "offset": offset}
        answer = await self._read(f"traces?{urlencode(query)}", _TraceList, _MAX_BYTES_OF_LIST)
        traces = answer.traces or []
        if any(trace.workspace_id != workspace_id for trace in traces):
            raise self._unavailable()
        return answer.total, [_plain(trace) for trace in traces]

    async def trace(
        self, workspace_id: str, sandbox_id: str | None, trace_id: str
    ) -> tuple[Record, list[Record]]:
        """See LlmProxy. That of v0.64.12 finds traces by their id alone: of other tenants too."""
        unknown = NotFound("trace not found")
        if not TRACE_ID.fullmatch(trace_id):
            raise unknown
        query = urlencode(_scope(workspace_id, sandbox_id))
        status, body = await self._request(
            "GET", f"traces/{trace_id}?{query}", most=_MAX_BYTES_OF_LIST
        )
        if status == httpx.codes.NOT_FOUND:
            raise unknown
        answer = self._decoded(status, body, _Detail)
        requests = [
            request
            for request in answer.requests or ()
            if request.workspace_id == workspace_id and sandbox_id in (None, request.sandbox_id)
        ]
        trace = answer.trace
        if trace.workspace_id != workspace_id:
            raise unknown
        if sandbox_id not in (None, trace.sandbox_id) and not requests:
            raise unknown
        return _plain(_with_totals(trace, requests)), [_plain(each) for each in requests]

    async def close(self) -> None:
        """See LlmProxy."""
        await self._outside.close()

    async def _read(self, path: str, form: type[T], most: int = _MAX_BYTES) -> T:
        return self._decoded(*await self._request("GET", path, most=most), form)

    def _decoded(self, status: int, body: bytes, form: type[T]) -> T:
        if status != httpx.codes.OK:
            raise self._unavailable()
        try:
            return msgspec.json.decode(body, type=form)
        except (msgspec.DecodeError, RecursionError):
            raise self._unavailable() from None

    async def _change(self, method: str, workspace_id: str, body: object = None) -> None:
        status, _ = await self._request(method, _quota_path(workspace_id), body)
        if status != httpx.codes.NO_CONTENT:
            raise self._unavailable()

    async def _request(
        self, method: str, path: str, body: object = None, *, most: int = _MAX_BYTES
    ) -> tuple[int, bytes]:
        url = f"{self._base_url}/internal/{path}"
        try:
            response, answer = await self._outside.exchange(
                method, url, timeout=self._timeout, most=most, headers=self._headers, json=body
            )
        except OutsideError:
            raise self._unavailable() from None
        return response.status_code, answer

    @staticmethod
    def _unavailable() -> BadGateway:
        return BadGateway("llmproxy unavailable")


def _quota_path(workspace_id: str) -> str:
    return f"quotas/{quote(workspace_id, safe='')}"


def _scope(workspace_id: str, sandbox_id: str | None) -> dict[str, str]:
    """Return the query for what belongs to a workspace, or to one of its sandboxes."""
    of_sandbox = {} if sandbox_id is None else {"sandbox_id": sandbox_id}
    return {"workspace_id": workspace_id, **of_sandbox}


def _with_totals(trace: _Trace, requests: list[_Request]) -> _Trace:
    """Return the trace with the totals of these requests, which the proxy leaves out."""
    return msgspec.structs.replace(
        trace,
        request_count=len(requests),
        total_input_tokens=sum(each.input_tokens for each in requests),
        total_output_tokens=sum(each.output_tokens for each in requests),
        total_cache_read_tokens=sum(each.cache_read_input_tokens for each in requests),
        total_cache_creation_tokens=sum(each.cache_creation_input_tokens for each in requests),
        models=", ".join(sorted({each.model for each in requests})),
    )


def _plain(value: msgspec.Struct) -> Record:
    plain: Record = msgspec.to_builtins(value)
    return plain
