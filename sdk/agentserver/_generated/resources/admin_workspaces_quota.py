"""The resource `client.admin.workspaces.quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import (
    admin_delete_workspace_quota,
    admin_get_workspace_quota,
    admin_set_workspace_quota,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from agentserver._generated.models import AdminWorkspaceQuotaResponse
    from agentserver._omit import Omit


class AdminWorkspacesQuota(Resource):
    """`client.admin.workspaces.quota`."""

    __slots__ = ()

    def get(self, workspace_id: str) -> AdminWorkspaceQuotaResponse:
        """Read a workspace's limits.

        The installation's defaults and the workspace's overrides, which are null where there
        are none. Inside the overrides, null means that the default holds.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The defaults and the overrides.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_get_workspace_quota`, `GET
        /api/admin/workspaces/{workspace_id}/quota`, for: admin.
        """
        return self._call(admin_get_workspace_quota.call(workspace_id))

    def set(
        self,
        workspace_id: str,
        *,
        max_sandboxes: int | Omit | None = OMIT,
        max_sandbox_cpu: int | Omit | None = OMIT,
        max_sandbox_memory: int | Omit | None = OMIT,
        max_idle_timeout: int | Omit | None = OMIT,
        max_total_cpu: int | Omit | None = OMIT,
        max_total_memory: int | Omit | None = OMIT,
        max_drive_size: int | Omit | None = OMIT,
    ) -> None:
        """Override a workspace's limits.

        Merges into the workspace's overrides: a field left out or null keeps what is set. One
        override alone cannot be cleared; removing the overrides clears them all. An empty
        body makes overrides that say nothing.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_sandboxes: How many sandboxes the workspace may have; 0 is no limit. 0 to
                2,147,483,647.
            max_sandbox_cpu: Processor share of one sandbox, in millicores. 0 to
                2,147,483,647.
            max_sandbox_memory: Memory of one sandbox, in bytes. 0 to 9,007,199,254,740,991.
            max_idle_timeout: Longest idle timeout that a new sandbox may ask for, in seconds;
                0 is no bound. 0 to 2,147,483,647.
            max_total_cpu: Processor share of all sandboxes together, in millicores; 0 is no
                limit. 0 to 2,147,483,647.
            max_total_memory: Memory of all sandboxes together, in bytes; 0 is no limit. 0 to
                9,007,199,254,740,991.
            max_drive_size: Size of the workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `admin_set_workspace_quota`, `PUT
        /api/admin/workspaces/{workspace_id}/quota`, for: admin.
        """
        return self._call(
            admin_set_workspace_quota.call(
                workspace_id,
                max_sandboxes=max_sandboxes,
                max_sandbox_cpu=max_sandbox_cpu,
                max_sandbox_memory=max_sandbox_memory,
                max_idle_timeout=max_idle_timeout,
                max_total_cpu=max_total_cpu,
                max_total_memory=max_total_memory,
                max_drive_size=max_drive_size,
            )
        )

    def delete(self, workspace_id: str) -> None:
        """Remove a workspace's overrides.

        Removes all overrides, so that the defaults hold. Where there are none, it answers the
        same.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_delete_workspace_quota`, `DELETE
        /api/admin/workspaces/{workspace_id}/quota`, for: admin.
        """
        return self._call(admin_delete_workspace_quota.call(workspace_id))


class AsyncAdminWorkspacesQuota(AsyncResource):
    """`client.admin.workspaces.quota`."""

    __slots__ = ()

    async def get(self, workspace_id: str) -> AdminWorkspaceQuotaResponse:
        """Read a workspace's limits.

        The installation's defaults and the workspace's overrides, which are null where there
        are none. Inside the overrides, null means that the default holds.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The defaults and the overrides.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_get_workspace_quota`, `GET
        /api/admin/workspaces/{workspace_id}/quota`, for: admin.
        """
        return await self._call(admin_get_workspace_quota.call(workspace_id))

    async def set(
        self,
        workspace_id: str,
        *,
        max_sandboxes: int | Omit | None = OMIT,
        max_sandbox_cpu: int | Omit | None = OMIT,
        max_sandbox_memory: int | Omit | None = OMIT,
        max_idle_timeout: int | Omit | None = OMIT,
        max_total_cpu: int | Omit | None = OMIT,
        max_total_memory: int | Omit | None = OMIT,
        max_drive_size: int | Omit | None = OMIT,
    ) -> None:
        """Override a workspace's limits.

        Merges into the workspace's overrides: a field left out or null keeps what is set. One
        override alone cannot be cleared; removing the overrides clears them all. An empty
        body makes overrides that say nothing.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_sandboxes: How many sandboxes the workspace may have; 0 is no limit. 0 to
                2,147,483,647.
            max_sandbox_cpu: Processor share of one sandbox, in millicores. 0 to
                2,147,483,647.
            max_sandbox_memory: Memory of one sandbox, in bytes. 0 to 9,007,199,254,740,991.
            max_idle_timeout: Longest idle timeout that a new sandbox may ask for, in seconds;
                0 is no bound. 0 to 2,147,483,647.
            max_total_cpu: Processor share of all sandboxes together, in millicores; 0 is no
                limit. 0 to 2,147,483,647.
            max_total_memory: Memory of all sandboxes together, in bytes; 0 is no limit. 0 to
                9,007,199,254,740,991.
            max_drive_size: Size of the workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `admin_set_workspace_quota`, `PUT
        /api/admin/workspaces/{workspace_id}/quota`, for: admin.
        """
        return await self._call(
            admin_set_workspace_quota.call(
                workspace_id,
                max_sandboxes=max_sandboxes,
                max_sandbox_cpu=max_sandbox_cpu,
                max_sandbox_memory=max_sandbox_memory,
                max_idle_timeout=max_idle_timeout,
                max_total_cpu=max_total_cpu,
                max_total_memory=max_total_memory,
                max_drive_size=max_drive_size,
            )
        )

    async def delete(self, workspace_id: str) -> None:
        """Remove a workspace's overrides.

        Removes all overrides, so that the defaults hold. Where there are none, it answers the
        same.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_delete_workspace_quota`, `DELETE
        /api/admin/workspaces/{workspace_id}/quota`, for: admin.
        """
        return await self._call(admin_delete_workspace_quota.call(workspace_id))
