"""Trials as lines and tables, and the rates that follow from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from definitions import TIERS, Fault, Tier
from results import Trial

Trials = Mapping[str, Trial]
"""The trials of one seed, by the fault's id."""

_HEADS = ("caught", "survived", "time limit", "not run", "elsewhere", "did not start")
_WIDTH = 140


def column(trial: Trial) -> str:
    """What a trial counts as: its status, or that only something else caught the fault."""
    return "elsewhere" if trial.elsewhere else trial.status


def table(trials: Iterable[tuple[str, Trial]]) -> str:
    """A line for each group, such as a tier and kind, with how its trials ended.

    Args:
        trials: Each with the name of its group.
    """
    groups: dict[str, Counter[str]] = {}
    for name, trial in trials:
        groups.setdefault(name, Counter())[column(trial)] += 1
    groups["all"] = sum(groups.values(), Counter())
    shown = [head for head in _HEADS if groups["all"][head]]
    width = max(map(len, groups))
    lines = [f"{'':{width}}  {'  '.join(shown)}"]
    for name, counts in groups.items():
        cells = [str(counts[head] or ".").rjust(len(head)) for head in shown]
        lines.append(f"{name:{width}}  {'  '.join(cells)}")
    return "\n".join(lines)


def by_kind(trials: Trials) -> str:
    """The table of tiers and kinds."""
    order = list(TIERS)
    planted = [(trial.plan.fault, trial) for trial in trials.values()]
    sorted_by_kind = sorted(
        ((fault, trial) for fault, trial in planted if fault is not None),
        key=lambda pair: (order.index(pair[0].tier), pair[0].kind),
    )
    return table((f"{fault.tier}: {fault.kind}", trial) for fault, trial in sorted_by_kind)


def by_layer(trials: Trials) -> str:
    """How many faults each layer found first; with `--full`, how many it found at all."""
    found = Counter(layer for trial in trials.values() for layer in trial.layers)
    return "\n".join(f"{layer}: {count}" for layer, count in found.most_common())


def rate(trials: Iterable[Trial]) -> float | None:
    """The share that the tool caught, from 0 to 1; None where there is nothing to count.

    What did not start does not count, and neither does what is marked as the task of something
    else, such as the check for breaking changes.
    """
    counted = [
        trial for trial in trials if trial.status != "did not start" and not _is_for_others(trial)
    ]
    return sum(trial.is_caught for trial in counted) / len(counted) if counted else None


def rates(trials: Trials) -> dict[Tier, float]:
    """The rate of each tier: they are counted apart, as faults of answers are easier to catch."""
    found: dict[Tier, float] = {}
    for tier in TIERS:
        of_tier = [
            trial
            for trial in trials.values()
            if trial.plan.fault is not None and trial.plan.fault.tier == tier
        ]
        if (share := rate(of_tier)) is not None:
            found[tier] = share
    return found


def trial_line(fault: Fault, trial: Trial) -> str:
    """The result of one trial, in one line."""
    head = f"{fault.id}: {column(trial)} ({trial.seconds:.0f} s)"
    if trial.was_reached is False:
        head += ", never reached"
    if trial.findings:
        return f"{head}: {trial.findings[0]}"[:_WIDTH]
    said = ", ".join(trial.elsewhere) or " ".join(trial.message.split())
    return f"{head}: {said}"[:_WIDTH] if said else head


def survivor_text(fault: Fault, trial: Trial) -> str:
    """A fault that the tool did not catch, and how its trial ended."""
    return f"{trial_line(fault, trial)}\n  {fault.kind}: {fault.breaks}"


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
        "status": trial.status,
        "elsewhere": trial.elsewhere,
        "was_reached": trial.was_reached,
        "layers": trial.layers,
        "findings": list(map(str, trial.findings)),
        "details": [each.detail for each in trial.findings],
        "message": trial.message,
    }


def _is_for_others(trial: Trial) -> bool:
    return trial.plan.fault is not None and trial.plan.fault.by is not None
