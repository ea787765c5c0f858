"""Who of the run may call what needs a role."""

from __future__ import annotations

from collections.abc import Mapping

from agentserver_contract.contract.document import Operation

ENDS_ITS_SESSION = "leaver"
"""Whose session nobody else needs."""

# Whoever has the role and no more than it needs to be one of the workspace's people.
_BY_ROLE: Mapping[str | None, str | None] = {
    "none": None,
    "user": "owner",
    "guest": "guest",
    "developer": "developer",
    "maintainer": "maintainer",
    "owner": "owner",
    "admin": "admin",
}


def caller_of(operation: Operation) -> str | None:
    """The name of a person who may call an operation; None where nobody need log in."""
    if operation.id == "logout":
        return ENDS_ITS_SESSION
    return _BY_ROLE.get(operation.required_role, "owner")
