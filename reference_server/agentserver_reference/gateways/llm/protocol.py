"""The interface of the LLM proxy, which counts and limits language-model requests."""

from typing import Any, Protocol

Quota = dict[str, Any]
"""default_max_rpd, today_request_count, and workspace_quota: null, or workspace_id, max_rpd
(null means the default) and updated_at.
"""


class LlmProxy(Protocol):
    """Manages the language-model quotas of workspaces.

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

    async def close(self) -> None:
        """Close the connections."""
        ...
