"""Credentials for services outside: their kinds, and the rules for a workspace's credentials."""

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from agentserver_reference.domain.errors import Conflict, Gone, NotFound

CLUSTER = "k8s"
KINDS = frozenset({CLUSTER})

SANDBOX_USER, SANDBOX_TOKEN = "agentserver-sandbox", "agentserver-token"
"""Whom a kubeconfig of a sandbox impersonates, and the attribute that has the sandbox's token.

Over plain HTTP, kubectl sends neither token nor password, but whom it impersonates.
"""

PENDING, GRANTED, REFUSED = "pending", "granted", "refused"
"""The states of a login that a person has to approve. Of the last two, none is ever left."""

LONGEST_COMPLETION = timedelta(seconds=60)
"""How long a call waits for a login."""
KEPT_AFTER_EXPIRY = timedelta(days=1)
"""How long it is known that a login has expired."""

REFRESH_BEFORE = timedelta(seconds=30)
"""Tokens of a login that are valid for less are renewed before they are used."""

_ID_BYTES = 16


def new_id(token: str) -> str:
    """Return a new id, made of a fresh random token of 64 hexadecimal digits."""
    return urlsafe_b64encode(bytes.fromhex(token)[:_ID_BYTES]).decode().rstrip("=")


def check_kind(kind: str) -> None:
    """Raise NotFound if there is no such kind."""
    if kind not in KINDS:
        raise NotFound("credential kind not found")


def check_name_is_free(*, is_taken: bool) -> None:
    """Raise Conflict if a credential of the same kind has the name."""
    if is_taken:
        raise Conflict("display_name: another credential of the workspace has it")


def check_may_go(*, is_default: bool, others: int) -> None:
    """Raise Conflict if a credential is the default of others, which would have none then."""
    if is_default and others:
        raise Conflict("it is the default: make another credential the default first")


def check_login(state: str, *, expires_at: datetime, now: datetime) -> None:
    """Raise Conflict for a login that was refused, and Gone for one that has expired."""
    if state == REFUSED:
        raise Conflict("the login was refused: create the credential again")
    if expires_at <= now:
        raise Gone("the login has expired: create the credential again")
