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
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import AdminWorkspaceQuotaResponse
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions


class AdminWorkspacesQuota(Resource):
    """`client.admin.workspaces.quota`."""

    __slots__ = ()

    def get(self, workspace_id: str, **options: Unpack[CallOptions]) -> AdminWorkspaceQuotaResponse:
        """Get a workspace's limits.

        Returns the installation's defaults and the workspace's overrides, which are null if
        there are none. A null field of the overrides means that the default applies.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The defaults and the overrides.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_get_workspace_quota`: `GET
        /api/admin/workspaces/{workspace_id}/quota`. Required role: `admin`.
        """
        return self._call(admin_get_workspace_quota.call(workspace_id), **options)

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
        **options: Unpack[CallOptions],
    ) -> None:
        """Override a workspace's limits.

        Merges the given limits into the workspace's overrides: a field that is omitted or
        null keeps its value. A single override cannot be cleared; deleting the overrides
        clears all of them. An empty object stores overrides without values.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_sandboxes: Maximum number of sandboxes in the workspace; 0 means no limit. 0
                to 2,147,483,647.
            max_sandbox_cpu: CPU limit of a single sandbox, in millicores. 0 to 2,147,483,647.
            max_sandbox_memory: Memory limit of a single sandbox, in bytes. 0 to
                9,007,199,254,740,991.
            max_idle_timeout: Longest idle timeout that a new sandbox may request, in seconds;
                0 means no limit. 0 to 2,147,483,647.
            max_total_cpu: CPU limit of all sandboxes together, in millicores; 0 means no
                limit. 0 to 2,147,483,647.
            max_total_memory: Memory limit of all sandboxes together, in bytes; 0 means no
                limit. 0 to 9,007,199,254,740,991.
            max_drive_size: Size of the workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_set_workspace_quota`: `PUT
        /api/admin/workspaces/{workspace_id}/quota`. Required role: `admin`.
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
            ),
            **options,
        )

    def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a workspace's overrides.

        Removes all overrides, so that the defaults apply again. Succeeds as well if there are
        none.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_delete_workspace_quota`: `DELETE
        /api/admin/workspaces/{workspace_id}/quota`. Required role: `admin`.
        """
        return self._call(admin_delete_workspace_quota.call(workspace_id), **options)


class AsyncAdminWorkspacesQuota(AsyncResource):
    """`client.admin.workspaces.quota`."""

    __slots__ = ()

    async def get(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> AdminWorkspaceQuotaResponse:
        """Get a workspace's limits.

        Returns the installation's defaults and the workspace's overrides, which are null if
        there are none. A null field of the overrides means that the default applies.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The defaults and the overrides.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_get_workspace_quota`: `GET
        /api/admin/workspaces/{workspace_id}/quota`. Required role: `admin`.
        """
        return await self._call(admin_get_workspace_quota.call(workspace_id), **options)

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
        **options: Unpack[CallOptions],
    ) -> None:
        """Override a workspace's limits.

        Merges the given limits into the workspace's overrides: a field that is omitted or
        null keeps its value. A single override cannot be cleared; deleting the overrides
        clears all of them. An empty object stores overrides without values.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_sandboxes: Maximum number of sandboxes in the workspace; 0 means no limit. 0
                to 2,147,483,647.
            max_sandbox_cpu: CPU limit of a single sandbox, in millicores. 0 to 2,147,483,647.
            max_sandbox_memory: Memory limit of a single sandbox, in bytes. 0 to
                9,007,199,254,740,991.
            max_idle_timeout: Longest idle timeout that a new sandbox may request, in seconds;
                0 means no limit. 0 to 2,147,483,647.
            max_total_cpu: CPU limit of all sandboxes together, in millicores; 0 means no
                limit. 0 to 2,147,483,647.
            max_total_memory: Memory limit of all sandboxes together, in bytes; 0 means no
                limit. 0 to 9,007,199,254,740,991.
            max_drive_size: Size of the workspace's drive, in bytes. 0 to
                9,007,199,254,740,991.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `admin_set_workspace_quota`: `PUT
        /api/admin/workspaces/{workspace_id}/quota`. Required role: `admin`.
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
            ),
            **options,
        )

    async def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a workspace's overrides.

        Removes all overrides, so that the defaults apply again. Succeeds as well if there are
        none.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.

        Operation `admin_delete_workspace_quota`: `DELETE
        /api/admin/workspaces/{workspace_id}/quota`. Required role: `admin`.
        """
        return await self._call(admin_delete_workspace_quota.call(workspace_id), **options)


class RawAdminWorkspacesQuota:
    """`client.with_raw_response.admin.workspaces.quota`, whose methods return a `Response`."""

    def __init__(self, resource: AdminWorkspacesQuota) -> None:
        self._resource = resource
        self.get = _raw(resource.get)
        self.set = _raw(resource.set)
        self.delete = _raw(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawAdminWorkspacesQuota:
    """`client.with_raw_response.admin.workspaces.quota`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdminWorkspacesQuota) -> None:
        self._resource = resource
        self.get = _raw_async(resource.get)
        self.set = _raw_async(resource.set)
        self.delete = _raw_async(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
