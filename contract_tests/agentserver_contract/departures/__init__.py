"""Known departures of a release from the contract, as data that findings are matched with.

Each table of `<release>.toml` is one fact: the operations in which it shows, what shows it, what
the release answers instead (`answers`) and why the contract says otherwise (`why`). A fact is shown
by a `kind` of exchange, or by a finding of a `layer` of the suite that no single exchange shows.
`unmet` says why a run may well not meet it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agentserver_contract.contract.document import Contract
from agentserver_contract.http.messages import Exchange, Response
from agentserver_contract.results.conformance import CHECKS, Conformance
from agentserver_contract.results.conformance import LAYER as EXCHANGE
from agentserver_contract.results.findings import Finding

_T = TypeVar("_T")
LAYERS = (
    *("fuzzing", "differential", "stateful", "roles", "people", "refusals", "ids", "values"),
    *("model", "times", "repeats", "races", "malformed", "transport", "lists", "idle", "gate"),
)
"""Layers whose findings can be listed."""
_TEXTS = ("answers", "why")
_PATTERNS = ("at", "detail", "promise", "request", "path", "answer", "headers")
_KEYS = {"operations", "kind", "rule", "layer", "check", "status", "unmet", *_PATTERNS, *_TEXTS}

# What each check of a layer looks at in an exchange, or all checks of a layer.
_KINDS_OF_LAYER: Mapping[str, frozenset[str]] = {
    "refusals": frozenset({"status", "accepted", "media-type"}),
    "ids": frozenset({"status"}),
    "values": frozenset({"status", "accepted", "refused"}),
    "model": frozenset({"status", "accepted", "refused"}),
}
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
    layers: frozenset[str]
    """The layers whose findings show it; that of single exchanges where the file gives a `kind`."""
    operations: frozenset[str]
    answers: str
    why: str
    checks: frozenset[str] = frozenset()
    """Of these layers; of single exchanges their kinds."""
    rules: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """By key: `at`, `detail` and `promise` of the finding, body of `request`, `path`, `answer`,
    and `headers` of the answer in lines.

    Where no single exchange shows a finding, the answer is what the report says of it.
    """
    unmet: str = ""
    """Why a run may well not meet it; empty where every whole run does."""

    @property
    def is_of_exchanges(self) -> bool:
        """Whether single exchanges show it."""
        return EXCHANGE in self.layers

    def explains(self, finding: Finding) -> bool:
        """Whether a finding shows this fact."""
        status = finding.response.status if finding.response is not None else None
        return (
            finding.layer in self.layers
            and (not self.operations or finding.operation in self.operations)
            and (not self.checks or finding.check in self.checks)
            and (not self.rules or finding.rule in self.rules)
            and (not self.statuses or status in self.statuses)
            and self._matches(finding)
        )

    def _matches(self, finding: Finding) -> bool:
        request, response = finding.request, finding.response
        texts = {
            "at": finding.at,
            "detail": finding.detail,
            "promise": finding.promise,
            "request": ((request.body if request else None) or b"").decode("utf-8", "replace"),
            "path": request.path if request else "",
            "answer": response.text if response else finding.received,
            "headers": "" if response is None else _lines(response),
        }
        return all(pattern.search(texts[key]) for key, pattern in self.patterns.items())


@dataclass(frozen=True)
class Account:
    """Findings by the departures that explain them."""

    explained: Mapping[str, Sequence[Finding]]
    """Findings by the name of the first departure that explains them."""
    unexplained: Sequence[Finding]
    not_met: Sequence[Departure]
    """Departures that explain no finding."""


def account(
    contract: Contract, departures: Iterable[Departure], findings: Iterable[Finding]
) -> Account:
    """Sort findings by the departures that explain them.

    A finding of a layer is also explained where everything in which its exchange does not fit the
    contract, as far as the finding's check looks at it, is a known fact.
    """
    departures = list(departures)
    explained: dict[str, list[Finding]] = {}
    unexplained = []
    met = set()
    for finding in findings:
        names = [each.name for each in departures if each.explains(finding)]
        if not names and finding.layer != EXCHANGE:
            names = _facts_behind(contract, departures, finding)
        met.update(names)
        if names:
            explained.setdefault(names[0], []).append(finding)
        else:
            unexplained.append(finding)
    not_met = [departure for departure in departures if departure.name not in met]
    return Account(explained, unexplained, not_met)


def _facts_behind(
    contract: Contract, departures: Sequence[Departure], finding: Finding
) -> list[str]:
    """The departures behind an exchange; none unless they explain all that is wrong with it."""
    if finding.request is None or finding.response is None:
        return []
    operation, request = contract.operations.get(finding.operation), finding.request
    if (
        operation is None
        or request.method != operation.method
        or not operation.path_pattern.fullmatch(request.path)
    ):
        return []  # the contract says nothing about a request that is not one of the operation
    looked_at = _KINDS_OF_CHECK.get(
        finding.check, _KINDS_OF_LAYER.get(finding.layer, frozenset[str]())
    )
    exchange = Exchange(request, finding.response)
    names: list[str] = []
    for fact in Conformance(contract).findings(operation, exchange):
        if fact.check not in looked_at:
            continue
        explaining = [each.name for each in departures if each.explains(fact)]
        if not explaining:
            return []
        names += explaining
    return names


def _lines(response: Response) -> str:
    """The headers of a response, one line each."""
    pairs = ((name, value) for name, values in response.headers.items() for value in values)
    return "\n".join(f"{name}: {value}" for name, value in pairs)


def releases() -> list[str]:
    """The releases whose departures are part of this package."""
    return sorted(each.stem for each in Path(__file__).parent.glob("*.toml"))


def file_of(release: str) -> Path:
    """The departures file of a release such as `v0.64.12`."""
    return Path(__file__).parent / f"{release}.toml"


def load(path: Path) -> list[Departure]:
    """The departures in a file, in its order.

    Raises:
        DepartureError: It cannot be read, or an entry is wrong; the text names table and key.
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
    if not isinstance(table.get("unmet", ""), str):
        raise DepartureError(f"{where}: unmet: must be a text")
    kinds, layers = _set(where, table, "kind", str), _set(where, table, "layer", str)
    if bool(kinds) == bool(layers):
        raise DepartureError(f"{where}: kind: either this or layer must be given")
    if not kinds <= CHECKS.keys():
        raise DepartureError(f"{where}: kind: must be of {', '.join(CHECKS)}")
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
        layers=frozenset(layers or {EXCHANGE}),
        operations=frozenset(operations - {"*"}),
        answers=table["answers"],
        why=table["why"],
        rules=frozenset(_set(where, table, "rule", str)),
        statuses=frozenset(_set(where, table, "status", int)),
        patterns=patterns,
        checks=frozenset(kinds or _set(where, table, "check", str)),
        unmet=table.get("unmet", ""),
    )


def _set(where: str, table: Mapping[str, Any], key: str, kind: type[_T]) -> set[_T]:
    """One value or a list of values."""
    value = table.get(key, [])
    values = value if isinstance(value, list) else [value]
    for item in values:
        if type(item) is not kind:
            raise DepartureError(f"{where}: {key}: {item!r} is no {kind.__name__}")
    return set(values)
