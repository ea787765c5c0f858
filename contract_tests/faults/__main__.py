"""Plants every fault of the catalogue, one at a time, and counts what the suite lets pass."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from catalogue import catalogue
from definitions import ROOTS, TIERS, CatalogueError, Edits, Fault, Tier
from edits import edited_texts
from matrix import (
    as_json,
    idle,
    matrix,
    rates,
    summary,
    survivor_text,
    survivors,
    trial_line,
)
from planting import run_trial
from results import Trial, TrialPlan

WANTED_RATE = 0.95
DETECTED, SURVIVED, COULD_NOT_RUN = 0, 1, 2

RANDOM_LAYERS = frozenset({"fuzzing", "differential", "model", "stateful", "gate"})
"""Layers whose requests depend on the seed; what another one detected is detected with each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status is explained in its help."""
    options = _parser().parse_args(arguments)
    try:
        faults = _chosen(options)
    except CatalogueError as error:
        print(f"faults: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    if options.list:
        for fault in faults:
            print(f"{fault.id} ({fault.side}, {fault.tier}, {fault.kind}): {fault.breaks}")
        return DETECTED
    if options.clean:
        return _run_clean(options.clean, options.jobs, options.seed)
    if not options.no_control and not _control(options.seed, tuple(options.layer)):
        return COULD_NOT_RUN
    return _run(faults, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nox -s faults --",
        description=__doc__,
        epilog="Exit status: 0 at least 95 % of each tier are detected with each seed, and each "
        "layer is the only one to detect some fault (--clean: no finding), 1 they are not, 2 a "
        "fault cannot be planted, or the layers find something in the sources as they are.",
    )
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="this fault")
    parser.add_argument("--side", choices=tuple(ROOTS), help="faults of one side")
    tiers = "; ".join(f"{tier}: {text}" for tier, text in TIERS.items())
    parser.add_argument("--tier", choices=tuple(TIERS), help=f"faults of one tier ({tiers})")
    parser.add_argument("--kind", action="append", default=[], help="faults of this kind")
    parser.add_argument(
        "--operation", action="append", default=[], metavar="ID", help="faults of this operation"
    )
    parser.add_argument("--layer", action="append", default=[], help="this layer alone")
    parser.add_argument("--full", action="store_true", help="run every layer, also after one")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the first of them (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every trial down")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    parser.add_argument("--clean", type=int, metavar="N", help="plant nothing, with N seeds")
    parser.add_argument(
        "--no-control", action="store_true", help="do not first try the sources as they are"
    )
    return parser


def _chosen(options: argparse.Namespace) -> list[Fault]:
    faults = catalogue()
    wanted = {
        "fault": (options.only, lambda fault: {fault.id}),
        "side": ([options.side] if options.side else [], lambda fault: {fault.side}),
        "tier": ([options.tier] if options.tier else [], lambda fault: {fault.tier}),
        "kind": (options.kind, lambda fault: {fault.kind}),
        "operation": (options.operation, lambda fault: set(fault.operations)),
    }
    for what, (names, names_of) in wanted.items():
        unknown = set(names).difference(*map(names_of, faults))
        if unknown:
            raise CatalogueError(f"{', '.join(sorted(unknown))}: no such {what}")
    chosen = [
        fault
        for fault in faults
        if all(not names or names_of(fault) & set(names) for names, names_of in wanted.values())
    ]
    for fault in chosen:
        if isinstance(fault.change, Edits):
            edited_texts(fault, fault.change)  # fails before hours are spent
    return chosen


def _control(seed: int, layers: tuple[str, ...]) -> bool:
    """Whether no layer finds anything in the sources as they are: else no finding means a fault."""
    trial = run_trial(TrialPlan(None, seed, layers, runs_all=True))
    for verdict in trial.verdicts:
        print(f"without a fault: {verdict.layer} {verdict.status}, {verdict.seconds:.1f} s")
        for finding in verdict.findings:
            print(f"  {finding}")
    return trial.is_survived


def _run_clean(runs: int, jobs: int, seed: int) -> int:
    """The whole suite on the sources as they are, with as many seeds."""
    false_alarms = 0
    plans = [TrialPlan(None, seed + n, ("gate",)) for n in range(runs)]
    for plan, trial in _trials(plans, jobs):
        false_alarms += not trial.is_survived
        result = "nothing found" if trial.is_survived else "FALSE ALARM"
        print(f"seed {plan.seed}: {result}, {trial.seconds:.0f} s", flush=True)
        for verdict in trial.verdicts:
            for finding in verdict.findings:
                print(f"  {verdict.layer}: {finding}")
    print(f"{runs} runs without a fault, {false_alarms} false alarms")
    return SURVIVED if false_alarms else DETECTED


def _run(faults: Sequence[Fault], options: argparse.Namespace) -> int:
    by_id = {fault.id: fault for fault in faults}
    lowest: dict[Tier, float] = {}
    written = []
    settled: dict[str, Trial] = {}
    idle_layers: list[str] = []
    for seed in range(options.seed, options.seed + options.seeds):
        plans = [
            TrialPlan(fault, seed, tuple(options.layer), options.full or fault.only is not None)
            for fault in faults
            if fault.id not in settled
        ]
        found = {}
        for n, (plan, trial) in enumerate(_trials(plans, options.jobs), 1):
            if plan.fault is not None:
                found[plan.fault.id] = trial
                print(f"[{n}/{len(plans)}] {trial_line(plan.fault, trial)}", flush=True)
        trials = {name: found.get(name) or settled[name] for name in by_id}
        settled |= {name: trial for name, trial in found.items() if _is_settled(trial)}
        for tier, rate in rates(trials).items():
            lowest[tier] = min(rate, lowest.get(tier, 1.0))
        written += [as_json(by_id[name], trial) for name, trial in found.items()]
        if options.json:
            options.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
        print(f"\nseed {seed}\n{matrix(trials)}\n\n{summary(trials)}")
        if len(faults) == len(catalogue()) and not options.layer:
            idle_layers += idle(by_id, trials)
        for name in survivors(trials):
            print(f"survived: {survivor_text(by_id[name], trials[name])}")
        print(flush=True)
    for tier, rate in lowest.items():
        print(f"lowest of {options.seeds} seeds: {rate:.1%} of the {tier} faults detected")
    for layer in dict.fromkeys(idle_layers):
        print(f"{layer}: no fault is detected by it alone with every seed")
    is_enough = all(rate >= WANTED_RATE for rate in lowest.values()) and not idle_layers
    return DETECTED if is_enough else SURVIVED


def _is_settled(trial: Trial) -> bool:
    """Whether another seed would show nothing new.

    A fault of an answer changes every answer of its operation, so that the requests that meet it
    do not depend on chance either.
    """
    of_answer = trial.plan.fault is not None and trial.plan.fault.tier == "answer"
    return bool(trial.detected_by) and (
        of_answer or not RANDOM_LAYERS.issuperset(trial.detected_by)
    )


def _trials(plans: Iterable[TrialPlan], jobs: int) -> Iterator[tuple[TrialPlan, Trial]]:
    """Each plan with its trial, as they end."""
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_trial, plan): plan for plan in plans}
        for done in as_completed(running):
            yield running[done], done.result()


if __name__ == "__main__":
    sys.exit(main())
