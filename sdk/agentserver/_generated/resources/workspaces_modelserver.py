"""The resource `client.workspaces.modelserver`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.modelserver import (
    connect_modelserver,
    disconnect_modelserver,
    get_modelserver_status,
)
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import ModelServerStatusResponse
    from agentserver._operation import CallOptions


class WorkspacesModelserver(Resource):
    """`client.workspaces.modelserver`."""

    __slots__ = ()

    def connect(self, workspace_id: str, **options: Unpack[CallOptions]) -> str:
        """Connect a workspace to the model server.

        Begins a connection, and redirects to the page of the model server on which a person
        permits it, by OAuth 2.0 with PKCE (RFC 6749, RFC 7636). The model server then sends
        the browser back to this server, which completes the connection if it is signed in as
        the same person, still a maintainer or owner, within ten minutes. The address works
        once, and beginning again ends what the same person had begun in this workspace. A
        page shows how it ended.

        A connection replaces the workspace's own language-model endpoint. If it fails, the
        endpoint stays as it was.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            Where a browser goes on.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotSupported: Status 501: The server has no model server to connect to.

        Operation `connect_modelserver`: `GET
        /api/workspaces/{workspace_id}/modelserver/connect`. Required role: `maintainer`.
        """
        return self._call(connect_modelserver.call(workspace_id), **options)

    def get_status(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> ModelServerStatusResponse:
        """Get a workspace's connection to the model server.

        Tells whether the workspace is connected, since when, to which project, and which
        models it then had. Whether the model server still accepts the connection is not
        asked.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The connection, or `connected` set to false.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_modelserver_status`: `GET
        /api/workspaces/{workspace_id}/modelserver/status`. Required role: `guest`.
        """
        return self._call(get_modelserver_status.call(workspace_id), **options)

    def disconnect(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Disconnect a workspace from the model server.

        Forgets the access that was given. Succeeds as well if the workspace is not connected.
        What was permitted on the pages of the model server is not revoked there, and an
        endpoint that the workspace had before does not come back.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `disconnect_modelserver`: `DELETE
        /api/workspaces/{workspace_id}/modelserver/disconnect`. Required role: `maintainer`.
        """
        return self._call(disconnect_modelserver.call(workspace_id), **options)


class AsyncWorkspacesModelserver(AsyncResource):
    """`client.workspaces.modelserver`."""

    __slots__ = ()

    async def connect(self, workspace_id: str, **options: Unpack[CallOptions]) -> str:
        """Connect a workspace to the model server.

        Begins a connection, and redirects to the page of the model server on which a person
        permits it, by OAuth 2.0 with PKCE (RFC 6749, RFC 7636). The model server then sends
        the browser back to this server, which completes the connection if it is signed in as
        the same person, still a maintainer or owner, within ten minutes. The address works
        once, and beginning again ends what the same person had begun in this workspace. A
        page shows how it ended.

        A connection replaces the workspace's own language-model endpoint. If it fails, the
        endpoint stays as it was.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            Where a browser goes on.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotSupported: Status 501: The server has no model server to connect to.

        Operation `connect_modelserver`: `GET
        /api/workspaces/{workspace_id}/modelserver/connect`. Required role: `maintainer`.
        """
        return await self._call(connect_modelserver.call(workspace_id), **options)

    async def get_status(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> ModelServerStatusResponse:
        """Get a workspace's connection to the model server.

        Tells whether the workspace is connected, since when, to which project, and which
        models it then had. Whether the model server still accepts the connection is not
        asked.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The connection, or `connected` set to false.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_modelserver_status`: `GET
        /api/workspaces/{workspace_id}/modelserver/status`. Required role: `guest`.
        """
        return await self._call(get_modelserver_status.call(workspace_id), **options)

    async def disconnect(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Disconnect a workspace from the model server.

        Forgets the access that was given. Succeeds as well if the workspace is not connected.
        What was permitted on the pages of the model server is not revoked there, and an
        endpoint that the workspace had before does not come back.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `disconnect_modelserver`: `DELETE
        /api/workspaces/{workspace_id}/modelserver/disconnect`. Required role: `maintainer`.
        """
        return await self._call(disconnect_modelserver.call(workspace_id), **options)


class RawWorkspacesModelserver:
    """`client.with_raw_response.workspaces.modelserver`, whose methods return a `Response`."""

    def __init__(self, resource: WorkspacesModelserver) -> None:
        self._resource = resource
        self.connect = _raw(resource.connect)
        self.get_status = _raw(resource.get_status)
        self.disconnect = _raw(resource.disconnect)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawWorkspacesModelserver:
    """`client.with_raw_response.workspaces.modelserver`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncWorkspacesModelserver) -> None:
        self._resource = resource
        self.connect = _raw_async(resource.connect)
        self.get_status = _raw_async(resource.get_status)
        self.disconnect = _raw_async(resource.disconnect)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
