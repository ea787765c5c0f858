"""The resource `client.sandboxes.im`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.im import bind_sandbox_im_channel, unbind_sandbox_im_channel
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import IMSandboxBindResponse, IMSandboxUnbindResponse
    from agentserver._operation import CallOptions


class SandboxesIm(Resource):
    """`client.sandboxes.im`."""

    __slots__ = ()

    def bind(
        self, sandbox_id: str, *, channel_id: str, **options: Unpack[CallOptions]
    ) -> IMSandboxBindResponse:
        """Bind a channel to a sandbox.

        Binds a channel of the sandbox's workspace to the sandbox, in any state. A sandbox has
        one channel at most, and a channel is bound to one sandbox at most: the channel that
        the sandbox had is free then, and a channel that was bound to another sandbox moves.
        This holds also for requests at the same time.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            channel_id: The id of a channel of the sandbox's workspace. 1 to 255 characters.

        Returns:
            The channel is bound to the sandbox.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: There is no such sandbox, or its workspace has no such
                channel.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `bind_sandbox_im_channel`: `POST /api/sandboxes/{sandbox_id}/im/bind`.
        Required role: `developer`.
        """
        return self._call(
            bind_sandbox_im_channel.call(sandbox_id, channel_id=channel_id), **options
        )

    def unbind(self, sandbox_id: str, **options: Unpack[CallOptions]) -> IMSandboxUnbindResponse:
        """Unbind a sandbox's channel.

        Frees the channel that is bound to a sandbox, if there is one. The channel stays.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            No channel is bound to the sandbox.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.

        Operation `unbind_sandbox_im_channel`: `DELETE /api/sandboxes/{sandbox_id}/im/bind`.
        Required role: `developer`.
        """
        return self._call(unbind_sandbox_im_channel.call(sandbox_id), **options)


class AsyncSandboxesIm(AsyncResource):
    """`client.sandboxes.im`."""

    __slots__ = ()

    async def bind(
        self, sandbox_id: str, *, channel_id: str, **options: Unpack[CallOptions]
    ) -> IMSandboxBindResponse:
        """Bind a channel to a sandbox.

        Binds a channel of the sandbox's workspace to the sandbox, in any state. A sandbox has
        one channel at most, and a channel is bound to one sandbox at most: the channel that
        the sandbox had is free then, and a channel that was bound to another sandbox moves.
        This holds also for requests at the same time.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.
            channel_id: The id of a channel of the sandbox's workspace. 1 to 255 characters.

        Returns:
            The channel is bound to the sandbox.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: There is no such sandbox, or its workspace has no such
                channel.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `bind_sandbox_im_channel`: `POST /api/sandboxes/{sandbox_id}/im/bind`.
        Required role: `developer`.
        """
        return await self._call(
            bind_sandbox_im_channel.call(sandbox_id, channel_id=channel_id), **options
        )

    async def unbind(
        self, sandbox_id: str, **options: Unpack[CallOptions]
    ) -> IMSandboxUnbindResponse:
        """Unbind a sandbox's channel.

        Frees the channel that is bound to a sandbox, if there is one. The channel stays.

        Args:
            sandbox_id: The sandbox's id. 1 to 255 characters.

        Returns:
            No channel is bound to the sandbox.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No sandbox has this id.

        Operation `unbind_sandbox_im_channel`: `DELETE /api/sandboxes/{sandbox_id}/im/bind`.
        Required role: `developer`.
        """
        return await self._call(unbind_sandbox_im_channel.call(sandbox_id), **options)


class RawSandboxesIm:
    """`client.with_raw_response.sandboxes.im`, whose methods return a `Response`."""

    def __init__(self, resource: SandboxesIm) -> None:
        self._resource = resource
        self.bind = _raw(resource.bind)
        self.unbind = _raw(resource.unbind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawSandboxesIm:
    """`client.with_raw_response.sandboxes.im`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncSandboxesIm) -> None:
        self._resource = resource
        self.bind = _raw_async(resource.bind)
        self.unbind = _raw_async(resource.unbind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
