"""The resource `client.admin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from agentserver._generated.resources.admin_quota_defaults import (
        AdminQuotaDefaults,
        AsyncAdminQuotaDefaults,
    )
    from agentserver._generated.resources.admin_sandboxes import AdminSandboxes, AsyncAdminSandboxes
    from agentserver._generated.resources.admin_users import AdminUsers, AsyncAdminUsers
    from agentserver._generated.resources.admin_workspaces import (
        AdminWorkspaces,
        AsyncAdminWorkspaces,
    )


class Admin(Resource):
    """`client.admin`: Administration of the whole installation, with its accounts, workspaces,
    sandboxes and limits.
    """

    __slots__ = ()

    @property
    def users(self) -> AdminUsers:
        """`client.admin.users`."""
        from agentserver._generated.resources.admin_users import AdminUsers

        return AdminUsers(self)

    @property
    def workspaces(self) -> AdminWorkspaces:
        """`client.admin.workspaces`."""
        from agentserver._generated.resources.admin_workspaces import AdminWorkspaces

        return AdminWorkspaces(self)

    @property
    def sandboxes(self) -> AdminSandboxes:
        """`client.admin.sandboxes`."""
        from agentserver._generated.resources.admin_sandboxes import AdminSandboxes

        return AdminSandboxes(self)

    @property
    def quota_defaults(self) -> AdminQuotaDefaults:
        """`client.admin.quota_defaults`."""
        from agentserver._generated.resources.admin_quota_defaults import AdminQuotaDefaults

        return AdminQuotaDefaults(self)


class AsyncAdmin(AsyncResource):
    """`client.admin`: Administration of the whole installation, with its accounts, workspaces,
    sandboxes and limits.
    """

    __slots__ = ()

    @property
    def users(self) -> AsyncAdminUsers:
        """`client.admin.users`."""
        from agentserver._generated.resources.admin_users import AsyncAdminUsers

        return AsyncAdminUsers(self)

    @property
    def workspaces(self) -> AsyncAdminWorkspaces:
        """`client.admin.workspaces`."""
        from agentserver._generated.resources.admin_workspaces import AsyncAdminWorkspaces

        return AsyncAdminWorkspaces(self)

    @property
    def sandboxes(self) -> AsyncAdminSandboxes:
        """`client.admin.sandboxes`."""
        from agentserver._generated.resources.admin_sandboxes import AsyncAdminSandboxes

        return AsyncAdminSandboxes(self)

    @property
    def quota_defaults(self) -> AsyncAdminQuotaDefaults:
        """`client.admin.quota_defaults`."""
        from agentserver._generated.resources.admin_quota_defaults import AsyncAdminQuotaDefaults

        return AsyncAdminQuotaDefaults(self)
