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

if TYPE_CHECKING:
    from agentserver._generated.models import AdminUserQuotaResponse
    from agentserver._omit import Omit


class AdminUsersQuota(Resource):
    """`client.admin.users.quota`."""

    __slots__ = ()

    def get(self, user_id: str) -> AdminUserQuotaResponse:
        """Read an account's quota.

        The installation's default and the account's override, which is null where there is
        none. Inside an override, a null `max_workspaces` means that the default holds.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Returns:
            The default and the override.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_get_user_quota`, `GET /api/admin/users/{user_id}/quota`, for: admin.
        """
        return self._call(admin_get_user_quota.call(user_id))

    def set(self, user_id: str, *, max_workspaces: int | Omit | None = OMIT) -> None:
        """Override an account's quota.

        Replaces the account's override. `max_workspaces` left out or null is an override that
        says nothing: the default holds. 0 is no limit.

        Args:
            user_id: The account's id. 1 to 255 characters.
            max_workspaces: How many workspaces the account may own; 0 is no limit, null means
                that the default holds. 0 to 2,147,483,647.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `admin_set_user_quota`, `PUT /api/admin/users/{user_id}/quota`, for: admin.
        """
        return self._call(admin_set_user_quota.call(user_id, max_workspaces=max_workspaces))

    def delete(self, user_id: str) -> None:
        """Remove an account's override.

        Removes the override, so that the default holds. Where there is none, it answers the
        same.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_delete_user_quota`, `DELETE /api/admin/users/{user_id}/quota`, for:
        admin.
        """
        return self._call(admin_delete_user_quota.call(user_id))


class AsyncAdminUsersQuota(AsyncResource):
    """`client.admin.users.quota`."""

    __slots__ = ()

    async def get(self, user_id: str) -> AdminUserQuotaResponse:
        """Read an account's quota.

        The installation's default and the account's override, which is null where there is
        none. Inside an override, a null `max_workspaces` means that the default holds.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Returns:
            The default and the override.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_get_user_quota`, `GET /api/admin/users/{user_id}/quota`, for: admin.
        """
        return await self._call(admin_get_user_quota.call(user_id))

    async def set(self, user_id: str, *, max_workspaces: int | Omit | None = OMIT) -> None:
        """Override an account's quota.

        Replaces the account's override. `max_workspaces` left out or null is an override that
        says nothing: the default holds. 0 is no limit.

        Args:
            user_id: The account's id. 1 to 255 characters.
            max_workspaces: How many workspaces the account may own; 0 is no limit, null means
                that the default holds. 0 to 2,147,483,647.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `admin_set_user_quota`, `PUT /api/admin/users/{user_id}/quota`, for: admin.
        """
        return await self._call(admin_set_user_quota.call(user_id, max_workspaces=max_workspaces))

    async def delete(self, user_id: str) -> None:
        """Remove an account's override.

        Removes the override, so that the default holds. Where there is none, it answers the
        same.

        Args:
            user_id: The account's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No account has this id.

        Operation `admin_delete_user_quota`, `DELETE /api/admin/users/{user_id}/quota`, for:
        admin.
        """
        return await self._call(admin_delete_user_quota.call(user_id))
