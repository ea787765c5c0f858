"""The resource `client.executors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.executors import list_executors, register_executor, unbind_executor
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import ExecutorItem, ExecutorRegisterResponse
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class Executors(Resource):
    """`client.executors`: Executors: machines on which codex runs commands for a workspace. A
    machine is connected with the command that is returned when its executor is registered;
    the command contains its identity, which ends when the executor is unbound, and when the
    person who registered it can no longer register executors in the workspace.
    """

    __slots__ = ()

    def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[ExecutorItem]:
        """List a workspace's executors.

        Returns the executors of the workspace, oldest first, and which of them are online:
        connected, and with a sign of life within the last 60 seconds. What is not known of a
        machine is left out.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The executors.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The gateway to which executors are connected is
                unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: Executors are disabled on this server.

        Operation `list_executors`: `GET /api/workspaces/{workspace_id}/executors`. Required
        role: `guest`.
        """
        return self._call(list_executors.call(workspace_id), **options)

    def register(
        self,
        workspace_id: str,
        *,
        name: str,
        description: str | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> ExecutorRegisterResponse:
        """Register an executor.

        Registers an executor, and returns its identity, and the command that connects a
        machine with it. Both are shown in this response only, and a machine that has them is
        the executor. The identity expires (after 30 days, by default); then the executor has
        to be unbound and registered anew. Of concurrent requests with one name, one succeeds;
        the others get 409.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The executor's name, unique in the workspace. Upper and lower case differ. 1
                to 64 characters.
            description: What it is for. Left out, it is empty. At most 10,000 characters.

        Returns:
            The executor was registered.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: An executor of the workspace has that name.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The gateway to which executors are connected is
                unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: Executors are disabled on this server.

        Operation `register_executor`: `POST /api/workspaces/{workspace_id}/executors`.
        Required role: `maintainer`.
        """
        return self._call(
            register_executor.call(workspace_id, name=name, description=description), **options
        )

    def unbind(self, workspace_id: str, exe_id: str, **options: Unpack[CallOptions]) -> None:
        """Unbind an executor.

        Removes an executor from the workspace and revokes its identity: it cannot connect any
        more, and if it is connected, it is disconnected within 5 seconds. Its name may be
        used again. Succeeds as well if the workspace has no such executor.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            exe_id: The executor's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The gateway to which executors are connected is
                unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: Executors are disabled on this server.

        Operation `unbind_executor`: `DELETE
        /api/workspaces/{workspace_id}/executors/{exe_id}`. Required role: `maintainer`.
        """
        return self._call(unbind_executor.call(workspace_id, exe_id), **options)


class AsyncExecutors(AsyncResource):
    """`client.executors`: Executors: machines on which codex runs commands for a workspace. A
    machine is connected with the command that is returned when its executor is registered;
    the command contains its identity, which ends when the executor is unbound, and when the
    person who registered it can no longer register executors in the workspace.
    """

    __slots__ = ()

    async def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[ExecutorItem]:
        """List a workspace's executors.

        Returns the executors of the workspace, oldest first, and which of them are online:
        connected, and with a sign of life within the last 60 seconds. What is not known of a
        machine is left out.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The executors.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The gateway to which executors are connected is
                unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: Executors are disabled on this server.

        Operation `list_executors`: `GET /api/workspaces/{workspace_id}/executors`. Required
        role: `guest`.
        """
        return await self._call(list_executors.call(workspace_id), **options)

    async def register(
        self,
        workspace_id: str,
        *,
        name: str,
        description: str | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> ExecutorRegisterResponse:
        """Register an executor.

        Registers an executor, and returns its identity, and the command that connects a
        machine with it. Both are shown in this response only, and a machine that has them is
        the executor. The identity expires (after 30 days, by default); then the executor has
        to be unbound and registered anew. Of concurrent requests with one name, one succeeds;
        the others get 409.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The executor's name, unique in the workspace. Upper and lower case differ. 1
                to 64 characters.
            description: What it is for. Left out, it is empty. At most 10,000 characters.

        Returns:
            The executor was registered.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: An executor of the workspace has that name.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The gateway to which executors are connected is
                unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: Executors are disabled on this server.

        Operation `register_executor`: `POST /api/workspaces/{workspace_id}/executors`.
        Required role: `maintainer`.
        """
        return await self._call(
            register_executor.call(workspace_id, name=name, description=description), **options
        )

    async def unbind(self, workspace_id: str, exe_id: str, **options: Unpack[CallOptions]) -> None:
        """Unbind an executor.

        Removes an executor from the workspace and revokes its identity: it cannot connect any
        more, and if it is connected, it is disconnected within 5 seconds. Its name may be
        used again. Succeeds as well if the workspace has no such executor.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            exe_id: The executor's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The gateway to which executors are connected is
                unreachable or sent an invalid response.
            ServiceUnavailable: Status 503: Executors are disabled on this server.

        Operation `unbind_executor`: `DELETE
        /api/workspaces/{workspace_id}/executors/{exe_id}`. Required role: `maintainer`.
        """
        return await self._call(unbind_executor.call(workspace_id, exe_id), **options)


class RawExecutors:
    """`client.with_raw_response.executors`, whose methods return a `Response`."""

    def __init__(self, resource: Executors) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.register = _raw(resource.register)
        self.unbind = _raw(resource.unbind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawExecutors:
    """`client.with_raw_response.executors`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncExecutors) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.register = _raw_async(resource.register)
        self.unbind = _raw_async(resource.unbind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
