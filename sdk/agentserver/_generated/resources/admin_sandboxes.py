"""The resource `client.admin.sandboxes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import admin_list_sandboxes
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import AdminSandboxItem
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class AdminSandboxes(Resource):
    """`client.admin.sandboxes`."""

    __slots__ = ()

    def list(self, **options: Unpack[CallOptions]) -> Page[AdminSandboxItem]:
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
        return self._call(admin_list_sandboxes.call(), **options)


class AsyncAdminSandboxes(AsyncResource):
    """`client.admin.sandboxes`."""

    __slots__ = ()

    async def list(self, **options: Unpack[CallOptions]) -> Page[AdminSandboxItem]:
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
        return await self._call(admin_list_sandboxes.call(), **options)


class RawAdminSandboxes:
    """`client.with_raw_response.admin.sandboxes`, whose methods return a `Response`."""

    def __init__(self, resource: AdminSandboxes) -> None:
        self._resource = resource
        self.list = _raw(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawAdminSandboxes:
    """`client.with_raw_response.admin.sandboxes`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdminSandboxes) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
