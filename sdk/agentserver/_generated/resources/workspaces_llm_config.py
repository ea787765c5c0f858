"""The resource `client.workspaces.llm_config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._encode import hide as _hide
from agentserver._generated.api.workspaces import (
    delete_workspace_llm_config,
    get_workspace_llm_config,
    set_workspace_llm_config,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from agentserver._generated.models import (
        LLMConfigResponse,
        LLMConfigUpsertResponse,
        LLMModel,
        LLMModelDict,
    )
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver._secret import Secret


class WorkspacesLlmConfig(Resource):
    """`client.workspaces.llm_config`."""

    __slots__ = ()

    def get(self, workspace_id: str, **options: Unpack[CallOptions]) -> LLMConfigResponse:
        """Get a workspace's own language-model endpoint.

        Returns the endpoint, key and models that the workspace's sandboxes use instead of the
        installation's. The key is masked: `****` if it has up to 8 bytes or 7 characters,
        otherwise its first three and last four characters with `...` in between. Without a
        configuration, `configured` is false, the strings are empty and `models` is omitted.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The configuration, or `configured` set to false.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_llm_config`: `GET /api/workspaces/{workspace_id}/llm-config`.
        Required role: `maintainer`.
        """
        return self._call(get_workspace_llm_config.call(workspace_id), **options)

    def set(
        self,
        workspace_id: str,
        *,
        base_url: str,
        models: Sequence[LLMModel | LLMModelDict],
        api_key: str | Secret | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> LLMConfigUpsertResponse:
        """Set a workspace's own language-model endpoint.

        Replaces the endpoint and the models. Without `api_key`, the stored key is kept; if
        there is no stored key, the request fails with 400. The key is stored encrypted and is
        never returned in full. The new configuration applies to sandboxes created from now
        on.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            base_url: The endpoint's URL: http or https, with a host and without user name and
                password. Private addresses are allowed. 8 to 2,048 characters.
            models: The models that sandboxes may use, in order; duplicates are allowed. 1 to
                100 items.
            api_key: The endpoint's key; if omitted, the stored key is kept. 1 to 4,096
                characters.

        Returns:
            The configuration is stored.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `set_workspace_llm_config`: `PUT /api/workspaces/{workspace_id}/llm-config`.
        Required role: `maintainer`.
        """
        api_key = _hide(api_key)
        return self._call(
            set_workspace_llm_config.call(
                workspace_id, base_url=base_url, models=models, api_key=api_key
            ),
            **options,
        )

    def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a workspace's own language-model endpoint.

        Removes the configuration, including the key. Succeeds as well if there is none.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace_llm_config`: `DELETE
        /api/workspaces/{workspace_id}/llm-config`. Required role: `maintainer`.
        """
        return self._call(delete_workspace_llm_config.call(workspace_id), **options)


class AsyncWorkspacesLlmConfig(AsyncResource):
    """`client.workspaces.llm_config`."""

    __slots__ = ()

    async def get(self, workspace_id: str, **options: Unpack[CallOptions]) -> LLMConfigResponse:
        """Get a workspace's own language-model endpoint.

        Returns the endpoint, key and models that the workspace's sandboxes use instead of the
        installation's. The key is masked: `****` if it has up to 8 bytes or 7 characters,
        otherwise its first three and last four characters with `...` in between. Without a
        configuration, `configured` is false, the strings are empty and `models` is omitted.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The configuration, or `configured` set to false.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_llm_config`: `GET /api/workspaces/{workspace_id}/llm-config`.
        Required role: `maintainer`.
        """
        return await self._call(get_workspace_llm_config.call(workspace_id), **options)

    async def set(
        self,
        workspace_id: str,
        *,
        base_url: str,
        models: Sequence[LLMModel | LLMModelDict],
        api_key: str | Secret | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> LLMConfigUpsertResponse:
        """Set a workspace's own language-model endpoint.

        Replaces the endpoint and the models. Without `api_key`, the stored key is kept; if
        there is no stored key, the request fails with 400. The key is stored encrypted and is
        never returned in full. The new configuration applies to sandboxes created from now
        on.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            base_url: The endpoint's URL: http or https, with a host and without user name and
                password. Private addresses are allowed. 8 to 2,048 characters.
            models: The models that sandboxes may use, in order; duplicates are allowed. 1 to
                100 items.
            api_key: The endpoint's key; if omitted, the stored key is kept. 1 to 4,096
                characters.

        Returns:
            The configuration is stored.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `set_workspace_llm_config`: `PUT /api/workspaces/{workspace_id}/llm-config`.
        Required role: `maintainer`.
        """
        api_key = _hide(api_key)
        return await self._call(
            set_workspace_llm_config.call(
                workspace_id, base_url=base_url, models=models, api_key=api_key
            ),
            **options,
        )

    async def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a workspace's own language-model endpoint.

        Removes the configuration, including the key. Succeeds as well if there is none.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace_llm_config`: `DELETE
        /api/workspaces/{workspace_id}/llm-config`. Required role: `maintainer`.
        """
        return await self._call(delete_workspace_llm_config.call(workspace_id), **options)


class RawWorkspacesLlmConfig:
    """`client.with_raw_response.workspaces.llm_config`, whose methods return a `Response`."""

    def __init__(self, resource: WorkspacesLlmConfig) -> None:
        self._resource = resource
        self.get = _raw(resource.get)
        self.set = _raw(resource.set)
        self.delete = _raw(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawWorkspacesLlmConfig:
    """`client.with_raw_response.workspaces.llm_config`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncWorkspacesLlmConfig) -> None:
        self._resource = resource
        self.get = _raw_async(resource.get)
        self.set = _raw_async(resource.set)
        self.delete = _raw_async(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
