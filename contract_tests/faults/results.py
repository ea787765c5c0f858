"""Which trial is run on a fault, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from definitions import Fault

Status = Literal["detected", "missed", "failed"]


@dataclass(frozen=True)
class TrialPlan:
    """One fault, and what is run on it."""

    fault: Fault | None
    """None for the sources as they are."""
    seed: int
    layers: tuple[str, ...] = ()
    """Only these; all of them when empty."""
    runs_all: bool = False
    """Whether further layers are run after one has detected the fault."""


@dataclass(frozen=True)
class LayerVerdict:
    """What one layer made of a fault."""

    layer: str
    status: Status
    """`failed` where the layer could not go on: that is noticed, but explains nothing."""
    findings: tuple[str, ...] = ()
    """The first findings, each in one line."""
    seconds: float = 0.0


@dataclass
class Trial:
    """What all layers made of one fault."""

    plan: TrialPlan
    by_layer: dict[str, LayerVerdict] = field(default_factory=dict)
    was_reached: bool = True
    """Whether what the fault changes was met at all; of an edited text that is not known."""
    seconds: float = 0.0

    def add(self, verdict: LayerVerdict) -> None:
        """Note a verdict; a layer that is run twice has detected the fault if it did so once."""
        before = self.by_layer.get(verdict.layer)
        if before is None or before.status == "missed":
            self.by_layer[verdict.layer] = verdict

    @property
    def verdicts(self) -> list[LayerVerdict]:
        """One for each layer, in the order in which they were run."""
        return list(self.by_layer.values())

    @property
    def detected_by(self) -> list[str]:
        """The layers that did not let the fault pass."""
        return [verdict.layer for verdict in self.verdicts if verdict.status != "missed"]

    @property
    def is_survived(self) -> bool:
        """Whether no layer detected the fault."""
        return not self.detected_by
