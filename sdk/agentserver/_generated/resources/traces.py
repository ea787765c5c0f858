"""The resource `client.traces`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.traces import (
    get_sandbox_trace,
    get_workspace_trace,
    list_sandbox_traces,
    list_workspace_traces,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._paging import paged as _paged
from agentserver._paging import paged_async as _paged_async
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async
from agentserver.pagination import AsyncPager as _AsyncPager
from agentserver.pagination import Pager as _Pager

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import TraceDetailResponse, TraceRecord
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import AsyncPager, Pager


class Traces(Resource):
    """`client.traces`: Traces of language-model requests, which the language-model proxy
    records. A trace groups the requests of one piece of work, such as one session of an
    agent.
    """

    __slots__ = ()

    def list(
        self,
        workspace_id: str,
        *,
        limit: int | Omit = OMIT,
        offset: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Pager[TraceRecord]:
        """List a workspace's traces.

        Returns the traces of the workspace's language-model requests, the last changed first,
        those of deleted sandboxes included. `total` counts all of them, whatever the page.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            limit: How many a page has at most; 100 if omitted. 1 to 999.
            offset: How many to leave out at the beginning; 0 if omitted. 0 to 2,147,483,647.

        Returns:
            Every row, fetched page by page as needed, with the first page already there.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `list_workspace_traces`: `GET /api/workspaces/{workspace_id}/traces`.
        Required role: `guest`.
        """
        return _paged(
            self,
            list_workspace_traces.PAGING,
            lambda limit, offset: list_workspace_traces.call(
                workspace_id, limit=limit, offset=offset
            ),
            limit,
            offset,
            options,
            _Pager,
        )

    def get(
        self, workspace_id: str, trace_id: str, **options: Unpack[CallOptions]
    ) -> TraceDetailResponse:
        """Get a trace.

        Returns a trace of the workspace with all its requests, the oldest first. Trace ids
        belong to a workspace: another one's trace of the same id is a different trace.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            trace_id: The trace's id. 1 to 255 characters.

        Returns:
            The trace and its requests.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no trace with this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `get_workspace_trace`: `GET
        /api/workspaces/{workspace_id}/traces/{trace_id}`. Required role: `guest`.
        """
        return self._call(get_workspace_trace.call(workspace_id, trace_id), **options)

    def list_of_sandbox(
        self,
        sandbox_id: str,
        *,
        limit: int | Omit = OMIT,
        offset: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Pager[TraceRecord]:
        """List a sandbox's traces.

        Returns the traces in which the sandbox has made requests, or which it began, the last
        changed first. Only its own requests count, so that they add up to its usage. `total`
        counts all traces, whatever the page.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            limit: How many a page has at most; 100 if omitted. 1 to 999.
            offset: How many to leave out at the beginning; 0 if omitted. 0 to 2,147,483,647.

        Returns:
            Every row, fetched page by page as needed, with the first page already there.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `list_sandbox_traces`: `GET /api/sandboxes/{sandbox_id}/traces`. Required
        role: `guest`.
        """
        return _paged(
            self,
            list_sandbox_traces.PAGING,
            lambda limit, offset: list_sandbox_traces.call(sandbox_id, limit=limit, offset=offset),
            limit,
            offset,
            options,
            _Pager,
        )

    def get_of_sandbox(
        self, sandbox_id: str, trace_id: str, **options: Unpack[CallOptions]
    ) -> TraceDetailResponse:
        """Get a sandbox's trace.

        Returns such a trace with the requests of the sandbox, the oldest first. Those of
        other sandboxes in the same trace are left out.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            trace_id: The trace's id. 1 to 255 characters.

        Returns:
            The trace and its requests.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id, or the sandbox has no trace with
                this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `get_sandbox_trace`: `GET /api/sandboxes/{sandbox_id}/traces/{trace_id}`.
        Required role: `guest`.
        """
        return self._call(get_sandbox_trace.call(sandbox_id, trace_id), **options)


class AsyncTraces(AsyncResource):
    """`client.traces`: Traces of language-model requests, which the language-model proxy
    records. A trace groups the requests of one piece of work, such as one session of an
    agent.
    """

    __slots__ = ()

    async def list(
        self,
        workspace_id: str,
        *,
        limit: int | Omit = OMIT,
        offset: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AsyncPager[TraceRecord]:
        """List a workspace's traces.

        Returns the traces of the workspace's language-model requests, the last changed first,
        those of deleted sandboxes included. `total` counts all of them, whatever the page.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            limit: How many a page has at most; 100 if omitted. 1 to 999.
            offset: How many to leave out at the beginning; 0 if omitted. 0 to 2,147,483,647.

        Returns:
            Every row, fetched page by page as needed, with the first page already there.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `list_workspace_traces`: `GET /api/workspaces/{workspace_id}/traces`.
        Required role: `guest`.
        """
        return await _paged_async(
            self,
            list_workspace_traces.PAGING,
            lambda limit, offset: list_workspace_traces.call(
                workspace_id, limit=limit, offset=offset
            ),
            limit,
            offset,
            options,
            _AsyncPager,
        )

    async def get(
        self, workspace_id: str, trace_id: str, **options: Unpack[CallOptions]
    ) -> TraceDetailResponse:
        """Get a trace.

        Returns a trace of the workspace with all its requests, the oldest first. Trace ids
        belong to a workspace: another one's trace of the same id is a different trace.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            trace_id: The trace's id. 1 to 255 characters.

        Returns:
            The trace and its requests.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no trace with this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `get_workspace_trace`: `GET
        /api/workspaces/{workspace_id}/traces/{trace_id}`. Required role: `guest`.
        """
        return await self._call(get_workspace_trace.call(workspace_id, trace_id), **options)

    async def list_of_sandbox(
        self,
        sandbox_id: str,
        *,
        limit: int | Omit = OMIT,
        offset: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AsyncPager[TraceRecord]:
        """List a sandbox's traces.

        Returns the traces in which the sandbox has made requests, or which it began, the last
        changed first. Only its own requests count, so that they add up to its usage. `total`
        counts all traces, whatever the page.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            limit: How many a page has at most; 100 if omitted. 1 to 999.
            offset: How many to leave out at the beginning; 0 if omitted. 0 to 2,147,483,647.

        Returns:
            Every row, fetched page by page as needed, with the first page already there.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `list_sandbox_traces`: `GET /api/sandboxes/{sandbox_id}/traces`. Required
        role: `guest`.
        """
        return await _paged_async(
            self,
            list_sandbox_traces.PAGING,
            lambda limit, offset: list_sandbox_traces.call(sandbox_id, limit=limit, offset=offset),
            limit,
            offset,
            options,
            _AsyncPager,
        )

    async def get_of_sandbox(
        self, sandbox_id: str, trace_id: str, **options: Unpack[CallOptions]
    ) -> TraceDetailResponse:
        """Get a sandbox's trace.

        Returns such a trace with the requests of the sandbox, the oldest first. Those of
        other sandboxes in the same trace are left out.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            trace_id: The trace's id. 1 to 255 characters.

        Returns:
            The trace and its requests.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id, or the sandbox has no trace with
                this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `get_sandbox_trace`: `GET /api/sandboxes/{sandbox_id}/traces/{trace_id}`.
        Required role: `guest`.
        """
        return await self._call(get_sandbox_trace.call(sandbox_id, trace_id), **options)


class RawTraces:
    """`client.with_raw_response.traces`, whose methods return a `Response`."""

    def __init__(self, resource: Traces) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.get = _raw(resource.get)
        self.list_of_sandbox = _raw(resource.list_of_sandbox)
        self.get_of_sandbox = _raw(resource.get_of_sandbox)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawTraces:
    """`client.with_raw_response.traces`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncTraces) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.get = _raw_async(resource.get)
        self.list_of_sandbox = _raw_async(resource.list_of_sandbox)
        self.get_of_sandbox = _raw_async(resource.get_of_sandbox)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
