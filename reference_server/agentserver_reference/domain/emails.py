"""E-mail addresses: shown as they were given, compared without regard to case."""

from unicodedata import normalize


def trimmed(email: str) -> str:
    """The address as it is kept and shown."""
    return email.strip(" ")


def email_key(email: str) -> str:
    """What two spellings of one address have in common."""
    return normalize("NFC", normalize("NFC", trimmed(email)).casefold())
