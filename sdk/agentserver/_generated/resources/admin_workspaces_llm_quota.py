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
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Unpack

    from agentserver._generated.models import LLMQuotaResponse
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions


class AdminWorkspacesLlmQuota(Resource):
    """`client.admin.workspaces.llm_quota`."""

    __slots__ = ()

    def get(self, workspace_id: str, **options: Unpack[CallOptions]) -> LLMQuotaResponse:
        """Get any workspace's language-model quota.

        Returns the same as `get_workspace_llm_quota`, for any workspace.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `admin_get_workspace_llm_quota`: `GET
        /api/admin/workspaces/{workspace_id}/llm-quota`. Required role: `admin`.
        """
        return self._call(admin_get_workspace_llm_quota.call(workspace_id), **options)

    def set(
        self,
        workspace_id: str,
        *,
        max_rpd: int | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Limit a workspace's language-model requests.

        Replaces the workspace's limit of requests per day. If `max_rpd` is omitted or null,
        the installation's default applies; 0 means no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_rpd: Requests per day; 0 means no limit, null that the default applies. 0 to
                2,147,483,647.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `admin_set_workspace_llm_quota`: `PUT
        /api/admin/workspaces/{workspace_id}/llm-quota`. Required role: `admin`.
        """
        return self._call(
            admin_set_workspace_llm_quota.call(workspace_id, max_rpd=max_rpd), **options
        )

    def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a workspace's language-model limit.

        Removes the limit, so that the default applies again. Succeeds as well if there is
        none.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `admin_delete_workspace_llm_quota`: `DELETE
        /api/admin/workspaces/{workspace_id}/llm-quota`. Required role: `admin`.
        """
        return self._call(admin_delete_workspace_llm_quota.call(workspace_id), **options)


class AsyncAdminWorkspacesLlmQuota(AsyncResource):
    """`client.admin.workspaces.llm_quota`."""

    __slots__ = ()

    async def get(self, workspace_id: str, **options: Unpack[CallOptions]) -> LLMQuotaResponse:
        """Get any workspace's language-model quota.

        Returns the same as `get_workspace_llm_quota`, for any workspace.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The quota and today's count.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `admin_get_workspace_llm_quota`: `GET
        /api/admin/workspaces/{workspace_id}/llm-quota`. Required role: `admin`.
        """
        return await self._call(admin_get_workspace_llm_quota.call(workspace_id), **options)

    async def set(
        self,
        workspace_id: str,
        *,
        max_rpd: int | Omit | None = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Limit a workspace's language-model requests.

        Replaces the workspace's limit of requests per day. If `max_rpd` is omitted or null,
        the installation's default applies; 0 means no limit.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            max_rpd: Requests per day; 0 means no limit, null that the default applies. 0 to
                2,147,483,647.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `admin_set_workspace_llm_quota`: `PUT
        /api/admin/workspaces/{workspace_id}/llm-quota`. Required role: `admin`.
        """
        return await self._call(
            admin_set_workspace_llm_quota.call(workspace_id, max_rpd=max_rpd), **options
        )

    async def delete(self, workspace_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a workspace's language-model limit.

        Removes the limit, so that the default applies again. Succeeds as well if there is
        none.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: Only an administrator may do this.
            NotFound: Status 404: No workspace has this id.
            BadGateway: Status 502: The language-model proxy is unreachable or sent an invalid
                response.
            ServiceUnavailable: Status 503: The language-model proxy is disabled on this
                server.

        Operation `admin_delete_workspace_llm_quota`: `DELETE
        /api/admin/workspaces/{workspace_id}/llm-quota`. Required role: `admin`.
        """
        return await self._call(admin_delete_workspace_llm_quota.call(workspace_id), **options)


class RawAdminWorkspacesLlmQuota:
    """`client.with_raw_response.admin.workspaces.llm_quota`, whose methods return a `Response`."""

    def __init__(self, resource: AdminWorkspacesLlmQuota) -> None:
        self._resource = resource
        self.get = _raw(resource.get)
        self.set = _raw(resource.set)
        self.delete = _raw(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawAdminWorkspacesLlmQuota:
    """`client.with_raw_response.admin.workspaces.llm_quota`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncAdminWorkspacesLlmQuota) -> None:
        self._resource = resource
        self.get = _raw_async(resource.get)
        self.set = _raw_async(resource.set)
        self.delete = _raw_async(resource.delete)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
