"""One run out of what its shards did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from agentserver_contract.context import Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.departures import Departure
from agentserver_contract.jobs import FAILED, Event, Task, run_at_once
from agentserver_contract.layers import gate
from agentserver_contract.layers.table import LAYERS, Layer, planned
from agentserver_contract.reports.console import Console
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.results.preparation import NAME as PREPARATION
from agentserver_contract.run import (
    ENDED_EARLY,
    FIRST_FINDING,
    Outcome,
    nothing_to_judge,
    outcome_of,
)


def run(
    contract: Contract,
    plan: Plan,
    tasks: Sequence[Task],
    known: Sequence[Departure],
    console: Console,
    ended: Callable[[Outcome], None],
) -> Outcome:
    """Run the shards of a plan at the same time, as one run.

    Args:
        contract: The contract.
        plan: Of the whole run.
        tasks: What runs each shard, in their order.
        known: Departures that break nothing.
        console: Shows how the run goes on.
        ended: Takes the outcome of the run when all layers have ended, before the clean-up has.
    """
    plans = plans_of(plan, len(tasks))
    url = ""
    results: list[list[LayerResult]] = [[] for _ in tasks]
    outcomes: dict[int, Outcome] = {}

    def whole() -> Outcome:
        return merged(contract, plan, [outcomes[index] for index in range(len(tasks))], known)

    def handle(index: int, event: Event) -> str | None:
        """Show an event; give the reason why it ends the other shards early, if it does."""
        nonlocal url
        shard = plans[index]
        name, value = event
        if name == "begins" and not url:
            url = value
            console.begins(url, plan)
        elif name == "started" and (title := title_of(value, shard)):
            console.started(title)
        elif name == "finished":
            results[index].append(value)
            if title := title_of(value.layer, shard):
                console.finished(value, title)
        elif name == "ended":
            outcomes[index] = value
            if len(outcomes) == len(tasks):
                ended(whole())
            return FIRST_FINDING if plan.fail_fast and not value.holds else value.ended_by or None
        elif name == FAILED:
            lost = outcome_of(contract, url, shard, results[index], known)
            outcomes[index] = replace(outcomes.get(index, lost), ended_by=value)
            return str(value)
        return None

    run_at_once(tasks, handle)
    outcome = whole()
    judges = {layer.name for layer in LAYERS if layer.judges}
    for result in outcome.results:
        if result.layer in judges:
            console.started(result.layer)
            console.finished(result)
    return outcome


def plans_of(plan: Plan, count: int) -> list[Plan]:
    """The plan of each of so many shards of a run."""
    return [replace(plan, shard=(number, count)) for number in range(1, count + 1)]


def title_of(layer: str, plan: Plan) -> str | None:
    """What a shard's progress calls a layer, such as `roles (1/2)`; None where another shard says
    what there is to say."""
    number, count = plan.shard
    known = next((each for each in LAYERS if each.name == layer), None)
    if known is None or known.judges:
        return None
    if known.reason_not_run(replace(plan, shard=(1, 1))):
        return layer if number == 1 else None
    shard = known.shard(plan)
    if shard is None:
        return f"{layer} ({number}/{count})"
    return layer if shard == number else None


def merged(
    contract: Contract, plan: Plan, outcomes: Sequence[Outcome], known: Sequence[Departure] = ()
) -> Outcome:
    """The outcome of a run whose shards were run at the same time.

    Args:
        contract: The contract.
        plan: Of the whole run.
        outcomes: Of the shards, in their order.
        known: Departures that break nothing.
    """
    ends = dict.fromkeys(each.ended_by for each in outcomes if each.ended_by)
    ended_by = "; ".join(reason for reason in ends if reason != FIRST_FINDING)
    unsigned = {name: why for each in outcomes for name, why in each.unsigned.items()}
    results = list(_preparation(outcomes))
    holds = all(each.holds for each in outcomes)
    parts = list(outcomes)
    for layer in planned(plan) if any(each.results for each in outcomes) else ():
        if not layer.judges:
            results.append(_merged_layer(layer, outcomes))
            continue
        reason = layer.reason_not_run(plan) or nothing_to_judge(layer, results)
        if ended_by:
            reason = ENDED_EARLY
        elif plan.fail_fast and not holds:
            reason = FIRST_FINDING
        if reason:
            results.append(LayerResult(layer.name, not_run={layer.name: reason}))
        else:
            judged = gate.judge_run(contract, plan, results, unsigned)
            results.append(judged)
            parts.append(outcome_of(contract, outcomes[0].url, plan, [judged], known))
    return _sum(plan, parts, known, results=results, ended_by=ended_by)


def _sum(
    plan: Plan,
    parts: Sequence[Outcome],
    known: Sequence[Departure],
    *,
    results: list[LayerResult],
    ended_by: str,
) -> Outcome:
    explained: dict[str, list[Finding]] = {}
    unexplained: dict[object, Finding] = {}
    blocked: Counter[str] = Counter()
    met: set[str] = set()
    for part in parts:
        met |= {each.name for each in part.departures} - {each.name for each in part.not_met}
        for name, findings in part.known.items():
            explained.setdefault(name, []).extend(findings)
        for finding in part.unexplained:
            unexplained.setdefault(finding.key, finding)
        blocked.update(part.blocked)
    return Outcome(
        url=parts[0].url,
        plan=plan,
        results=results,
        known=explained,
        departures=known,
        not_met=[each for each in known if each.name not in met],
        unexplained=list(unexplained.values()),
        blocked=blocked,
        left_behind=list(dict.fromkeys(line for part in parts for line in part.left_behind)),
        seconds=max(part.seconds for part in parts),
        ended_by=ended_by,
    )


def _preparation(outcomes: Iterable[Outcome]) -> Iterable[LayerResult]:
    failed = [result for each in outcomes for result in each.results if result.layer == PREPARATION]
    return [_together(PREPARATION, failed)] if failed else []


def _merged_layer(layer: Layer, outcomes: Sequence[Outcome]) -> LayerResult:
    """What became of a layer, whether each shard had a part of it or one shard the whole."""
    of_shards: list[LayerResult] = []
    lost: dict[str, str] = {}
    for outcome in outcomes:
        if layer.shard(outcome.plan) in (None, outcome.plan.shard[0]):
            found = [result for result in outcome.results if result.layer == layer.name]
            of_shards += found
            lost |= {} if found else {layer.name: ENDED_EARLY}
    whole = _together(layer.name, of_shards)
    whole.not_run = {**lost, **whole.not_run}
    return whole


def _together(name: str, results: Iterable[LayerResult]) -> LayerResult:
    """Several results of one layer as one, which took as long as the longest."""
    whole = LayerResult(name)
    for each in results:
        whole.seed = each.seed if whole.seed is None else whole.seed
        for counts, more in (
            (whole.cases, each.cases),
            (whole.succeeded, each.succeeded),
            (whole.notes, each.notes),
        ):
            counts.update(more)
        whole.statuses.update(each.statuses)
        whole.not_run.update(each.not_run)
        whole.seconds = max(whole.seconds, each.seconds)
        for operation, seconds in each.seconds_of.items():
            whole.seconds_of[operation] = whole.seconds_of.get(operation, 0.0) + seconds
        for finding in each.all_findings:
            whole.add(finding)
    return whole
