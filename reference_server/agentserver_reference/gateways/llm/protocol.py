"""The interface of the LLM proxy, which counts and limits language-model requests."""

from datetime import datetime
from typing import Any, Protocol

Quota = dict[str, Any]
"""default_max_rpd, today_request_count, and workspace_quota: null, or workspace_id, max_rpd
(null means the default) and updated_at.
"""


Record = dict[str, Any]
TraceList = tuple[int, list[Record]]
"""How many traces there are, and a page of them."""


class LlmProxy(Protocol):
    """Knows the language-model requests of workspaces, and manages their quotas.

    Each method raises BadGateway if the proxy fails, ServiceUnavailable if it is disabled.
    """

    async def quota(self, workspace_id: str, /) -> Quota:
        """Return the quota of a workspace, and how much of it is used today."""
        ...

    async def set_quota(self, workspace_id: str, max_rpd: int | None, /) -> None:
        """Replace a workspace's limit of requests per day; None means the default."""
        ...

    async def delete_quota(self, workspace_id: str, /) -> None:
        """Remove a workspace's limit, if there is one."""
        ...

    async def usage(
        self, workspace_id: str, sandbox_id: str, since: datetime | None, /
    ) -> list[Record]:
        """Return what a sandbox's requests have used, by provider and model."""
        ...

    async def traces(
        self, workspace_id: str, sandbox_id: str | None, limit: int, offset: int, /
    ) -> TraceList:
        """Return traces of a workspace, or of one of its sandboxes, the last changed first."""
        ...

    async def trace(
        self, workspace_id: str, sandbox_id: str | None, trace_id: str, /
    ) -> tuple[Record, list[Record]]:
        """Return such a trace with its requests, oldest first. Raises NotFound."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
