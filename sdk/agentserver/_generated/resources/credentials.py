"""The resource `client.credentials`."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from agentserver._completing import completed as _completed
from agentserver._completing import completed_async as _completed_async
from agentserver._completing import show_code as _show_code
from agentserver._encode import hide as _hide
from agentserver._generated.api.credentials import (
    complete_device_credential_binding,
    create_credential_binding,
    delete_credential_binding,
    list_credential_bindings,
    set_default_credential_binding,
    update_credential_binding,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Literal, Unpack

    from agentserver._generated.models import (
        CredentialBindingCreateResponse,
        CredentialBindingItem,
        CredentialBindingPending,
    )
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver._secret import Secret
    from agentserver.pagination import Page


class Credentials(Resource):
    """`client.credentials`: Credentials of a workspace, for services outside: at present for
    Kubernetes clusters. What proves who the user is, a token or a private key, is stored
    encrypted and never shown again. One credential of each kind is the default.
    """

    __slots__ = ()

    def list(
        self, workspace_id: str, kind: str, **options: Unpack[CallOptions]
    ) -> Page[CredentialBindingItem]:
        """List a workspace's credentials.

        Returns the workspace's credentials of a kind, oldest first. Secrets are never shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.

        Returns:
            The credentials.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: There is no such kind of credentials.

        Operation `list_credential_bindings`: `GET
        /api/workspaces/{workspace_id}/credentials/{kind}`. Required role: `guest`.
        """
        return self._call(list_credential_bindings.call(workspace_id, kind), **options)

    @overload
    def create(
        self,
        workspace_id: str,
        kind: str,
        *,
        display_name: str,
        config: str | Secret,
        wait: Literal[False] = False,
        on_code: Callable[[CredentialBindingPending], object] = _show_code,
        **options: Unpack[CallOptions],
    ) -> CredentialBindingCreateResponse | CredentialBindingPending: ...
    @overload
    def create(
        self,
        workspace_id: str,
        kind: str,
        *,
        display_name: str,
        config: str | Secret,
        wait: Literal[True],
        on_code: Callable[[CredentialBindingPending], object] = _show_code,
        **options: Unpack[CallOptions],
    ) -> CredentialBindingCreateResponse: ...
    def create(
        self,
        workspace_id: str,
        kind: str,
        *,
        display_name: str,
        config: str | Secret,
        wait: bool = False,
        on_code: Callable[[CredentialBindingPending], object] = _show_code,
        **options: Unpack[CallOptions],
    ) -> CredentialBindingCreateResponse | CredentialBindingPending:
        """Keep a credential.

        Keeps the credential that `config` holds. The first one of its kind is the default,
        also if two are made at the same time.

        For the kind `k8s`, `config` is a kubeconfig, YAML or JSON. Its `current-context` says
        which cluster and which user are meant; it may be missing if there is exactly one
        cluster, with one user. The cluster's `server` is an `https://` URL without user,
        password, query or fragment, outside of private networks unless the operator allows
        these. A certificate authority is given as `certificate-authority-data`. The user has
        a `token` of printable ASCII without blanks, or `client-certificate-data` and
        `client-key-data`, or an `exec` that runs `kubectl oidc-login get-token` with
        `--oidc-issuer-url` and `--oidc-client-id`; other ways to prove who it is, and files,
        are refused. Everything else in it is ignored.

        With `oidc-login`, a person has to approve the login at the OpenID provider first,
        with a device code: the answer is 202, and says where.
        `complete_device_credential_binding` then keeps the credential. Until then it is not
        listed.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            display_name: The credential's name, which no other of its kind in the workspace
                has. 1 to 255 characters.
            config: What holds the credential: for the kind `k8s` a kubeconfig, YAML or JSON.
                1 to 65,536 characters.
            wait: Whether to wait until it is complete, as a person has to approve it first,
                and return it as it is then. The call is repeated until it succeeds or fails.
            on_code: With `wait`: called with what is to be approved, which has
                `verification_uri` and `user_code`. By default they are printed to standard
                error.

        Returns:
            Status 201: The credential is kept. Status 202: A person has to approve the login
                first.

        Raises:
            BadRequest: Status 400: The body violates its schema, or `config` is refused. The
                message names the field, the place in `config`, and the rule; it repeats
                nothing of `config`.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: There is no such kind of credentials.
            Conflict: Status 409: Another credential of this kind in the workspace has the
                name.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The OpenID provider cannot be reached, refuses the client,
                or gives an answer that was not understood.
            CallError: With `wait`: it cannot be completed, as for `complete`.

        Operation `create_credential_binding`: `POST
        /api/workspaces/{workspace_id}/credentials/{kind}`. Required role: `maintainer`.
        """
        config = _hide(config)
        begun = self._call(
            create_credential_binding.call(
                workspace_id, kind, display_name=display_name, config=config
            ),
            **options,
        )
        if not wait:
            return begun
        return _completed(
            self,
            begun,
            create_credential_binding.is_pending,
            lambda begun: complete_device_credential_binding.call(workspace_id, kind, begun.id),
            on_code,
        )

    def delete(
        self, workspace_id: str, kind: str, binding_id: str, **options: Unpack[CallOptions]
    ) -> None:
        """Delete a credential.

        Deletes a credential, with its secret. The default can only be deleted as the last one
        of its kind: while there are others, one of them has to become the default first.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such credential of this kind.
            Conflict: Status 409: It is the default, and there are others.

        Operation `delete_credential_binding`: `DELETE
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}`. Required role:
        `maintainer`.
        """
        return self._call(delete_credential_binding.call(workspace_id, kind, binding_id), **options)

    def update(
        self,
        workspace_id: str,
        kind: str,
        binding_id: str,
        *,
        display_name: str | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Rename a credential.

        Renames a credential. Without a name, or with null, nothing changes.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.
            display_name: The new name, which no other of its kind in the workspace has; if
                omitted or null, it stays. 1 to 255 characters.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such credential of this kind.
            Conflict: Status 409: Another credential of this kind in the workspace has the
                name.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_credential_binding`: `PATCH
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}`. Required role:
        `maintainer`.
        """
        return self._call(
            update_credential_binding.call(
                workspace_id, kind, binding_id, display_name=display_name
            ),
            **options,
        )

    def set_default(
        self, workspace_id: str, kind: str, binding_id: str, **options: Unpack[CallOptions]
    ) -> None:
        """Make a credential the default.

        Makes a credential the default of its kind, and the others not. Whoever else does so
        at the same time, exactly one is the default.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such credential of this kind.

        Operation `set_default_credential_binding`: `POST
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}/set-default`. Required
        role: `maintainer`.
        """
        return self._call(
            set_default_credential_binding.call(workspace_id, kind, binding_id), **options
        )

    def complete(
        self, workspace_id: str, kind: str, binding_id: str, **options: Unpack[CallOptions]
    ) -> CredentialBindingCreateResponse | CredentialBindingPending:
        """Complete a sign-in with a device code.

        Waits up to 60 seconds until a person has approved the login at the OpenID provider,
        and then keeps the credential. If nobody has decided by then, the answer is 202 again,
        and the call is to be repeated. It can be repeated at any time, by any maintainer,
        also several at once: a login that was approved is not lost if a caller hangs up, and
        a credential that is kept already is returned once more.

        If the name was given to another credential meanwhile, the login stays approved:
        rename that one and repeat the call.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.

        Returns:
            Status 201: The credential is kept. Status 202: The login has been neither
                approved nor denied yet.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such login of this kind, or it expired
                long ago.
            Conflict: Status 409: The provider or the person has refused the login, or the
                name was given to another credential meanwhile.
            Gone: Status 410: The login was not approved in time.
            BadGateway: Status 502: The OpenID provider cannot be reached, refuses the client,
                or gives an answer that was not understood.

        Operation `complete_device_credential_binding`: `POST
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}/device-complete`.
        Required role: `maintainer`.
        """
        return self._call(
            complete_device_credential_binding.call(workspace_id, kind, binding_id), **options
        )


