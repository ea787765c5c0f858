"""The resource `client.sandboxes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentserver._generated.api.sandboxes import (
    create_sandbox,
    delete_sandbox,
    get_sandbox,
    get_sandbox_usage,
    list_sandboxes,
    pause_sandbox,
    rename_sandbox,
    resume_sandbox,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async
from agentserver.waiting import TIMEOUT as _TIMEOUT
from agentserver.waiting import wait as _wait
from agentserver.waiting import wait_async as _wait_async
from agentserver.waiting import wait_for_new as _wait_for_new
from agentserver.waiting import wait_for_new_async as _wait_for_new_async

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Literal, Unpack

    from agentserver._generated.models import (
        Sandbox,
        SandboxLifecycleStatusResponse,
        SandboxType,
        SandboxUsage,
    )
    from agentserver._generated.resources.sandboxes_im import (
        AsyncRawSandboxesIm,
        AsyncSandboxesIm,
        RawSandboxesIm,
        SandboxesIm,
    )
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class Sandboxes(Resource):
    """`client.sandboxes`: Sandboxes, in which agents run. A sandbox is created, paused and
    resumed in the background.
    """

    __slots__ = ()

    @property
    def im(self) -> SandboxesIm:
        """`client.sandboxes.im`."""
        from agentserver._generated.resources.sandboxes_im import SandboxesIm

        return SandboxesIm(self)

    def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[Sandbox]:
        """List a workspace's sandboxes.

        Returns every sandbox of the workspace, in any state, oldest first.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The sandboxes.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_sandboxes`: `GET /api/workspaces/{workspace_id}/sandboxes`. Required
        role: `guest`.
        """
        return self._call(list_sandboxes.call(workspace_id), **options)

    def create(
        self,
        workspace_id: str,
        *,
        name: str,
        type: Literal["opencode", "openclaw", "nanoclaw", "claudecode", "jupyter"]
        | SandboxType
        | Omit = OMIT,
        cpu: int | Omit | None = OMIT,
        memory: int | Omit | None = OMIT,
        idle_timeout: int | Omit | None = OMIT,
        metadata: Mapping[str, Any] | Omit | None = OMIT,
        wait: bool = False,
        **options: Unpack[CallOptions],
    ) -> Sandbox:
        """Create a sandbox.

        Creates a sandbox and starts it in the background: its status is `creating`, then
        `running`, or `offline` if it could not be started. CPU and memory default to the most
        that a sandbox of the workspace may have; without an `idle_timeout`, the workspace's
        applies, or else the installation's. Values over the limits are rejected with 400.
        Fails with 403 if the workspace has as many sandboxes as its quota allows, whatever
        their state, or if the CPU or memory of those that are not paused or offline would
        exceed its budget. Concurrent requests cannot exceed either.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The sandbox's name, which need not be unique. 1 to 255 characters.
            type: The kind of agent that runs in it; `opencode` if omitted. One of `opencode`,
                `openclaw`, `nanoclaw`, `claudecode`, `jupyter`.
            cpu: CPU limit, in millicores; if omitted or null, the most that is allowed. 1 to
                2,147,483,647.
            memory: Memory limit, in bytes; if omitted or null, the most that is allowed. 1 to
                9,007,199,254,740,991.
            idle_timeout: Seconds without activity after which it is paused; if omitted or
                null, those of the workspace or the installation. 0 means never, and is
                allowed only if there is no limit. 0 to 2,147,483,647.
            metadata: Anything that the caller wants to keep with it, without NUL in its
                texts.
            wait: Whether to wait until it is `running`, as `wait` does, and return it as it
                is then.

        Returns:
            The sandbox, which is being started.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The workspace's quota or budget is exhausted (JSON),
                or the caller may not do this (text).
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            WaitFailed: With `wait`: it is in a state that does not lead there by itself.
            WaitTimeout: With `wait`: the time is over.

        Operation `create_sandbox`: `POST /api/workspaces/{workspace_id}/sandboxes`. Required
        role: `developer`.
        """
        made = self._call(
            create_sandbox.call(
                workspace_id,
                name=name,
                type=type,
                cpu=cpu,
                memory=memory,
                idle_timeout=idle_timeout,
                metadata=metadata,
            ),
            **options,
        )
        if not wait:
            return made
        return _wait_for_new(self, get_sandbox.WAITING, made, "id")

    def get(self, sandbox_id: str, **options: Unpack[CallOptions]) -> Sandbox:
        """Get a sandbox.

        Returns a sandbox to any member of its workspace. Reading it does not count as
        activity.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The sandbox.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.

        Operation `get_sandbox`: `GET /api/sandboxes/{sandbox_id}`. Required role: `guest`.
        """
        return self._call(get_sandbox.call(sandbox_id), **options)

    def wait(
        self,
        sandbox_id: str,
        *,
        until: Literal["running", "paused"] = "running",
        timeout: float = _TIMEOUT,
        progress: Callable[[Sandbox], object] | None = None,
    ) -> Sandbox:
        """Wait until it is in a state, and return it as it is then.

        It is read at once, then after half a second, and ever less often up to every five
        seconds. All who wait through one client, or those that `with_options` makes of it,
        send at most ten requests a second together.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            until: The state to wait for.
            timeout: Seconds after which to stop waiting.
            progress: Called with it each time that it is read.

        Returns:
            The sandbox.

        Raises:
            ArgumentError: The state cannot be waited for.
            WaitFailed: It is in a state from which the other is not reached by itself; paused
                or offline, for `running`; offline, for `paused`.
            WaitTimeout: The time is over. It may still reach the state.
            CallError: It cannot be read.
        """
        return _wait(
            self, get_sandbox.WAITING, sandbox_id, until=until, timeout=timeout, progress=progress
        )

    def delete(self, sandbox_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a sandbox.

        Stops a sandbox and deletes it, in any state.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.

        Operation `delete_sandbox`: `DELETE /api/sandboxes/{sandbox_id}`. Required role:
        `developer`.
        """
        return self._call(delete_sandbox.call(sandbox_id), **options)

    def rename(self, sandbox_id: str, *, name: str, **options: Unpack[CallOptions]) -> Sandbox:
        """Rename a sandbox.

        Changes the name, in any state. Nothing else of a sandbox can be changed.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            name: The sandbox's name, which need not be unique. 1 to 255 characters.

        Returns:
            The sandbox with its new name.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `rename_sandbox`: `PATCH /api/sandboxes/{sandbox_id}`. Required role:
        `developer`.
        """
        return self._call(rename_sandbox.call(sandbox_id, name=name), **options)

    def pause(
        self, sandbox_id: str, **options: Unpack[CallOptions]
    ) -> SandboxLifecycleStatusResponse:
        """Pause a sandbox.

        Pauses a running sandbox in the background: its status is `pausing`, then `paused`, or
        `running` again if it could not be paused. It keeps its data. In any other state the
        request fails with 409, so that of several at the same time one succeeds. A sandbox
        that is idle for longer than its idle timeout is paused as well, within a minute.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The sandbox is being paused.

        Raises:
            BadRequest: Status 400: The sandbox runs on a person's own machine, where it
                cannot be paused or resumed from the server.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.
            Conflict: Status 409: The sandbox's state does not allow it.

        Operation `pause_sandbox`: `POST /api/sandboxes/{sandbox_id}/pause`. Required role:
        `developer`.
        """
        return self._call(pause_sandbox.call(sandbox_id), **options)

    def resume(
        self, sandbox_id: str, **options: Unpack[CallOptions]
    ) -> SandboxLifecycleStatusResponse:
        """Resume a sandbox.

        Starts a paused or offline sandbox in the background: its status is `resuming`, then
        `running`, or `offline` if it could not be started. In any other state the request
        fails with 409, so that of several at the same time one succeeds. Fails with 403 if
        its CPU or memory would exceed the workspace's budget.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The sandbox is being resumed.

        Raises:
            BadRequest: Status 400: The sandbox runs on a person's own machine, where it
                cannot be paused or resumed from the server.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The workspace's budget is exhausted (JSON), or the
                caller may not do this (text).
            NotFound: Status 404: No sandbox has this id.
            Conflict: Status 409: The sandbox's state does not allow it.

        Operation `resume_sandbox`: `POST /api/sandboxes/{sandbox_id}/resume`. Required role:
        `developer`.
        """
        return self._call(resume_sandbox.call(sandbox_id), **options)

    def get_usage(
        self, sandbox_id: str, *, since: datetime | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> SandboxUsage:
        """Get a sandbox's language-model usage.

        Returns the tokens and the number of the language-model requests that the sandbox has
        made, one row for each provider and model, sorted by both. A request is counted when
        its answer has ended, also if that broke off; one that failed is not.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            since: Counts the requests of this time and later; if omitted, all of them.

        Returns:
            The usage; `since` is there if it was given.

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

        Operation `get_sandbox_usage`: `GET /api/sandboxes/{sandbox_id}/usage`. Required role:
        `guest`.
        """
        return self._call(get_sandbox_usage.call(sandbox_id, since=since), **options)


class AsyncSandboxes(AsyncResource):
    """`client.sandboxes`: Sandboxes, in which agents run. A sandbox is created, paused and
    resumed in the background.
    """

    __slots__ = ()

    @property
    def im(self) -> AsyncSandboxesIm:
        """`client.sandboxes.im`."""
        from agentserver._generated.resources.sandboxes_im import AsyncSandboxesIm

        return AsyncSandboxesIm(self)

    async def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[Sandbox]:
        """List a workspace's sandboxes.

        Returns every sandbox of the workspace, in any state, oldest first.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The sandboxes.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_sandboxes`: `GET /api/workspaces/{workspace_id}/sandboxes`. Required
        role: `guest`.
        """
        return await self._call(list_sandboxes.call(workspace_id), **options)

    async def create(
        self,
        workspace_id: str,
        *,
        name: str,
        type: Literal["opencode", "openclaw", "nanoclaw", "claudecode", "jupyter"]
        | SandboxType
        | Omit = OMIT,
        cpu: int | Omit | None = OMIT,
        memory: int | Omit | None = OMIT,
        idle_timeout: int | Omit | None = OMIT,
        metadata: Mapping[str, Any] | Omit | None = OMIT,
        wait: bool = False,
        **options: Unpack[CallOptions],
    ) -> Sandbox:
        """Create a sandbox.

        Creates a sandbox and starts it in the background: its status is `creating`, then
        `running`, or `offline` if it could not be started. CPU and memory default to the most
        that a sandbox of the workspace may have; without an `idle_timeout`, the workspace's
        applies, or else the installation's. Values over the limits are rejected with 400.
        Fails with 403 if the workspace has as many sandboxes as its quota allows, whatever
        their state, or if the CPU or memory of those that are not paused or offline would
        exceed its budget. Concurrent requests cannot exceed either.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The sandbox's name, which need not be unique. 1 to 255 characters.
            type: The kind of agent that runs in it; `opencode` if omitted. One of `opencode`,
                `openclaw`, `nanoclaw`, `claudecode`, `jupyter`.
            cpu: CPU limit, in millicores; if omitted or null, the most that is allowed. 1 to
                2,147,483,647.
            memory: Memory limit, in bytes; if omitted or null, the most that is allowed. 1 to
                9,007,199,254,740,991.
            idle_timeout: Seconds without activity after which it is paused; if omitted or
                null, those of the workspace or the installation. 0 means never, and is
                allowed only if there is no limit. 0 to 2,147,483,647.
            metadata: Anything that the caller wants to keep with it, without NUL in its
                texts.
            wait: Whether to wait until it is `running`, as `wait` does, and return it as it
                is then.

        Returns:
            The sandbox, which is being started.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The workspace's quota or budget is exhausted (JSON),
                or the caller may not do this (text).
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            WaitFailed: With `wait`: it is in a state that does not lead there by itself.
            WaitTimeout: With `wait`: the time is over.

        Operation `create_sandbox`: `POST /api/workspaces/{workspace_id}/sandboxes`. Required
        role: `developer`.
        """
        made = await self._call(
            create_sandbox.call(
                workspace_id,
                name=name,
                type=type,
                cpu=cpu,
                memory=memory,
                idle_timeout=idle_timeout,
                metadata=metadata,
            ),
            **options,
        )
        if not wait:
            return made
        return await _wait_for_new_async(self, get_sandbox.WAITING, made, "id")

    async def get(self, sandbox_id: str, **options: Unpack[CallOptions]) -> Sandbox:
        """Get a sandbox.

        Returns a sandbox to any member of its workspace. Reading it does not count as
        activity.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The sandbox.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.

        Operation `get_sandbox`: `GET /api/sandboxes/{sandbox_id}`. Required role: `guest`.
        """
        return await self._call(get_sandbox.call(sandbox_id), **options)

    async def wait(
        self,
        sandbox_id: str,
        *,
        until: Literal["running", "paused"] = "running",
        timeout: float = _TIMEOUT,
        progress: Callable[[Sandbox], object] | None = None,
    ) -> Sandbox:
        """Wait until it is in a state, and return it as it is then.

        It is read at once, then after half a second, and ever less often up to every five
        seconds. All who wait through one client, or those that `with_options` makes of it,
        send at most ten requests a second together.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            until: The state to wait for.
            timeout: Seconds after which to stop waiting.
            progress: Called with it each time that it is read.

        Returns:
            The sandbox.

        Raises:
            ArgumentError: The state cannot be waited for.
            WaitFailed: It is in a state from which the other is not reached by itself; paused
                or offline, for `running`; offline, for `paused`.
            WaitTimeout: The time is over. It may still reach the state.
            CallError: It cannot be read.
        """
        return await _wait_async(
            self, get_sandbox.WAITING, sandbox_id, until=until, timeout=timeout, progress=progress
        )

    async def delete(self, sandbox_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a sandbox.

        Stops a sandbox and deletes it, in any state.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.

        Operation `delete_sandbox`: `DELETE /api/sandboxes/{sandbox_id}`. Required role:
        `developer`.
        """
        return await self._call(delete_sandbox.call(sandbox_id), **options)

    async def rename(
        self, sandbox_id: str, *, name: str, **options: Unpack[CallOptions]
    ) -> Sandbox:
        """Rename a sandbox.

        Changes the name, in any state. Nothing else of a sandbox can be changed.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            name: The sandbox's name, which need not be unique. 1 to 255 characters.

        Returns:
            The sandbox with its new name.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `rename_sandbox`: `PATCH /api/sandboxes/{sandbox_id}`. Required role:
        `developer`.
        """
        return await self._call(rename_sandbox.call(sandbox_id, name=name), **options)

    async def pause(
        self, sandbox_id: str, **options: Unpack[CallOptions]
    ) -> SandboxLifecycleStatusResponse:
        """Pause a sandbox.

        Pauses a running sandbox in the background: its status is `pausing`, then `paused`, or
        `running` again if it could not be paused. It keeps its data. In any other state the
        request fails with 409, so that of several at the same time one succeeds. A sandbox
        that is idle for longer than its idle timeout is paused as well, within a minute.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The sandbox is being paused.

        Raises:
            BadRequest: Status 400: The sandbox runs on a person's own machine, where it
                cannot be paused or resumed from the server.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.
            Conflict: Status 409: The sandbox's state does not allow it.

        Operation `pause_sandbox`: `POST /api/sandboxes/{sandbox_id}/pause`. Required role:
        `developer`.
        """
        return await self._call(pause_sandbox.call(sandbox_id), **options)

    async def resume(
        self, sandbox_id: str, **options: Unpack[CallOptions]
    ) -> SandboxLifecycleStatusResponse:
        """Resume a sandbox.

        Starts a paused or offline sandbox in the background: its status is `resuming`, then
        `running`, or `offline` if it could not be started. In any other state the request
        fails with 409, so that of several at the same time one succeeds. Fails with 403 if
        its CPU or memory would exceed the workspace's budget.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            The sandbox is being resumed.

        Raises:
            BadRequest: Status 400: The sandbox runs on a person's own machine, where it
                cannot be paused or resumed from the server.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The workspace's budget is exhausted (JSON), or the
                caller may not do this (text).
            NotFound: Status 404: No sandbox has this id.
            Conflict: Status 409: The sandbox's state does not allow it.

        Operation `resume_sandbox`: `POST /api/sandboxes/{sandbox_id}/resume`. Required role:
        `developer`.
        """
        return await self._call(resume_sandbox.call(sandbox_id), **options)

    async def get_usage(
        self, sandbox_id: str, *, since: datetime | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> SandboxUsage:
        """Get a sandbox's language-model usage.

        Returns the tokens and the number of the language-model requests that the sandbox has
        made, one row for each provider and model, sorted by both. A request is counted when
        its answer has ended, also if that broke off; one that failed is not.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            since: Counts the requests of this time and later; if omitted, all of them.

        Returns:
            The usage; `since` is there if it was given.

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

        Operation `get_sandbox_usage`: `GET /api/sandboxes/{sandbox_id}/usage`. Required role:
        `guest`.
        """
        return await self._call(get_sandbox_usage.call(sandbox_id, since=since), **options)


class RawSandboxes:
    """`client.with_raw_response.sandboxes`, whose methods return a `Response`."""

    def __init__(self, resource: Sandboxes) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.create = _raw(resource.create)
        self.get = _raw(resource.get)
        self.delete = _raw(resource.delete)
        self.rename = _raw(resource.rename)
        self.pause = _raw(resource.pause)
        self.resume = _raw(resource.resume)
        self.get_usage = _raw(resource.get_usage)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def im(self) -> RawSandboxesIm:
        """`client.with_raw_response.sandboxes.im`."""
        from agentserver._generated.resources.sandboxes_im import RawSandboxesIm

        return RawSandboxesIm(self._resource.im)


class AsyncRawSandboxes:
    """`client.with_raw_response.sandboxes`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncSandboxes) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.create = _raw_async(resource.create)
        self.get = _raw_async(resource.get)
        self.delete = _raw_async(resource.delete)
        self.rename = _raw_async(resource.rename)
        self.pause = _raw_async(resource.pause)
        self.resume = _raw_async(resource.resume)
        self.get_usage = _raw_async(resource.get_usage)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"

    @property
    def im(self) -> AsyncRawSandboxesIm:
        """`client.with_raw_response.sandboxes.im`."""
        from agentserver._generated.resources.sandboxes_im import AsyncRawSandboxesIm

        return AsyncRawSandboxesIm(self._resource.im)
