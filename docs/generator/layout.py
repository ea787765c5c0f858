"""Pieces of Markdown: tables, blocks of code, tabs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence


def paragraphs(*parts: str) -> str:
    """Put parts one below the other; empty ones are left out."""
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
    """A table of a kind that the stylesheet knows; empty where it would have no row."""
    lines = [_row(cells) for cells in rows]
    if not lines:
        return ""
    head = [_row(headings), _row(["---"] * len(headings))]
    return boxed(f"rows {kind}", "\n".join([*head, *lines]))


def boxed(kind: str, text: str) -> str:
    """Something in a box of a kind that the stylesheet knows."""
    return f'<div class="{kind}" markdown>\n\n{text}\n\n</div>'


def tabs(contents: Mapping[str, str]) -> str:
    """One tab for each title; a single one needs no tab."""
    if len(contents) == 1:
        return next(iter(contents.values()))
    return "\n\n".join(
        f'=== "{title}"\n\n{textwrap.indent(text, "    ")}' for title, text in contents.items()
    )


def label(text: str) -> str:
    """A heading within an operation, which the list of contents leaves out."""
    return f"**{text}**{{ .label }}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(flat(cell) for cell in cells)} |"
