"""All layers of the suite on one target, one after the other, and what came of it as a whole."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentserver import AgentserverError
from agentserver_contract import departures
from agentserver_contract.context import EXAMPLES, SCENARIOS, Context, Plan
from agentserver_contract.departures import Departure
from agentserver_contract.fixtures.accounts import CannotPrepare
from agentserver_contract.http.differential import NAME as DIFFERENTIAL
from agentserver_contract.http.messages import scrubbed
from agentserver_contract.http.status_counter import Tally
from agentserver_contract.layers import fuzzing, gate
from agentserver_contract.layers.table import LAYERS, Layer, planned
from agentserver_contract.results.findings import Finding, LayerResult

DEFAULT_REPLAY = "agentserver-contract run"


@dataclass
class Outcome:
    """What came of a run."""

    url: str
    plan: Plan
    results: list[LayerResult]
    known: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    """Findings by the name of the listed departure that explains them."""
    departures: Sequence[Departure] = ()
    """The listed departures."""
    idle: Sequence[Departure] = ()
    """Listed departures that were not met."""
    unexplained: list[Finding] = field(default_factory=list)
    """What is broken: each fault once."""
    held_back: Mapping[str, int] = field(default_factory=dict)
    """How many requests the guard did not let out, by reason."""
    left_behind: Sequence[str] = ()
    """What could not be put back."""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether nothing is broken beside what is listed."""
        return not self.unexplained

    @property
    def not_run(self) -> Iterable[tuple[str, str, str]]:
        """What could not be tried: layer, name, reason."""
        return [
            (result.layer, name, reason)
            for result in self.results
            for name, reason in result.not_run.items()
        ]


def run(
    context: Context,
    tally: Tally,
    *,
    known: Sequence[Departure] = (),
    told: Callable[[str], None] = lambda line: None,
    finished: Callable[[LayerResult], None] = lambda result: None,
) -> Outcome:
    """Run every planned layer.

    Args:
        context: What the layers work with.
        tally: Watches the target.
        known: Departures that break nothing.
        told: Takes the name of each layer before it begins.
        finished: Takes each layer's result.
    """
    started = time.monotonic()
    results: list[LayerResult] = []
    tally.taken()  # the requests that prepared the run do not count
    for layer in planned(context.plan):
        told(layer.name)
        if reason := layer.reason_not_run(context.plan):
            result = LayerResult(layer.name, not_run={layer.name: reason})
        else:
            result = run_layer(layer, replace(context, results=results))
        if not layer.judges:
            result.statuses.update(tally.taken())
        results.append(result)
        finished(result)
    return _outcome(context, results, known, time.monotonic() - started)


def run_layer(layer: Layer, context: Context) -> LayerResult:
    """A layer's result; where the server fails what the layer builds on, that is the finding."""
    started = time.monotonic()
    try:
        if not layer.judges:
            context.reset()
        result = layer.run(context)
    except (AgentserverError, CannotPrepare) as error:
        result = LayerResult(layer.name, seed=context.plan.seed)
        result.add(
            Finding(
                layer=layer.name,
                operation=getattr(error, "operation_id", ""),
                promise="what the layer builds on can be made",
                contract="",
                detail=scrubbed(f"{type(error).__name__}: {error}"),
                sent="",
                came="",
                replay="",
                check="preparation",
            )
        )
    result.seconds = time.monotonic() - started
    return result


def _outcome(
    context: Context, results: list[LayerResult], known: Sequence[Departure], seconds: float
) -> Outcome:
    guard = context.target.guard
    found = [finding for result in results for finding in result.all_findings]
    account = departures.account_live(context.contract, known, found)
    url, plan = context.target.base_url, context.plan
    unexplained: dict[Any, Finding] = {}
    for finding in account.unexplained:
        unexplained.setdefault(finding.key, replayable(finding, url, plan))
    return Outcome(
        url=url,
        plan=plan,
        results=results,
        known=account.explained,
        departures=known,
        idle=account.idle,
        unexplained=list(unexplained.values()),
        held_back=dict(guard.refused) if guard else {},
        seconds=seconds,
    )


def replayable(finding: Finding, url: str, plan: Plan) -> Finding:
    """The finding with the command of this tool that makes it again."""
    words = [*shlex.split(DEFAULT_REPLAY), url, "--seed", str(plan.seed)]
    layer = fuzzing.NAME if finding.layer == DIFFERENTIAL else finding.layer
    words += [] if layer == gate.NAME else ["--layers", layer]
    by_operation = any(each.by_operation for each in LAYERS if each.name == layer)
    if finding.operation and by_operation:
        words += ["--operation", finding.operation]
    if plan.examples != EXAMPLES:
        words += ["--examples", str(plan.examples)]
    if plan.scenarios != SCENARIOS:
        words += ["--scenarios", str(plan.scenarios)]
    return replace(finding, replay=shlex.join(words))
