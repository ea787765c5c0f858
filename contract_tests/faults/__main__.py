"""Plants faults, one at a time, and counts how many `agentserver-contract run URL` catches."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from catalogue import NEVER_MET, catalogue, is_departure
from definitions import ROOTS, TIERS, CatalogueError, Edits, Fault, Tier
from edits import edited_texts
from mutants import Mutant, drawn, equivalents, every_mutant
from results import STATUSES, Trial, TrialPlan
from trial_figures import (
    as_json,
    by_kind,
    by_layer,
    rates,
    survivor_text,
    trial_line,
)
from trials import run_trial

from agentserver_contract.reports.stream import write

WANTED: dict[Tier, float] = {"answer": 1.0, "rule": 0.97, "edit": 0.97, "mutant": 0.90}
"""The share of each tier that is to be caught."""
CAUGHT, SURVIVED, COULD_NOT_RUN = 0, 1, 2

_EPILOG = """\
A trial starts a server with the fault on an empty database, makes its administrator, and runs the
tool against its URL with --allow-global and --closed, until its first finding. It ends as one of:
{statuses}

Only what the tool finds is counted. Faults that it misses are given to the checks of the contract
and of breaking changes, to the SDK's tests, and to the tests in the server's own process, where its
clock can be moved; what only they catch is listed as "elsewhere".

