"""The resource `client.admin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root

if TYPE_CHECKING:
    from agentserver._generated.resources.admin_quota_defaults import (
        AdminQuotaDefaults,
        AsyncAdminQuotaDefaults,
        AsyncRawAdminQuotaDefaults,
        RawAdminQuotaDefaults,
    )
    from agentserver._generated.resources.admin_sandboxes import (
        AdminSandboxes,
        AsyncAdminSandboxes,
        AsyncRawAdminSandboxes,
        RawAdminSandboxes,
    )
    from agentserver._generated.resources.admin_users import (
        AdminUsers,
        AsyncAdminUsers,
        AsyncRawAdminUsers,
        RawAdminUsers,
    )
    from agentserver._generated.resources.admin_workspaces import (
        AdminWorkspaces,
        AsyncAdminWorkspaces,
        AsyncRawAdminWorkspaces,
        RawAdminWorkspaces,
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


class RawAdmin:
    """`client.with_raw_response.admin`, whose methods return a `Response`."""

    def __init__(self, resource: Admin) -> None:
        self._resource = resource

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def users(self) -> RawAdminUsers:
        """`client.with_raw_response.admin.users`."""
        from agentserver._generated.resources.admin_users import RawAdminUsers

        return RawAdminUsers(self._resource.users)

    @property
    def workspaces(self) -> RawAdminWorkspaces:
        """`client.with_raw_response.admin.workspaces`."""
        from agentserver._generated.resources.admin_workspaces import RawAdminWorkspaces

        return RawAdminWorkspaces(self._resource.workspaces)

    @property
    def sandboxes(self) -> RawAdminSandboxes:
        """`client.with_raw_response.admin.sandboxes`."""
        from agentserver._generated.resources.admin_sandboxes import RawAdminSandboxes

        return RawAdminSandboxes(self._resource.sandboxes)

    @property
    def quota_defaults(self) -> RawAdminQuotaDefaults:
        """`client.with_raw_response.admin.quota_defaults`."""
        from agentserver._generated.resources.admin_quota_defaults import RawAdminQuotaDefaults

        return RawAdminQuotaDefaults(self._resource.quota_defaults)


class AsyncRawAdmin:
    """`client.with_raw_response.admin`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdmin) -> None:
        self._resource = resource

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def users(self) -> AsyncRawAdminUsers:
        """`client.with_raw_response.admin.users`."""
        from agentserver._generated.resources.admin_users import AsyncRawAdminUsers

        return AsyncRawAdminUsers(self._resource.users)

    @property
    def workspaces(self) -> AsyncRawAdminWorkspaces:
        """`client.with_raw_response.admin.workspaces`."""
        from agentserver._generated.resources.admin_workspaces import AsyncRawAdminWorkspaces

        return AsyncRawAdminWorkspaces(self._resource.workspaces)

    @property
    def sandboxes(self) -> AsyncRawAdminSandboxes:
        """`client.with_raw_response.admin.sandboxes`."""
        from agentserver._generated.resources.admin_sandboxes import AsyncRawAdminSandboxes

        return AsyncRawAdminSandboxes(self._resource.sandboxes)

    @property
    def quota_defaults(self) -> AsyncRawAdminQuotaDefaults:
        """`client.with_raw_response.admin.quota_defaults`."""
        from agentserver._generated.resources.admin_quota_defaults import AsyncRawAdminQuotaDefaults

        return AsyncRawAdminQuotaDefaults(self._resource.quota_defaults)
