"""What a fault is: where it shows, what it breaks, and in which of three ways it is planted."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
SOURCES = tuple(CHECKOUT / name for name in ("sdk", "reference_server", "contract_tests"))
"""The folders that the project's packages are imported from."""

Side = Literal["server", "sdk", "contract"]
Tier = Literal["answer", "rule", "edit", "mutant"]

TIERS: Mapping[Tier, str] = {
    "answer": "answers that are changed on their way, made from the contract for every operation",
    "rule": "functions and tables that are replaced by name",
    "edit": "texts of the sources that are replaced",
    "mutant": "the server's code, changed at places that are drawn at random",
}

ROOTS: Mapping[Side, Path] = {
    "server": CHECKOUT / "reference_server" / "agentserver_reference",
    "sdk": CHECKOUT / "sdk" / "agentserver",
    "contract": CHECKOUT,
}
"""What the files of each side's faults are relative to."""


class CatalogueError(ValueError):
    """The catalogue contradicts itself, or does not fit the sources; the text names the fault."""


@dataclass(frozen=True)
class Edit:
    """A text that stands exactly once in a file, and what is put in its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Edits:
    """Texts to replace in a copy of the sources."""

    edits: tuple[Edit, ...]

    @property
    def tier(self) -> Tier:
        return "edit"


@dataclass(frozen=True)
class Replacement:
    """A function, method or table, and the function that takes its place."""

    target: str
    """Qualified name, such as `agentserver_reference.domain.roles.check_owner_stays`."""
    replacement: str
    """Qualified name of the function in `rules/`."""


@dataclass(frozen=True)
class Replacements:
    """What is replaced in the process in which the fault is tried."""

    replacements: tuple[Replacement, ...]

    @property
    def tier(self) -> Tier:
        return "rule"


@dataclass(frozen=True)
class AnswerChange:
    """A change to one documented answer of one operation."""

    operation: str
    status: int
    """The documented status; other answers of the operation stay as they are."""
    change: str
    """One of the names in `answer_faults.CHANGES`."""
    path: str = ""
    """The name of the header, or the path of the field, that is changed."""

    @property
    def tier(self) -> Tier:
        return "answer"


@dataclass(frozen=True)
class Mutation:
    """One change of the server's code, at a place of its own."""

    file: str
    """The path inside the package."""
    position: int
    """Where the old text starts, in bytes."""
    old: str
    new: str

    @property
    def tier(self) -> Tier:
        return "mutant"


Change = Edits | Replacements | AnswerChange | Mutation


@dataclass(frozen=True)
class Fault:
    """One fault, which is always planted alone."""

    id: str
    side: Side
    kind: str
    """One of the names in `kinds.toml`."""
    operations: tuple[str, ...]
    """Where it shows, by operationId."""
    breaks: str
    """What is wrong then, in one line."""
    change: Change
    by: str | None = None
    """The check of the project whose task it is, where the tool cannot see it: one of those in
    `elsewhere.py`."""

    @property
    def tier(self) -> Tier:
        """The way in which it is planted."""
        return self.change.tier


def kinds() -> dict[str, str]:
    """The kinds of fault, each with what it is."""
    return tomllib.loads((HERE / "kinds.toml").read_text(encoding="utf-8"))
