"""The resource `client.admin.quota_defaults`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import admin_get_quota_defaults, admin_set_quota_defaults
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import AdminQuotaDefaultsResponse
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions


class AdminQuotaDefaults(Resource):
    """`client.admin.quota_defaults`."""

    __slots__ = ()

    def get(self, **options: Unpack[CallOptions]) -> AdminQuotaDefaultsResponse:
        """Get the installation's default limits.

        Returns the limits that apply unless they are overridden. Each is the value that an
        administrator stored; if there is none, the one from the server's environment;
        otherwise the built-in one.

        Returns:
            The default limits.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_get_quota_defaults`: `GET /api/admin/quotas/defaults`. Required role:
        `admin`.
        """
        return self._call(admin_get_quota_defaults.call(), **options)

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
        **options: Unpack[CallOptions],
    ) -> AdminQuotaDefaultsResponse:
        """Set the installation's default limits.

        Stores the given limits and leaves the others unchanged. On any error, nothing is
        stored. A stored limit takes precedence over the environment and can only be replaced,
        not removed.

        Args:
            max_workspaces_per_user: Maximum number of workspaces that an account may own; 0
                means no limit. 0 to 2,147,483,647.
            max_sandboxes_per_workspace: Maximum number of sandboxes in a workspace; 0 means
                no limit. 0 to 2,147,483,647.
            max_workspace_drive_size: Size of a workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.
            max_sandbox_cpu: CPU limit of a single sandbox, in millicores. 0 to 2,147,483,647.
            max_sandbox_memory: Memory limit of a single sandbox, in bytes. 0 to
                9,007,199,254,740,991.
            max_idle_timeout: How long a sandbox may be idle before it is paused, in seconds;
                0 means for ever. 0 to 2,147,483,647.
            ws_max_total_cpu: CPU limit of all sandboxes of a workspace together, in
                millicores; 0 means no limit. 0 to 2,147,483,647.
            ws_max_total_memory: Memory limit of all sandboxes of a workspace together, in
                bytes; 0 means no limit. 0 to 9,007,199,254,740,991.
            ws_max_idle_timeout: A limit of idle timeouts, in seconds. It is stored and
                returned, but not enforced. 0 to 2,147,483,647.

        Returns:
            All default limits after the change.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_set_quota_defaults`: `PUT /api/admin/quotas/defaults`. Required role:
        `admin`.
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
            ),
            **options,
        )


class AsyncAdminQuotaDefaults(AsyncResource):
    """`client.admin.quota_defaults`."""

    __slots__ = ()

    async def get(self, **options: Unpack[CallOptions]) -> AdminQuotaDefaultsResponse:
        """Get the installation's default limits.

        Returns the limits that apply unless they are overridden. Each is the value that an
        administrator stored; if there is none, the one from the server's environment;
        otherwise the built-in one.

        Returns:
            The default limits.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_get_quota_defaults`: `GET /api/admin/quotas/defaults`. Required role:
        `admin`.
        """
        return await self._call(admin_get_quota_defaults.call(), **options)

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
        **options: Unpack[CallOptions],
    ) -> AdminQuotaDefaultsResponse:
        """Set the installation's default limits.

        Stores the given limits and leaves the others unchanged. On any error, nothing is
        stored. A stored limit takes precedence over the environment and can only be replaced,
        not removed.

        Args:
            max_workspaces_per_user: Maximum number of workspaces that an account may own; 0
                means no limit. 0 to 2,147,483,647.
            max_sandboxes_per_workspace: Maximum number of sandboxes in a workspace; 0 means
                no limit. 0 to 2,147,483,647.
            max_workspace_drive_size: Size of a workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.
            max_sandbox_cpu: CPU limit of a single sandbox, in millicores. 0 to 2,147,483,647.
            max_sandbox_memory: Memory limit of a single sandbox, in bytes. 0 to
                9,007,199,254,740,991.
            max_idle_timeout: How long a sandbox may be idle before it is paused, in seconds;
                0 means for ever. 0 to 2,147,483,647.
            ws_max_total_cpu: CPU limit of all sandboxes of a workspace together, in
                millicores; 0 means no limit. 0 to 2,147,483,647.
            ws_max_total_memory: Memory limit of all sandboxes of a workspace together, in
                bytes; 0 means no limit. 0 to 9,007,199,254,740,991.
            ws_max_idle_timeout: A limit of idle timeouts, in seconds. It is stored and
                returned, but not enforced. 0 to 2,147,483,647.

        Returns:
            All default limits after the change.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_set_quota_defaults`: `PUT /api/admin/quotas/defaults`. Required role:
        `admin`.
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
            ),
            **options,
        )


class RawAdminQuotaDefaults:
    """`client.with_raw_response.admin.quota_defaults`, whose methods return a `Response`."""

    def __init__(self, resource: AdminQuotaDefaults) -> None:
        self._resource = resource
        self.get = _raw(resource.get)
        self.set = _raw(resource.set)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawAdminQuotaDefaults:
    """`client.with_raw_response.admin.quota_defaults`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdminQuotaDefaults) -> None:
        self._resource = resource
        self.get = _raw_async(resource.get)
        self.set = _raw_async(resource.set)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
