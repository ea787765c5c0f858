"""API keys: their form, their scopes, and how many a workspace may have."""

import re

import attrs

from agentserver_reference.domain import minted

FORM = re.compile(r"wak_[0-9A-HJKMNP-TV-Z]{8}_[0-9A-HJKMNP-TV-Z]{40}")
"""Matches a whole key."""

MOST = minted.MOST
"""How many keys of a workspace may be valid at a time."""

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's digits of base 32: five bits each, and none that is read as another."""
_ID_DIGITS, _SECRET_DIGITS = 8, 40


@attrs.frozen
class Scope:
    """What a program may do with a key."""

    name: str
    description: str
    available: bool
    """Whether a key can have it: it is required by an operation, or soon will be."""


SCOPES = (
    Scope(
        "turns:submit",
        "Submit turns to the workspace's agent, which uses its language model.",
        available=True,
    ),
    Scope("turns:read", "Read past turns.", available=False),
    Scope("threads:create", "Begin new threads.", available=False),
    Scope("threads:cancel", "Cancel a turn that is under way.", available=False),
    Scope("threads:read", "Read the history of threads.", available=False),
    Scope("mailbox:read", "Read the messages of an inbox.", available=False),
    Scope("mailbox:send", "Send messages.", available=False),
)
"""All scopes, in the order in which they are listed."""


def new_key(token: str) -> str:
    """Return a new key, made of a fresh random token of 64 hexadecimal digits."""
    bits = int(token, 16)
    digits = [_DIGITS[bits >> 5 * place & 31] for place in range(_ID_DIGITS + _SECRET_DIGITS)]
    return f"wak_{''.join(digits[:_ID_DIGITS])}_{''.join(digits[_ID_DIGITS:])}"


def id_of(key: str) -> str:
    """Return the id of a key, which is its beginning."""
    return key.rpartition("_")[0]


def check_room(valid: int) -> None:
    """Raise Conflict if a workspace with so many valid keys may have no other."""
    minted.check_room(valid, MOST, "API keys that are not revoked")
