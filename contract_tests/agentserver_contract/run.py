"""Runs the layers of the suite on one server, one after the other, and sums up what they found."""

from __future__ import annotations

import shlex
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from agentserver_contract import departures
from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.departures import Departure
from agentserver_contract.fixtures.callers import NoCaller
from agentserver_contract.http.contact import one_line
from agentserver_contract.http.status_counter import StatusCounter
from agentserver_contract.http.target import Target
from agentserver_contract.interruption import latest_reason
from agentserver_contract.layers import gate
from agentserver_contract.layers.table import LAYERS, Layer, operations_of_shard, planned
from agentserver_contract.results.answers import AnswerChecks
from agentserver_contract.results.conformance import LAYER as EXCHANGE
from agentserver_contract.results.findings import EnoughFound, Finding, LayerResult, never
from agentserver_contract.results.preparation import NAME as PREPARATION
from agentserver_contract.results.preparation import UNPREPARED, preparation_failed

COMMAND = "agentserver-contract"
FIRST_FINDING = "the run ended with its first finding"
ENDED_EARLY = "the run ended early"
"""Why layers were not run."""


@dataclass
class Outcome:
    """The result of a whole run."""

    url: str
    plan: Plan
    results: list[LayerResult]
    known: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    """Findings by the name of the listed departure that explains them."""
    departures: Sequence[Departure] = ()
    """The listed departures."""
    not_met: Sequence[Departure] = ()
    """Listed departures that explain nothing in this run."""
    unexplained: list[Finding] = field(default_factory=list)
    """What is broken: each fault once."""
    blocked: Mapping[str, int] = field(default_factory=dict)
    """How many requests the guard blocked, by reason."""
    left_behind: Sequence[str] = ()
    """What could not be restored."""
    seconds: float = 0.0
    """How long the run took."""
    ended_by: str = ""
    """What ended the run before its end; empty where nothing did."""
    unsigned: Mapping[str, str] = field(default_factory=dict)
    """The operations that no account of the run can call, each with the reason."""

    @property
    def holds(self) -> bool:
        """Whether nothing is broken, apart from what is listed."""
        return not self.unexplained

    @property
    def verdict(self) -> str:
        """The result in one line."""
        known = f", departures as listed: {len(self.known)}" if self.known else ""
        found = f"{len(self.unexplained)} finding{'' if len(self.unexplained) == 1 else 's'}"
        seed = f"seed {self.plan.seed}"
        if self.ended_by:
            return f"The run ended early, after {found}{known} ({seed}): {self.ended_by}"
        if self.holds:
            return f"The contract holds{known} ({seed})"
        return f"The contract is broken: {found}{known} ({seed})"

    @property
    def tried(self) -> int:
        """How many requests the layers tried."""
        return sum(result.cases.total() for result in self.results)

    @property
    def not_run(self) -> Iterable[tuple[str, str, str]]:
        """What could not be tried: layer, name, reason."""
        return [
            (result.layer, name, reason)
            for result in self.results
            for name, reason in result.not_run.items()
        ]


@dataclass(frozen=True)
class Observer:
    """What is called while a run goes on."""

    begins: Callable[[str], None] = lambda url: None
    """Takes the server's URL, when what prepares the run is over."""
    started: Callable[[str], None] = lambda layer: None
    """Takes the name of each layer before it runs."""
    finished: Callable[[LayerResult], None] = lambda result: None
    """Takes the result of each layer."""
    ended: Callable[[Outcome], None] = lambda outcome: None
    """Takes the outcome of the run before it cleans up."""


def run(
    context: Context,
    counter: StatusCounter,
    answers: AnswerChecks,
    *,
    known: Sequence[Departure] = (),
    started: Callable[[str], None] = lambda name: None,
    finished: Callable[[LayerResult], None] = lambda result: None,
) -> Outcome:
    """Run every planned layer.

    Args:
        context: What the layers work with.
        counter: A hook of the target.
        answers: Another one; what it found in the requests that prepared the run counts too.
        known: Departures that break nothing.
        started: Takes the name of each layer before it runs.
        finished: Takes the result of each layer.
    """
    with ExitStack() as over:
        for layer in planned(context.plan):
            if layer.begun is not None and layer.reason_not_run(context.plan) is None:
                context = over.enter_context(layer.begun(context))
        return _run(context, counter, answers, known, started, finished)


def _run(
    context: Context,
    counter: StatusCounter,
    answers: AnswerChecks,
    known: Sequence[Departure],
    started: Callable[[str], None],
    finished: Callable[[LayerResult], None],
) -> Outcome:
    beginning = time.monotonic()
    results: list[LayerResult] = []
    _drain(counter)  # the requests that prepared the run do not count

    def is_new(finding: Finding) -> bool:
        return bool(departures.account(context.contract, known, [finding]).unexplained)

    is_over = is_new if context.plan.fail_fast else never
    context = replace(
        context,
        of_shard=operations_of_shard(context.contract, context.plan),
        ends_at=is_over,
        is_new=is_new,
        answers=answers.drain,
    )
    reason = ended_by = ""
    refused = [preparation_failed(PREPARATION, error) for error in context.accounts.refused]
    for layer in planned(context.plan):
        begun: list[LayerResult] = []
        not_run = reason or layer.reason_not_run(context.plan) or nothing_to_judge(layer, results)
        try:
            started(layer.name)
            if not_run:
                result = LayerResult(layer.name, not_run={layer.name: not_run})
            else:
                result = run_layer(layer, replace(context, results=results, begun=begun))
                with suppress(EnoughFound):
                    while refused:
                        result.add(refused.pop(0))
        except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 (reports are written)
            ended_by = what_ended(context.target, error)
            reason = ENDED_EARLY
            result = begun[-1] if begun else LayerResult(layer.name)
            with suppress(EnoughFound):
                result.collect()
            result.not_run[f"the rest of {layer.name}"] = ended_by
        if not layer.judges:
            statuses, result.seconds_of = _drain(counter)
            result.statuses.update(statuses)
            result.notes.update(answers.drain_notes())
        results.append(result)
        finished(result)
        if any(map(is_over, result.findings)):
            reason = reason or FIRST_FINDING
    guard = context.target.guard
    return replace(
        outcome_of(context.contract, context.target.base_url, context.plan, results, known),
        blocked=dict(guard.blocked) if guard else {},
        seconds=time.monotonic() - beginning,
        ended_by=ended_by,
        unsigned=gate.unsigned(context),
    )


