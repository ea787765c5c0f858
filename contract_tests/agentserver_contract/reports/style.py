"""Headings, lines and tables for a terminal, in colour where the terminal and the user want it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, TextIO

from agentserver_contract.reports import stream as streams

Colour = Literal["auto", "always", "never"]

_BOLD, _GREEN, _RED, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class Style:
    """Writes to one stream line by line, so that users see progress.

    Args:
        stream: Where to write.
        colour: `auto` colours a terminal unless the environment sets `NO_COLOR`.
    """

    def __init__(self, stream: TextIO, colour: Colour = "auto") -> None:
        self._stream = stream
        wanted = stream.isatty() and not os.environ.get("NO_COLOR")
        self._colour = wanted if colour == "auto" else colour == "always"

    def heading(self, text: str) -> None:
        """What comes next."""
        self.text(f"\n{self._painted(text, _BOLD)}")

    def line(self, text: str) -> None:
        """One thing that happened."""
        self.text(f"  {text}")

    def text(self, text: str) -> None:
        """Text as it is."""
        streams.write(self._stream, f"{text}\n")

    def good(self, text: str) -> str:
        """Text that says all is well."""
        return self._painted(text, _GREEN)

    def bad(self, text: str) -> str:
        """Text that says something is wrong."""
        return self._painted(text, _RED)

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str] = ()
    ) -> None:
        """A table, with or without a last line of totals: names to the left, all else right."""
        totals = [total] if total else []
        widths = [max(map(len, column)) for column in zip(heads, *rows, *totals, strict=True)]
        rule = ["-" * width for width in widths]
        for cells in (heads, rule, *rows, *([rule, total] if total else ())):
            first, *others = (
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            self.line("  ".join((first, *others)))

    def _painted(self, text: str, code: str) -> str:
        return f"{code}{text}{_PLAIN}" if self._colour else text
