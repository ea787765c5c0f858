"""Trials as a table of fault and layer, and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from catalogue import Fault
from verdicts import Trial, Verdict

MARKS = {"caught": "x", "missed": ".", "stuck": "!"}

Trials = Mapping[str, Trial]
"""The trials of one seed, by the fault's id."""


def layers_of(trials: Trials) -> list[str]:
    """Every layer that was asked, in the order in which it was."""
    return list(
        dict.fromkeys(verdict.layer for trial in trials.values() for verdict in trial.verdicts)
    )


def matrix(trials: Trials) -> str:
    """A line for each fault, a column for each layer."""
    layers = layers_of(trials)
    width = max(map(len, trials), default=0)
    lines = [f"{'':{width}}  {'  '.join(layers)}"]
    for name, trial in trials.items():
        marks = {verdict.layer: MARKS[verdict.word] for verdict in trial.verdicts}
        cells = (marks.get(layer, " ").center(len(layer)) for layer in layers)
        lines.append(f"{name:{width}}  {'  '.join(cells)}".rstrip())
    lines.append("x caught, ! could not go on, . missed, blank not asked")
    return "\n".join(lines)


def summary(trials: Trials) -> str:
    """How many faults each layer caught, and how many no other did."""
    caught = Counter(layer for trial in trials.values() for layer in trial.killers)
    alone = Counter(trial.killers[0] for trial in trials.values() if len(trial.killers) == 1)
    asked = Counter(verdict.layer for trial in trials.values() for verdict in trial.verdicts)
    return "\n".join(
        f"{layer}: {caught[layer]} of {asked[layer]} caught, {alone[layer]} by no other"
        for layer in layers_of(trials)
    )


def survivors(trials: Trials) -> list[str]:
    """The faults that no layer caught."""
    return [name for name, trial in trials.items() if not trial.killers]


def idle(faults: Mapping[str, Fault], trials: Trials) -> list[str]:
    """The layers that are not the only one to catch a fault which is said to be theirs alone."""
    alone = {fault.only for name, fault in faults.items() if trials[name].killers == [fault.only]}
    return [layer for layer in layers_of(trials) if layer not in alone]


def rate(trials: Trials) -> float:
    """The share of faults that were caught, from 0 to 1."""
    return 1 - len(survivors(trials)) / len(trials)


def survivor_text(fault: Fault, trial: Trial) -> str:
    """A fault that survived, with what was tried on it."""
    tried = ", ".join(f"{v.layer} {v.seconds:.1f} s" for v in trial.verdicts)
    return f"{fault.id} ({fault.side}, {fault.kind}): {fault.breaks}; tried: {tried}"


def trial_line(fault: Fault, trial: Trial) -> str:
    """What came of one fault, in one line."""
    killers = ", ".join(trial.killers)
    if not killers:
        return f"{fault.id}: SURVIVED ({trial.seconds:.0f} s)"
    first = next(verdict for verdict in trial.verdicts if verdict.word != "missed")
    said = first.findings[0] if first.findings else ""
    word = " (could not go on)" if first.word == "stuck" else ""
    return f"{fault.id}: {killers}{word} ({trial.seconds:.0f} s): {said[:140]}"


def as_json(fault: Fault, trial: Trial) -> dict[str, Any]:
    """A trial with everything that is known of it."""
    return {
        "id": fault.id,
        "side": fault.side,
        "kind": fault.kind,
        "operations": list(fault.operations),
        "breaks": fault.breaks,
        "seed": trial.question.seed,
        "seconds": round(trial.seconds, 1),
        "killers": trial.killers,
        "verdicts": [_verdict(verdict) for verdict in trial.verdicts],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "layer": verdict.layer,
        "word": verdict.word,
        "seconds": round(verdict.seconds, 1),
        "findings": list(verdict.findings),
    }