def _drain(counter: StatusCounter) -> tuple[Counter[tuple[str, int]], dict[str, float]]:
    return counter.drain(), counter.drain_seconds()


def what_ended(target: Target | None, error: BaseException) -> str:
    """What ended a run, in one line; the traceback of an error in this tool goes to stderr."""
    if isinstance(error, KeyboardInterrupt):
        unreachable = target and target.unreachable
        return str(unreachable or error) or latest_reason() or "interrupted"
    traceback.print_exception(error)
    return f"an error in this tool itself: {one_line(f'{type(error).__name__}: {error}')}"


def nothing_to_judge(layer: Layer, results: Iterable[LayerResult]) -> str | None:
    """Why a layer that judges the others has nothing to do, if it has not."""
    if not layer.judges or any(result.cases or result.findings for result in results):
        return None
    return "no layer before it tried anything"


def judge_preparation(outcome: Outcome, contract: Contract, found: Sequence[Finding]) -> None:
    """Add what was found before the first layer, in a run that could not begin."""
    result = LayerResult(PREPARATION)
    for finding in departures.account(contract, outcome.departures, found).unexplained:
        result.add(with_replay(finding, PREPARATION, outcome.url, outcome.plan))
    if not result.holds:
        outcome.results.append(result)
        outcome.unexplained += result.findings


def judge_cleanup(outcome: Outcome, contract: Contract, answers: AnswerChecks) -> None:
    """Add what was found in the requests after the last layer, if the run goes on until then."""
    if outcome.plan.fail_fast and not outcome.holds:
        return
    account = departures.account(contract, outcome.departures, answers.drain())
    known = {finding.key for finding in outcome.unexplained}
    for finding in account.unexplained:
        if finding.key not in known:
            known.add(finding.key)
            layer = outcome.results[-1].layer  # any: each is followed by the clean-up
            outcome.unexplained.append(with_replay(finding, layer, outcome.url, outcome.plan))


def run_layer(layer: Layer, context: Context) -> LayerResult:
    """The result of a layer; if the server does not let it begin, that is its finding."""
    beginning = time.monotonic()
    failed: list[Finding] = []
    try:
        if not layer.judges:
            try:
                context.reset()
            except UNPREPARED as error:
                failed.append(preparation_failed(layer.name, error))  # the layer may need none
        result = layer.run(context)
        result.collect()
    except EnoughFound as found:
        result = found.result
    except UNPREPARED as error:
        result = context.new_result(layer.name)
        failed.append(preparation_failed(layer.name, error))
    except NoCaller as reason:
        result = context.begun[-1] if context.begun else context.new_result(layer.name)
        result.not_run[f"the rest of {layer.name}"] = str(reason)
    with suppress(EnoughFound):
        result.collect()  # what is wrong with a response itself says more
        for finding in failed:
            result.add(finding)
    result.seconds = time.monotonic() - beginning
    return result


def outcome_of(
    contract: Contract,
    url: str,
    plan: Plan,
    results: list[LayerResult],
    known: Sequence[Departure],
) -> Outcome:
    """What the results of the layers of a run come to.

    Args:
        contract: The contract.
        url: The server.
        plan: What was tried.
        results: Of the layers that were run.
        known: Departures that break nothing.
    """
    found = [finding for result in results for finding in result.all_findings]
    layers = {id(finding): result.layer for result in results for finding in result.all_findings}
    account = departures.account(contract, known, found)
    unexplained: dict[Any, Finding] = {}
    for finding in account.unexplained:
        layer = layers[id(finding)]
        unexplained.setdefault(finding.key, with_replay(finding, layer, url, plan))
    return Outcome(
        url=url,
        plan=plan,
        results=results,
        known=account.explained,
        departures=known,
        not_met=account.not_met,
        unexplained=list(unexplained.values()),
    )


def with_replay(finding: Finding, layer: str, url: str, plan: Plan) -> Finding:
    """The finding with the command of this tool that finds it again.

    Args:
        finding: What was found.
        layer: The layer that ran then; that of the finding may be a check that several make.
        url: The server.
        plan: What was tried.
    """
    command = [COMMAND, "run", url, "--seed", str(plan.seed)]
    command += [] if layer in (gate.NAME, PREPARATION) else ["--layers", layer]
    by_operation = any(each.by_operation for each in LAYERS if each.name == layer)
    tried = finding.tried or finding.operation
    operations = {tried} if tried else set[str]()
    # What scenarios are made of depends on what is named, and the operation that answered need not
    # be the one that was tried.
    if finding.layer == EXCHANGE or not by_operation:
        operations = set(plan.operations or ())
    for operation in sorted(operations):
        command += ["--operation", operation]
    return replace(finding, replay=shlex.join([*command, *plan.options]))
