"""Where a release is known to depart from the contract, as data that findings are matched against.

Each table of `<release>.toml` is one fact: in which operations it shows, what tells it, what the
release answers instead (`answers`) and why the contract says otherwise (`why`). What tells a fact
is a `kind` of exchange, recorded or met while a server is tried, or what a `layer` of the suite
found that no single exchange shows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from agentserver_contract.contract.document import Contract
from agentserver_contract.recordings.exchanges import KINDS, Exchange, Finding, RecordingError
from agentserver_contract.recordings.exchanges import findings as findings_of
from agentserver_contract.results import findings as live

_T = TypeVar("_T")
_F = TypeVar("_F")
LAYERS = ("fuzzing", "differential", "stateful", "roles", "refusals", "model", "gate")
"""Layers whose findings can be listed."""
_TEXTS = ("answers", "why")
_PATTERNS = ("at", "detail", "promise", "request", "path", "answer")
_KEYS = {"operations", "kind", "rule", "layer", "check", "status", *_PATTERNS, *_TEXTS}

# What of an exchange each check of a live run is about, or all checks of a layer.
_KINDS_OF_LAYER: Mapping[str, frozenset[str]] = {"refusals": frozenset({"status", "accepted"})}
_KINDS_OF_CHECK: Mapping[str, frozenset[str]] = {
    "not_a_server_error": frozenset({"status"}),
    "status_code_conformance": frozenset({"status"}),
    "content_type_conformance": frozenset({"media-type"}),
    "response_schema_conformance": frozenset({"media-type", "schema"}),
    "response_headers_conformance": frozenset({"header"}),
    "negative_data_rejection": frozenset({"accepted"}),
    "positive_data_acceptance": frozenset({"refused"}),
    "documented status": frozenset({"status"}),
    "strict decoding": frozenset({"media-type", "schema"}),
}


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
    """By key: `at`, `detail` and `promise` of the finding, body of `request`, `path`, `answer`."""
    layers: frozenset[str] = frozenset()
    """Of the suite; where one is given it takes the place of `kinds`."""
    checks: frozenset[str] = frozenset()

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
        return self._fits(texts)

    def explains_live(self, finding: live.Finding) -> bool:
        """Whether what a layer found shows this fact."""
        if finding.layer not in self.layers:
            return False
        if self.operations and finding.operation not in self.operations:
            return False
        if self.checks and finding.check not in self.checks:
            return False
        status = finding.answer.status if finding.answer is not None else None
        if self.statuses and status not in self.statuses:
            return False
        request, answer = finding.request, finding.answer
        texts = {
            "detail": finding.detail,
            "promise": finding.promise,
            "request": ((request.body if request else None) or b"").decode("utf-8", "replace"),
            "path": request.path if request else "",
            "answer": (answer.body if answer else b"").decode("utf-8", "replace"),
        }
        return self._fits(texts)

    def _fits(self, texts: Mapping[str, str]) -> bool:
        return all(pattern.search(texts.get(key, "")) for key, pattern in self.patterns.items())


@dataclass(frozen=True)
class Account(Generic[_F]):
    """Findings sorted by the departures that explain them."""

    explained: Mapping[str, Sequence[_F]]
    """Findings by the name of the first departure that explains them."""
    unexplained: Sequence[_F]
    idle: Sequence[Departure]
    """Departures that explain no finding at all."""


def account(departures: Iterable[Departure], findings: Iterable[Finding]) -> Account[Finding]:
    """Sorts recorded findings by departure, and names the departures that do not occur."""
    departures = list(departures)
    exchanged = [departure for departure in departures if departure.kinds]
    return _account(
        exchanged,
        findings,
        lambda finding: [each.name for each in exchanged if each.explains(finding)],
    )


def account_live(
    contract: Contract, departures: Iterable[Departure], findings: Iterable[live.Finding]
) -> Account[live.Finding]:
    """Sorts what layers found by departure, and names the departures that were not met.

    A finding on a single exchange is also explained where everything in which that exchange does
    not fit the contract, as far as the finding's check looks at it, is a listed fact.
    """
    departures = list(departures)

    def names(finding: live.Finding) -> list[str]:
        by_layer = [each.name for each in departures if each.explains_live(finding)]
        return by_layer or _facts(contract, departures, finding)

    return _account(departures, findings, names)


def _facts(contract: Contract, departures: Sequence[Departure], finding: live.Finding) -> list[str]:
    """The departures behind an exchange; none unless they explain all that is wrong with it."""
    of_layer = _KINDS_OF_LAYER.get(finding.layer, frozenset())
    kinds = _KINDS_OF_CHECK.get(finding.check, of_layer)
    facts = [fact for fact in _exchange_findings(contract, finding) if fact.kind in kinds]
    names: list[str] = []
    for fact in facts:
        explaining = [each.name for each in departures if each.explains(fact)]
        if not explaining:
            return []
        names += explaining
    return names


def _exchange_findings(contract: Contract, finding: live.Finding) -> Iterator[Finding]:
    if finding.request is None or finding.answer is None:
        return
    request, answer = finding.request, finding.answer
    exchange = Exchange(
        source="this run",
        operation_id=finding.operation,
        who="",
        note="",
        method=request.method,
        path=request.path,
        content_type=request.headers.get("content-type"),
        body=request.body,
        status=answer.status,
        headers={name: values[0] for name, values in answer.headers.items()},
        text=answer.body.decode("utf-8", "replace"),
        json=None,
    )
    try:
        yield from findings_of(contract, exchange)
    except RecordingError:
        return  # a request that is none of the operation's has no facts of its exchange


def _account(
    departures: Sequence[Departure],
    findings: Iterable[_F],
    names_of: Callable[[_F], list[str]],
) -> Account[_F]:
    explained: dict[str, list[_F]] = {}
    unexplained = []
    occurring = set()
    for finding in findings:
        names = names_of(finding)
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
    kinds, layers = _set(where, table, "kind", str), _set(where, table, "layer", str)
    if bool(kinds) == bool(layers):
        raise DepartureError(f"{where}: kind: either this or layer must be given")
    if not kinds <= set(KINDS):
        raise DepartureError(f"{where}: kind: must be of {', '.join(KINDS)}")
    if not layers <= set(LAYERS):
        raise DepartureError(f"{where}: layer: must be of {', '.join(LAYERS)}")
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
        layers=frozenset(layers),
        checks=frozenset(_set(where, table, "check", str)),
    )


def _set(where: str, table: Mapping[str, Any], key: str, kind: type[_T]) -> set[_T]:
    """One value or a list of values."""
    value = table.get(key, [])
    values = value if isinstance(value, list) else [value]
    for item in values:
        if type(item) is not kind:
            raise DepartureError(f"{where}: {key}: {item!r} is no {kind.__name__}")
    return set(values)
