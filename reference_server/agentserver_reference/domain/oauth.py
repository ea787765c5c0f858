"""The sign-in of agents by OAuth 2.0: the client, its scopes, codes for people, and lifetimes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import attrs

CLIENT_ID = "agentserver-agent-cli"
CLIENT_NAME = "The agentserver agent program"

REGISTER = "agent:register"
"""The scope that permits to register an agent."""

SCOPES: Mapping[str, str] = {
    "openid": "know your account's id",
    "profile": "know your name and e-mail address",
    REGISTER: "register agents in a workspace, which take tasks and messages there",
}
"""What the client may ask for, as a person sees it."""

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant
GRANTS = (DEVICE_CODE, REFRESH_TOKEN)

CODE_LIFETIME = timedelta(minutes=15)
ACCESS_LIFETIME = timedelta(hours=1)
REFRESH_LIFETIME = timedelta(days=30)
"""A refresh token's; each refresh gives a new one, so that an agent in use stays signed in."""

INTERVAL = 5
"""Seconds that a client waits between two questions, and what `slow_down` adds."""

MOST_PENDING = 10_000
"""How many undecided requests there may be: asking for a code takes no credential."""

WRONG_CODES = 10
WRONG_CODES_WINDOW = timedelta(minutes=15)
"""So many wrong codes may be tried in one session in this time."""

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Those of codes: no vowels, which would make words, and none that is mistaken for another."""

CODE_LENGTH = 8

# --- the life of a device code --------------------------------------------------------------------

PENDING, APPROVED, DENIED, REDEEMED = "pending", "approved", "denied", "redeemed"

CHANGES: Mapping[str, frozenset[str]] = {
    PENDING: frozenset({APPROVED, DENIED}),  # by a person, who decides once
    APPROVED: frozenset({REDEEMED}),  # by the client, which gets tokens for it once
    DENIED: frozenset(),
    REDEEMED: frozenset(),
}


@attrs.frozen
class Claims:
    """What an access token says."""

    user_id: str
    scopes: frozenset[str]
    workspace_id: str | None
    """The workspace that the token was approved for; None if it says none."""


def user_code(random_token: str) -> str:
    """Return a code to type, such as `WDJB-MJHT`, made of a random hexadecimal number."""
    number, letters = int(random_token, 16), ""
    for _ in range(CODE_LENGTH):
        number, letter = divmod(number, len(LETTERS))
        letters += LETTERS[letter]
    return f"{letters[: CODE_LENGTH // 2]}-{letters[CODE_LENGTH // 2 :]}"


def typed_code(text: str) -> str | None:
    """Return a code as `user_code` writes it, however it was typed; None if it cannot be one."""
    letters = "".join(each for each in text.upper() if each.isalnum())
    if len(letters) != CODE_LENGTH or not set(letters) <= set(LETTERS):
        return None
    return f"{letters[: CODE_LENGTH // 2]}-{letters[CODE_LENGTH // 2 :]}"


def scopes_of(text: str | None) -> list[str]:
    """Return the scopes in a text, each once, in its order."""
    return list(dict.fromkeys((text or "").split()))
