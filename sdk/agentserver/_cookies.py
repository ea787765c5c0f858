"""The session that a server's Set-Cookie headers give or end, read as RFC 6265 has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from ._options import BaseUrl, address_of, ascii_host
from ._retry import http_date
from ._secret import Secret

COOKIE_NAME: Final = "agentserver-token"

_API: Final = "/api"
"""Where the operations are that take a session."""
_SECONDS: Final = re.compile(r"-?\d+", re.ASCII)


@frozen(eq=False, repr=False)
class SessionCookie:
    """A session, or the end of one."""

    value: Secret
    """Empty when the cookie ends the session."""
    lifetime: float | None
    """Seconds for which it is valid; None until the server says otherwise."""
    domain: str = ""
    path: str = ""

    @property
    def ends_session(self) -> bool:
        """Whether the client has no session from now on."""
        return not self.value.reveal() or (self.lifetime is not None and self.lifetime <= 0)

    def is_for(self, url: BaseUrl) -> bool:
        """Whether it is sent to the API at a URL, or to a part of it."""
        _, host, _ = url.origin
        at = urlsplit(url.text).path + _API
        return _domain_matches(self.domain, host) and (
            _is_below(at, self.path) or _is_below(self.path, at)
        )


def session_cookies(set_cookies: tuple[Secret, ...], now: float) -> Iterator[SessionCookie]:
    """The session of each Set-Cookie header that has one.

    Args:
        set_cookies: the values of the headers.
        now: the Unix time at the server.
    """
    for header in set_cookies:
        pair, *parts = header.reveal().split(";")
        name, _, value = pair.partition("=")
        if name.strip() != COOKIE_NAME:
            continue
        split = (part.partition("=") for part in parts)
        attributes = {key.strip().lower(): given.strip() for key, _, given in split}
        yield SessionCookie(
            Secret(value.strip().strip('"')),
            _lifetime(attributes, now),
            attributes.get("domain", "").lstrip(".").lower(),
            attributes.get("path", ""),
        )


def _lifetime(attributes: dict[str, str], now: float) -> float | None:
    """Seconds, by Max-Age or else by Expires; a value that cannot be read counts as none."""
    seconds = attributes.get("max-age", "")
    if _SECONDS.fullmatch(seconds):
        return float(seconds)
    expires = http_date(attributes.get("expires", "").replace("-", " "))
    return None if expires is None else expires - now


def _domain_matches(domain: str, host: str) -> bool:
    if not domain:
        return True
    domain = ascii_host(domain) or domain
    return host == domain or (host.endswith(f".{domain}") and address_of(host) is None)


def _is_below(path: str, folder: str) -> bool:
    folder = folder.rstrip("/")
    return not folder.startswith("/") or path == folder or path.startswith(f"{folder}/")
