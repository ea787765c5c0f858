"""Plants every fault of the catalogue, one at a time, and counts what the suite lets pass."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from catalogue import CatalogueError, Fault, catalogue
from matrix import (
    as_json,
    idle,
    matrix,
    rate,
    summary,
    survivor_text,
    survivors,
    trial_line,
)
from planting import put_on_trial
from verdicts import Question, Trial

WANTED_RATE = 0.95
CAUGHT, LET_PASS, COULD_NOT_RUN = 0, 1, 2

DRAWING = frozenset({"fuzzing", "differential", "model", "stateful", "gate"})
"""Layers in which chance plays; what another one caught is caught with every seed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status is explained in its help."""
    options = _parser().parse_args(arguments)
    try:
        faults = _chosen(options.only, options.side)
    except CatalogueError as error:
        print(f"faults: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    if options.list:
        for fault in faults:
            print(f"{fault.id} ({fault.side}, {fault.kind}): {fault.breaks}")
        return CAUGHT
    if options.clean:
        return _clean(options.clean, options.jobs, options.seed)
    if not options.no_control and not _control(options.seed, tuple(options.layer)):
        return COULD_NOT_RUN
    return _run(faults, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nox -s faults --",
        description=__doc__,
        epilog="Exit status: 0 at least 95 % are caught with each seed, and each layer is the only "
        "one to catch some fault (--clean: no alarm), 1 they are not, 2 a fault cannot be planted, "
        "or the sources raise an alarm as they are.",
    )
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="this fault")
    parser.add_argument("--side", choices=("server", "sdk", "contract"), help="faults of one side")
    parser.add_argument("--layer", action="append", default=[], help="this layer alone")
    parser.add_argument("--full", action="store_true", help="ask every layer, also after one")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the first of them (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every trial down")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    parser.add_argument("--clean", type=int, metavar="N", help="plant nothing, N times")
    parser.add_argument(
        "--no-control", action="store_true", help="do not first try the sources as they are"
    )
    return parser


def _chosen(ids: Sequence[str], side: str | None) -> list[Fault]:
    faults = catalogue()
    unknown = set(ids) - {fault.id for fault in faults}
    if unknown:
        raise CatalogueError(f"{', '.join(sorted(unknown))}: no such fault")
    chosen = [
        fault
        for fault in faults
        if (not ids or fault.id in ids) and (side is None or fault.side == side)
    ]
    for fault in chosen:
        fault.texts()  # one that cannot be planted is told before hours are spent
    return chosen


def _control(seed: int, layers: tuple[str, ...]) -> bool:
    """Whether the sources as they are raise no alarm: else nothing would tell a fault from none."""
    trial = put_on_trial(Question(None, seed, layers, to_the_end=True))
    for verdict in trial.verdicts:
        print(f"without a fault: {verdict.layer} {verdict.word}, {verdict.seconds:.1f} s")
        for finding in verdict.findings:
            print(f"  {finding}")
    return not trial.killers


def _clean(runs: int, jobs: int, seed: int) -> int:
    """The whole suite on the sources as they are, with as many seeds."""
    alarms = 0
    questions = [Question(None, seed + n, ("gate",)) for n in range(runs)]
    for question, trial in _tried(questions, jobs):
        alarms += bool(trial.killers)
        word = "alarm" if trial.killers else "quiet"
        print(f"seed {question.seed}: {word}, {trial.seconds:.0f} s", flush=True)
        for verdict in trial.verdicts:
            for finding in verdict.findings:
                print(f"  {verdict.layer}: {finding}")
    print(f"{runs} runs without a fault, {alarms} alarms")
    return LET_PASS if alarms else CAUGHT


def _run(faults: Sequence[Fault], options: argparse.Namespace) -> int:
    by_id = {fault.id: fault for fault in faults}
    rates, written = [], []
    known: dict[str, Trial] = {}
    needless: list[str] = []
    for seed in range(options.seed, options.seed + options.seeds):
        questions = [
            Question(fault, seed, tuple(options.layer), options.full or fault.only is not None)
            for fault in faults
            if fault.id not in known
        ]
        found = {}
        for n, (question, trial) in enumerate(_tried(questions, options.jobs), 1):
            if question.fault is not None:
                found[question.fault.id] = trial
                print(f"[{n}/{len(questions)}] {trial_line(question.fault, trial)}", flush=True)
        trials = {name: found.get(name) or known[name] for name in by_id}
        known |= {name: each for name, each in found.items() if set(each.killers) - DRAWING}
        rates.append(rate(trials))
        written += [as_json(by_id[name], trial) for name, trial in found.items()]
        if options.json:
            options.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
        print(f"\nseed {seed}\n{matrix(trials)}\n\n{summary(trials)}")
        needless += [] if options.only or options.layer or options.side else idle(by_id, trials)
        for name in survivors(trials):
            print(f"survived: {survivor_text(by_id[name], trials[name])}")
        print(f"seed {seed}: {rates[-1]:.1%} of {len(trials)} faults caught\n", flush=True)
    print(f"least of {len(rates)} seeds: {min(rates):.1%} of {len(faults)} faults caught")
    for layer in dict.fromkeys(needless):
        print(f"{layer}: no fault is caught by it alone with every seed")
    return CAUGHT if min(rates) >= WANTED_RATE and not needless else LET_PASS


def _tried(questions: Iterable[Question], jobs: int) -> Iterator[tuple[Question, Trial]]:
    """Each question with its trial, as they come to an end."""
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(put_on_trial, question): question for question in questions}
        for done in as_completed(running):
            yield running[done], done.result()


if __name__ == "__main__":
    sys.exit(main())
