"""The caller of an operation."""

import attrs

SERVICE = "service"


@attrs.frozen
class Principal:
    """The authenticated caller, with the roles at this moment."""

    user_id: str
    role: str
    """`user` or `admin` for an account, `agent` for an agent, `service` for another service of the
    installation.
    """
    workspace_role: str | None = None
    """The role in the workspace of the call; None without a workspace, and if not a member."""
    scopes: frozenset[str] | None = None
    """The scopes of the credential; None for a kind of credential without scopes."""
