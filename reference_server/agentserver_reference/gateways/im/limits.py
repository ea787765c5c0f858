"""How long the services for messages are waited for, and how long a text may be."""

POLL = 35
"""Seconds for which a service may hold a poll."""
POLL_TIMEOUT = 40.0
SEND_TIMEOUT = 15.0
TIMEOUT = 10.0
"""Seconds for any other request."""


def parts(text: str, most: int) -> list[str]:
    """Cut a text into pieces of at most so many characters, at the end of a line if possible."""
    pieces = []
    while len(text) > most:
        cut = text.rfind("\n", 1, most) + 1 or most
        pieces.append(text[:cut].rstrip("\n") or text[:cut])
        text = text[cut:]
    return [*pieces, text]