exit status:
  0  enough is caught of each tier with each seed: {wanted}
     (--clean: no finding)
  1  it is not
  2  a fault cannot be planted, or the tool finds something in the sources as they are
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status is explained in its help."""
    options = _parser().parse_args(arguments)
    try:
        if options.mutants:
            return _run_mutants(options)
        faults = _chosen(options)
    except CatalogueError as error:
        print(f"faults: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    if options.list:
        for fault in faults:
            _list(f"{fault.id} ({fault.side}, {fault.tier}, {fault.kind}): {fault.breaks}")
        return CAUGHT
    if options.clean:
        return _run_clean(options)
    return _run_faults(faults, options)


def _parser() -> argparse.ArgumentParser:
    statuses = "\n".join(f"  {name}: {text}" for name, text in STATUSES.items())
    wanted = ", ".join(f"{share:.0%} of {tier}" for tier, share in WANTED.items())
    parser = argparse.ArgumentParser(
        prog="nox -s faults --",
        description=__doc__,
        epilog=_EPILOG.format(statuses=statuses, wanted=wanted),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_argument_group("which faults")
    which.add_argument("--only", action="append", default=[], metavar="ID", help="this fault")
    which.add_argument("--side", choices=tuple(ROOTS), help="faults of one side")
    tiers = "; ".join(f"{tier}: {text}" for tier, text in TIERS.items() if tier != "mutant")
    which.add_argument(
        "--tier",
        choices=[tier for tier in TIERS if tier != "mutant"],
        help=f"faults of one tier ({tiers})",
    )
    which.add_argument("--kind", action="append", default=[], help="faults of this kind")
    which.add_argument(
        "--operation", action="append", default=[], metavar="ID", help="faults of this operation"
    )
    which.add_argument(
        "--mutants",
        type=_count,
        metavar="N",
        help="instead: N places of the server's code, drawn with --seed, each changed in one way "
        "(--only: the drawn one with this id)",
    )
    which.add_argument(
        "--sample",
        type=_count,
        metavar="N",
        help="so many of them, drawn with --seed, and with that seed alone",
    )
    which.add_argument("--clean", type=_count, metavar="N", help="instead: no fault, N times")
    which.add_argument("--list", action="store_true", help="list the faults and end")
    how = parser.add_argument_group("how they are tried")
    how.add_argument("--seed", type=int, default=1, help="the first seed (%(default)s)")
    how.add_argument(
        "--seeds",
        type=int,
        help="how many seeds, one after the other (3; with --mutants, which draws others with "
        "each seed, 1)",
    )
    how.add_argument("--layer", action="append", default=[], help="this layer of the tool alone")
    how.add_argument(
        "--behind-departures",
        action="store_true",
        help="on a server that also departs from the contract as the release does, with the list "
        "of that: shows how much the list hides",
    )
    how.add_argument(
        "--full",
        action="store_true",
        help="let the tool go on after its first finding, to see what each layer finds",
    )
    how.add_argument(
        "--limit", type=float, default=300, metavar="SECONDS", help="of one run (%(default)s)"
    )
    how.add_argument("--jobs", type=int, default=2, help="trials at a time (%(default)s)")
    how.add_argument(
        "--no-control", action="store_true", help="do not first try the sources as they are"
    )
    how.add_argument("--json", type=Path, metavar="FILE", help="write every trial down")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)


# --- planted faults -------------------------------------------------------------------------------


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
    behind = options.behind_departures
    chosen = [
        fault
        for fault in faults
        if not (behind and is_departure(fault.id))
        and all(not names or names_of(fault) & set(names) for names, names_of in wanted.values())
    ]
    for fault in chosen:
        if isinstance(fault.change, Edits):
            edited_texts(fault, fault.change)  # fails before hours are spent
    if options.sample and options.sample < len(chosen):
        chance = random.Random(options.seed)  # noqa: S311 (chooses what is tried)
        chosen = chance.sample(chosen, options.sample)
    if not chosen:
        raise CatalogueError("no fault is all that is asked for: there is nothing to try")
    return chosen


def _run_faults(faults: Sequence[Fault], options: argparse.Namespace) -> int:
    """Every fault with every seed."""
    if not _control(options):
        return COULD_NOT_RUN
    lowest: dict[Tier, float] = {}
    written = []
    settled: dict[str, Trial] = {}
    for seed in range(options.seed, options.seed + (options.seeds or (1 if options.sample else 3))):
        tried = [fault for fault in faults if fault.id not in settled]
        trials = settled | _tried(tried, seed, options)
        settled |= {name: trials[name] for name in trials if _is_settled(trials[name])}
        lowest = {tier: min(share, lowest.get(tier, 1.0)) for tier, share in rates(trials).items()}
        written += [as_json(fault, trials[fault.id]) for fault in tried]
        _write(options, written)
        _show(faults, trials, seed)
    return _status(lowest)


def _is_settled(trial: Trial) -> bool:
    """Whether another seed would show nothing new.

    A fault of an answer changes every answer of its operation, so that the requests that meet it
    do not depend on chance.
    """
    fault = trial.plan.fault
    return trial.is_caught and fault is not None and fault.tier == "answer"


# --- mutants --------------------------------------------------------------------------------------


def _run_mutants(options: argparse.Namespace) -> int:
    """So many mutants with every seed; those that nobody can see are not tried."""
    lowest: dict[Tier, float] = {}
    written = []
    every = list(every_mutant())
    chosen = {
        seed: list(drawn(every, options.mutants, seed))
        for seed in range(options.seed, options.seed + (options.seeds or 1))
    }
    if options.list:
        for mutants in chosen.values():
            for mutant in mutants:
                _list(_mutant_text(mutant))
        return CAUGHT
    if not _control(options):
        return COULD_NOT_RUN
    for seed, mutants in chosen.items():
        by_id = {mutant.fault.id: mutant for mutant in mutants}
        if unknown := set(options.only) - by_id.keys():
            raise CatalogueError(f"{', '.join(sorted(unknown))}: not drawn with seed {seed}")
        listed = [mutant for mutant in mutants if equivalents().reason(mutant)]
        faults = [
            mutant.fault
            for mutant in mutants
            if mutant not in listed and (not options.only or mutant.fault.id in options.only)
        ]
        trials = _tried(faults, seed, options)
        lowest = {tier: min(share, lowest.get(tier, 1.0)) for tier, share in rates(trials).items()}
        written += [
            as_json(fault, trials[fault.id]) | {"diff": by_id[fault.id].diff} for fault in faults
        ]
        _write(options, written)
        print(f"\n{len(listed)} of {len(mutants)} are listed as equivalent, and were not tried")
        _show(faults, trials, seed, texts={name: _mutant_text(by_id[name]) for name in trials})
    return _status(lowest)


def _mutant_text(mutant: Mutant) -> str:
    return f"{mutant.fault.id} in {mutant.function}\n{mutant.diff}"


# --- without a fault ------------------------------------------------------------------------------


def _control(options: argparse.Namespace) -> bool:
    """Whether the tool finds nothing in the sources as they are: else a finding says nothing.

    Behind the list of departures it also has to meet each of them.
    """
    if options.no_control:
        return True
    trial = run_trial(_plan(None, options.seed, options))
    print(f"without a fault: {trial.status}, {trial.seconds:.1f} s {trial.message}", flush=True)
    for finding in trial.findings:
        print(f"  {finding}: {finding.detail}")
    not_met = [name for name in trial.not_met if name not in NEVER_MET]
    if not_met and not options.layer:
        print(f"  listed departures that were not met: {', '.join(not_met)}")
        return False
    return trial.status == "survived"


def _run_clean(options: argparse.Namespace) -> int:
    """The tool on the sources as they are, with as many seeds."""
    plans = [_plan(None, options.seed + n, options) for n in range(options.clean)]
    alarms = 0
    for plan, trial in _trials(plans, options.jobs):
        alarms += trial.status != "survived"
        result = "nothing found" if trial.status == "survived" else trial.status.upper()
        print(f"seed {plan.seed}: {result}, {trial.seconds:.0f} s {trial.message}", flush=True)
        for finding in trial.findings:
            print(f"  {finding}: {finding.detail}")
    print(f"{options.clean} runs without a fault, {alarms} false alarms")
    return SURVIVED if alarms else CAUGHT


# --- trials ---------------------------------------------------------------------------------------


def _tried(faults: Sequence[Fault], seed: int, options: argparse.Namespace) -> dict[str, Trial]:
    """The trial of each fault, reported as it ends."""
    plans = [_plan(fault, seed, options) for fault in faults]
    started = time.monotonic()
    found: dict[str, Trial] = {}
    for number, (plan, trial) in enumerate(_trials(plans, options.jobs), 1):
        if plan.fault is not None:
            found[plan.fault.id] = trial
            print(f"[{number}/{len(plans)}] {trial_line(plan.fault, trial)}", flush=True)
    print(f"{len(plans)} trials in {time.monotonic() - started:.0f} s")
    return {fault.id: found[fault.id] for fault in faults}


def _plan(fault: Fault | None, seed: int, options: argparse.Namespace) -> TrialPlan:
    """How the tool is run on a fault, or on the sources as they are, where it runs to its end."""
    return TrialPlan(
        fault,
        seed,
        tuple(options.layer),
        runs_all=options.full and fault is not None,
        limit=options.limit,
        behind_departures=options.behind_departures,
    )


def _trials(plans: Iterable[TrialPlan], jobs: int) -> Iterator[tuple[TrialPlan, Trial]]:
    """Each plan with its trial, as they end."""
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(run_trial, plan): plan for plan in plans}
        for done in as_completed(running):
            yield running[done], done.result()


def _show(
    faults: Sequence[Fault],
    trials: dict[str, Trial],
    seed: int,
    texts: dict[str, str] | None = None,
) -> None:
    print(f"\nseed {seed}\n{by_kind(trials)}\n\nfound by layer\n{by_layer(trials)}\n")
    for fault in faults:
        trial = trials[fault.id]
        if not trial.is_caught and trial.status != "did not start":
            print(survivor_text(fault, trial))
            if texts is not None:
                print(texts[fault.id])
    for tier, share in rates(trials).items():
        print(f"seed {seed}: {share:.1%} of the {tier} faults are caught")
    print(flush=True)


def _status(lowest: dict[Tier, float]) -> int:
    """The exit status, by the share of each tier that is caught with the worst seed."""
    if not lowest:
        print("faults: nothing that was chosen could be tried", file=sys.stderr)
        return COULD_NOT_RUN
    return CAUGHT if all(share >= WANTED[tier] for tier, share in lowest.items()) else SURVIVED


def _list(text: str) -> None:
    """Write one of a list, which may be too long for who reads it."""
    write(sys.stdout, f"{text}\n")


def _write(options: argparse.Namespace, written: Sequence[object]) -> None:
    if options.json:
        options.json.write_text(json.dumps(written, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
