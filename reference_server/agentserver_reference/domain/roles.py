"""Roles in a workspace and in the installation: who may change them, and who must stay."""

from collections.abc import Collection

from agentserver_reference.domain.errors import Conflict, Forbidden

DEFAULT_ROLE = "developer"
OWNER = "owner"
USER = "user"
ADMIN = "admin"
AGENT = "agent"

WORKSPACE_ROLES = ("guest", "developer", "maintainer", "owner")
"""Roles of a workspace, each holding the rights of those before it."""

ROLES = ("none", USER, ADMIN, AGENT, *WORKSPACE_ROLES)
"""Every `x-required-role` that is enforced; another one stops the start."""


def check_may_give(caller_role: str | None, role: str) -> None:
    """Whether a member of `caller_role` may make somebody `role`: owners are made by owners."""
    if role == OWNER and caller_role != OWNER:
        raise Forbidden("insufficient permissions")


def check_owner_stays(owners: Collection[str], leaving: str) -> None:
    """Whether `leaving` may cease to be one of the owners. Raises Conflict for the last."""
    if set(owners) == {leaving}:
        raise Conflict("the workspace must keep an owner")


def check_admin_stays(admins: Collection[str], leaving: str) -> None:
    """Whether `leaving` may cease to be an administrator. Raises Conflict for the last."""
    if set(admins) == {leaving}:
        raise Conflict("the installation must keep an administrator")
