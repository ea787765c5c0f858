"""The resource `client.admin.workspaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import admin_list_workspaces
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import AdminWorkspaceItem
    from agentserver._generated.resources.admin_workspaces_llm_quota import (
        AdminWorkspacesLlmQuota,
        AsyncAdminWorkspacesLlmQuota,
        AsyncRawAdminWorkspacesLlmQuota,
        RawAdminWorkspacesLlmQuota,
    )
    from agentserver._generated.resources.admin_workspaces_quota import (
        AdminWorkspacesQuota,
        AsyncAdminWorkspacesQuota,
        AsyncRawAdminWorkspacesQuota,
        RawAdminWorkspacesQuota,
    )
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class AdminWorkspaces(Resource):
    """`client.admin.workspaces`."""

    __slots__ = ()

    @property
    def quota(self) -> AdminWorkspacesQuota:
        """`client.admin.workspaces.quota`."""
        from agentserver._generated.resources.admin_workspaces_quota import AdminWorkspacesQuota

        return AdminWorkspacesQuota(self)

    @property
    def llm_quota(self) -> AdminWorkspacesLlmQuota:
        """`client.admin.workspaces.llm_quota`."""
        from agentserver._generated.resources.admin_workspaces_llm_quota import (
            AdminWorkspacesLlmQuota,
        )

        return AdminWorkspacesLlmQuota(self)

    def list(self, **options: Unpack[CallOptions]) -> Page[AdminWorkspaceItem]:
        """List all workspaces.

        Returns every workspace of the installation exactly once, oldest first. `owner` is the
        owner who has been a member longest, or null if there is none.

        Returns:
            The workspaces.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_list_workspaces`: `GET /api/admin/workspaces`. Required role:
        `admin`.
        """
        return self._call(admin_list_workspaces.call(), **options)


class AsyncAdminWorkspaces(AsyncResource):
    """`client.admin.workspaces`."""

    __slots__ = ()

    @property
    def quota(self) -> AsyncAdminWorkspacesQuota:
        """`client.admin.workspaces.quota`."""
        from agentserver._generated.resources.admin_workspaces_quota import (
            AsyncAdminWorkspacesQuota,
        )

        return AsyncAdminWorkspacesQuota(self)

    @property
    def llm_quota(self) -> AsyncAdminWorkspacesLlmQuota:
        """`client.admin.workspaces.llm_quota`."""
        from agentserver._generated.resources.admin_workspaces_llm_quota import (
            AsyncAdminWorkspacesLlmQuota,
        )

        return AsyncAdminWorkspacesLlmQuota(self)

    async def list(self, **options: Unpack[CallOptions]) -> Page[AdminWorkspaceItem]:
        """List all workspaces.

        Returns every workspace of the installation exactly once, oldest first. `owner` is the
        owner who has been a member longest, or null if there is none.

        Returns:
            The workspaces.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_list_workspaces`: `GET /api/admin/workspaces`. Required role:
        `admin`.
        """
        return await self._call(admin_list_workspaces.call(), **options)


class RawAdminWorkspaces:
    """`client.with_raw_response.admin.workspaces`, whose methods return a `Response`."""

    def __init__(self, resource: AdminWorkspaces) -> None:
        self._resource = resource
        self.list = _raw(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def quota(self) -> RawAdminWorkspacesQuota:
        """`client.with_raw_response.admin.workspaces.quota`."""
        from agentserver._generated.resources.admin_workspaces_quota import RawAdminWorkspacesQuota

        return RawAdminWorkspacesQuota(self._resource.quota)

    @property
    def llm_quota(self) -> RawAdminWorkspacesLlmQuota:
        """`client.with_raw_response.admin.workspaces.llm_quota`."""
        from agentserver._generated.resources.admin_workspaces_llm_quota import (
            RawAdminWorkspacesLlmQuota,
        )

        return RawAdminWorkspacesLlmQuota(self._resource.llm_quota)


class AsyncRawAdminWorkspaces:
    """`client.with_raw_response.admin.workspaces`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdminWorkspaces) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def quota(self) -> AsyncRawAdminWorkspacesQuota:
        """`client.with_raw_response.admin.workspaces.quota`."""
        from agentserver._generated.resources.admin_workspaces_quota import (
            AsyncRawAdminWorkspacesQuota,
        )

        return AsyncRawAdminWorkspacesQuota(self._resource.quota)

    @property
    def llm_quota(self) -> AsyncRawAdminWorkspacesLlmQuota:
        """`client.with_raw_response.admin.workspaces.llm_quota`."""
        from agentserver._generated.resources.admin_workspaces_llm_quota import (
            AsyncRawAdminWorkspacesLlmQuota,
        )

        return AsyncRawAdminWorkspacesLlmQuota(self._resource.llm_quota)
