"""Pieces of Markdown: tables, blocks of code, tabs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence


def paragraphs(*parts: str) -> str:
    """Join parts with empty lines in between; omit empty parts."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def flat(text: str) -> str:
    """Write a text on one line."""
    return " ".join(text.split())


def code(text: str) -> str:
    """Mark a text as code, on one line."""
    fence = "``" if "`" in text else "`"
    inner = f" {text} " if "`" in text else text
    return f"{fence}{inner}{fence}"


def block(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def table(kind: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a CSS class; empty if it has no rows."""
    lines = [_row(cells) for cells in rows]
    if not lines:
        return ""
    head = [_row(headings), _row(["---"] * len(headings))]
    return boxed(f"rows {kind}", "\n".join([*head, *lines]))


def boxed(kind: str, text: str) -> str:
    """A text in a box with a CSS class."""
    return f'<div class="{kind}" markdown>\n\n{text}\n\n</div>'


def tabs(contents: Mapping[str, str]) -> str:
    """One tab for each title; a single text gets no tab."""
    if len(contents) == 1:
        return next(iter(contents.values()))
    return "\n\n".join(
        f'=== "{title}"\n\n{textwrap.indent(text, "    ")}' for title, text in contents.items()
    )


def label(text: str) -> str:
    """A heading within an operation that the table of contents omits."""
    return f"**{text}**{{ .label }}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(flat(cell) for cell in cells)} |"
