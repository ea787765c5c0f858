"""The resource `client.admin.users.quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import (
    admin_delete_user_quota,
    admin_get_user_quota,
    admin_set_user_quota,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import AdminUserQuotaResponse
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions


class AdminUsersQuota(Resource):
    """`client.admin.users.quota`."""

    __slots__ = ()

    def get(self, user_id: str, **options: Unpack[CallOptions]) -> AdminUserQuotaResponse:
        """Get an account's quota.

        Returns the installation's default and the account's override, which is null if there
        is none. A null `max_workspaces` in an override means that the default applies.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Returns:
            The default and the override.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_get_user_quota`: `GET /api/admin/users/{user_id}/quota`. Required
        role: `admin`.
        """
        return self._call(admin_get_user_quota.call(user_id), **options)

    def set(
        self,
        user_id: str,
        *,
        max_workspaces: int | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Override an account's quota.

        Replaces the account's override. If `max_workspaces` is omitted or null, the override
        is stored but the default applies. 0 means no limit.

        Args:
            user_id: The account's id. 1 to 255 characters.
            max_workspaces: Maximum number of workspaces for the account; 0 means no limit,
                null that the default applies. 0 to 2,147,483,647.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_set_user_quota`: `PUT /api/admin/users/{user_id}/quota`. Required
        role: `admin`.
        """
        return self._call(
            admin_set_user_quota.call(user_id, max_workspaces=max_workspaces), **options
        )

    def delete(self, user_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove an account's quota override.

        Removes the override, so that the default applies again. Succeeds as well if there is
        none.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_delete_user_quota`: `DELETE /api/admin/users/{user_id}/quota`.
        Required role: `admin`.
        """
        return self._call(admin_delete_user_quota.call(user_id), **options)


class AsyncAdminUsersQuota(AsyncResource):
    """`client.admin.users.quota`."""

    __slots__ = ()

    async def get(self, user_id: str, **options: Unpack[CallOptions]) -> AdminUserQuotaResponse:
        """Get an account's quota.

        Returns the installation's default and the account's override, which is null if there
        is none. A null `max_workspaces` in an override means that the default applies.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Returns:
            The default and the override.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_get_user_quota`: `GET /api/admin/users/{user_id}/quota`. Required
        role: `admin`.
        """
        return await self._call(admin_get_user_quota.call(user_id), **options)

    async def set(
        self,
        user_id: str,
        *,
        max_workspaces: int | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Override an account's quota.

        Replaces the account's override. If `max_workspaces` is omitted or null, the override
        is stored but the default applies. 0 means no limit.

        Args:
            user_id: The account's id. 1 to 255 characters.
            max_workspaces: Maximum number of workspaces for the account; 0 means no limit,
                null that the default applies. 0 to 2,147,483,647.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_set_user_quota`: `PUT /api/admin/users/{user_id}/quota`. Required
        role: `admin`.
        """
        return await self._call(
            admin_set_user_quota.call(user_id, max_workspaces=max_workspaces), **options
        )

    async def delete(self, user_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove an account's quota override.

        Removes the override, so that the default applies again. Succeeds as well if there is
        none.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_delete_user_quota`: `DELETE /api/admin/users/{user_id}/quota`.
        Required role: `admin`.
        """
        return await self._call(admin_delete_user_quota.call(user_id), **options)


class RawAdminUsersQuota:
    """`client.with_raw_response.admin.users.quota`, whose methods return a `Response`."""

    def __init__(self, resource: AdminUsersQuota) -> None:
        self._resource = resource
        self.get = _raw(resource.get)
        self.set = _raw(resource.set)
        self.delete = _raw(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawAdminUsersQuota:
    """`client.with_raw_response.admin.users.quota`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdminUsersQuota) -> None:
        self._resource = resource
        self.get = _raw_async(resource.get)
        self.set = _raw_async(resource.set)
        self.delete = _raw_async(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
