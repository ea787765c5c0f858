"""Taking turns: what is compared is measured in alternating rounds of one run.

Whatever else the machine does meets all alike, and a ratio is that of the same round.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Effort:
    """How much is done for each figure."""

    rounds: int
    calls: int
    """Calls of a client in a round."""
    loads: int
    """Rounds of load on servers, which take longer."""
    requests: int
    """Requests to a server in a round."""
    objects: tuple[int, ...]
    """How many are decoded at once."""
    clients: int
    """How many are idle at once."""
    seconds: float
    """How long those who wait are watched."""
    examples: int
    """Random cases of the contract tests for each operation and mode."""
    rows: int
    """Of a long log."""


FULL = Effort(
    rounds=15,
    calls=200,
    loads=7,
    requests=1500,
    objects=(1, 100, 10_000),
    clients=1000,
    seconds=20,
    examples=10,
    rows=1_000_000,
)
QUICK = Effort(
    rounds=2,
    calls=50,
    loads=2,
    requests=500,
    objects=(1, 100),
    clients=20,
    seconds=2,
    examples=1,
    rows=20_000,
)


@dataclass(frozen=True)
class Spread:
    """The middle of some measurements, and the middle half of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The quartiles."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, beside what."""

    part: str
    what: str
    unit: str
    here: Spread
    against: str | None = None
    there: Spread | None = None
    ratio: Spread | None = None
    """`here` divided by `there`, round by round."""
    at_most: float | None = None
    """The target of the ratio, where less is better."""
    at_least: float | None = None
    """The target of the ratio, where more is better."""


def in_turns(rounds: int, subjects: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Measure every subject once a round, after one round that does not count.

    The order moves on by one each round, so that none always follows the same other one.
    """
    for measure in subjects.values():
        measure()
    taken: dict[str, list[T]] = {name: [] for name in subjects}
    order = deque(subjects)
    for _ in range(rounds):
        for name in order:
            taken[name].append(subjects[name]())
        order.rotate()
    return taken


def alone(part: str, what: str, unit: str, values: Sequence[float]) -> Row:
    """A figure that nothing is beside."""
    return Row(part, what, unit, Spread.of(values))


def beside(
    part: str,
    what: str,
    unit: str,
    values: Sequence[float],
    against: str,
    others: Sequence[float],
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """A figure beside another one of the same rounds."""
    ratios = [one / other for one, other in zip(values, others, strict=True)]
    return Row(
        part,
        what,
        unit,
        Spread.of(values),
        against,
        Spread.of(others),
        Spread.of(ratios),
        at_most,
        at_least,
    )
