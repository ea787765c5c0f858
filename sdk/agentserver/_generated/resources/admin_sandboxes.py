"""The resource `client.admin.sandboxes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import admin_list_sandboxes
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from agentserver._generated.models import AdminSandboxItem
    from agentserver.pagination import Page


class AdminSandboxes(Resource):
    """`client.admin.sandboxes`."""

    __slots__ = ()

    def list(self) -> Page[AdminSandboxItem]:
        """List all sandboxes.

        Returns every sandbox of the installation, oldest first. `last_activity_at` is omitted
        for a sandbox without any activity so far.

        Returns:
            The sandboxes.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_list_sandboxes`: `GET /api/admin/sandboxes`. Required role: `admin`.
        """
        return self._call(admin_list_sandboxes.call())


class AsyncAdminSandboxes(AsyncResource):
    """`client.admin.sandboxes`."""

    __slots__ = ()

    async def list(self) -> Page[AdminSandboxItem]:
        """List all sandboxes.

        Returns every sandbox of the installation, oldest first. `last_activity_at` is omitted
        for a sandbox without any activity so far.

        Returns:
            The sandboxes.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.

        Operation `admin_list_sandboxes`: `GET /api/admin/sandboxes`. Required role: `admin`.
        """
        return await self._call(admin_list_sandboxes.call())
