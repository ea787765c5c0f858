"""The lifetime and the cookie of a session."""

from datetime import timedelta

COOKIE_NAME = "agentserver-token"
LIFETIME = timedelta(days=7)


def opened_cookie(token: str, *, domain: str | None, secure: bool) -> str:
    """Return the value of `Set-Cookie` for a new session."""
    return _cookie(token, int(LIFETIME.total_seconds()), domain, secure)


def ended_cookie(*, domain: str | None, secure: bool) -> str:
    """Return the value of `Set-Cookie` that deletes the session cookie."""
    return _cookie("", 0, domain, secure)


def _cookie(value: str, max_age: int, domain: str | None, secure: bool) -> str:
    attributes = (
        f"{COOKIE_NAME}={value}",
        "Path=/",
        # For browsers, `.example.com` and `example.com` are the same.
        f"Domain={domain.removeprefix('.')}" if domain else None,
        f"Max-Age={max_age}",
        "HttpOnly",
        "Secure" if secure else None,
        "SameSite=Lax",
    )
    return "; ".join(attribute for attribute in attributes if attribute)
