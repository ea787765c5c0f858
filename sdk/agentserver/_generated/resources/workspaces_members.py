"""The resource `client.workspaces.members`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.workspaces import (
    add_workspace_member,
    list_workspace_members,
    remove_workspace_member,
    update_workspace_member_role,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from agentserver._generated.models import WorkspaceMember, WorkspaceRole
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class WorkspacesMembers(Resource):
    """`client.workspaces.members`."""

    __slots__ = ()

    def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[WorkspaceMember]:
        """List a workspace's members.

        Returns every member with their role, including the caller, in the order in which they
        joined.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The members.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_members`: `GET /api/workspaces/{workspace_id}/members`.
        Required role: `guest`.
        """
        return self._call(list_workspace_members.call(workspace_id), **options)

    def add(
        self,
        workspace_id: str,
        *,
        email: str,
        role: Literal["owner", "maintainer", "developer", "guest"] | WorkspaceRole | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> WorkspaceMember:
        """Add a member.

        Adds the account with this e-mail address to the workspace. The role defaults to
        `developer`; only an owner may add another owner. Being added as an owner is not
        limited by the account's quota.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            email: The account's e-mail address. Case and surrounding spaces are ignored. 3 to
                254 characters.
            role: The new member's role; `developer` if omitted. One of `owner`, `maintainer`,
                `developer`, `guest`.

        Returns:
            The new member.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No account has this e-mail address.
            Conflict: Status 409: The account is already a member.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `add_workspace_member`: `POST /api/workspaces/{workspace_id}/members`.
        Required role: `maintainer`.
        """
        return self._call(
            add_workspace_member.call(workspace_id, email=email, role=role), **options
        )

    def set_role(
        self,
        workspace_id: str,
        user_id: str,
        *,
        role: Literal["owner", "maintainer", "developer", "guest"] | WorkspaceRole,
        **options: Unpack[CallOptions],
    ) -> None:
        """Change a member's role.

        Changes a member's role, effective from their next request. Owners may change their
        own role, but the last owner of a workspace cannot be demoted.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            user_id: The account's id. 1 to 255 characters.
            role: The new role. One of `owner`, `maintainer`, `developer`, `guest`.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The account is not a member of the workspace.
            Conflict: Status 409: The change would leave the workspace without an owner.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_workspace_member_role`: `PUT
        /api/workspaces/{workspace_id}/members/{user_id}`. Required role: `owner`.
        """
        return self._call(
            update_workspace_member_role.call(workspace_id, user_id, role=role), **options
        )

    def remove(self, workspace_id: str, user_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a member.

        Removes an account from the workspace, together with everything that acts on its
        behalf there. The account and its sessions remain. Succeeds as well if the account is
        not a member. The last owner cannot be removed.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            user_id: The account's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: The change would leave the workspace without an owner.

        Operation `remove_workspace_member`: `DELETE
        /api/workspaces/{workspace_id}/members/{user_id}`. Required role: `owner`.
        """
        return self._call(remove_workspace_member.call(workspace_id, user_id), **options)


class AsyncWorkspacesMembers(AsyncResource):
    """`client.workspaces.members`."""

    __slots__ = ()

    async def list(
        self, workspace_id: str, **options: Unpack[CallOptions]
    ) -> Page[WorkspaceMember]:
        """List a workspace's members.

        Returns every member with their role, including the caller, in the order in which they
        joined.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The members.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_members`: `GET /api/workspaces/{workspace_id}/members`.
        Required role: `guest`.
        """
        return await self._call(list_workspace_members.call(workspace_id), **options)

    async def add(
        self,
        workspace_id: str,
        *,
        email: str,
        role: Literal["owner", "maintainer", "developer", "guest"] | WorkspaceRole | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> WorkspaceMember:
        """Add a member.

        Adds the account with this e-mail address to the workspace. The role defaults to
        `developer`; only an owner may add another owner. Being added as an owner is not
        limited by the account's quota.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            email: The account's e-mail address. Case and surrounding spaces are ignored. 3 to
                254 characters.
            role: The new member's role; `developer` if omitted. One of `owner`, `maintainer`,
                `developer`, `guest`.

        Returns:
            The new member.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No account has this e-mail address.
            Conflict: Status 409: The account is already a member.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `add_workspace_member`: `POST /api/workspaces/{workspace_id}/members`.
        Required role: `maintainer`.
        """
        return await self._call(
            add_workspace_member.call(workspace_id, email=email, role=role), **options
        )

    async def set_role(
        self,
        workspace_id: str,
        user_id: str,
        *,
        role: Literal["owner", "maintainer", "developer", "guest"] | WorkspaceRole,
        **options: Unpack[CallOptions],
    ) -> None:
        """Change a member's role.

        Changes a member's role, effective from their next request. Owners may change their
        own role, but the last owner of a workspace cannot be demoted.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            user_id: The account's id. 1 to 255 characters.
            role: The new role. One of `owner`, `maintainer`, `developer`, `guest`.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: The account is not a member of the workspace.
            Conflict: Status 409: The change would leave the workspace without an owner.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_workspace_member_role`: `PUT
        /api/workspaces/{workspace_id}/members/{user_id}`. Required role: `owner`.
        """
        return await self._call(
            update_workspace_member_role.call(workspace_id, user_id, role=role), **options
        )

    async def remove(self, workspace_id: str, user_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a member.

        Removes an account from the workspace, together with everything that acts on its
        behalf there. The account and its sessions remain. Succeeds as well if the account is
        not a member. The last owner cannot be removed.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            user_id: The account's id. 1 to 255 characters.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            Conflict: Status 409: The change would leave the workspace without an owner.

        Operation `remove_workspace_member`: `DELETE
        /api/workspaces/{workspace_id}/members/{user_id}`. Required role: `owner`.
        """
        return await self._call(remove_workspace_member.call(workspace_id, user_id), **options)


class RawWorkspacesMembers:
    """`client.with_raw_response.workspaces.members`, whose methods return a `Response`."""

    def __init__(self, resource: WorkspacesMembers) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.add = _raw(resource.add)
        self.set_role = _raw(resource.set_role)
        self.remove = _raw(resource.remove)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawWorkspacesMembers:
    """`client.with_raw_response.workspaces.members`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncWorkspacesMembers) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.add = _raw_async(resource.add)
        self.set_role = _raw_async(resource.set_role)
        self.remove = _raw_async(resource.remove)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
