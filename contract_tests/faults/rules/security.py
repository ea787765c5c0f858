"""Who may: sessions, roles in a workspace, administrators."""

import attrs
from replacing import fault
from starlette.datastructures import Headers

from agentserver_reference.domain.errors import Forbidden, Unauthenticated
from agentserver_reference.domain.roles import ADMIN, WORKSPACE_ROLES
from agentserver_reference.storage import workspaces

# --- the session ----------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.security.credentials.find_credentials",
    kind="rejects-legal-call",
    operations=["check_session", "list_workspaces", "admin_list_users"],
)
def session_only_as_first_cookie(original, headers, kinds):
    """A session is found only if no other cookie precedes it."""
    first = headers.get("cookie", "").partition(";")[0]
    return original(Headers({**headers, "cookie": first}), kinds)


# --- without a session ----------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.security.authorize.check_may_be_anonymous",
    kind="no-session-needed",
    operations=["check_session"],
)
def check_open_to_all(original, operation):
    """No session is needed."""
    if operation.id != "check_session":
        original(operation)


@fault(
    replaces="agentserver_reference.security.authorize.check_may_be_anonymous",
    kind="no-session-needed",
    operations=["delete_workspace"],
)
def delete_without_session(original, operation):
    """A workspace is deleted without a session."""
    if operation.id != "delete_workspace":
        original(operation)


@fault(
    replaces="agentserver_reference.handlers.health.check_health",
    kind="rejects-legal-call",
    operations=["check_health"],
)
async def health_needs_session(original, call):
    """The health check needs a session."""
    if not call.credentials:
        raise Unauthenticated("unauthorized")
    return await original(call)


# --- whatever the role ----------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="read-across-tenants",
    operations=["get_workspace"],
)
def workspace_read_by_outsiders(original, operation, principal):
    """Any account can read every workspace."""
    if operation.id != "get_workspace":
        original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="write-across-tenants",
    operations=["rename_workspace"],
)
def rename_by_outsiders(original, operation, principal):
    """Any account can rename every workspace."""
    if operation.id != "rename_workspace":
        original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="write-across-tenants",
    operations=["delete_workspace"],
)
def delete_by_outsiders(original, operation, principal):
    """Any account can delete every workspace."""
    if operation.id != "delete_workspace":
        original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["admin_list_users"],
)
def accounts_for_everybody(original, operation, principal):
    """Any account can list all accounts."""
    if operation.id != "admin_list_users":
        original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["admin_list_sandboxes"],
)
def sandboxes_for_everybody(original, operation, principal):
    """Any account can list all sandboxes."""
    if operation.id != "admin_list_sandboxes":
        original(operation, principal)


# --- with another role ----------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["rename_workspace"],
)
def rename_by_developers(original, operation, principal):
    """Developers can rename a workspace."""
    original(_requiring("developer", "rename_workspace", operation), principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-high",
    operations=["rename_workspace"],
)
def rename_by_owners_alone(original, operation, principal):
    """Maintainers cannot rename a workspace."""
    original(_requiring("owner", "rename_workspace", operation), principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["delete_workspace"],
)
def delete_by_maintainers(original, operation, principal):
    """Maintainers can delete a workspace."""
    original(_requiring("maintainer", "delete_workspace", operation), principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["get_workspace_defaults"],
)
def defaults_for_guests(original, operation, principal):
    """Guests can read the limits of sandboxes."""
    original(_requiring("guest", "get_workspace_defaults", operation), principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["update_workspace_member_role"],
)
def role_by_maintainers(original, operation, principal):
    """Maintainers can change roles."""
    original(_requiring("maintainer", "update_workspace_member_role", operation), principal)


def _requiring(role, operation_id, operation):
    """The operation, requiring this role if it is the one with the id."""
    return attrs.evolve(operation, role=role) if operation.id == operation_id else operation


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="rejects-legal-call",
    operations=["get_workspace", "rename_workspace", "get_workspace_defaults"],
)
def administrators_lose_their_own_workspaces(original, operation, principal):
    """Administrators are refused in workspaces that they own."""
    owns = operation.role in WORKSPACE_ROLES and principal.workspace_role == "owner"
    if owns and principal.role == "admin":
        raise Forbidden("not a workspace member")
    original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.authorize",
    kind="existence-shown",
    operations=["get_workspace", "delete_workspace", "list_workspace_members"],
)
def outsider_told_otherwise(original, conn, access):
    """The message of the refusal shows whether a workspace exists."""
    try:
        return original(conn, access)
    except Forbidden as refusal:
        if access.workspace_id is None or workspaces.find(conn, access.workspace_id):
            raise
        raise Forbidden("no such workspace") from refusal


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="read-across-tenants",
    operations=["get_workspace"],
)
def get_workspace_by_administrators(original, operation, principal):
    """Administrators read every workspace, also without being members."""
    if operation.id != "get_workspace" or principal.role != ADMIN:
        original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.find_principal",
    kind="rejects-legal-call",
    operations=["submit_turn"],
)
def credentials_after_the_first_ignored(original, conn, access):
    """An invalid credential of one kind hides a valid one of another."""
    whole = access.credentials
    access.credentials = whole[:1]
    try:
        return original(conn, access)
    finally:
        access.credentials = whole
