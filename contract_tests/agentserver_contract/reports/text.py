"""Findings and results as text that a person reads."""

from __future__ import annotations

from collections.abc import Iterable

from agentserver_contract.results.findings import Finding, LayerResult


def finding_text(finding: Finding) -> str:
    """One finding: operation, promise, what was sent and received, and how to see it again."""
    parts = [
        f"{finding.operation or 'the whole run'}: {finding.promise}  [{finding.layer}]",
        _block("promised at", f"openapi.yaml#{finding.contract}"),
        _block("wrong", finding.detail),
        _block("sent", finding.sent),
        _block("received", finding.received),
        _block("replay", finding.replay),
    ]
    return "\n".join(part for part in parts if part)


def result_text(result: LayerResult) -> str:
    """One line on a layer, then what it left out, then its findings."""
    seed = "" if result.seed is None else f", seed {result.seed}"
    tried = f"{result.cases.total()} cases on {len(result.cases)} operations"
    found = f"{len(result.findings)} findings"
    lines = [f"{result.layer}: {tried}, {found}, {result.seconds:.1f} s{seed}"]
    lines += [f"  {count} x {reason}" for reason, count in result.notes.most_common()]
    lines += [f"  not run: {name}: {reason}" for name, reason in result.not_run.items()]
    return "\n\n".join(["\n".join(lines), *map(finding_text, result.findings)])


def findings_text(findings: Iterable[Finding]) -> str:
    """Several findings, one below the other."""
    return "\n\n".join(map(finding_text, findings))


def _block(title: str, text: str) -> str:
    if not text:
        return ""
    indented = text.strip("\n").replace("\n", "\n" + " " * 15)
    return f"  {title:<12} {indented}"
