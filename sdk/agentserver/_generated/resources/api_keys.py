"""The resource `client.api_keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.api_keys import (
    list_workspace_api_key_scopes,
    list_workspace_api_keys,
    mint_workspace_api_key,
    revoke_workspace_api_key,
)
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, Unpack

    from agentserver._generated.models import (
        APIKeyScope,
        APIKeyScopeDescriptor,
        WorkspaceAPIKey,
        WorkspaceAPIKeyMintResponse,
    )
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class ApiKeys(Resource):
    """`client.api_keys`: API keys of a workspace, with which programs call. A key belongs to the
    workspace: it ends when it is revoked or the workspace is deleted, and not when the person
    who made it leaves.
    """

    __slots__ = ()

    def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[WorkspaceAPIKey]:
        """List a workspace's API keys.

        Returns every API key of the workspace, newest first, including those that are
        revoked. Secrets are never shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The API keys.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_api_keys`: `GET /api/workspaces/{workspace_id}/api-keys`.
        Required role: `guest`.
        """
        return self._call(list_workspace_api_keys.call(workspace_id), **options)

    def mint(
        self,
        workspace_id: str,
        *,
        name: str,
        scopes: Sequence[Literal["turns:submit"] | APIKeyScope],
        **options: Unpack[CallOptions],
    ) -> WorkspaceAPIKeyMintResponse:
        """Make an API key.

        Makes an API key with these scopes. Its secret is shown in this response only; the
        server keeps a hash. Names need not be unique. A workspace may have 1,000 keys that
        are not revoked; concurrent requests cannot exceed that.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The API key's name, which need not be unique. 1 to 255 characters.
            scopes: Its scopes. Their order and repetitions are kept. 1 to 20 items.

        Returns:
            The API key was made.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: The workspace has as many API keys as it may have.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `mint_workspace_api_key`: `POST /api/workspaces/{workspace_id}/api-keys`.
        Required role: `maintainer`.
        """
        return self._call(
            mint_workspace_api_key.call(workspace_id, name=name, scopes=scopes), **options
        )

    def list_scopes(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> Page[APIKeyScopeDescriptor]:
        """List the scopes of API keys.

        Returns every scope, in an order that is always the same. An API key can have those
        that are available; the others are reserved for operations that do not exist yet. All
        workspaces have the same scopes.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The scopes.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_api_key_scopes`: `GET
        /api/workspaces/{workspace_id}/api-keys/scopes`. Required role: `guest`.
        """
        return self._call(list_workspace_api_key_scopes.call(workspace_id), **options)

    def revoke(self, workspace_id: str, key_id: str, **options: Unpack[CallOptions]) -> None:
        """Revoke an API key.

        Revokes an API key: from now on it is refused. It remains in the list. Succeeds as
        well if it is revoked already, whose time then stays, or if the workspace has no such
        key.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            key_id: The API key's id, which is not its secret. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `revoke_workspace_api_key`: `DELETE
        /api/workspaces/{workspace_id}/api-keys/{key_id}`. Required role: `maintainer`.
        """
        return self._call(revoke_workspace_api_key.call(workspace_id, key_id), **options)


class AsyncApiKeys(AsyncResource):
    """`client.api_keys`: API keys of a workspace, with which programs call. A key belongs to the
    workspace: it ends when it is revoked or the workspace is deleted, and not when the person
    who made it leaves.
    """

    __slots__ = ()

    async def list(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> Page[WorkspaceAPIKey]:
        """List a workspace's API keys.

        Returns every API key of the workspace, newest first, including those that are
        revoked. Secrets are never shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The API keys.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_api_keys`: `GET /api/workspaces/{workspace_id}/api-keys`.
        Required role: `guest`.
        """
        return await self._call(list_workspace_api_keys.call(workspace_id), **options)

    async def mint(
        self,
        workspace_id: str,
        *,
        name: str,
        scopes: Sequence[Literal["turns:submit"] | APIKeyScope],
        **options: Unpack[CallOptions],
    ) -> WorkspaceAPIKeyMintResponse:
        """Make an API key.

        Makes an API key with these scopes. Its secret is shown in this response only; the
        server keeps a hash. Names need not be unique. A workspace may have 1,000 keys that
        are not revoked; concurrent requests cannot exceed that.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            name: The API key's name, which need not be unique. 1 to 255 characters.
            scopes: Its scopes. Their order and repetitions are kept. 1 to 20 items.

        Returns:
            The API key was made.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: The workspace has as many API keys as it may have.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `mint_workspace_api_key`: `POST /api/workspaces/{workspace_id}/api-keys`.
        Required role: `maintainer`.
        """
        return await self._call(
            mint_workspace_api_key.call(workspace_id, name=name, scopes=scopes), **options
        )

    async def list_scopes(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> Page[APIKeyScopeDescriptor]:
        """List the scopes of API keys.

        Returns every scope, in an order that is always the same. An API key can have those
        that are available; the others are reserved for operations that do not exist yet. All
        workspaces have the same scopes.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The scopes.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_api_key_scopes`: `GET
        /api/workspaces/{workspace_id}/api-keys/scopes`. Required role: `guest`.
        """
        return await self._call(list_workspace_api_key_scopes.call(workspace_id), **options)

    async def revoke(self, workspace_id: str, key_id: str, **options: Unpack[CallOptions]) -> None:
        """Revoke an API key.

        Revokes an API key: from now on it is refused. It remains in the list. Succeeds as
        well if it is revoked already, whose time then stays, or if the workspace has no such
        key.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            key_id: The API key's id, which is not its secret. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `revoke_workspace_api_key`: `DELETE
        /api/workspaces/{workspace_id}/api-keys/{key_id}`. Required role: `maintainer`.
        """
        return await self._call(revoke_workspace_api_key.call(workspace_id, key_id), **options)


class RawApiKeys:
    """`client.with_raw_response.api_keys`, whose methods return a `Response`."""

    def __init__(self, resource: ApiKeys) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.mint = _raw(resource.mint)
        self.list_scopes = _raw(resource.list_scopes)
        self.revoke = _raw(resource.revoke)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawApiKeys:
    """`client.with_raw_response.api_keys`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncApiKeys) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.mint = _raw_async(resource.mint)
        self.list_scopes = _raw_async(resource.list_scopes)
        self.revoke = _raw_async(resource.revoke)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
