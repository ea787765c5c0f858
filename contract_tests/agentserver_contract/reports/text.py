"""Findings and results as text that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agentserver_contract.departures import Departure
from agentserver_contract.results.findings import Finding, LayerResult

_SHOWN_NAMES = 5


def title(finding: Finding) -> str:
    """One finding in one line."""
    return f"{finding.operation or 'the whole run'}: {finding.promise}  [{finding.layer}]"


def facts(finding: Finding) -> Iterator[tuple[str, str]]:
    """What is known of a finding, in the order in which a person asks: names and texts."""
    for name, text in (
        ("expected", f"{finding.promise}\nopenapi.yaml#{finding.contract}"),
        ("sent", finding.sent),
        ("answered", finding.received),
        ("wrong", finding.detail),
        ("replay", finding.replay),
    ):
        if text:
            yield name, text


def finding_text(finding: Finding) -> str:
    """One finding: what was expected, sent and answered, what is wrong, how to see it again."""
    return "\n".join([title(finding), *(_block(*fact) for fact in facts(finding))])


def result_text(result: LayerResult) -> str:
    """One line on a layer, then what it left out, then its findings."""
    seed = "" if result.seed is None else f", seed {result.seed}"
    tried = f"{result.cases.total()} cases on {len(result.operations)} operations"
    found = f"{len(result.findings)} findings"
    lines = [f"{result.layer}: {tried}, {found}, {result.seconds:.1f} s{seed}"]
    lines += [f"  {count} x {reason}" for reason, count in result.notes.most_common()]
    lines += [f"  not run: {name}: {reason}" for name, reason in result.not_run.items()]
    return "\n\n".join(["\n".join(lines), *map(finding_text, result.findings)])


def findings_text(findings: Iterable[Finding]) -> str:
    """Several findings, one below the other."""
    return "\n\n".join(map(finding_text, findings))


def by_reason(not_run: Iterable[tuple[str, str, str]]) -> dict[str, list[str]]:
    """What was not run, by reason: the same reason often covers many cases.

    Args:
        not_run: Layer, name and reason.
    """
    reasons: dict[str, list[str]] = {}
    for layer, name, reason in not_run:
        names = reasons.setdefault(reason, [])
        shown = f"{layer} {name}" if name != layer else name
        if shown not in names:
            names.append(shown)
    return reasons


def folded(names: Sequence[str]) -> str:
    """A few names of many, so that they fit into one line."""
    more = len(names) - _SHOWN_NAMES
    shown = ", ".join(names[:_SHOWN_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def not_met_text(departure: Departure) -> str:
    """That a listed departure was not met, with the reason where one is known."""
    return "not met in this run" + (f", as {departure.unmet}" if departure.unmet else "")


def _block(name: str, text: str) -> str:
    indented = text.strip("\n").replace("\n", "\n" + " " * 15)
    return f"  {name:<12} {indented}"