class AsyncCredentials(AsyncResource):
    """`client.credentials`: Credentials of a workspace, for services outside: at present for
    Kubernetes clusters. What proves who the user is, a token or a private key, is stored
    encrypted and never shown again. One credential of each kind is the default.
    """

    __slots__ = ()

    async def list(
        self, workspace_id: str, kind: str, **options: Unpack[CallOptions]
    ) -> Page[CredentialBindingItem]:
        """List a workspace's credentials.

        Returns the workspace's credentials of a kind, oldest first. Secrets are never shown.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.

        Returns:
            The credentials.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: There is no such kind of credentials.

        Operation `list_credential_bindings`: `GET
        /api/workspaces/{workspace_id}/credentials/{kind}`. Required role: `guest`.
        """
        return await self._call(list_credential_bindings.call(workspace_id, kind), **options)

    @overload
    async def create(
        self,
        workspace_id: str,
        kind: str,
        *,
        display_name: str,
        config: str | Secret,
        wait: Literal[False] = False,
        on_code: Callable[[CredentialBindingPending], Awaitable[object] | object] = _show_code,
        **options: Unpack[CallOptions],
    ) -> CredentialBindingCreateResponse | CredentialBindingPending: ...
    @overload
    async def create(
        self,
        workspace_id: str,
        kind: str,
        *,
        display_name: str,
        config: str | Secret,
        wait: Literal[True],
        on_code: Callable[[CredentialBindingPending], Awaitable[object] | object] = _show_code,
        **options: Unpack[CallOptions],
    ) -> CredentialBindingCreateResponse: ...
    async def create(
        self,
        workspace_id: str,
        kind: str,
        *,
        display_name: str,
        config: str | Secret,
        wait: bool = False,
        on_code: Callable[[CredentialBindingPending], Awaitable[object] | object] = _show_code,
        **options: Unpack[CallOptions],
    ) -> CredentialBindingCreateResponse | CredentialBindingPending:
        """Keep a credential.

        Keeps the credential that `config` holds. The first one of its kind is the default,
        also if two are made at the same time.

        For the kind `k8s`, `config` is a kubeconfig, YAML or JSON. Its `current-context` says
        which cluster and which user are meant; it may be missing if there is exactly one
        cluster, with one user. The cluster's `server` is an `https://` URL without user,
        password, query or fragment, outside of private networks unless the operator allows
        these. A certificate authority is given as `certificate-authority-data`. The user has
        a `token` of printable ASCII without blanks, or `client-certificate-data` and
        `client-key-data`, or an `exec` that runs `kubectl oidc-login get-token` with
        `--oidc-issuer-url` and `--oidc-client-id`; other ways to prove who it is, and files,
        are refused. Everything else in it is ignored.

        With `oidc-login`, a person has to approve the login at the OpenID provider first,
        with a device code: the answer is 202, and says where.
        `complete_device_credential_binding` then keeps the credential. Until then it is not
        listed.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            display_name: The credential's name, which no other of its kind in the workspace
                has. 1 to 255 characters.
            config: What holds the credential: for the kind `k8s` a kubeconfig, YAML or JSON.
                1 to 65,536 characters.
            wait: Whether to wait until it is complete, as a person has to approve it first,
                and return it as it is then. The call is repeated until it succeeds or fails.
            on_code: With `wait`: called with what is to be approved, which has
                `verification_uri` and `user_code`. By default they are printed to standard
                error. It may be a coroutine function.

        Returns:
            Status 201: The credential is kept. Status 202: A person has to approve the login
                first.

        Raises:
            BadRequest: Status 400: The body violates its schema, or `config` is refused. The
                message names the field, the place in `config`, and the rule; it repeats
                nothing of `config`.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: There is no such kind of credentials.
            Conflict: Status 409: Another credential of this kind in the workspace has the
                name.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The OpenID provider cannot be reached, refuses the client,
                or gives an answer that was not understood.
            CallError: With `wait`: it cannot be completed, as for `complete`.

        Operation `create_credential_binding`: `POST
        /api/workspaces/{workspace_id}/credentials/{kind}`. Required role: `maintainer`.
        """
        config = _hide(config)
        begun = await self._call(
            create_credential_binding.call(
                workspace_id, kind, display_name=display_name, config=config
            ),
            **options,
        )
        if not wait:
            return begun
        return await _completed_async(
            self,
            begun,
            create_credential_binding.is_pending,
            lambda begun: complete_device_credential_binding.call(workspace_id, kind, begun.id),
            on_code,
        )

    async def delete(
        self, workspace_id: str, kind: str, binding_id: str, **options: Unpack[CallOptions]
    ) -> None:
        """Delete a credential.

        Deletes a credential, with its secret. The default can only be deleted as the last one
        of its kind: while there are others, one of them has to become the default first.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such credential of this kind.
            Conflict: Status 409: It is the default, and there are others.

        Operation `delete_credential_binding`: `DELETE
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}`. Required role:
        `maintainer`.
        """
        return await self._call(
            delete_credential_binding.call(workspace_id, kind, binding_id), **options
        )

    async def update(
        self,
        workspace_id: str,
        kind: str,
        binding_id: str,
        *,
        display_name: str | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Rename a credential.

        Renames a credential. Without a name, or with null, nothing changes.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.
            display_name: The new name, which no other of its kind in the workspace has; if
                omitted or null, it stays. 1 to 255 characters.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such credential of this kind.
            Conflict: Status 409: Another credential of this kind in the workspace has the
                name.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_credential_binding`: `PATCH
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}`. Required role:
        `maintainer`.
        """
        return await self._call(
            update_credential_binding.call(
                workspace_id, kind, binding_id, display_name=display_name
            ),
            **options,
        )

    async def set_default(
        self, workspace_id: str, kind: str, binding_id: str, **options: Unpack[CallOptions]
    ) -> None:
        """Make a credential the default.

        Makes a credential the default of its kind, and the others not. Whoever else does so
        at the same time, exactly one is the default.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such credential of this kind.

        Operation `set_default_credential_binding`: `POST
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}/set-default`. Required
        role: `maintainer`.
        """
        return await self._call(
            set_default_credential_binding.call(workspace_id, kind, binding_id), **options
        )

    async def complete(
        self, workspace_id: str, kind: str, binding_id: str, **options: Unpack[CallOptions]
    ) -> CredentialBindingCreateResponse | CredentialBindingPending:
        """Complete a sign-in with a device code.

        Waits up to 60 seconds until a person has approved the login at the OpenID provider,
        and then keeps the credential. If nobody has decided by then, the answer is 202 again,
        and the call is to be repeated. It can be repeated at any time, by any maintainer,
        also several at once: a login that was approved is not lost if a caller hangs up, and
        a credential that is kept already is returned once more.

        If the name was given to another credential meanwhile, the login stays approved:
        rename that one and repeat the call.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            kind: What the credential is for. The only kind is `k8s`, a Kubernetes cluster. 1
                to 255 characters.
            binding_id: The credential's id. 1 to 255 characters.

        Returns:
            Status 201: The credential is kept. Status 202: The login has been neither
                approved nor denied yet.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The workspace has no such login of this kind, or it expired
                long ago.
            Conflict: Status 409: The provider or the person has refused the login, or the
                name was given to another credential meanwhile.
            Gone: Status 410: The login was not approved in time.
            BadGateway: Status 502: The OpenID provider cannot be reached, refuses the client,
                or gives an answer that was not understood.

        Operation `complete_device_credential_binding`: `POST
        /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}/device-complete`.
        Required role: `maintainer`.
        """
        return await self._call(
            complete_device_credential_binding.call(workspace_id, kind, binding_id), **options
        )


class RawCredentials:
    """`client.with_raw_response.credentials`, whose methods return a `Response`."""

    def __init__(self, resource: Credentials) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.create = _raw(resource.create)
        self.delete = _raw(resource.delete)
        self.update = _raw(resource.update)
        self.set_default = _raw(resource.set_default)
        self.complete = _raw(resource.complete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawCredentials:
    """`client.with_raw_response.credentials`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncCredentials) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.create = _raw_async(resource.create)
        self.delete = _raw_async(resource.delete)
        self.update = _raw_async(resource.update)
        self.set_default = _raw_async(resource.set_default)
        self.complete = _raw_async(resource.complete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
