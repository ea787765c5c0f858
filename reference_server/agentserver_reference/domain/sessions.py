"""How long a session lives, and the cookie that carries it."""

from datetime import timedelta

COOKIE_NAME = "agentserver-token"
LIFETIME = timedelta(days=7)


def opened_cookie(token: str, *, domain: str | None, secure: bool) -> str:
    """The `Set-Cookie` text that hands a session over."""
    return _cookie(token, int(LIFETIME.total_seconds()), domain, secure)


def ended_cookie(*, domain: str | None, secure: bool) -> str:
    """The `Set-Cookie` text that makes a browser forget its session."""
    return _cookie("", 0, domain, secure)


def _cookie(value: str, max_age: int, domain: str | None, secure: bool) -> str:
    attributes = (
        f"{COOKIE_NAME}={value}",
        "Path=/",
        # Browsers take `.example.com` and `example.com` for the same.
        f"Domain={domain.removeprefix('.')}" if domain else None,
        f"Max-Age={max_age}",
        "HttpOnly",
        "Secure" if secure else None,
        "SameSite=Lax",
    )
    return "; ".join(attribute for attribute in attributes if attribute)
