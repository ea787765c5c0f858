"""The faults as data: what each breaks, which text of which file is replaced by which."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]

Side = Literal["server", "sdk", "contract"]

ROOTS: Mapping[Side, Path] = {
    "server": CHECKOUT / "reference_server" / "agentserver_reference",
    "sdk": CHECKOUT / "sdk" / "agentserver",
    "contract": CHECKOUT,
}
"""What the files of each side's faults are relative to."""


class CatalogueError(ValueError):
    """The catalogue does not fit itself or the sources; the text names the fault."""


@dataclass(frozen=True)
class Edit:
    """A text that stands exactly once in a file, and what is put in its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Fault:
    """One fault, which is always planted alone."""

    id: str
    side: Side
    kind: str
    operations: tuple[str, ...]
    """Where it shows, by operationId."""
    breaks: str
    """What is wrong then, in one line."""
    edits: tuple[Edit, ...]
    only: str | None = None
    """The one layer that catches it: each layer has such a fault, or it would not be needed."""

    def texts(self) -> dict[Path, str]:
        """The files that it changes, as they are with it.

        Raises:
            CatalogueError: A text to replace is not there exactly once.
        """
        found: dict[Path, str] = {}
        for edit in self.edits:
            path = ROOTS[self.side] / edit.file
            text = found.get(path) or path.read_text(encoding="utf-8")
            times = text.count(edit.old)
            if times != 1:
                raise CatalogueError(f"{self.id}: {edit.file} has its text {times} times, not once")
            found[path] = text.replace(edit.old, edit.new)
        return found


def kinds() -> dict[str, str]:
    """The kinds of fault, each with what it is."""
    return tomllib.loads((HERE / "kinds.toml").read_text(encoding="utf-8"))


def catalogue() -> list[Fault]:
    """Every fault, in the order of the files.

    Raises:
        CatalogueError: An id stands there twice, or a kind is unknown.
    """
    faults = [fault for side in ROOTS for fault in _read(side)]
    for name, times in Counter(fault.id for fault in faults).items():
        if times > 1:
            raise CatalogueError(f"{name}: {times} faults have this id")
    known = kinds()
    for fault in faults:
        if fault.kind not in known:
            raise CatalogueError(f"{fault.id}: {fault.kind} is no kind of fault")
    return faults


def _read(side: Side) -> Iterator[Fault]:
    tables = tomllib.loads((HERE / f"{side}.toml").read_text(encoding="utf-8"))
    for name, table in tables.items():
        try:
            yield _fault(name, side, table)
        except KeyError as missing:
            raise CatalogueError(f"{name}: {missing} is missing") from None


def _fault(id: str, side: Side, table: Mapping[str, Any]) -> Fault:
    edits = [table, *table.get("also", ())]
    return Fault(
        id=id,
        side=side,
        kind=table["kind"],
        operations=tuple(table["operations"]),
        breaks=table["breaks"],
        only=table.get("only"),
        edits=tuple(Edit(edit["file"], edit["old"], edit["new"]) for edit in edits),
    )
