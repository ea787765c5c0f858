"""Who is calling."""

import attrs


@attrs.frozen
class Principal:
    """The user behind a credential, as the database knows them at this moment."""

    user_id: str
    role: str
    """Role of the account, `user` or `admin`."""
    workspace_role: str | None = None
    """Role in the workspace that the call is about; None for an outsider, and without one."""
