"""What the server asks of the LLM proxy, which counts language-model requests and limits them."""

from typing import Any, Protocol

Quota = dict[str, Any]
"""default_max_rpd, today_request_count, and workspace_quota: null, or workspace_id, max_rpd
(null: the default holds) and updated_at.
"""


class LlmProxy(Protocol):
    """Keeps the language-model quota of every workspace.

    Each method raises BadGateway where the proxy does not answer, ServiceUnavailable where there
    is none.
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
