"""Credentials for services outside: their kinds, and the rules for a workspace's credentials."""

from base64 import urlsafe_b64encode

from agentserver_reference.domain.errors import Conflict, NotFound

CLUSTER = "k8s"
KINDS = frozenset({CLUSTER})

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
