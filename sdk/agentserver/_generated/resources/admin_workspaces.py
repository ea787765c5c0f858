"""The resource `client.admin.workspaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import admin_list_workspaces
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from agentserver._generated.models import AdminWorkspaceItem
    from agentserver._generated.resources.admin_workspaces_llm_quota import (
        AdminWorkspacesLlmQuota,
        AsyncAdminWorkspacesLlmQuota,
    )
    from agentserver._generated.resources.admin_workspaces_quota import (
        AdminWorkspacesQuota,
        AsyncAdminWorkspacesQuota,
    )
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

    def list(self) -> Page[AdminWorkspaceItem]:
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
        return self._call(admin_list_workspaces.call())


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

    async def list(self) -> Page[AdminWorkspaceItem]:
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
        return await self._call(admin_list_workspaces.call())
