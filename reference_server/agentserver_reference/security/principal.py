"""Who is calling."""

import attrs


@attrs.frozen
class Principal:
    """The user behind a credential, as the database knows them at this moment."""

    user_id: str
    role: str
    """What the credential stands for: an account that is `user` or `admin`, or an `agent`."""
    workspace_role: str | None = None
    """Role in the workspace that the call is about; None for an outsider, and without one."""
    scopes: frozenset[str] | None = None
    """What the credential is allowed, for one that has scopes; None: whatever the role may do."""
