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
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import (
        LLMQuotaResponse,
        Workspace,
        WorkspaceDefaultsResponse,
        WorkspaceQuotaResponse,
    )
    from agentserver._generated.resources.workspaces_im import (
        AsyncRawWorkspacesIm,
        AsyncWorkspacesIm,
        RawWorkspacesIm,
        WorkspacesIm,
    )
    from agentserver._generated.resources.workspaces_llm_config import (
        AsyncRawWorkspacesLlmConfig,
        AsyncWorkspacesLlmConfig,
        RawWorkspacesLlmConfig,
        WorkspacesLlmConfig,
    )
    from agentserver._generated.resources.workspaces_members import (
        AsyncRawWorkspacesMembers,
        AsyncWorkspacesMembers,
        RawWorkspacesMembers,
        WorkspacesMembers,
    )
    from agentserver._generated.resources.workspaces_modelserver import (
        AsyncRawWorkspacesModelserver,
        AsyncWorkspacesModelserver,
        RawWorkspacesModelserver,
        WorkspacesModelserver,
    )
    from agentserver._operation import CallOptions
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

    @property
    def modelserver(self) -> WorkspacesModelserver:
        """`client.workspaces.modelserver`."""
        from agentserver._generated.resources.workspaces_modelserver import WorkspacesModelserver

        return WorkspacesModelserver(self)

    @property
    def im(self) -> WorkspacesIm:
        """`client.workspaces.im`."""
        from agentserver._generated.resources.workspaces_im import WorkspacesIm

        return WorkspacesIm(self)

    def list(self, **options: Unpack[CallOptions]) -> Page[Workspace]:
        """List the caller's workspaces.

        Returns every workspace that the caller is a member of, in any role, oldest first.

        Returns:
            The caller's workspaces.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `list_workspaces`: `GET /api/workspaces`. Required role: `user`.
        """
        return self._call(list_workspaces.call(), **options)

    def create(self, *, name: str, **options: Unpack[CallOptions]) -> Workspace:
        """Create a workspace.

        Creates a workspace owned by the caller. Names need not be unique. Fails with 403 if
        the caller already owns as many workspaces as the quota allows; a quota of 0 means no
        limit. Concurrent requests cannot exceed the quota.

        Args:
            name: The workspace's name, which need not be unique. 1 to 255 characters.

        Returns:
            The workspace was created.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's quota is exhausted (JSON), or the
                caller may not do this (text).
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `create_workspace`: `POST /api/workspaces`. Required role: `user`.
        """
        return self._call(create_workspace.call(name=name), **options)

    def get_creation_quota(self, **options: Unpack[CallOptions]) -> WorkspaceQuotaResponse:
        """Get the caller's workspace quota.

        Returns how many workspaces the caller owns and how many they may own: the caller's
        override if there is one, otherwise the installation's default. A `max` of 0 means no
        limit. `current` can exceed `max`, because being made an owner by someone else is not
        limited.

        Returns:
            The caller's quota.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `get_workspace_creation_quota`: `GET /api/workspaces/quota`. Required role:
        `user`.
        """
        return self._call(get_workspace_creation_quota.call(), **options)

    def get(self, workspace_id: str, **options: Unpack[CallOptions]) -> Workspace:
        """Get a workspace.

        Returns a workspace to any of its members. For everyone else, and if it does not
        exist, 403.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The workspace.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace`: `GET /api/workspaces/{workspace_id}`. Required role:
        `guest`.
        """
        return self._call(get_workspace.call(workspace_id), **options)

    def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a workspace.

        Deletes a workspace and everything in it: memberships, sandboxes (running ones are
        stopped first), limits and settings. Afterwards the workspace is unknown, so deleting
        it again returns 403.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace`: `DELETE /api/workspaces/{workspace_id}`. Required role:
        `owner`.
        """
        return self._call(delete_workspace.call(workspace_id), **options)

    def rename(self, workspace_id: str, *, name: str, **options: Unpack[CallOptions]) -> Workspace:
        """Rename a workspace.

        Changes the name and `updated_at`. Nothing else of a workspace can be changed.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The workspace's name, which need not be unique. 1 to 255 characters.

        Returns:
            The workspace with its new name.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `rename_workspace`: `PATCH /api/workspaces/{workspace_id}`. Required role:
        `maintainer`.
        """
        return self._call(rename_workspace.call(workspace_id, name=name), **options)

    def get_defaults(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> WorkspaceDefaultsResponse:
        """Get a workspace's sandbox limits.

        Returns the limits of the workspace's sandboxes and how many there are: the
        installation's defaults with the workspace's overrides applied. 0 means no limit for
        `max_sandboxes` and `max_idle_timeout`. `current_sandboxes` counts every sandbox,
        including paused and offline ones, but not those of registered agents, which use no
        quota.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The limits in force.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_defaults`: `GET /api/workspaces/{workspace_id}/defaults`.
        Required role: `developer`.
        """
        return self._call(get_workspace_defaults.call(workspace_id), **options)

    def get_llm_quota(self, workspace_id: str, **options: Unpack[CallOptions]) -> LLMQuotaResponse:
        """Get a workspace's language-model quota.

        Returns how many language-model requests the workspace has made today and how many it
        may make per day, as counted by the language-model proxy. `workspace_quota` is null if
        the installation's default applies. 0 means no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `get_workspace_llm_quota`: `GET /api/workspaces/{workspace_id}/llm-quota`.
        Required role: `developer`.
        """
        return self._call(get_workspace_llm_quota.call(workspace_id), **options)


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

    @property
    def modelserver(self) -> AsyncWorkspacesModelserver:
        """`client.workspaces.modelserver`."""
        from agentserver._generated.resources.workspaces_modelserver import (
            AsyncWorkspacesModelserver,
        )

        return AsyncWorkspacesModelserver(self)

    @property
    def im(self) -> AsyncWorkspacesIm:
        """`client.workspaces.im`."""
        from agentserver._generated.resources.workspaces_im import AsyncWorkspacesIm

        return AsyncWorkspacesIm(self)

    async def list(self, **options: Unpack[CallOptions]) -> Page[Workspace]:
        """List the caller's workspaces.

        Returns every workspace that the caller is a member of, in any role, oldest first.

        Returns:
            The caller's workspaces.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `list_workspaces`: `GET /api/workspaces`. Required role: `user`.
        """
        return await self._call(list_workspaces.call(), **options)

    async def create(self, *, name: str, **options: Unpack[CallOptions]) -> Workspace:
        """Create a workspace.

        Creates a workspace owned by the caller. Names need not be unique. Fails with 403 if
        the caller already owns as many workspaces as the quota allows; a quota of 0 means no
        limit. Concurrent requests cannot exceed the quota.

        Args:
            name: The workspace's name, which need not be unique. 1 to 255 characters.

        Returns:
            The workspace was created.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's quota is exhausted (JSON), or the
                caller may not do this (text).
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `create_workspace`: `POST /api/workspaces`. Required role: `user`.
        """
        return await self._call(create_workspace.call(name=name), **options)

    async def get_creation_quota(self, **options: Unpack[CallOptions]) -> WorkspaceQuotaResponse:
        """Get the caller's workspace quota.

        Returns how many workspaces the caller owns and how many they may own: the caller's
        override if there is one, otherwise the installation's default. A `max` of 0 means no
        limit. `current` can exceed `max`, because being made an owner by someone else is not
        limited.

        Returns:
            The caller's quota.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.

        Operation `get_workspace_creation_quota`: `GET /api/workspaces/quota`. Required role:
        `user`.
        """
        return await self._call(get_workspace_creation_quota.call(), **options)

    async def get(self, workspace_id: str, **options: Unpack[CallOptions]) -> Workspace:
        """Get a workspace.

        Returns a workspace to any of its members. For everyone else, and if it does not
        exist, 403.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The workspace.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace`: `GET /api/workspaces/{workspace_id}`. Required role:
        `guest`.
        """
        return await self._call(get_workspace.call(workspace_id), **options)

    async def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a workspace.

        Deletes a workspace and everything in it: memberships, sandboxes (running ones are
        stopped first), limits and settings. Afterwards the workspace is unknown, so deleting
        it again returns 403.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace`: `DELETE /api/workspaces/{workspace_id}`. Required role:
        `owner`.
        """
        return await self._call(delete_workspace.call(workspace_id), **options)

    async def rename(
        self, workspace_id: str, *, name: str, **options: Unpack[CallOptions]
    ) -> Workspace:
        """Rename a workspace.

        Changes the name and `updated_at`. Nothing else of a workspace can be changed.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The workspace's name, which need not be unique. 1 to 255 characters.

        Returns:
            The workspace with its new name.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `rename_workspace`: `PATCH /api/workspaces/{workspace_id}`. Required role:
        `maintainer`.
        """
        return await self._call(rename_workspace.call(workspace_id, name=name), **options)

    async def get_defaults(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> WorkspaceDefaultsResponse:
        """Get a workspace's sandbox limits.

        Returns the limits of the workspace's sandboxes and how many there are: the
        installation's defaults with the workspace's overrides applied. 0 means no limit for
        `max_sandboxes` and `max_idle_timeout`. `current_sandboxes` counts every sandbox,
        including paused and offline ones, but not those of registered agents, which use no
        quota.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The limits in force.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_defaults`: `GET /api/workspaces/{workspace_id}/defaults`.
        Required role: `developer`.
        """
        return await self._call(get_workspace_defaults.call(workspace_id), **options)

    async def get_llm_quota(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> LLMQuotaResponse:
        """Get a workspace's language-model quota.

        Returns how many language-model requests the workspace has made today and how many it
        may make per day, as counted by the language-model proxy. `workspace_quota` is null if
        the installation's default applies. 0 means no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `get_workspace_llm_quota`: `GET /api/workspaces/{workspace_id}/llm-quota`.
        Required role: `developer`.
        """
        return await self._call(get_workspace_llm_quota.call(workspace_id), **options)


class RawWorkspaces:
    """`client.with_raw_response.workspaces`, whose methods return a `Response`."""

    def __init__(self, resource: Workspaces) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.create = _raw(resource.create)
        self.get_creation_quota = _raw(resource.get_creation_quota)
        self.get = _raw(resource.get)
        self.delete = _raw(resource.delete)
        self.rename = _raw(resource.rename)
        self.get_defaults = _raw(resource.get_defaults)
        self.get_llm_quota = _raw(resource.get_llm_quota)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def llm_config(self) -> RawWorkspacesLlmConfig:
        """`client.with_raw_response.workspaces.llm_config`."""
        from agentserver._generated.resources.workspaces_llm_config import RawWorkspacesLlmConfig

        return RawWorkspacesLlmConfig(self._resource.llm_config)

    @property
    def members(self) -> RawWorkspacesMembers:
        """`client.with_raw_response.workspaces.members`."""
        from agentserver._generated.resources.workspaces_members import RawWorkspacesMembers

        return RawWorkspacesMembers(self._resource.members)

    @property
    def modelserver(self) -> RawWorkspacesModelserver:
        """`client.with_raw_response.workspaces.modelserver`."""
        from agentserver._generated.resources.workspaces_modelserver import RawWorkspacesModelserver

        return RawWorkspacesModelserver(self._resource.modelserver)

    @property
    def im(self) -> RawWorkspacesIm:
        """`client.with_raw_response.workspaces.im`."""
        from agentserver._generated.resources.workspaces_im import RawWorkspacesIm

        return RawWorkspacesIm(self._resource.im)


class AsyncRawWorkspaces:
    """`client.with_raw_response.workspaces`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncWorkspaces) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.create = _raw_async(resource.create)
        self.get_creation_quota = _raw_async(resource.get_creation_quota)
        self.get = _raw_async(resource.get)
        self.delete = _raw_async(resource.delete)
        self.rename = _raw_async(resource.rename)
        self.get_defaults = _raw_async(resource.get_defaults)
        self.get_llm_quota = _raw_async(resource.get_llm_quota)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def llm_config(self) -> AsyncRawWorkspacesLlmConfig:
        """`client.with_raw_response.workspaces.llm_config`."""
        from agentserver._generated.resources.workspaces_llm_config import (
            AsyncRawWorkspacesLlmConfig,
        )

        return AsyncRawWorkspacesLlmConfig(self._resource.llm_config)

    @property
    def members(self) -> AsyncRawWorkspacesMembers:
        """`client.with_raw_response.workspaces.members`."""
        from agentserver._generated.resources.workspaces_members import AsyncRawWorkspacesMembers

        return AsyncRawWorkspacesMembers(self._resource.members)

    @property
    def modelserver(self) -> AsyncRawWorkspacesModelserver:
        """`client.with_raw_response.workspaces.modelserver`."""
        from agentserver._generated.resources.workspaces_modelserver import (
            AsyncRawWorkspacesModelserver,
        )

        return AsyncRawWorkspacesModelserver(self._resource.modelserver)

    @property
    def im(self) -> AsyncRawWorkspacesIm:
        """`client.with_raw_response.workspaces.im`."""
        from agentserver._generated.resources.workspaces_im import AsyncRawWorkspacesIm

        return AsyncRawWorkspacesIm(self._resource.im)
