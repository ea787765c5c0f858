"""The embedded LLM proxy. A day begins at midnight UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.times import midnight
from agentserver_reference.gateways.llm.protocol import Quota, Record, TraceList
from agentserver_reference.storage import llm_traces, llm_usage
from agentserver_reference.storage.locks import Lock

if TYPE_CHECKING:
    from agentserver_reference.storage import Store
    from agentserver_reference.storage.engine.connection import Connection


class EmbeddedLlmProxy:
    """Stores the quotas in the server's own database."""

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
        """See LlmProxy. Raises NotFound if the workspace does not exist."""
        await self._store.write(self._write, workspace_id, max_rpd)

    def _write(self, conn: Connection, workspace_id: str, max_rpd: int | None) -> None:
        if Lock(workspace=workspace_id).take(conn) is not None:
            raise NotFound("workspace not found")
        llm_usage.set_quota(conn, workspace_id, max_rpd, self._clock())

    async def delete_quota(self, workspace_id: str) -> None:
        """See LlmProxy."""
        await self._store.write(llm_usage.delete_quota, workspace_id)

    async def usage(
        self, workspace_id: str, sandbox_id: str, since: datetime | None
    ) -> list[Record]:
        """See LlmProxy."""
        return await self._store.read(llm_traces.usage_of, workspace_id, sandbox_id, since)

    async def traces(
        self, workspace_id: str, sandbox_id: str | None, limit: int, offset: int
    ) -> TraceList:
        """See LlmProxy."""
        return await self._store.read(llm_traces.list_of, workspace_id, sandbox_id, limit, offset)

    async def trace(
        self, workspace_id: str, sandbox_id: str | None, trace_id: str
    ) -> tuple[Record, list[Record]]:
        """See LlmProxy."""
        found = await self._store.read(llm_traces.find, workspace_id, sandbox_id, trace_id)
        if found is None:
            raise NotFound("trace not found")
        return found

    async def close(self) -> None:
        """See LlmProxy. The store stays open: it belongs to the server."""
