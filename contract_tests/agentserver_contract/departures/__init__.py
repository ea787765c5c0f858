"""Where a release is known to depart from the contract, as data that findings are matched against.

Each table of `<release>.toml` is one fact: in which operations it shows, what of an exchange tells
it, what the release answers instead (`answers`) and why the contract says otherwise (`why`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agentserver_contract.recordings import KINDS, Finding

_T = TypeVar("_T")
_TEXTS = ("answers", "why")
_PATTERNS = ("at", "detail", "request", "path", "answer")
_KEYS = {"operations", "kind", "rule", "status", *_PATTERNS, *_TEXTS}


class DepartureError(ValueError):
    """A departures file does not say what it should."""


@dataclass(frozen=True)
class Departure:
    """One known fact. Everything that is given must match; an empty collection matches all."""

    name: str
    kinds: frozenset[str]
    operations: frozenset[str]
    answers: str
    why: str
    rules: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """By key: `at` and `detail` of the finding, body of the `request`, `path`, `answer`."""

    def explains(self, finding: Finding) -> bool:
        """Whether the finding shows this fact."""
        exchange = finding.exchange
        if finding.kind not in self.kinds:
            return False
        if self.operations and finding.operation_id not in self.operations:
            return False
        if self.rules and finding.rule not in self.rules:
            return False
        if self.statuses and exchange.status not in self.statuses:
            return False
        texts = {
            "at": finding.at,
            "detail": finding.detail,
            "request": (exchange.body or b"").decode("utf-8", "replace"),
            "path": exchange.path,
            "answer": exchange.text,
        }
        return all(pattern.search(texts[key]) for key, pattern in self.patterns.items())


@dataclass(frozen=True)
class Account:
    """Findings sorted by the departures that explain them."""

    explained: Mapping[str, Sequence[Finding]]
    """Findings by the name of the first departure that explains them."""
    unexplained: Sequence[Finding]
    idle: Sequence[Departure]
    """Departures that explain no finding at all."""


def account(departures: Iterable[Departure], findings: Iterable[Finding]) -> Account:
    """Sorts findings by departure, and names the departures that do not occur."""
    departures = list(departures)
    explained: dict[str, list[Finding]] = {}
    unexplained = []
    occurring = set()
    for finding in findings:
        names = [departure.name for departure in departures if departure.explains(finding)]
        occurring.update(names)
        if names:
            explained.setdefault(names[0], []).append(finding)
        else:
            unexplained.append(finding)
    idle = [departure for departure in departures if departure.name not in occurring]
    return Account(explained, unexplained, idle)


def file_of(release: str) -> Path:
    """The departures file of a release such as `v0.64.12`."""
    return Path(__file__).parent / f"{release}.toml"


def load(path: Path) -> list[Departure]:
    """The departures in a file, in its order.

    Raises DepartureError naming the table and the key that is wrong.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DepartureError(f"{path.name}: {error}") from None
    return [_departure(f"{path.name}: [{name}]", name, table) for name, table in tables.items()]


def _departure(where: str, name: str, table: Any) -> Departure:
    if not isinstance(table, dict):
        raise DepartureError(f"{where}: must be a table")
    for key in table:
        if key not in _KEYS:
            raise DepartureError(
                f"{where}: {key}: unknown key; known are {', '.join(sorted(_KEYS))}"
            )
    for key in _TEXTS:
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise DepartureError(f"{where}: {key}: must be a text")
    kinds = _set(where, table, "kind", str)
    if not kinds or not kinds <= set(KINDS):
        raise DepartureError(f"{where}: kind: must be of {', '.join(KINDS)}")
    operations = _set(where, table, "operations", str)
    if not operations:
        raise DepartureError(f"{where}: operations: must name operations, or be '*' for all")
    try:
        patterns = {key: re.compile(table[key]) for key in _PATTERNS if key in table}
    except (re.error, TypeError) as error:
        raise DepartureError(f"{where}: not a regular expression: {error}") from None
    return Departure(
        name=name,
        kinds=frozenset(kinds),
        operations=frozenset(operations - {"*"}),
        answers=table["answers"],
        why=table["why"],
        rules=frozenset(_set(where, table, "rule", str)),
        statuses=frozenset(_set(where, table, "status", int)),
        patterns=patterns,
    )


def _set(where: str, table: Mapping[str, Any], key: str, kind: type[_T]) -> set[_T]:
    """One value or a list of values."""
    value = table.get(key, [])
    values = value if isinstance(value, list) else [value]
    for item in values:
        if type(item) is not kind:
            raise DepartureError(f"{where}: {key}: {item!r} is no {kind.__name__}")
    return set(values)
