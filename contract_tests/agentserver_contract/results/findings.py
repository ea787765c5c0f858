"""What a layer of the suite found, and what it tried: the same shape for every layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from agentserver_contract.http.messages import Answer, Request

__all__ = ["Finding", "LayerResult"]


@dataclass(frozen=True)
class Finding:
    """One broken promise of the contract."""

    layer: str
    """Which layer saw it."""
    operation: str
    """The operationId; empty where it belongs to no single operation."""
    promise: str
    """The promise that is broken, in one line."""
    contract: str
    """JSON pointer of the place in the contract that makes the promise."""
    detail: str
    """What is wrong, in as many lines as it takes."""
    sent: str
    """What was sent, as a shell command with its secrets hidden."""
    came: str
    """What was answered."""
    replay: str
    """The command that makes the same run again."""
    check: str = ""
    """The rule that found it, in one word, where a layer has several."""
    request: Request | None = field(default=None, repr=False)
    """What was sent as it was, secrets and all; None where no one request shows the fault."""
    answer: Answer | None = field(default=None, repr=False)
    """What was answered as it was."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Findings with the same key are the same fault met again."""
        return self.layer, self.operation, self.promise


@dataclass
class LayerResult:
    """What one layer did on one target."""

    layer: str
    findings: list[Finding] = field(default_factory=list)
    cases: Counter[str] = field(default_factory=Counter)
    """How many requests were tried, by operationId."""
    succeeded: Counter[str] = field(default_factory=Counter)
    """How many of them were answered with a 2xx, by operationId."""
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often each operation was answered with each status, as `(operationId, status)`."""
    notes: Counter[str] = field(default_factory=Counter)
    """Things worth counting that are no finding, such as cases left aside, by reason."""
    not_run: dict[str, str] = field(default_factory=dict)
    """What could not be tried here, with the reason."""
    seconds: float = 0.0
    seed: int | None = None
    all_findings: list[Finding] = field(default_factory=list)
    """Every finding as it came, those that repeat a fault as well."""

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def add(self, finding: Finding) -> None:
        """Keep a finding; among `findings` once for each fault."""
        self.all_findings.append(finding)
        if all(known.key != finding.key for known in self.findings):
            self.findings.append(finding)

    def merged(self, others: Iterable[LayerResult]) -> LayerResult:
        """This result and the others as one; the longest wall time counts, as they may overlap."""
        whole = LayerResult(self.layer, seed=self.seed)
        for each in (self, *others):
            for finding in each.all_findings:
                whole.add(finding)
            whole.cases.update(each.cases)
            whole.succeeded.update(each.succeeded)
            whole.statuses.update(each.statuses)
            whole.notes.update(each.notes)
            whole.not_run.update(each.not_run)
            whole.seconds = max(whole.seconds, each.seconds)
        return whole
