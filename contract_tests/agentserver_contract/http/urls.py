"""The URL of a server under test, and whether it is on this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx


class UrlError(ValueError):
    """A text is not the URL of a server."""


def base_url(text: str) -> str:
    """A server's URL without a slash at its end.

    Raises:
        UrlError: The text is no such URL, or has a user, a password, a query or a fragment.
    """
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 (reading it checks it)
        httpx.URL(text)
    except (ValueError, httpx.InvalidURL):
        raise UrlError(f"{text!r} is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UrlError("the URL must be http or https with a host, as in http://127.0.0.1:8080")
    if parts.username is not None or parts.query or parts.fragment:
        raise UrlError("the URL must have no user, password, query or fragment")
    return text.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a URL can only mean this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
