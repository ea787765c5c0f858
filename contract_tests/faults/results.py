"""Which trial is run on a fault, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from definitions import Fault

Status = Literal["caught", "survived", "time limit", "not run", "did not start"]

STATUSES: dict[Status, str] = {
    "caught": "the tool printed a finding",
    "survived": "the tool ended, and found nothing",
    "time limit": "the tool did not end in time, and had found nothing",
    "not run": "the tool said that it could not try the server",
    "did not start": "the server did not come up, or no administrator could be made",
}


@dataclass(frozen=True)
class TrialPlan:
    """One fault, and how the tool is run on it."""

    fault: Fault | None
    """None for the sources as they are."""
    seed: int
    layers: tuple[str, ...] = ()
    """Only these; all of them when empty."""
    runs_all: bool = False
    """Whether the tool goes on after its first finding."""
    limit: float = 300.0
    """Seconds that the tool may take."""
    behind_departures: bool = False
    """Whether the server departs from the contract as the release does, and the tool has the list
    of that."""


@dataclass(frozen=True)
class Found:
    """A finding, as a trial reports it."""

    layer: str
    operation: str
    promise: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.layer}: {self.operation}: {self.promise}"


@dataclass
class Trial:
    """What the tool made of one fault."""

    plan: TrialPlan
    status: Status = "survived"
    findings: list[Found] = field(default_factory=list)
    message: str = ""
    """What the server or the tool said, where the tool could not run to its end."""
    elsewhere: list[str] = field(default_factory=list)
    """What else caught a fault that the tool missed: checks of the project that it does not run."""
    was_reached: bool | None = None
    """Whether what the fault changes was met at all; None where that is not known."""
    not_met: tuple[str, ...] = ()
    """The listed departures that the tool did not meet, behind which it was run."""
    seconds: float = 0.0

    @property
    def is_caught(self) -> bool:
        """Whether the tool found the fault."""
        return self.status == "caught"

    @property
    def layers(self) -> list[str]:
        """The layers that found it."""
        return list(dict.fromkeys(each.layer for each in self.findings))
