"""Faults as edits of text, for what no replaced function reaches: read from the toml files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from definitions import HERE, ROOTS, CatalogueError, Edit, Edits, Fault, Side

SIDES: tuple[Side, ...] = ("sdk", "contract")
"""What is edited: no fault of the server is out of reach for a replacement."""


def edit_faults() -> Iterator[Fault]:
    """Every fault of the toml files, in their order.

    Raises:
        CatalogueError: A table lacks an entry.
    """
    for side in SIDES:
        tables = tomllib.loads((HERE / f"{side}.toml").read_text(encoding="utf-8"))
        for name, table in tables.items():
            try:
                yield _fault(name, side, table)
            except KeyError as missing:
                raise CatalogueError(f"{name}: {missing} is missing") from None


def edited_texts(fault: Fault, edits: Edits) -> dict[Path, str]:
    """The files that the edits change, with their new texts.

    Raises:
        CatalogueError: A text to replace is not there exactly once.
    """
    found: dict[Path, str] = {}
    for edit in edits.edits:
        path = ROOTS[fault.side] / edit.file
        text = found.get(path) or path.read_text(encoding="utf-8")
        times = text.count(edit.old)
        if times != 1:
            raise CatalogueError(f"{fault.id}: {edit.file} has its text {times} times, not once")
        found[path] = text.replace(edit.old, edit.new)
    return found


def _fault(name: str, side: Side, table: Mapping[str, Any]) -> Fault:
    edits = [table, *table.get("also", ())]
    return Fault(
        id=name,
        side=side,
        kind=table["kind"],
        operations=tuple(table["operations"]),
        breaks=table["breaks"],
        by=table.get("by"),
        change=Edits(tuple(Edit(edit["file"], edit["old"], edit["new"]) for edit in edits)),
    )
