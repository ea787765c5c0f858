"""The resource `client.admin.quota_defaults`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import admin_get_quota_defaults, admin_set_quota_defaults
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from agentserver._generated.models import AdminQuotaDefaultsResponse
    from agentserver._omit import Omit


class AdminQuotaDefaults(Resource):
    """`client.admin.quota_defaults`."""

    __slots__ = ()

    def get(self) -> AdminQuotaDefaultsResponse:
        """Read the installation's default limits.

        The limits in force where nothing overrides them: what an administrator stored, else
        the server's environment, else what is built in.

        Returns:
            The default limits.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_get_quota_defaults`, `GET /api/admin/quotas/defaults`, for: admin.
        """
        return self._call(admin_get_quota_defaults.call())

    def set(
        self,
        *,
        max_workspaces_per_user: int | Omit = OMIT,
        max_sandboxes_per_workspace: int | Omit = OMIT,
        max_workspace_drive_size: int | Omit = OMIT,
        max_sandbox_cpu: int | Omit = OMIT,
        max_sandbox_memory: int | Omit = OMIT,
        max_idle_timeout: int | Omit = OMIT,
        ws_max_total_cpu: int | Omit = OMIT,
        ws_max_total_memory: int | Omit = OMIT,
        ws_max_idle_timeout: int | Omit = OMIT,
    ) -> AdminQuotaDefaultsResponse:
        """Set the installation's default limits.

        Stores the limits given and leaves the others as they are, all of them or, on any
        error, none. A stored limit counts before the environment from then on and cannot be
        taken back, only set anew.

        Args:
            max_workspaces_per_user: How many workspaces an account may own; 0 is no limit. 0
                to 2,147,483,647.
            max_sandboxes_per_workspace: How many sandboxes a workspace may have; 0 is no
                limit. 0 to 2,147,483,647.
            max_workspace_drive_size: Size of a workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.
            max_sandbox_cpu: Processor share of one sandbox, in millicores. 0 to
                2,147,483,647.
            max_sandbox_memory: Memory of one sandbox, in bytes. 0 to 9,007,199,254,740,991.
            max_idle_timeout: How long a sandbox may idle before it is paused, in seconds; 0
                is for ever. 0 to 2,147,483,647.
            ws_max_total_cpu: Processor share of all sandboxes of a workspace together, in
                millicores; 0 is no limit. 0 to 2,147,483,647.
            ws_max_total_memory: Memory of all sandboxes of a workspace together, in bytes; 0
                is no limit. 0 to 9,007,199,254,740,991.
            ws_max_idle_timeout: A bound on idle timeouts in seconds that is stored and shown;
                nothing enforces it. 0 to 2,147,483,647.

        Returns:
            All default limits as they are now.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `admin_set_quota_defaults`, `PUT /api/admin/quotas/defaults`, for: admin.
        """
        return self._call(
            admin_set_quota_defaults.call(
                max_workspaces_per_user=max_workspaces_per_user,
                max_sandboxes_per_workspace=max_sandboxes_per_workspace,
                max_workspace_drive_size=max_workspace_drive_size,
                max_sandbox_cpu=max_sandbox_cpu,
                max_sandbox_memory=max_sandbox_memory,
                max_idle_timeout=max_idle_timeout,
                ws_max_total_cpu=ws_max_total_cpu,
                ws_max_total_memory=ws_max_total_memory,
                ws_max_idle_timeout=ws_max_idle_timeout,
            )
        )


class AsyncAdminQuotaDefaults(AsyncResource):
    """`client.admin.quota_defaults`."""

    __slots__ = ()

    async def get(self) -> AdminQuotaDefaultsResponse:
        """Read the installation's default limits.

        The limits in force where nothing overrides them: what an administrator stored, else
        the server's environment, else what is built in.

        Returns:
            The default limits.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_get_quota_defaults`, `GET /api/admin/quotas/defaults`, for: admin.
        """
        return await self._call(admin_get_quota_defaults.call())

    async def set(
        self,
        *,
        max_workspaces_per_user: int | Omit = OMIT,
        max_sandboxes_per_workspace: int | Omit = OMIT,
        max_workspace_drive_size: int | Omit = OMIT,
        max_sandbox_cpu: int | Omit = OMIT,
        max_sandbox_memory: int | Omit = OMIT,
        max_idle_timeout: int | Omit = OMIT,
        ws_max_total_cpu: int | Omit = OMIT,
        ws_max_total_memory: int | Omit = OMIT,
        ws_max_idle_timeout: int | Omit = OMIT,
    ) -> AdminQuotaDefaultsResponse:
        """Set the installation's default limits.

        Stores the limits given and leaves the others as they are, all of them or, on any
        error, none. A stored limit counts before the environment from then on and cannot be
        taken back, only set anew.

        Args:
            max_workspaces_per_user: How many workspaces an account may own; 0 is no limit. 0
                to 2,147,483,647.
            max_sandboxes_per_workspace: How many sandboxes a workspace may have; 0 is no
                limit. 0 to 2,147,483,647.
            max_workspace_drive_size: Size of a workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.
            max_sandbox_cpu: Processor share of one sandbox, in millicores. 0 to
                2,147,483,647.
            max_sandbox_memory: Memory of one sandbox, in bytes. 0 to 9,007,199,254,740,991.
            max_idle_timeout: How long a sandbox may idle before it is paused, in seconds; 0
                is for ever. 0 to 2,147,483,647.
            ws_max_total_cpu: Processor share of all sandboxes of a workspace together, in
                millicores; 0 is no limit. 0 to 2,147,483,647.
            ws_max_total_memory: Memory of all sandboxes of a workspace together, in bytes; 0
                is no limit. 0 to 9,007,199,254,740,991.
            ws_max_idle_timeout: A bound on idle timeouts in seconds that is stored and shown;
                nothing enforces it. 0 to 2,147,483,647.

        Returns:
            All default limits as they are now.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `admin_set_quota_defaults`, `PUT /api/admin/quotas/defaults`, for: admin.
        """
        return await self._call(
            admin_set_quota_defaults.call(
                max_workspaces_per_user=max_workspaces_per_user,
                max_sandboxes_per_workspace=max_sandboxes_per_workspace,
                max_workspace_drive_size=max_workspace_drive_size,
                max_sandbox_cpu=max_sandbox_cpu,
                max_sandbox_memory=max_sandbox_memory,
                max_idle_timeout=max_idle_timeout,
                ws_max_total_cpu=ws_max_total_cpu,
                ws_max_total_memory=ws_max_total_memory,
                ws_max_idle_timeout=ws_max_idle_timeout,
            )
        )
