"""The resource `client.agents`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentserver._generated.api.agents import (
    discover_agents,
    get_agent_card,
    list_workspace_agents,
    register_agent,
    upsert_agent_card,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from agentserver._generated.models import (
        AgentCardItem,
        AgentCardRegisterResponse,
        AgentRegisterResponse,
        AgentRegistrationType,
    )
    from agentserver._generated.resources.agents_interactions import (
        AgentsInteractions,
        AsyncAgentsInteractions,
        AsyncRawAgentsInteractions,
        RawAgentsInteractions,
    )
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class Agents(Resource):
    """`client.agents`: Agents and their cards. An agent works in a sandbox and calls the server
    with the token of that sandbox. With its card, it tells the others in its workspace what
    it can do.
    """

    __slots__ = ()

    @property
    def interactions(self) -> AgentsInteractions:
        """`client.agents.interactions`."""
        from agentserver._generated.resources.agents_interactions import AgentsInteractions

        return AgentsInteractions(self)

    def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[AgentCardItem]:
        """List a workspace's agents.

        Returns the card of every agent of the workspace that has published one, sorted by
        `display_name`, capitals before small letters, and by id where names are equal. Cards
        of agents that are offline are among them.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The cards.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_agents`: `GET /api/workspaces/{workspace_id}/agents`.
        Required role: `guest`.
        """
        return self._call(list_workspace_agents.call(workspace_id), **options)

    def get(self, sandbox_id: str, **options: Unpack[CallOptions]) -> AgentCardItem:
        """Get an agent's card.

        Returns the card of the agent in a sandbox, to any member of its workspace.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The card.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id, or its agent has not published a
                card.

        Operation `get_agent_card`: `GET /api/agents/{sandbox_id}`. Required role: `guest`.
        """
        return self._call(get_agent_card.call(sandbox_id), **options)

    def register(
        self,
        *,
        name: str | Omit = OMIT,
        type: Literal["opencode", "claudecode", "custom"] | AgentRegistrationType | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AgentRegisterResponse:
        """Register an agent.

        Registers an agent that runs outside of the server, for example on a person's own
        machine, and returns its tokens. They are shown only here. The agent belongs to the
        workspace that the access token was approved for, and the role is required of the
        person who approved it there.

        The agent's sandbox is `running`, and uses no quota. It becomes `offline` after 60
        seconds without a sign of life, and `running` again with the next; registering is its
        first sign of life, and its first activity. The tokens end when the person's
        membership ends, or when they are only a guest. Every call registers another agent,
        even with the same name.

        Args:
            name: The agent's name, which need not be unique; `Local Agent` if omitted. 1 to
                255 characters.
            type: The kind of agent; `opencode` if omitted. One of `opencode`, `claudecode`,
                `custom`.

        Returns:
            The agent is registered.

        Raises:
            BadRequest: Status 400: The body violates its schema, or the access token was
                approved for no workspace.
            Unauthenticated: Status 401: There is no access token, or it is not valid, or the
                membership behind it has ended.
            PermissionDenied: Status 403: The access token lacks the scope `agent:register`,
                or the role in the workspace of the person who approved it is too low.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The OAuth provider, which knows whose the access token is,
                is unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: The sign-in of agents is disabled on this server.

        Operation `register_agent`: `POST /api/agent/register`. Required role: `developer`.
        """
        return self._call(register_agent.call(name=name, type=type), **options)

    def discover(self, **options: Unpack[CallOptions]) -> Page[AgentCardItem]:
        """Discover the agents of the own workspace.

        Returns what `list_workspace_agents` returns for the workspace of the calling agent,
        its own card included.

        Returns:
            The cards.

        Raises:
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.

        Operation `discover_agents`: `GET /api/agent/discovery/agents`. Required role:
        `agent`.
        """
        return self._call(discover_agents.call(), **options)

    def publish_card(
        self,
        *,
        display_name: str | Omit = OMIT,
        description: str | Omit = OMIT,
        agent_type: str | Omit = OMIT,
        card: Any | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AgentCardRegisterResponse:
        """Publish the own card.

        Publishes the calling agent's card, or replaces it: what is omitted gets its default,
        also if an earlier card had it. The agent is `available` from then on, and the card's
        `version` increases by one. The `agent_type` of the first card stays; a later one is
        ignored.

        Every call with an agent's token is a sign of life. An agent without one for 60
        seconds becomes `offline` within 30 seconds, and `available` again with its next call.

        Args:
            display_name: The agent's name; the name of its sandbox if omitted or empty. At
                most 255 characters.
            description: What it does; empty if omitted. At most 10,000 characters.
            agent_type: The kind of agent; `claudecode` if omitted or empty. Only the first
                card sets it. At most 255 characters.
            card: Its capabilities, as any JSON without NUL in its texts; an empty object if
                omitted.

        Returns:
            The card is published.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `upsert_agent_card`: `POST /api/agent/discovery/cards`. Required role:
        `agent`.
        """
        return self._call(
            upsert_agent_card.call(
                display_name=display_name, description=description, agent_type=agent_type, card=card
            ),
            **options,
        )


class AsyncAgents(AsyncResource):
    """`client.agents`: Agents and their cards. An agent works in a sandbox and calls the server
    with the token of that sandbox. With its card, it tells the others in its workspace what
    it can do.
    """

    __slots__ = ()

    @property
    def interactions(self) -> AsyncAgentsInteractions:
        """`client.agents.interactions`."""
        from agentserver._generated.resources.agents_interactions import AsyncAgentsInteractions

        return AsyncAgentsInteractions(self)

    async def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[AgentCardItem]:
        """List a workspace's agents.

        Returns the card of every agent of the workspace that has published one, sorted by
        `display_name`, capitals before small letters, and by id where names are equal. Cards
        of agents that are offline are among them.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The cards.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_agents`: `GET /api/workspaces/{workspace_id}/agents`.
        Required role: `guest`.
        """
        return await self._call(list_workspace_agents.call(workspace_id), **options)

    async def get(self, sandbox_id: str, **options: Unpack[CallOptions]) -> AgentCardItem:
        """Get an agent's card.

        Returns the card of the agent in a sandbox, to any member of its workspace.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The card.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id, or its agent has not published a
                card.

        Operation `get_agent_card`: `GET /api/agents/{sandbox_id}`. Required role: `guest`.
        """
        return await self._call(get_agent_card.call(sandbox_id), **options)

    async def register(
        self,
        *,
        name: str | Omit = OMIT,
        type: Literal["opencode", "claudecode", "custom"] | AgentRegistrationType | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AgentRegisterResponse:
        """Register an agent.

        Registers an agent that runs outside of the server, for example on a person's own
        machine, and returns its tokens. They are shown only here. The agent belongs to the
        workspace that the access token was approved for, and the role is required of the
        person who approved it there.

        The agent's sandbox is `running`, and uses no quota. It becomes `offline` after 60
        seconds without a sign of life, and `running` again with the next; registering is its
        first sign of life, and its first activity. The tokens end when the person's
        membership ends, or when they are only a guest. Every call registers another agent,
        even with the same name.

        Args:
            name: The agent's name, which need not be unique; `Local Agent` if omitted. 1 to
                255 characters.
            type: The kind of agent; `opencode` if omitted. One of `opencode`, `claudecode`,
                `custom`.

        Returns:
            The agent is registered.

        Raises:
            BadRequest: Status 400: The body violates its schema, or the access token was
                approved for no workspace.
            Unauthenticated: Status 401: There is no access token, or it is not valid, or the
                membership behind it has ended.
            PermissionDenied: Status 403: The access token lacks the scope `agent:register`,
                or the role in the workspace of the person who approved it is too low.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The OAuth provider, which knows whose the access token is,
                is unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: The sign-in of agents is disabled on this server.

        Operation `register_agent`: `POST /api/agent/register`. Required role: `developer`.
        """
        return await self._call(register_agent.call(name=name, type=type), **options)

    async def discover(self, **options: Unpack[CallOptions]) -> Page[AgentCardItem]:
        """Discover the agents of the own workspace.

        Returns what `list_workspace_agents` returns for the workspace of the calling agent,
        its own card included.

        Returns:
            The cards.

        Raises:
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.

        Operation `discover_agents`: `GET /api/agent/discovery/agents`. Required role:
        `agent`.
        """
        return await self._call(discover_agents.call(), **options)

    async def publish_card(
        self,
        *,
        display_name: str | Omit = OMIT,
        description: str | Omit = OMIT,
        agent_type: str | Omit = OMIT,
        card: Any | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AgentCardRegisterResponse:
        """Publish the own card.

        Publishes the calling agent's card, or replaces it: what is omitted gets its default,
        also if an earlier card had it. The agent is `available` from then on, and the card's
        `version` increases by one. The `agent_type` of the first card stays; a later one is
        ignored.

        Every call with an agent's token is a sign of life. An agent without one for 60
        seconds becomes `offline` within 30 seconds, and `available` again with its next call.

        Args:
            display_name: The agent's name; the name of its sandbox if omitted or empty. At
                most 255 characters.
            description: What it does; empty if omitted. At most 10,000 characters.
            agent_type: The kind of agent; `claudecode` if omitted or empty. Only the first
                card sets it. At most 255 characters.
            card: Its capabilities, as any JSON without NUL in its texts; an empty object if
                omitted.

        Returns:
            The card is published.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `upsert_agent_card`: `POST /api/agent/discovery/cards`. Required role:
        `agent`.
        """
        return await self._call(
            upsert_agent_card.call(
                display_name=display_name, description=description, agent_type=agent_type, card=card
            ),
            **options,
        )


class RawAgents:
    """`client.with_raw_response.agents`, whose methods return a `Response`."""

    def __init__(self, resource: Agents) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.get = _raw(resource.get)
        self.register = _raw(resource.register)
        self.discover = _raw(resource.discover)
        self.publish_card = _raw(resource.publish_card)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def interactions(self) -> RawAgentsInteractions:
        """`client.with_raw_response.agents.interactions`."""
        from agentserver._generated.resources.agents_interactions import RawAgentsInteractions

        return RawAgentsInteractions(self._resource.interactions)


class AsyncRawAgents:
    """`client.with_raw_response.agents`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAgents) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.get = _raw_async(resource.get)
        self.register = _raw_async(resource.register)
        self.discover = _raw_async(resource.discover)
        self.publish_card = _raw_async(resource.publish_card)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def interactions(self) -> AsyncRawAgentsInteractions:
        """`client.with_raw_response.agents.interactions`."""
        from agentserver._generated.resources.agents_interactions import AsyncRawAgentsInteractions

        return AsyncRawAgentsInteractions(self._resource.interactions)
