"""What API keys and codex tokens, which members make for their programs, have in common."""

from agentserver_reference.domain.errors import Conflict

MOST = 1000
"""How many of a kind may be valid in a workspace at a time."""


def check_room(valid: int, most: int, what: str) -> None:
    """Raise Conflict if a workspace with so many valid ones may have no other.

    Arguments:
        valid: how many there are.
        most: how many there may be.
        what: what they are called, in the plural.
    """
    if valid >= most:
        raise Conflict(f"a workspace may have {most} {what}: revoke one first")
