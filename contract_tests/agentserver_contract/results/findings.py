"""What a layer of the suite found, and what it tried: the same form for every layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from agentserver_contract.http.messages import Request, Response


@dataclass(frozen=True)
class Finding:
    """One broken promise of the contract."""

    layer: str
    """The layer that found it."""
    operation: str
    """The operationId; empty where it belongs to no single operation."""
    promise: str
    """The promise that is broken, in one line."""
    contract: str
    """JSON pointer of the place in the contract that makes the promise."""
    detail: str
    """What is wrong, in as many lines as it takes."""
    check: str = ""
    """The check that found it, where the layer has several."""
    rule: str = ""
    """The keyword of the schema, or the name of the rule, that is broken, where there is one."""
    at: str = ""
    """JSON path in the body, or the name of the header, where that is what is wrong."""
    sent: str = ""
    """What was sent, as a shell command with its secrets hidden."""
    received: str = ""
    """What the server answered, with its secrets hidden."""
    tried: str = ""
    """The operationId that finds it again where it is named, if that is not the one at fault."""
    replay: str = ""
    """The command that makes the same run again."""
    request: Request | None = field(default=None, repr=False)
    """The request as it was, secrets included; None where no single request shows the fault."""
    response: Response | None = field(default=None, repr=False)
    """The response as it was."""

    def with_exchange(
        self, request: Request | None, response: Response | None, base_url: str
    ) -> Finding:
        """The same, shown by a request to the server at `base_url` and its response."""
        return replace(
            self,
            sent="" if request is None else request.as_curl(base_url),
            received="no response" if response is None else response.as_text(),
            request=request,
            response=response,
        )

    @property
    def key(self) -> tuple[str, str, str]:
        """Findings with the same key are one fault that was found several times."""
        return self.layer, self.operation, self.promise


class EnoughFound(BaseException):
    """Ends a run at a finding; `result` is what its layer did until then.

    No `Exception`, because layers catch whatever a faulty server makes of theirs.
    """

    def __init__(self, result: LayerResult) -> None:
        super().__init__(f"{result.layer} has found enough")
        self.result = result


def never(finding: Finding) -> bool:
    """No finding."""
    return False


def always(finding: Finding) -> bool:
    """Every finding."""
    return True


@dataclass
class LayerResult:
    """What one layer did on one server."""

    layer: str
    findings: list[Finding] = field(default_factory=list)
    """Each fault once."""
    cases: Counter[str] = field(default_factory=Counter)
    """How many requests were tried, by operationId; empty where they were of no operation."""
    succeeded: Counter[str] = field(default_factory=Counter)
    """How many of them were answered with a 2xx, by operationId."""
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often each operation was answered with each status, as `(operationId, status)`."""
    notes: Counter[str] = field(default_factory=Counter)
    """What is worth counting and no finding, such as cases that were left out, by reason."""
    not_run: dict[str, str] = field(default_factory=dict)
    """What could not be tried here, with the reason."""
    seconds: float = 0.0
    """How long the layer took."""
    seconds_of: dict[str, float] = field(default_factory=dict)
    """How long the responses of each operation took, by operationId."""
    seed: int | None = None
    all_findings: list[Finding] = field(default_factory=list)
    """Every finding, those that repeat a fault included."""
    ends_at: Callable[[Finding], bool] = field(default=never, repr=False, compare=False)
    """Whether a finding ends the run."""
    answers: Callable[[], Iterable[Finding]] = field(default=tuple, repr=False, compare=False)
    """Takes what was found in single responses since it was called last."""

    def __getstate__(self) -> dict[str, Any]:
        """What another process can be given: without what only this one can call."""
        return {**vars(self), "ends_at": never, "answers": tuple}

    @property
    def operations(self) -> frozenset[str]:
        """The operations that were tried, by operationId."""
        return frozenset(self.cases) - {""}

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def add(self, finding: Finding) -> None:
        """Keep a finding.

        Raises:
            EnoughFound: It ends the run.
        """
        self.all_findings.append(finding)
        if all(known.key != finding.key for known in self.findings):
            self.findings.append(finding)
        if self.ends_at(finding):
            raise EnoughFound(self)

    def collect(self) -> None:
        """Keep what was found in single responses until now.

        Raises:
            EnoughFound: Some of it ends the run.
        """
        for finding in self.answers():
            self.add(finding)
