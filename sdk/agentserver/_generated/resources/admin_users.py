"""The resource `client.admin.users`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import admin_list_users, admin_update_user_role
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from agentserver._generated.models import AdminUserItem, UserRole
    from agentserver._generated.resources.admin_users_quota import (
        AdminUsersQuota,
        AsyncAdminUsersQuota,
        AsyncRawAdminUsersQuota,
        RawAdminUsersQuota,
    )
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class AdminUsers(Resource):
    """`client.admin.users`."""

    __slots__ = ()

    @property
    def quota(self) -> AdminUsersQuota:
        """`client.admin.users.quota`."""
        from agentserver._generated.resources.admin_users_quota import AdminUsersQuota

        return AdminUsersQuota(self)

    def list(self, **options: Unpack[CallOptions]) -> Page[AdminUserItem]:
        """List all accounts.

        Returns every account of the installation, oldest first.

        Returns:
            The accounts.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_list_users`: `GET /api/admin/users`. Required role: `admin`.
        """
        return self._call(admin_list_users.call(), **options)

    def set_role(
        self,
        user_id: str,
        *,
        role: Literal["user", "admin"] | UserRole,
        **options: Unpack[CallOptions],
    ) -> None:
        """Change an account's role.

        Makes an account an administrator or an ordinary user, effective from its next
        request. Administrators may change their own role, but the last administrator cannot
        be demoted.

        Args:
            user_id: The account's id. 1 to 255 characters.
            role: The new role. One of `user`, `admin`.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.
            Conflict: Status 409: The change would leave the installation without an
                administrator.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_update_user_role`: `PUT /api/admin/users/{user_id}/role`. Required
        role: `admin`.
        """
        return self._call(admin_update_user_role.call(user_id, role=role), **options)


class AsyncAdminUsers(AsyncResource):
    """`client.admin.users`."""

    __slots__ = ()

    @property
    def quota(self) -> AsyncAdminUsersQuota:
        """`client.admin.users.quota`."""
        from agentserver._generated.resources.admin_users_quota import AsyncAdminUsersQuota

        return AsyncAdminUsersQuota(self)

    async def list(self, **options: Unpack[CallOptions]) -> Page[AdminUserItem]:
        """List all accounts.

        Returns every account of the installation, oldest first.

        Returns:
            The accounts.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_list_users`: `GET /api/admin/users`. Required role: `admin`.
        """
        return await self._call(admin_list_users.call(), **options)

    async def set_role(
        self,
        user_id: str,
        *,
        role: Literal["user", "admin"] | UserRole,
        **options: Unpack[CallOptions],
    ) -> None:
        """Change an account's role.

        Makes an account an administrator or an ordinary user, effective from its next
        request. Administrators may change their own role, but the last administrator cannot
        be demoted.

        Args:
            user_id: The account's id. 1 to 255 characters.
            role: The new role. One of `user`, `admin`.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.
            Conflict: Status 409: The change would leave the installation without an
                administrator.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_update_user_role`: `PUT /api/admin/users/{user_id}/role`. Required
        role: `admin`.
        """
        return await self._call(admin_update_user_role.call(user_id, role=role), **options)


class RawAdminUsers:
    """`client.with_raw_response.admin.users`, whose methods return a `Response`."""

    def __init__(self, resource: AdminUsers) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.set_role = _raw(resource.set_role)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def quota(self) -> RawAdminUsersQuota:
        """`client.with_raw_response.admin.users.quota`."""
        from agentserver._generated.resources.admin_users_quota import RawAdminUsersQuota

        return RawAdminUsersQuota(self._resource.quota)


class AsyncRawAdminUsers:
    """`client.with_raw_response.admin.users`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdminUsers) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.set_role = _raw_async(resource.set_role)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def quota(self) -> AsyncRawAdminUsersQuota:
        """`client.with_raw_response.admin.users.quota`."""
        from agentserver._generated.resources.admin_users_quota import AsyncRawAdminUsersQuota

        return AsyncRawAdminUsersQuota(self._resource.quota)
