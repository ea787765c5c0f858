"""Trials as a table of fault and layer, and the figures that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from definitions import TIERS, Fault, Tier
from results import LayerVerdict, Trial

MARKS = {"detected": "x", "missed": ".", "failed": "!"}

Trials = Mapping[str, Trial]
"""The trials of one seed, by the fault's id."""


def layers_of(trials: Trials) -> list[str]:
    """Every layer that was run, in the order in which it was."""
    return list(
        dict.fromkeys(verdict.layer for trial in trials.values() for verdict in trial.verdicts)
    )


def matrix(trials: Trials) -> str:
    """A line for each fault, a column for each layer."""
    layers = layers_of(trials)
    width = max(map(len, trials), default=0)
    lines = [f"{'':{width}}  {'  '.join(layers)}"]
    for name, trial in trials.items():
        marks = {verdict.layer: MARKS[verdict.status] for verdict in trial.verdicts}
        cells = (marks.get(layer, " ").center(len(layer)) for layer in layers)
        lines.append(f"{name:{width}}  {'  '.join(cells)}".rstrip())
    lines.append("x detected, ! could not go on, . missed, blank not run")
    return "\n".join(lines)


def summary(trials: Trials) -> str:
    """How many faults each layer detected, and how many no other did; then the rate by tier."""
    detected = Counter(layer for trial in trials.values() for layer in trial.detected_by)
    alone = Counter(
        trial.detected_by[0] for trial in trials.values() if len(trial.detected_by) == 1
    )
    run = Counter(verdict.layer for trial in trials.values() for verdict in trial.verdicts)
    lines = [
        f"{layer}: {detected[layer]} of {run[layer]} detected, {alone[layer]} by no other"
        for layer in layers_of(trials)
    ]
    for tier, share in rates(trials).items():
        of_tier = [trial for trial in trials.values() if _tier(trial) == tier]
        found = len(of_tier) - len([trial for trial in of_tier if trial.is_survived])
        lines.append(f"{tier} faults: {found} of {len(of_tier)} detected, {share:.1%}")
    return "\n".join(lines)


def survivors(trials: Trials) -> list[str]:
    """The faults that no layer detected."""
    return [name for name, trial in trials.items() if trial.is_survived]


def idle(faults: Mapping[str, Fault], trials: Trials) -> list[str]:
    """The layers that are not the only one to detect a fault which is marked as theirs alone."""
    alone = {
        fault.only for name, fault in faults.items() if trials[name].detected_by == [fault.only]
    }
    return [layer for layer in layers_of(trials) if layer not in alone]


def rates(trials: Trials) -> dict[Tier, float]:
    """The share of the faults of each tier that were detected, from 0 to 1.

    The tiers are counted separately: faults of answers are many, and easier to detect.
    """
    found: dict[Tier, float] = {}
    for tier in TIERS:
        of_tier = [trial for trial in trials.values() if _tier(trial) == tier]
        if of_tier:
            found[tier] = 1 - sum(trial.is_survived for trial in of_tier) / len(of_tier)
    return found


def _tier(trial: Trial) -> Tier | None:
    return trial.plan.fault.tier if trial.plan.fault else None


def survivor_text(fault: Fault, trial: Trial) -> str:
    """A fault that survived, with what was run on it."""
    run = ", ".join(f"{v.layer} {v.seconds:.1f} s" for v in trial.verdicts)
    reached = "" if trial.was_reached else " (never reached)"
    return f"{fault.id} ({fault.side}, {fault.kind}): {fault.breaks}{reached}; run: {run}"


def trial_line(fault: Fault, trial: Trial) -> str:
    """The result of one trial, in one line."""
    if trial.is_survived:
        reached = "" if trial.was_reached else ", NEVER REACHED"
        return f"{fault.id}: SURVIVED{reached} ({trial.seconds:.0f} s)"
    first = next(verdict for verdict in trial.verdicts if verdict.status != "missed")
    finding = first.findings[0] if first.findings else ""
    layers = ", ".join(trial.detected_by)
    failed = " (could not go on)" if first.status == "failed" else ""
    return f"{fault.id}: {layers}{failed} ({trial.seconds:.0f} s): {finding[:140]}"


def as_json(fault: Fault, trial: Trial) -> dict[str, Any]:
    """A trial with everything that is known of it."""
    return {
        "id": fault.id,
        "side": fault.side,
        "tier": fault.tier,
        "kind": fault.kind,
        "operations": list(fault.operations),
        "breaks": fault.breaks,
        "seed": trial.plan.seed,
        "seconds": round(trial.seconds, 1),
        "was_reached": trial.was_reached,
        "detected_by": trial.detected_by,
        "verdicts": [_verdict(verdict) for verdict in trial.verdicts],
    }


def _verdict(verdict: LayerVerdict) -> dict[str, Any]:
    return {
        "layer": verdict.layer,
        "status": verdict.status,
        "seconds": round(verdict.seconds, 1),
        "findings": list(verdict.findings),
    }
