"""The resource `client.admin.workspaces.llm_quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.admin import (
    admin_delete_workspace_llm_quota,
    admin_get_workspace_llm_quota,
    admin_set_workspace_llm_quota,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource

if TYPE_CHECKING:
    from agentserver._generated.models import LLMQuotaResponse
    from agentserver._omit import Omit


class AdminWorkspacesLlmQuota(Resource):
    """`client.admin.workspaces.llm_quota`."""

    __slots__ = ()

    def get(self, workspace_id: str) -> LLMQuotaResponse:
        """Read a workspace's language-model quota.

        The same as members read, for any workspace.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `admin_get_workspace_llm_quota`, `GET
        /api/admin/workspaces/{workspace_id}/llm-quota`, for: admin.
        """
        return self._call(admin_get_workspace_llm_quota.call(workspace_id))

    def set(self, workspace_id: str, *, max_rpd: int | Omit | None = OMIT) -> None:
        """Limit a workspace's language-model requests.

        Replaces the workspace's limit of requests a day. `max_rpd` left out or null means
        that the installation's default holds; 0 is no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_rpd: Requests a day; 0 is no limit, null means that the default holds. 0 to
                2,147,483,647.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `admin_set_workspace_llm_quota`, `PUT
        /api/admin/workspaces/{workspace_id}/llm-quota`, for: admin.
        """
        return self._call(admin_set_workspace_llm_quota.call(workspace_id, max_rpd=max_rpd))

    def delete(self, workspace_id: str) -> None:
        """Remove a workspace's language-model limit.

        Removes the limit, so that the default holds. Where there is none, it answers the
        same.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `admin_delete_workspace_llm_quota`, `DELETE
        /api/admin/workspaces/{workspace_id}/llm-quota`, for: admin.
        """
        return self._call(admin_delete_workspace_llm_quota.call(workspace_id))


class AsyncAdminWorkspacesLlmQuota(AsyncResource):
    """`client.admin.workspaces.llm_quota`."""

    __slots__ = ()

    async def get(self, workspace_id: str) -> LLMQuotaResponse:
        """Read a workspace's language-model quota.

        The same as members read, for any workspace.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `admin_get_workspace_llm_quota`, `GET
        /api/admin/workspaces/{workspace_id}/llm-quota`, for: admin.
        """
        return await self._call(admin_get_workspace_llm_quota.call(workspace_id))

    async def set(self, workspace_id: str, *, max_rpd: int | Omit | None = OMIT) -> None:
        """Limit a workspace's language-model requests.

        Replaces the workspace's limit of requests a day. `max_rpd` left out or null means
        that the installation's default holds; 0 is no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_rpd: Requests a day; 0 is no limit, null means that the default holds. 0 to
                2,147,483,647.

        Raises:
            BadRequest: Status 400: The body breaks its schema; the line names the field and
                the rule.
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is over 1 MiB.
            UnsupportedMediaType: Status 415: The body is said to be something other than
                `application/json`.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `admin_set_workspace_llm_quota`, `PUT
        /api/admin/workspaces/{workspace_id}/llm-quota`, for: admin.
        """
        return await self._call(admin_set_workspace_llm_quota.call(workspace_id, max_rpd=max_rpd))

    async def delete(self, workspace_id: str) -> None:
        """Remove a workspace's language-model limit.

        Removes the limit, so that the default holds. Where there is none, it answers the
        same.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it has ended.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy does not answer as it should.
            ServiceUnavailable: Status 503: The operator switched the language-model proxy
                off.

        Operation `admin_delete_workspace_llm_quota`, `DELETE
        /api/admin/workspaces/{workspace_id}/llm-quota`, for: admin.
        """
        return await self._call(admin_delete_workspace_llm_quota.call(workspace_id))
