"""The resource `client.workspaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.workspaces import (
    create_workspace,
    delete_workspace,
    get_workspace,
    get_workspace_creation_quota,
    get_workspace_defaults,
    get_workspace_llm_quota,
    list_workspaces,
    rename_workspace,
)
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from agentserver._generated.models import (
        LLMQuotaResponse,
        Workspace,
        WorkspaceDefaultsResponse,
        WorkspaceQuotaResponse,
    )
    from agentserver._generated.resources.workspaces_llm_config import (
        AsyncWorkspacesLlmConfig,
        WorkspacesLlmConfig,
    )
    from agentserver._generated.resources.workspaces_members import (
        AsyncWorkspacesMembers,
        WorkspacesMembers,
    )
    from agentserver.pagination import Page


class Workspaces(Resource):
    """`client.workspaces`: Workspaces, their members, their limits and the language-model
    settings of their sandboxes.
    """

    __slots__ = ()

    @property
    def llm_config(self) -> WorkspacesLlmConfig:
        """`client.workspaces.llm_config`."""
        from agentserver._generated.resources.workspaces_llm_config import WorkspacesLlmConfig

        return WorkspacesLlmConfig(self)

    @property
    def members(self) -> WorkspacesMembers:
        """`client.workspaces.members`."""
        from agentserver._generated.resources.workspaces_members import WorkspacesMembers

        return WorkspacesMembers(self)

    def list(self) -> Page[Workspace]:
        """List the caller's workspaces.

        Every workspace in which the caller is a member, whatever the role, oldest first.

        Returns:
            The caller's workspaces.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `list_workspaces`, `GET /api/workspaces`, for: user.
        """
        return self._call(list_workspaces.call())

    def create(self, *, name: str) -> Workspace:
        """Create a workspace.

        Creates a workspace that the caller owns. Names need not be unique. A caller who
        already owns as many workspaces as the quota allows is refused; a quota of 0 is no
        limit. The limit holds however many ask at once.

        Args:
            name: What people call it; not unique. 1 to 255 characters.

        Returns:
            The workspace was created.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's quota is reached (JSON), or the caller
                may not do this (text).
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `create_workspace`, `POST /api/workspaces`, for: user.
        """
        return self._call(create_workspace.call(name=name))

    def get_creation_quota(self) -> WorkspaceQuotaResponse:
        """Read how many workspaces the caller may own.

        How many workspaces the caller owns and how many that may be: the caller's override,
        else the installation's default. A `max` of 0 is no limit. `current` may be over
        `max`, as being made an owner does not count.

        Returns:
            The caller's quota.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `get_workspace_creation_quota`, `GET /api/workspaces/quota`, for: user.
        """
        return self._call(get_workspace_creation_quota.call())

    def get(self, workspace_id: str) -> Workspace:
        """Read a workspace.

        One workspace, for any of its members. An unknown workspace answers 403, as to an
        outsider.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The workspace.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace`, `GET /api/workspaces/{workspace_id}`, for: guest.
        """
        return self._call(get_workspace.call(workspace_id))

    def delete(self, workspace_id: str) -> None:
        """Delete a workspace.

        Removes a workspace and all that belongs to it: members, sandboxes (stopped first, if
        they run), limits and settings. Afterwards the workspace is unknown: a second deletion
        answers 403.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace`, `DELETE /api/workspaces/{workspace_id}`, for: owner.
        """
        return self._call(delete_workspace.call(workspace_id))

    def rename(self, workspace_id: str, *, name: str) -> Workspace:
        """Rename a workspace.

        Gives a workspace another name. Nothing else of it can be changed, and `updated_at`
        moves.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: What people call it; not unique. 1 to 255 characters.

        Returns:
            The workspace with its new name.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `rename_workspace`, `PATCH /api/workspaces/{workspace_id}`, for: maintainer.
        """
        return self._call(rename_workspace.call(workspace_id, name=name))

    def get_defaults(self, workspace_id: str) -> WorkspaceDefaultsResponse:
        """Read the limits of a workspace's sandboxes.

        What a new sandbox of the workspace may have, and how many sandboxes there are and may
        be: the installation's defaults, overlaid by what an administrator set for this
        workspace. A `max_sandboxes` of 0 is no limit, a `max_idle_timeout` of 0 no upper
        bound. `current_sandboxes` counts every sandbox, paused and offline ones too.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The limits in force.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_defaults`, `GET /api/workspaces/{workspace_id}/defaults`,
        for: developer.
        """
        return self._call(get_workspace_defaults.call(workspace_id))

    def get_llm_quota(self, workspace_id: str) -> LLMQuotaResponse:
        """Read a workspace's language-model quota.

        How many language-model requests the workspace made today and may make a day, as the
        language-model proxy counts them. `workspace_quota` is null where the installation's
        default holds. A limit of 0 is no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `get_workspace_llm_quota`, `GET /api/workspaces/{workspace_id}/llm-quota`,
        for: developer.
        """
        return self._call(get_workspace_llm_quota.call(workspace_id))


class AsyncWorkspaces(AsyncResource):
    """`client.workspaces`: Workspaces, their members, their limits and the language-model
    settings of their sandboxes.
    """

    __slots__ = ()

    @property
    def llm_config(self) -> AsyncWorkspacesLlmConfig:
        """`client.workspaces.llm_config`."""
        from agentserver._generated.resources.workspaces_llm_config import AsyncWorkspacesLlmConfig

        return AsyncWorkspacesLlmConfig(self)

    @property
    def members(self) -> AsyncWorkspacesMembers:
        """`client.workspaces.members`."""
        from agentserver._generated.resources.workspaces_members import AsyncWorkspacesMembers

        return AsyncWorkspacesMembers(self)

    async def list(self) -> Page[Workspace]:
        """List the caller's workspaces.

        Every workspace in which the caller is a member, whatever the role, oldest first.

        Returns:
            The caller's workspaces.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `list_workspaces`, `GET /api/workspaces`, for: user.
        """
        return await self._call(list_workspaces.call())

    async def create(self, *, name: str) -> Workspace:
        """Create a workspace.

        Creates a workspace that the caller owns. Names need not be unique. A caller who
        already owns as many workspaces as the quota allows is refused; a quota of 0 is no
        limit. The limit holds however many ask at once.

        Args:
            name: What people call it; not unique. 1 to 255 characters.

        Returns:
            The workspace was created.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's quota is reached (JSON), or the caller
                may not do this (text).
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `create_workspace`, `POST /api/workspaces`, for: user.
        """
        return await self._call(create_workspace.call(name=name))

    async def get_creation_quota(self) -> WorkspaceQuotaResponse:
        """Read how many workspaces the caller may own.

        How many workspaces the caller owns and how many that may be: the caller's override,
        else the installation's default. A `max` of 0 is no limit. `current` may be over
        `max`, as being made an owner does not count.

        Returns:
            The caller's quota.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.

        Operation `get_workspace_creation_quota`, `GET /api/workspaces/quota`, for: user.
        """
        return await self._call(get_workspace_creation_quota.call())

    async def get(self, workspace_id: str) -> Workspace:
        """Read a workspace.

        One workspace, for any of its members. An unknown workspace answers 403, as to an
        outsider.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The workspace.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace`, `GET /api/workspaces/{workspace_id}`, for: guest.
        """
        return await self._call(get_workspace.call(workspace_id))

    async def delete(self, workspace_id: str) -> None:
        """Delete a workspace.

        Removes a workspace and all that belongs to it: members, sandboxes (stopped first, if
        they run), limits and settings. Afterwards the workspace is unknown: a second deletion
        answers 403.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace`, `DELETE /api/workspaces/{workspace_id}`, for: owner.
        """
        return await self._call(delete_workspace.call(workspace_id))

    async def rename(self, workspace_id: str, *, name: str) -> Workspace:
        """Rename a workspace.

        Gives a workspace another name. Nothing else of it can be changed, and `updated_at`
        moves.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: What people call it; not unique. 1 to 255 characters.

        Returns:
            The workspace with its new name.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `rename_workspace`, `PATCH /api/workspaces/{workspace_id}`, for: maintainer.
        """
        return await self._call(rename_workspace.call(workspace_id, name=name))

    async def get_defaults(self, workspace_id: str) -> WorkspaceDefaultsResponse:
        """Read the limits of a workspace's sandboxes.

        What a new sandbox of the workspace may have, and how many sandboxes there are and may
        be: the installation's defaults, overlaid by what an administrator set for this
        workspace. A `max_sandboxes` of 0 is no limit, a `max_idle_timeout` of 0 no upper
        bound. `current_sandboxes` counts every sandbox, paused and offline ones too.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The limits in force.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_defaults`, `GET /api/workspaces/{workspace_id}/defaults`,
        for: developer.
        """
        return await self._call(get_workspace_defaults.call(workspace_id))

    async def get_llm_quota(self, workspace_id: str) -> LLMQuotaResponse:
        """Read a workspace's language-model quota.

        How many language-model requests the workspace made today and may make a day, as the
        language-model proxy counts them. `workspace_quota` is null where the installation's
        default holds. A limit of 0 is no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `get_workspace_llm_quota`, `GET /api/workspaces/{workspace_id}/llm-quota`,
        for: developer.
        """
        return await self._call(get_workspace_llm_quota.call(workspace_id))
