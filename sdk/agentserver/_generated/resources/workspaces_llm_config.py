"""The resource `client.workspaces.llm_config`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentserver._encode import hide as _hide
from agentserver._generated.api.workspaces import (
    delete_workspace_llm_config,
    get_workspace_llm_config,
    set_workspace_llm_config,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentserver._generated.models import LLMConfigResponse, LLMConfigUpsertResponse, LLMModel
    from agentserver._omit import Omit
    from agentserver._secret import Secret


class WorkspacesLlmConfig(Resource):
    """`client.workspaces.llm_config`."""

    __slots__ = ()

    def get(self, workspace_id: str) -> LLMConfigResponse:
        """Read a workspace's own language-model endpoint.

        The endpoint, key and models that the workspace's sandboxes use instead of the
        installation's. The key is masked: `****` for one of up to 8 bytes, else its first
        three and last four characters with `...` between them. Where nothing is configured,
        `configured` is false, the texts are empty and `models` is left out.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The configuration, or that there is none.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_llm_config`, `GET /api/workspaces/{workspace_id}/llm-config`,
        for: maintainer.
        """
        return self._call(get_workspace_llm_config.call(workspace_id))

    def set(
        self,
        workspace_id: str,
        *,
        base_url: str,
        models: Sequence[LLMModel | Mapping[str, Any]],
        api_key: str | Secret | Omit = OMIT,
    ) -> LLMConfigUpsertResponse:
        """Set a workspace's own language-model endpoint.

        Replaces the endpoint and the models. `api_key` left out keeps the key that is stored,
        and is refused with 400 where none is. The key is stored encrypted and never shown
        again in full. Sandboxes created later use the new configuration.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            base_url: The endpoint's address: http or https with a host and without a user or
                password; an address of a private network is allowed. 8 to 2,048 characters.
            models: The models that sandboxes may use, in order; the same may stand there
                twice. 1 to 100 items.
            api_key: The endpoint's key; left out, the one that is stored stays. 1 to 4,096
                characters.

        Returns:
            The configuration is stored.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `set_workspace_llm_config`, `PUT /api/workspaces/{workspace_id}/llm-config`,
        for: maintainer.
        """
        api_key = _hide(api_key)
        return self._call(
            set_workspace_llm_config.call(
                workspace_id, base_url=base_url, models=models, api_key=api_key
            )
        )

    def delete(self, workspace_id: str) -> None:
        """Remove a workspace's own language-model endpoint.

        Removes the configuration with its key. Where there is none, it answers the same.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace_llm_config`, `DELETE
        /api/workspaces/{workspace_id}/llm-config`, for: maintainer.
        """
        return self._call(delete_workspace_llm_config.call(workspace_id))


class AsyncWorkspacesLlmConfig(AsyncResource):
    """`client.workspaces.llm_config`."""

    __slots__ = ()

    async def get(self, workspace_id: str) -> LLMConfigResponse:
        """Read a workspace's own language-model endpoint.

        The endpoint, key and models that the workspace's sandboxes use instead of the
        installation's. The key is masked: `****` for one of up to 8 bytes, else its first
        three and last four characters with `...` between them. Where nothing is configured,
        `configured` is false, the texts are empty and `models` is left out.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The configuration, or that there is none.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `get_workspace_llm_config`, `GET /api/workspaces/{workspace_id}/llm-config`,
        for: maintainer.
        """
        return await self._call(get_workspace_llm_config.call(workspace_id))

    async def set(
        self,
        workspace_id: str,
        *,
        base_url: str,
        models: Sequence[LLMModel | Mapping[str, Any]],
        api_key: str | Secret | Omit = OMIT,
    ) -> LLMConfigUpsertResponse:
        """Set a workspace's own language-model endpoint.

        Replaces the endpoint and the models. `api_key` left out keeps the key that is stored,
        and is refused with 400 where none is. The key is stored encrypted and never shown
        again in full. Sandboxes created later use the new configuration.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            base_url: The endpoint's address: http or https with a host and without a user or
                password; an address of a private network is allowed. 8 to 2,048 characters.
            models: The models that sandboxes may use, in order; the same may stand there
                twice. 1 to 100 items.
            api_key: The endpoint's key; left out, the one that is stored stays. 1 to 4,096
                characters.

        Returns:
            The configuration is stored.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.

        Operation `set_workspace_llm_config`, `PUT /api/workspaces/{workspace_id}/llm-config`,
        for: maintainer.
        """
        api_key = _hide(api_key)
        return await self._call(
            set_workspace_llm_config.call(
                workspace_id, base_url=base_url, models=models, api_key=api_key
            )
        )

    async def delete(self, workspace_id: str) -> None:
        """Remove a workspace's own language-model endpoint.

        Removes the configuration with its key. Where there is none, it answers the same.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `delete_workspace_llm_config`, `DELETE
        /api/workspaces/{workspace_id}/llm-config`, for: maintainer.
        """
        return await self._call(delete_workspace_llm_config.call(workspace_id))
