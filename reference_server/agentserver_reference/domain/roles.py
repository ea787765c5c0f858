"""Roles in workspaces and in the installation, and the rules for changing them."""

from collections.abc import Collection

from agentserver_reference.domain.errors import Conflict, Forbidden

DEVELOPER = "developer"
MAINTAINER = "maintainer"
DEFAULT_ROLE = DEVELOPER
OWNER = "owner"
USER = "user"
ADMIN = "admin"
AGENT = "agent"

WORKSPACE_ROLES = ("guest", "developer", "maintainer", "owner")
"""The roles in a workspace. Each includes the permissions of those before it."""

API_KEY_ROLE = DEVELOPER
"""The role of an API key in its workspace, whose scopes then say what it may do."""

WORKSPACE_PARAMETERS = ("workspace_id", "sandbox_id", "task_id")
"""The path parameters that tell in which workspace a role is required."""

ROLES = ("none", USER, ADMIN, AGENT, *WORKSPACE_ROLES)
"""Every value of `x-required-role` that the server can enforce."""


def check_may_give(caller_role: str | None, role: str) -> None:
    """Raise Forbidden if a caller with this role may not assign `role`: only owners make owners."""
    if role == OWNER and caller_role != OWNER:
        raise Forbidden("insufficient permissions")


def check_owner_stays(owners: Collection[str], leaving: str) -> None:
    """Raise Conflict if `leaving` is the last owner."""
    if set(owners) == {leaving}:
        raise Conflict("the workspace must keep an owner")


def check_admin_stays(admins: Collection[str], leaving: str) -> None:
    """Raise Conflict if `leaving` is the last administrator."""
    if set(admins) == {leaving}:
        raise Conflict("the installation must keep an administrator")


def is_at_least(held: str, required: str) -> bool:
    """Return whether a workspace role includes the permissions of another."""
    return WORKSPACE_ROLES.index(held) >= WORKSPACE_ROLES.index(required)


def may_register_executors(role: str | None) -> bool:
    """Return whether a member with this role may connect executors; None is no member."""
    return role is not None and is_at_least(role, MAINTAINER)


def may_register_agents(role: str | None) -> bool:
    """Return whether a member with this role may let agents in; None is no member."""
    return role is not None and is_at_least(role, DEVELOPER)
