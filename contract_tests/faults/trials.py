"""What is asked of a planted fault, the cheapest first: the layers of the suite, then all at once.

Imported only where the fault was planted, as it imports what faults are planted in.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from catalogue import CHECKOUT
from servers import Clock, Server, in_process, settle
from verdicts import Question, Verdict

from agentserver_contract import run as suite
from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.breaking import breaking_changes
from agentserver_contract.contract.document import Contract, load
from agentserver_contract.contract.rules import RULES
from agentserver_contract.http import differential
from agentserver_contract.http.status_counter import Tally
from agentserver_contract.layers import fuzzing, gate, roles, stateful
from agentserver_contract.layers.table import LAYERS, Layer
from agentserver_contract.results.findings import Finding, LayerResult

_SHOWN = 5
_CHEAPEST_FIRST = ("roles", "fuzzing", "model", "stateful")
_SDK_TESTS = (
    *("test_paths.py", "test_responses.py", "test_errors.py", "test_encode.py", "test_retry.py"),
    *("test_auth.py", "test_generated.py", "test_model.py"),
)

Found = Iterable[Finding | str]


@dataclass(frozen=True)
class Bench:
    """Where one fault is tried."""

    question: Question
    contract: Contract
    work: Path

    @property
    def operations(self) -> frozenset[str] | None:
        """Where the fault shows; None for all."""
        fault = self.question.fault
        return None if fault is None else frozenset(fault.operations)


@dataclass(frozen=True)
class Stage:
    """One thing that is tried, and the layers that it speaks for."""

    layers: tuple[str, ...]
    run: Callable[[Bench], Found]
    sides: tuple[str, ...] = ("server", "sdk", "contract")
    last: bool = False
    """Whether it is tried only where all others have missed the fault."""


class Ticking(Clock):
    """A clock on which every look takes a second, so that times tell what came first."""

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def verdicts(question: Question, folder: Path, work: Path) -> Iterator[Verdict]:
    """Try a fault that was planted in `folder`, and tell what each layer made of it."""
    warnings.simplefilter("ignore")
    logging.disable()
    planted = folder / "openapi.yaml"
    contract = load(planted if planted.exists() else None)
    bench = Bench(question, contract, work)
    caught = False
    for stage in _stages(question):
        if caught and (stage.last or not question.to_the_end):
            return
        for verdict in _verdicts(stage, bench):
            caught = caught or verdict.word != "missed"
            yield verdict


def _stages(question: Question) -> list[Stage]:
    side = question.fault.side if question.fault else None
    return [
        stage
        for stage in STAGES
        if (side is None or side in stage.sides)
        and (not question.layers or set(stage.layers) & set(question.layers))
    ]


def _verdicts(stage: Stage, bench: Bench) -> Iterator[Verdict]:
    started = time.monotonic()
    by_layer: dict[str, list[str]] = {} if stage.last else {name: [] for name in stage.layers}
    stuck: tuple[str, ...] = ()
    try:
        for found in stage.run(bench):
            by_layer.setdefault(_layer_of(found, stage), []).append(_line(found))
    except Exception as error:  # noqa: BLE001 - whatever a fault may do to a layer
        stuck = (f"{type(error).__name__}: {error}"[:300],)
    seconds = time.monotonic() - started
    for layer, lines in by_layer.items():
        if stuck and not lines and layer == stage.layers[0]:
            yield Verdict(layer, "stuck", stuck, seconds)
        else:
            yield Verdict(layer, "caught" if lines else "missed", tuple(lines[:_SHOWN]), seconds)
    if not by_layer:
        yield Verdict(stage.layers[0], "stuck" if stuck else "missed", stuck, seconds)


def _layer_of(found: Finding | str, stage: Stage) -> str:
    own = isinstance(found, Finding) and (stage.last or found.layer in stage.layers)
    return found.layer if isinstance(found, Finding) and own else stage.layers[0]


def _line(found: Finding | str) -> str:
    if isinstance(found, str):
        return found
    return f"{found.operation}: {found.promise}: {' '.join(found.detail.split())}"[:300]


# --- the stages -----------------------------------------------------------------------------------


def _rules(bench: Bench) -> Found:
    for name, rule in RULES.items():
        for violation in rule(bench.contract):
            yield f"{name}: {violation}"


def _breaking(bench: Bench) -> Found:
    yield from map(str, breaking_changes(load(), bench.contract))


def _context(server: Server, bench: Bench, plan: Plan) -> Context:
    people = settle(server.target)
    return Context(
        server.target,
        people,
        bench.contract,
        plan,
        expired_session=server.expired_session(people["owner"]),
        advance_clock=lambda: None,  # the clock moves on whenever it is read
        snapshot=server.rows,
    )


def _played(layer: Layer, bench: Bench, plan: Plan) -> LayerResult:
    """A layer on a server of its own, so that none can spoil another's."""
    tally = Tally(bench.contract)
    database = f"sqlite:///{bench.work / layer.name}-{time.monotonic_ns()}.db"
    with in_process(database, clock=Ticking(), checks_answers=False, watches=[tally]) as server:
        context = _context(server, bench, plan)
        tally.taken()  # what it took to set the setting shows nothing
        result = suite.run_layer(layer, context)
        result.statuses.update(tally.taken())
        return result


def _suite_layer(layer: Layer) -> Stage:
    def run(bench: Bench) -> Found:
        operations = bench.operations if layer.by_operation else None
        plan = Plan(bench.question.seed, operations=operations, max_failures=1)
        return _played(layer, bench, plan).findings

    compares = layer.name in (fuzzing.NAME, stateful.NAME)
    return Stage((layer.name, differential.NAME) if compares else (layer.name,), run)


def _promises(bench: Bench) -> Found:
    """The server's own check of its answers, which knows no field but those of the contract."""
    database = f"sqlite:///{bench.work / 'promises'}.db"
    try:
        with in_process(database, clock=Ticking()) as server:
            people, chosen = settle(server.target), bench.operations
            plan = Plan(bench.question.seed, operations=chosen)
            roles.run(Context(server.target, people, bench.contract, plan))
    except AssertionError as broken:
        return [str(broken)]
    return []


def _sdk_tests(bench: Bench) -> Found:
    """The SDK's own tests: of paths, answers, errors and repeats."""
    tests = [str(CHECKOUT / "sdk" / "tests" / name) for name in _SDK_TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603 - the project's own tests
        [*command, *tests],
        check=False,
        cwd=CHECKOUT,
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]


def _everything(bench: Bench) -> Found:
    """Every layer of the suite on all operations, and the gate over what they met."""
    plan = Plan(bench.question.seed, max_failures=1)
    results = [_played(layer, bench, plan) for layer in SUITE]
    for result in (*results, gate.judge(bench.contract, results)):
        yield from result.findings


def _cost(layer: Layer) -> int:
    return (*_CHEAPEST_FIRST, layer.name).index(layer.name)


SUITE = tuple(layer for layer in LAYERS if not layer.judges)

STAGES = (
    Stage(("rules",), _rules, ("contract",)),
    Stage(("breaking",), _breaking, ("contract",)),
    *(_suite_layer(layer) for layer in sorted(SUITE, key=_cost)),
    Stage(("promises",), _promises, ("server",)),
    Stage(("sdk tests",), _sdk_tests, ("sdk",)),
    Stage((gate.NAME,), _everything, last=True),
)
