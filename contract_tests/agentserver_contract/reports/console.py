"""A run as text for a terminal: a line for each layer while it runs, then a summary."""

from __future__ import annotations

from collections.abc import Iterator

from agentserver_contract.context import EXAMPLES, MODEL_RUNS, SCENARIOS, Plan
from agentserver_contract.reports.style import Style
from agentserver_contract.reports.text import by_reason, finding_text, folded, not_met_text
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.run import Outcome

_HEADS = ("layer", "operations", "cases", "findings", "not run", "seconds")


class Console:
    """Reports a run while it goes on, and sums it up."""

    def __init__(self, style: Style) -> None:
        self._style = style

    def begins(self, url: str, plan: Plan) -> None:
        """What is about to run, and what is left out of it on purpose."""
        self._style.heading(f"Contract run against {url}")
        self._style.line(f"seed {plan.seed}")
        for left_out in _left_out(plan):
            self._style.line(left_out)

    def started(self, layer: str) -> None:
        """A layer begins."""
        self._style.line(f"{layer} ...")

    def finished(self, result: LayerResult, title: str = "") -> None:
        """A layer has ended, or the part of it that the title names."""
        style = self._style
        title = title or result.layer
        if result.layer in result.not_run:
            style.line(f"{title}: not run: {result.not_run[result.layer]}")
            return
        found = f"{len(result.findings)} finding{'' if len(result.findings) == 1 else 's'}"
        painted = style.good(found) if result.holds else style.bad(found)
        style.line(f"{title}: {result.cases.total()} cases, {painted}, {_seconds(result)} s")

    def sum_up(self, outcome: Outcome) -> None:
        """Print everything, the verdict last, where a terminal shows it."""
        style = self._style
        style.heading("Layers")
        style.table(_HEADS, [_row(result) for result in outcome.results], _total(outcome))
        if outcome.unexplained:
            style.heading("Broken")
            for finding in outcome.unexplained:
                style.text(f"\n{finding_text(finding)}")
        self._departures(outcome)
        self._not_run(outcome)
        if outcome.blocked:
            style.heading("Blocked by the guard, which is no finding")
            for reason, count in sorted(outcome.blocked.items()):
                style.line(f"{count} x {reason}")
        for line in outcome.left_behind:
            style.line(style.bad(f"could not be restored: {line}"))
        good = outcome.holds and not outcome.ended_by
        style.heading(style.good(outcome.verdict) if good else style.bad(outcome.verdict))

    def _departures(self, outcome: Outcome) -> None:
        if outcome.departures:
            style = self._style
            style.heading("Listed departures")
            by_name = {departure.name: departure for departure in outcome.departures}
            for name, findings in sorted(outcome.known.items()):
                style.line(f"{name}: {len(findings)} x {' '.join(by_name[name].answers.split())}")
            not_met: dict[str, list[str]] = {}
            for departure in outcome.not_met:
                not_met.setdefault(not_met_text(departure), []).append(departure.name)
            for text, names in not_met.items():
                style.line(f"{text}: {', '.join(names)}")

    def _not_run(self, outcome: Outcome) -> None:
        """What could not be tried, one line a reason."""
        reasons = by_reason(outcome.not_run)
        if reasons:
            self._style.heading("Not run")
        for reason, names in reasons.items():
            self._style.line(f"{reason}: {folded(names)}")


def _left_out(plan: Plan) -> Iterator[str]:
    """What a plan tries less of than a whole run."""
    for extent, full, what in (
        (plan.examples, EXAMPLES, "random cases for each operation and mode"),
        (plan.scenarios, SCENARIOS, "scenarios of several calls"),
        (plan.model_runs, MODEL_RUNS, "runs of the model in random order"),
    ):
        if extent < full:
            yield f"{extent} {what} instead of {full}"


def _row(result: LayerResult) -> tuple[str, ...]:
    numbers = (
        len(result.operations),
        result.cases.total(),
        len(result.findings),
        len(result.not_run),
    )
    return (result.layer, *map(str, numbers), _seconds(result))


def _total(outcome: Outcome) -> tuple[str, ...]:
    results = outcome.results
    operations = {operation for result in results for operation in result.operations}
    numbers = (
        len(operations),
        sum(result.cases.total() for result in results),
        sum(len(result.findings) for result in results),
        sum(len(result.not_run) for result in results),
    )
    return ("all", *map(str, numbers), f"{outcome.seconds:.1f}")


def _seconds(result: LayerResult) -> str:
    return f"{result.seconds:.1f}"
