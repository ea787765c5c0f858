"""What is asked of a fault, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from catalogue import Fault

Word = Literal["caught", "missed", "stuck"]


@dataclass(frozen=True)
class Question:
    """What is asked of one fault."""

    fault: Fault | None
    """None for the sources as they are."""
    seed: int
    layers: tuple[str, ...] = ()
    """Only these; all of them when empty."""
    to_the_end: bool = False
    """Whether layers go on after one has caught it."""


@dataclass(frozen=True)
class Verdict:
    """What one layer made of it."""

    layer: str
    word: Word
    """`stuck` where it could not go on, which nobody overlooks but which explains nothing."""
    findings: tuple[str, ...] = ()
    """The first findings, each in one line."""
    seconds: float = 0.0


@dataclass
class Trial:
    """What all layers made of one fault."""

    question: Question
    by_layer: dict[str, Verdict] = field(default_factory=dict)
    seconds: float = 0.0

    def take(self, verdict: Verdict) -> None:
        """Note a verdict; a layer that is asked twice has caught the fault if it did so once."""
        before = self.by_layer.get(verdict.layer)
        if before is None or before.word == "missed":
            self.by_layer[verdict.layer] = verdict

    @property
    def verdicts(self) -> list[Verdict]:
        """One for each layer, in the order in which they were asked."""
        return list(self.by_layer.values())

    @property
    def killers(self) -> list[str]:
        """The layers that did not let it pass."""
        return [verdict.layer for verdict in self.verdicts if verdict.word != "missed"]
