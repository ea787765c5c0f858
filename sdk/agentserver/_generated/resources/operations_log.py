"""The resource `client.operations_log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.operations_log import list_workspace_operations
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._paging import paged as _paged
from agentserver._paging import paged_async as _paged_async
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async
from agentserver.pagination import AsyncCursorPager as _AsyncCursorPager
from agentserver.pagination import CursorPager as _CursorPager

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Unpack

    from agentserver._generated.models import OperationRecord
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import AsyncCursorPager, CursorPager


class OperationsLog(Resource):
    """`client.operations_log`: What was done in a workspace by its coding agent, with the
    results.
    """

    __slots__ = ()

    def list(
        self,
        workspace_id: str,
        *,
        env_id: str | Omit = OMIT,
        tool: str | Omit = OMIT,
        source: str | Omit = OMIT,
        is_error: bool | Omit = OMIT,
        since: datetime | Omit = OMIT,
        before: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> CursorPager[OperationRecord]:
        """List what was done in a workspace.

        Returns the operations of the workspace that match every filter, the one that began
        last first; of those that began at the same time, the one with the higher id. Each
        turn is an operation, and is recorded when it ends. Operations are removed after a
        time that the installation sets, 90 days by default.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            env_id: Only operations in this environment. 1 to 255 characters.
            tool: Only operations of this tool. 1 to 255 characters.
            source: Only operations from this source. 1 to 255 characters.
            is_error: Only operations that failed, or only those that did not.
            since: Only operations that began at this time or later.
            before: Only operations that follow the one with this id in the list, so that the
                next page is asked for with the last id of the one before. None follow one
                that the workspace does not have, or no longer. 1 to 255 characters.
            limit: How many to return at most; 100 if omitted. 1 to 1,000.

        Returns:
            Every row, fetched page by page as needed, with the first page already there.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_operations`: `GET
        /api/workspaces/{workspace_id}/operations`. Required role: `guest`.
        """
        return _paged(
            self,
            list_workspace_operations.PAGING,
            lambda limit, before: list_workspace_operations.call(
                workspace_id,
                env_id=env_id,
                tool=tool,
                source=source,
                is_error=is_error,
                since=since,
                before=before,
                limit=limit,
            ),
            limit,
            before,
            options,
            _CursorPager,
        )


class AsyncOperationsLog(AsyncResource):
    """`client.operations_log`: What was done in a workspace by its coding agent, with the
    results.
    """

    __slots__ = ()

    async def list(
        self,
        workspace_id: str,
        *,
        env_id: str | Omit = OMIT,
        tool: str | Omit = OMIT,
        source: str | Omit = OMIT,
        is_error: bool | Omit = OMIT,
        since: datetime | Omit = OMIT,
        before: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AsyncCursorPager[OperationRecord]:
        """List what was done in a workspace.

        Returns the operations of the workspace that match every filter, the one that began
        last first; of those that began at the same time, the one with the higher id. Each
        turn is an operation, and is recorded when it ends. Operations are removed after a
        time that the installation sets, 90 days by default.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            env_id: Only operations in this environment. 1 to 255 characters.
            tool: Only operations of this tool. 1 to 255 characters.
            source: Only operations from this source. 1 to 255 characters.
            is_error: Only operations that failed, or only those that did not.
            since: Only operations that began at this time or later.
            before: Only operations that follow the one with this id in the list, so that the
                next page is asked for with the last id of the one before. None follow one
                that the workspace does not have, or no longer. 1 to 255 characters.
            limit: How many to return at most; 100 if omitted. 1 to 1,000.

        Returns:
            Every row, fetched page by page as needed, with the first page already there.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_operations`: `GET
        /api/workspaces/{workspace_id}/operations`. Required role: `guest`.
        """
        return await _paged_async(
            self,
            list_workspace_operations.PAGING,
            lambda limit, before: list_workspace_operations.call(
                workspace_id,
                env_id=env_id,
                tool=tool,
                source=source,
                is_error=is_error,
                since=since,
                before=before,
                limit=limit,
            ),
            limit,
            before,
            options,
            _AsyncCursorPager,
        )


class RawOperationsLog:
    """`client.with_raw_response.operations_log`, whose methods return a `Response`."""

    def __init__(self, resource: OperationsLog) -> None:
        self._resource = resource
        self.list = _raw(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawOperationsLog:
    """`client.with_raw_response.operations_log`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncOperationsLog) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
