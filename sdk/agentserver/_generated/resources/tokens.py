"""The resource `client.tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.tokens import (
    list_codex_browsers,
    list_codex_tokens,
    mint_codex_token,
    revoke_codex_token,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import (
        CodexBrowserItem,
        CodexTokenListItem,
        CodexTokenMintResponse,
    )
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class Tokens(Resource):
    """`client.tokens`: Codex tokens, with which people open a workspace in their own `codex
    --remote`. A token acts for the member who made it, in one workspace: it ends when it
    expires or is revoked, and when its owner leaves the workspace or becomes a guest.
    """

    __slots__ = ()

    def list(
        self,
        *,
        workspace_id: str,
        include_revoked: bool | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Page[CodexTokenListItem]:
        """List a workspace's codex tokens.

        Returns the codex tokens of all members of the workspace, newest first, including
        those that have expired, and those that are revoked if asked for. Secrets are never
        shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            include_revoked: Whether to return tokens that are revoked as well; false if
                omitted.

        Returns:
            The codex tokens.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_codex_tokens`: `GET /api/codex/tokens`. Required role: `guest`.
        """
        return self._call(
            list_codex_tokens.call(workspace_id=workspace_id, include_revoked=include_revoked),
            **options,
        )

    def mint(
        self,
        *,
        workspace_id: str,
        name: str,
        ttl_days: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> CodexTokenMintResponse:
        """Make a codex token.

        Makes a codex token of the caller for a workspace. The token is shown in this response
        only; the server keeps a hash. Names need not be unique. A workspace may have 1,000
        tokens that are neither revoked nor expired; concurrent requests cannot exceed that.

        Args:
            workspace_id: The id of the workspace that it opens. 1 to 255 characters.
            name: The token's name, which need not be unique. 1 to 255 characters.
            ttl_days: For how many days it is valid; 90 if omitted. 1 to 365.

        Returns:
            The codex token was made.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: The workspace has as many codex tokens as it may have.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            UnprocessableEntity: Status 422: A number in the body is out of its range, and
                nothing else is wrong with the body.

        Operation `mint_codex_token`: `POST /api/codex/tokens`. Required role: `developer`.
        """
        return self._call(
            mint_codex_token.call(workspace_id=workspace_id, name=name, ttl_days=ttl_days),
            **options,
        )

    def revoke(self, token_id: str, **options: Unpack[CallOptions]) -> None:
        """Revoke a codex token.

        Revokes a codex token of the caller, also of a workspace that the caller has left, or
        of anybody in a workspace that the caller is a maintainer or owner of: from now on it
        is refused. It remains in the list. Succeeds as well if it is revoked already, whose
        time then stays, or if there is no such token.

        Args:
            token_id: The codex token's id, which is not the token itself. 1 to 255
                characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The token belongs to another member, and the caller
                is neither a maintainer nor an owner of its workspace.

        Operation `revoke_codex_token`: `DELETE /api/codex/tokens/{token_id}`. Required role:
        `user`.
        """
        return self._call(revoke_codex_token.call(token_id), **options)

    def list_browsers(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> Page[CodexBrowserItem]:
        """List what is connected with codex tokens.

        Returns the codex tokens of the workspace that are not revoked, newest first, each
        with what is connected with it, or was last: something that is still connected is
        shown rather than what was connected later and no longer is. What is not known is left
        out. A token is online if something is connected with it that has given a sign of life
        within the last 60 seconds.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The codex tokens, and what is connected with them.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_codex_browsers`: `GET /api/workspaces/{workspace_id}/browsers`.
        Required role: `guest`.
        """
        return self._call(list_codex_browsers.call(workspace_id), **options)


class AsyncTokens(AsyncResource):
    """`client.tokens`: Codex tokens, with which people open a workspace in their own `codex
    --remote`. A token acts for the member who made it, in one workspace: it ends when it
    expires or is revoked, and when its owner leaves the workspace or becomes a guest.
    """

    __slots__ = ()

    async def list(
        self,
        *,
        workspace_id: str,
        include_revoked: bool | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Page[CodexTokenListItem]:
        """List a workspace's codex tokens.

        Returns the codex tokens of all members of the workspace, newest first, including
        those that have expired, and those that are revoked if asked for. Secrets are never
        shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            include_revoked: Whether to return tokens that are revoked as well; false if
                omitted.

        Returns:
            The codex tokens.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_codex_tokens`: `GET /api/codex/tokens`. Required role: `guest`.
        """
        return await self._call(
            list_codex_tokens.call(workspace_id=workspace_id, include_revoked=include_revoked),
            **options,
        )

    async def mint(
        self,
        *,
        workspace_id: str,
        name: str,
        ttl_days: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> CodexTokenMintResponse:
        """Make a codex token.

        Makes a codex token of the caller for a workspace. The token is shown in this response
        only; the server keeps a hash. Names need not be unique. A workspace may have 1,000
        tokens that are neither revoked nor expired; concurrent requests cannot exceed that.

        Args:
            workspace_id: The id of the workspace that it opens. 1 to 255 characters.
            name: The token's name, which need not be unique. 1 to 255 characters.
            ttl_days: For how many days it is valid; 90 if omitted. 1 to 365.

        Returns:
            The codex token was made.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: The workspace has as many codex tokens as it may have.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            UnprocessableEntity: Status 422: A number in the body is out of its range, and
                nothing else is wrong with the body.

        Operation `mint_codex_token`: `POST /api/codex/tokens`. Required role: `developer`.
        """
        return await self._call(
            mint_codex_token.call(workspace_id=workspace_id, name=name, ttl_days=ttl_days),
            **options,
        )

    async def revoke(self, token_id: str, **options: Unpack[CallOptions]) -> None:
        """Revoke a codex token.

        Revokes a codex token of the caller, also of a workspace that the caller has left, or
        of anybody in a workspace that the caller is a maintainer or owner of: from now on it
        is refused. It remains in the list. Succeeds as well if it is revoked already, whose
        time then stays, or if there is no such token.

        Args:
            token_id: The codex token's id, which is not the token itself. 1 to 255
                characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The token belongs to another member, and the caller
                is neither a maintainer nor an owner of its workspace.

        Operation `revoke_codex_token`: `DELETE /api/codex/tokens/{token_id}`. Required role:
        `user`.
        """
        return await self._call(revoke_codex_token.call(token_id), **options)

    async def list_browsers(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> Page[CodexBrowserItem]:
        """List what is connected with codex tokens.

        Returns the codex tokens of the workspace that are not revoked, newest first, each
        with what is connected with it, or was last: something that is still connected is
        shown rather than what was connected later and no longer is. What is not known is left
        out. A token is online if something is connected with it that has given a sign of life
        within the last 60 seconds.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The codex tokens, and what is connected with them.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_codex_browsers`: `GET /api/workspaces/{workspace_id}/browsers`.
        Required role: `guest`.
        """
        return await self._call(list_codex_browsers.call(workspace_id), **options)


class RawTokens:
    """`client.with_raw_response.tokens`, whose methods return a `Response`."""

    def __init__(self, resource: Tokens) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.mint = _raw(resource.mint)
        self.revoke = _raw(resource.revoke)
        self.list_browsers = _raw(resource.list_browsers)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawTokens:
    """`client.with_raw_response.tokens`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncTokens) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.mint = _raw_async(resource.mint)
        self.revoke = _raw_async(resource.revoke)
        self.list_browsers = _raw_async(resource.list_browsers)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
