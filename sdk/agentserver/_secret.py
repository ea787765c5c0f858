"""A credential that shows itself only when asked: not in a repr, an attribute or a pickle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ._errors import ArgumentError

HIDDEN = "***"

# Shorter values would blot out ordinary words of a message without protecting anything.
_SHORTEST_HIDDEN = 4


class Secret:
    """A string that must not be seen.

    It lives in a closure, so that whatever prints, walks or serialises attributes (a debugger, an
    error collector, ``vars``) finds a function and not the value.

    Args:
        value: the credential, or a `Secret`, whose value is taken over.

    Raises:
        ArgumentError: the value is not a string.
    """

    __slots__ = ("_reveal",)
    _reveal: Callable[[], str]

    def __init__(self, value: str | Secret) -> None:
        given: Any = value
        if isinstance(given, Secret):
            self._reveal = given._reveal
        elif isinstance(given, str):
            self._reveal = lambda: given
        else:
            kind = type(given).__name__
            del value, given  # an error's traceback shows locals
            raise ArgumentError(f"a secret must be a str, not {kind}")

    @staticmethod
    def of(value: Any) -> Any:
        """Wrap a string and leave anything else, to be refused where no local shows a secret."""
        return Secret(value) if isinstance(value, str) else value

    def reveal(self) -> str:
        """The credential itself; call it at the last moment and keep no copy."""
        return self._reveal()

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest  # loads OpenSSL, which few programs need here

        return compare_digest(_octets(self), _octets(other))

    def __hash__(self) -> int:
        return hash((Secret, self._reveal()))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret does not pickle: it would leave the process in clear text")


def secrets_in(value: object) -> Iterable[Secret]:
    """Every `Secret` in a request body, at any depth."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from secrets_in(item)


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """`text` without the credentials in it: a server may answer with what it was sent."""
    for secret in secrets:
        text = _without(text, secret)
    return text


def _without(text: str, secret: Secret) -> str:
    import json

    for form in (secret.reveal(), json.dumps(secret.reveal())[1:-1]):
        if len(form) >= _SHORTEST_HIDDEN:
            text = re.sub(re.escape(form), HIDDEN, text)
    return text


def _octets(secret: Secret) -> bytes:
    return secret.reveal().encode("utf-8", "surrogatepass")
