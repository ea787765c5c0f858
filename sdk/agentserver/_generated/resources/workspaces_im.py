"""The resource `client.workspaces.im`."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from agentserver._encode import hide as _hide
from agentserver._generated.api.im import (
    configure_matrix_channel,
    configure_telegram_channel,
    delete_im_channel,
    list_im_channels,
    start_weixin_qr_login,
    update_im_channel,
    wait_weixin_qr_login,
)
from agentserver._login import logged_in as _logged_in
from agentserver._login import logged_in_async as _logged_in_async
from agentserver._login import show_qr_code as _show_qr_code
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Literal, Unpack

    from agentserver._generated.models import (
        IMChannelListResponse,
        IMChannelPatchResponse,
        IMMatrixConfigureResponse,
        IMRoutingMode,
        IMTelegramConfigureResponse,
        IMWeixinQRStartResponse,
        IMWeixinQRWaitResponse,
    )
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver._secret import Secret


class WorkspacesIm(Resource):
    """`client.workspaces.im`."""

    __slots__ = ()

    def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> IMChannelListResponse:
        """List a workspace's channels.

        Returns the channels of the workspace, in the order in which their bots were connected
        last. Tokens are never shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The channels.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_im_channels`: `GET /api/workspaces/{workspace_id}/im/channels`.
        Required role: `guest`.
        """
        return self._call(list_im_channels.call(workspace_id), **options)

    def delete(self, workspace_id: str, channel_id: str, **options: Unpack[CallOptions]) -> None:
        """Delete a channel.

        Deletes a channel, with its token: no message is received by it or sent by it any
        more. A sandbox that it is bound to stays, without a channel. The bot itself stays at
        its service, and can be connected again.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            channel_id: The channel's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such channel.

        Operation `delete_im_channel`: `DELETE
        /api/workspaces/{workspace_id}/im/channels/{channel_id}`. Required role: `developer`.
        """
        return self._call(delete_im_channel.call(workspace_id, channel_id), **options)

    def update(
        self,
        workspace_id: str,
        channel_id: str,
        *,
        require_mention: bool | Omit | None = OMIT,
        routing_mode: Literal["nanoclaw", "codex"] | IMRoutingMode | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> IMChannelPatchResponse:
        """Change a channel.

        Changes how the messages of a channel are treated. What is left out, or null, stays.
        Either everything that is given is changed, or nothing.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            channel_id: The channel's id. 1 to 255 characters.
            require_mention: Whether messages in groups count only if they mention the bot; if
                omitted or null, it stays.
            routing_mode: Who is given its messages; if omitted or null, it stays. One of
                `nanoclaw`, `codex`.

        Returns:
            The channel was changed.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such channel.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_im_channel`: `PATCH
        /api/workspaces/{workspace_id}/im/channels/{channel_id}`. Required role: `developer`.
        """
        return self._call(
            update_im_channel.call(
                workspace_id, channel_id, require_mention=require_mention, routing_mode=routing_mode
            ),
            **options,
        )

    def configure_telegram(
        self, workspace_id: str, *, bot_token: str | Secret, **options: Unpack[CallOptions]
    ) -> IMTelegramConfigureResponse:
        """Connect a Telegram bot.

        Asks Telegram whose the token is, and connects that bot to the workspace. A bot that
        the workspace has already keeps its channel, with everything that was set, and has the
        new token.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            bot_token: The bot's token, as Telegram's BotFather shows it. 1 to 255 characters.

        Returns:
            The bot is connected.

        Raises:
            BadRequest: Status 400: The body violates its schema, or the service does not
                accept the token. What the service says of it is never passed on.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.

        Operation `configure_telegram_channel`: `POST
        /api/workspaces/{workspace_id}/im/telegram/configure`. Required role: `developer`.
        """
        bot_token = _hide(bot_token)
        return self._call(
            configure_telegram_channel.call(workspace_id, bot_token=bot_token), **options
        )

    def configure_matrix(
        self,
        workspace_id: str,
        *,
        homeserver_url: str,
        access_token: str | Secret,
        recovery_key: str | Secret | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> IMMatrixConfigureResponse:
        """Connect a Matrix account.

        Asks a Matrix homeserver whose the access token is, and connects that account to the
        workspace. An account that the workspace has already keeps its channel, with
        everything that was set, and has the new address and token.

        The homeserver is outside of private networks unless the operator allows these. The
        messages of encrypted rooms are not read: `recovery_key` is taken, and ignored.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            homeserver_url: The address of its homeserver: an `https://` URL without user,
                password, query or fragment. `http://` is accepted where the operator allows
                private networks. 1 to 2,048 characters.
            access_token: An access token of the account, of printable ASCII without spaces. 1
                to 4,096 characters.
            recovery_key: The key to the account's encrypted messages. It is ignored, and not
                stored; they are not read. At most 4,096 characters.

        Returns:
            The account is connected.

        Raises:
            BadRequest: Status 400: The body violates its schema, or the service does not
                accept the token. What the service says of it is never passed on.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.

        Operation `configure_matrix_channel`: `POST
        /api/workspaces/{workspace_id}/im/matrix/configure`. Required role: `developer`.
        """
        access_token = _hide(access_token)
        recovery_key = _hide(recovery_key)
        return self._call(
            configure_matrix_channel.call(
                workspace_id,
                homeserver_url=homeserver_url,
                access_token=access_token,
                recovery_key=recovery_key,
            ),
            **options,
        )

    @overload
    def start_weixin_login(
        self,
        workspace_id: str,
        *,
        wait: Literal[False] = False,
        on_code: Callable[[IMWeixinQRStartResponse], object] = _show_qr_code,
        **options: Unpack[CallOptions],
    ) -> IMWeixinQRStartResponse: ...
    @overload
    def start_weixin_login(
        self,
        workspace_id: str,
        *,
        wait: Literal[True],
        on_code: Callable[[IMWeixinQRStartResponse], object] = _show_qr_code,
        **options: Unpack[CallOptions],
    ) -> IMWeixinQRWaitResponse: ...
    def start_weixin_login(
        self,
        workspace_id: str,
        *,
        wait: bool = False,
        on_code: Callable[[IMWeixinQRStartResponse], object] = _show_qr_code,
        **options: Unpack[CallOptions],
    ) -> IMWeixinQRStartResponse | IMWeixinQRWaitResponse:
        """Begin a sign-in to WeChat.

        Begins the login of a WeChat bot, and returns what a QR code has to hold that a person
        scans in WeChat. A workspace has one login at a time, for ten minutes: beginning again
        ends the one before.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            wait: Whether to wait until a person has scanned the code and confirmed it. The
                answer is then that of `wait_weixin_login`.
            on_code: With `wait`: called with what is to be scanned, which has `qrcode_url`.
                By default it is printed to standard error; on a terminal, and with the extra
                `agent`, as a QR code too.

        Returns:
            The login has begun.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.
            WaitTimeout: With `wait`: the code has expired. Begin again, or show the one of
                its `resource`.
            WaitFailed: With `wait`: the login does not succeed any more; its `state` says
                why.
            CallError: With `wait`: it cannot be asked how far the login is, as for
                `wait_weixin_login`.

        Operation `start_weixin_qr_login`: `POST
        /api/workspaces/{workspace_id}/im/weixin/qr-start`. Required role: `developer`.
        """
        begun = self._call(start_weixin_qr_login.call(workspace_id), **options)
        if not wait:
            return begun
        return _logged_in(
            self,
            start_weixin_qr_login.LOGIN,
            begun,
            lambda: wait_weixin_qr_login.call(workspace_id),
            on_code,
        )

    def wait_weixin_login(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> IMWeixinQRWaitResponse:
        """Await news of a sign-in to WeChat.

        Asks WeChat once how far the login of the workspace is, for half a minute at most;
        call it again until `connected` is true. The bot is connected when the login is
        `confirmed`: a bot that the workspace has already keeps its channel, with everything
        that was set. It is connected once, also if several callers ask at the same time. When
        a code has `expired`, the answer has a new one, which is valid for ten minutes again.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            How far the login is.

        Raises:
            BadRequest: Status 400: The workspace has no login that is younger than ten
                minutes.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: Another request has completed or replaced the login
                meanwhile.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.

        Operation `wait_weixin_qr_login`: `POST
        /api/workspaces/{workspace_id}/im/weixin/qr-wait`. Required role: `developer`.
        """
        return self._call(wait_weixin_qr_login.call(workspace_id), **options)


class AsyncWorkspacesIm(AsyncResource):
    """`client.workspaces.im`."""

    __slots__ = ()

    async def list(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> IMChannelListResponse:
        """List a workspace's channels.

        Returns the channels of the workspace, in the order in which their bots were connected
        last. Tokens are never shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The channels.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_im_channels`: `GET /api/workspaces/{workspace_id}/im/channels`.
        Required role: `guest`.
        """
        return await self._call(list_im_channels.call(workspace_id), **options)

    async def delete(
        self, workspace_id: str, channel_id: str, **options: Unpack[CallOptions]
    ) -> None:
        """Delete a channel.

        Deletes a channel, with its token: no message is received by it or sent by it any
        more. A sandbox that it is bound to stays, without a channel. The bot itself stays at
        its service, and can be connected again.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            channel_id: The channel's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such channel.

        Operation `delete_im_channel`: `DELETE
        /api/workspaces/{workspace_id}/im/channels/{channel_id}`. Required role: `developer`.
        """
        return await self._call(delete_im_channel.call(workspace_id, channel_id), **options)

    async def update(
        self,
        workspace_id: str,
        channel_id: str,
        *,
        require_mention: bool | Omit | None = OMIT,
        routing_mode: Literal["nanoclaw", "codex"] | IMRoutingMode | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> IMChannelPatchResponse:
        """Change a channel.

        Changes how the messages of a channel are treated. What is left out, or null, stays.
        Either everything that is given is changed, or nothing.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            channel_id: The channel's id. 1 to 255 characters.
            require_mention: Whether messages in groups count only if they mention the bot; if
                omitted or null, it stays.
            routing_mode: Who is given its messages; if omitted or null, it stays. One of
                `nanoclaw`, `codex`.

        Returns:
            The channel was changed.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such channel.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_im_channel`: `PATCH
        /api/workspaces/{workspace_id}/im/channels/{channel_id}`. Required role: `developer`.
        """
        return await self._call(
            update_im_channel.call(
                workspace_id, channel_id, require_mention=require_mention, routing_mode=routing_mode
            ),
            **options,
        )

    async def configure_telegram(
        self, workspace_id: str, *, bot_token: str | Secret, **options: Unpack[CallOptions]
    ) -> IMTelegramConfigureResponse:
        """Connect a Telegram bot.

        Asks Telegram whose the token is, and connects that bot to the workspace. A bot that
        the workspace has already keeps its channel, with everything that was set, and has the
        new token.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            bot_token: The bot's token, as Telegram's BotFather shows it. 1 to 255 characters.

        Returns:
            The bot is connected.

        Raises:
            BadRequest: Status 400: The body violates its schema, or the service does not
                accept the token. What the service says of it is never passed on.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.

        Operation `configure_telegram_channel`: `POST
        /api/workspaces/{workspace_id}/im/telegram/configure`. Required role: `developer`.
        """
        bot_token = _hide(bot_token)
        return await self._call(
            configure_telegram_channel.call(workspace_id, bot_token=bot_token), **options
        )

    async def configure_matrix(
        self,
        workspace_id: str,
        *,
        homeserver_url: str,
        access_token: str | Secret,
        recovery_key: str | Secret | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> IMMatrixConfigureResponse:
        """Connect a Matrix account.

        Asks a Matrix homeserver whose the access token is, and connects that account to the
        workspace. An account that the workspace has already keeps its channel, with
        everything that was set, and has the new address and token.

        The homeserver is outside of private networks unless the operator allows these. The
        messages of encrypted rooms are not read: `recovery_key` is taken, and ignored.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            homeserver_url: The address of its homeserver: an `https://` URL without user,
                password, query or fragment. `http://` is accepted where the operator allows
                private networks. 1 to 2,048 characters.
            access_token: An access token of the account, of printable ASCII without spaces. 1
                to 4,096 characters.
            recovery_key: The key to the account's encrypted messages. It is ignored, and not
                stored; they are not read. At most 4,096 characters.

        Returns:
            The account is connected.

        Raises:
            BadRequest: Status 400: The body violates its schema, or the service does not
                accept the token. What the service says of it is never passed on.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.

        Operation `configure_matrix_channel`: `POST
        /api/workspaces/{workspace_id}/im/matrix/configure`. Required role: `developer`.
        """
        access_token = _hide(access_token)
        recovery_key = _hide(recovery_key)
        return await self._call(
            configure_matrix_channel.call(
                workspace_id,
                homeserver_url=homeserver_url,
                access_token=access_token,
                recovery_key=recovery_key,
            ),
            **options,
        )

    @overload
    async def start_weixin_login(
        self,
        workspace_id: str,
        *,
        wait: Literal[False] = False,
        on_code: Callable[[IMWeixinQRStartResponse], Awaitable[object] | object] = _show_qr_code,
        **options: Unpack[CallOptions],
    ) -> IMWeixinQRStartResponse: ...
    @overload
    async def start_weixin_login(
        self,
        workspace_id: str,
        *,
        wait: Literal[True],
        on_code: Callable[[IMWeixinQRStartResponse], Awaitable[object] | object] = _show_qr_code,
        **options: Unpack[CallOptions],
    ) -> IMWeixinQRWaitResponse: ...
    async def start_weixin_login(
        self,
        workspace_id: str,
        *,
        wait: bool = False,
        on_code: Callable[[IMWeixinQRStartResponse], Awaitable[object] | object] = _show_qr_code,
        **options: Unpack[CallOptions],
    ) -> IMWeixinQRStartResponse | IMWeixinQRWaitResponse:
        """Begin a sign-in to WeChat.

        Begins the login of a WeChat bot, and returns what a QR code has to hold that a person
        scans in WeChat. A workspace has one login at a time, for ten minutes: beginning again
        ends the one before.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            wait: Whether to wait until a person has scanned the code and confirmed it. The
                answer is then that of `wait_weixin_login`.
            on_code: With `wait`: called with what is to be scanned, which has `qrcode_url`.
                By default it is printed to standard error; on a terminal, and with the extra
                `agent`, as a QR code too. It may be a coroutine function.

        Returns:
            The login has begun.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.
            WaitTimeout: With `wait`: the code has expired. Begin again, or show the one of
                its `resource`.
            WaitFailed: With `wait`: the login does not succeed any more; its `state` says
                why.
            CallError: With `wait`: it cannot be asked how far the login is, as for
                `wait_weixin_login`.

        Operation `start_weixin_qr_login`: `POST
        /api/workspaces/{workspace_id}/im/weixin/qr-start`. Required role: `developer`.
        """
        begun = await self._call(start_weixin_qr_login.call(workspace_id), **options)
        if not wait:
            return begun
        return await _logged_in_async(
            self,
            start_weixin_qr_login.LOGIN,
            begun,
            lambda: wait_weixin_qr_login.call(workspace_id),
            on_code,
        )

    async def wait_weixin_login(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> IMWeixinQRWaitResponse:
        """Await news of a sign-in to WeChat.

        Asks WeChat once how far the login of the workspace is, for half a minute at most;
        call it again until `connected` is true. The bot is connected when the login is
        `confirmed`: a bot that the workspace has already keeps its channel, with everything
        that was set. It is connected once, also if several callers ask at the same time. When
        a code has `expired`, the answer has a new one, which is valid for ten minutes again.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            How far the login is.

        Raises:
            BadRequest: Status 400: The workspace has no login that is younger than ten
                minutes.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: Another request has completed or replaced the login
                meanwhile.
            BadGateway: Status 502: The service is unreachable, or has sent an invalid
                response. What it says is never passed on.
            ServiceUnavailable: Status 503: The services for messages are disabled on this
                server.

        Operation `wait_weixin_qr_login`: `POST
        /api/workspaces/{workspace_id}/im/weixin/qr-wait`. Required role: `developer`.
        """
        return await self._call(wait_weixin_qr_login.call(workspace_id), **options)


class RawWorkspacesIm:
    """`client.with_raw_response.workspaces.im`, whose methods return a `Response`."""

    def __init__(self, resource: WorkspacesIm) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.delete = _raw(resource.delete)
        self.update = _raw(resource.update)
        self.configure_telegram = _raw(resource.configure_telegram)
        self.configure_matrix = _raw(resource.configure_matrix)
        self.start_weixin_login = _raw(resource.start_weixin_login)
        self.wait_weixin_login = _raw(resource.wait_weixin_login)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawWorkspacesIm:
    """`client.with_raw_response.workspaces.im`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncWorkspacesIm) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.delete = _raw_async(resource.delete)
        self.update = _raw_async(resource.update)
        self.configure_telegram = _raw_async(resource.configure_telegram)
        self.configure_matrix = _raw_async(resource.configure_matrix)
        self.start_weixin_login = _raw_async(resource.start_weixin_login)
        self.wait_weixin_login = _raw_async(resource.wait_weixin_login)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
