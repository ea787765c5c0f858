"""The resource `client.agents.interactions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.agents import list_agent_interactions
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import AgentInteractionItem
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class AgentsInteractions(Resource):
    """`client.agents.interactions`."""

    __slots__ = ()

    def list(
        self,
        workspace_id: str,
        *,
        limit: int | Omit = OMIT,
        offset: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Page[AgentInteractionItem]:
        """List what agents have done.

        Returns the interactions of the workspace, the newest first: every task that was
        created, changed its state or was cancelled, and every message that was sent. Each is
        recorded together with the change itself, so that neither exists without the other.
        Polling, reading messages and publishing cards are not recorded.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            limit: How many to return at most; 50 if omitted. 1 to 200.
            offset: How many to leave out at the beginning; 0 if omitted. 0 to 2,147,483,647.

        Returns:
            The interactions.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_agent_interactions`: `GET
        /api/workspaces/{workspace_id}/agent-interactions`. Required role: `guest`.
        """
        return self._call(
            list_agent_interactions.call(workspace_id, limit=limit, offset=offset), **options
        )


class AsyncAgentsInteractions(AsyncResource):
    """`client.agents.interactions`."""

    __slots__ = ()

    async def list(
        self,
        workspace_id: str,
        *,
        limit: int | Omit = OMIT,
        offset: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Page[AgentInteractionItem]:
        """List what agents have done.

        Returns the interactions of the workspace, the newest first: every task that was
        created, changed its state or was cancelled, and every message that was sent. Each is
        recorded together with the change itself, so that neither exists without the other.
        Polling, reading messages and publishing cards are not recorded.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            limit: How many to return at most; 50 if omitted. 1 to 200.
            offset: How many to leave out at the beginning; 0 if omitted. 0 to 2,147,483,647.

        Returns:
            The interactions.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_agent_interactions`: `GET
        /api/workspaces/{workspace_id}/agent-interactions`. Required role: `guest`.
        """
        return await self._call(
            list_agent_interactions.call(workspace_id, limit=limit, offset=offset), **options
        )


class RawAgentsInteractions:
    """`client.with_raw_response.agents.interactions`, whose methods return a `Response`."""

    def __init__(self, resource: AgentsInteractions) -> None:
        self._resource = resource
        self.list = _raw(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawAgentsInteractions:
    """`client.with_raw_response.agents.interactions`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAgentsInteractions) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
