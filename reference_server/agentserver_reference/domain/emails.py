"""E-mail addresses, which are shown as given and compared case-insensitively."""

from unicodedata import normalize


def trimmed(email: str) -> str:
    """Return the address without surrounding spaces, as it is stored and shown."""
    return email.strip(" ")


def email_key(email: str) -> str:
    """Return the key by which addresses are compared."""
    return normalize("NFC", normalize("NFC", trimmed(email)).casefold())
