"""QR codes in a terminal, by segno, which comes with the extra `agent`."""

from __future__ import annotations

from contextlib import suppress
from typing import TextIO


def draw(text: str, stream: TextIO) -> None:
    """Draw a QR code on a terminal; nothing elsewhere, and without segno."""
    if not stream.isatty():
        return
    try:
        import segno
    except ImportError:
        return
    with suppress(UnicodeEncodeError):  # a terminal without its characters
        segno.make(text).terminal(out=stream, compact=True)
