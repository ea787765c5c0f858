"""The layers that look for a planted fault, the cheapest first, and then all of them at once.

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
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from definitions import CHECKOUT
from results import LayerVerdict, TrialPlan
from servers import Clock, Server, in_process, prepare_accounts
from starlette.responses import Response as StarletteResponse

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.breaking import breaking_changes
from agentserver_contract.contract.document import Contract, load
from agentserver_contract.contract.rules import RULES
from agentserver_contract.http import differential
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.http.status_counter import StatusCounter
from agentserver_contract.layers import fuzzing, gate, roles, stateful
from agentserver_contract.layers.table import LAYERS, Layer
from agentserver_contract.results.answers import AnswerChecks
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.run import run_layer
from agentserver_reference.contract import load_contract
from agentserver_reference.http.conformance import check_response

_SHOWN = 5
_CHEAPEST_FIRST = ("roles", "fuzzing", "model", "stateful")
_SDK_TESTS = (
    *("test_paths.py", "test_responses.py", "test_errors.py", "test_encode.py", "test_retry.py"),
    *("test_auth.py", "test_generated.py", "test_model.py"),
)

Found = Iterable[Finding | str]


@dataclass(frozen=True)
class TrialContext:
    """What a trial is run with."""

    plan: TrialPlan
    contract: Contract
    """With the fault, where it is one of the contract."""
    work: Path
    """A folder for databases."""

    @property
    def operations(self) -> frozenset[str] | None:
        """Where the fault shows; None for all operations."""
        fault = self.plan.fault
        return None if fault is None else frozenset(fault.operations)


@dataclass(frozen=True)
class Step:
    """One run of a trial, and the layers that its findings belong to."""

    layers: tuple[str, ...]
    run: Callable[[TrialContext], Found]
    sides: tuple[str, ...] = ("server", "sdk", "contract")
    is_last: bool = False
    """Whether it is run only where every other step missed the fault."""


class TickingClock(Clock):
    """A clock that advances by a second whenever it is read, so that times show the order."""

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class AnswersChecked:
    """Holds each answer, as it arrives, to the server's own reading of the contract.

    That reading knows no field beside the documented ones.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._operations = {each.id: each for each in load_contract(closed=True).operations}
        self.violations: list[str] = []

    def before(self, request: Request) -> None:
        """Nothing: requests are as they are."""

    def after(self, request: Request, response: Response) -> None:
        """Check the answer of an operation."""
        operation = self._contract.operation_at(request.method, request.path)
        if operation is None:
            return
        headers = {name: values[0] for name, values in response.headers.items()}
        sent = StarletteResponse(response.body, response.status, headers)
        try:
            check_response(self._operations[operation.id], sent)
        except (AssertionError, ValueError) as violation:
            self.violations.append(str(violation))


def run_layers(plan: TrialPlan, folder: Path, work: Path) -> Iterator[LayerVerdict]:
    """Look for the fault that was planted.

    Args:
        plan: Which fault, and what is run.
        folder: Where it was planted, if it is one of the contract.
        work: A folder for databases.
    """
    warnings.simplefilter("ignore")
    logging.disable()
    planted = folder / "openapi.yaml"
    trial = TrialContext(plan, load(planted if planted.exists() else None), work)
    is_detected = False
    for step in _steps(plan):
        if is_detected and (step.is_last or not plan.runs_all):
            return
        for verdict in _verdicts(step, trial):
            is_detected = is_detected or verdict.status != "missed"
            yield verdict


def _steps(plan: TrialPlan) -> list[Step]:
    side = plan.fault.side if plan.fault else None
    return [
        step
        for step in STEPS
        if (side is None or side in step.sides)
        and (not plan.layers or set(step.layers) & set(plan.layers))
    ]


def _verdicts(step: Step, trial: TrialContext) -> Iterator[LayerVerdict]:
    started = time.monotonic()
    by_layer: dict[str, list[str]] = {} if step.is_last else {name: [] for name in step.layers}
    failure: tuple[str, ...] = ()
    try:
        for found in step.run(trial):
            by_layer.setdefault(_layer_of(found, step), []).append(_line(found))
    except Exception as error:  # noqa: BLE001 - whatever a fault may do to a layer
        failure = (f"{type(error).__name__}: {error}"[:300],)
    seconds = time.monotonic() - started
    for layer, lines in by_layer.items():
        if failure and not lines and layer == step.layers[0]:
            yield LayerVerdict(layer, "failed", failure, seconds)
        else:
            status = "detected" if lines else "missed"
            yield LayerVerdict(layer, status, tuple(lines[:_SHOWN]), seconds)
    if not by_layer:
        yield LayerVerdict(step.layers[0], "failed" if failure else "missed", failure, seconds)


def _layer_of(found: Finding | str, step: Step) -> str:
    if isinstance(found, Finding) and (step.is_last or found.layer in step.layers):
        return found.layer
    return step.layers[0]


def _line(found: Finding | str) -> str:
    if isinstance(found, str):
        return found
    return f"{found.operation}: {found.promise}: {' '.join(found.detail.split())}"[:300]


# --- the steps ------------------------------------------------------------------------------------


def _rules(trial: TrialContext) -> Found:
    for name, rule in RULES.items():
        for violation in rule(trial.contract):
            yield f"{name}: {violation}"


def _breaking(trial: TrialContext) -> Found:
    yield from map(str, breaking_changes(load(), trial.contract))


def _context(server: Server, trial: TrialContext, plan: Plan) -> Context:
    accounts = prepare_accounts(server.target)
    return Context(
        server.target,
        accounts,
        trial.contract,
        plan,
        shift_clock=server.shift_clock,
        advance_clock=lambda: None,  # the clock moves on whenever it is read
        snapshot=server.rows,
    )


def _on_own_server(layer: Layer, trial: TrialContext, plan: Plan) -> LayerResult:
    """A layer on a server of its own, so that none can spoil another's."""
    counter, answers = StatusCounter(trial.contract), AnswerChecks(trial.contract, closed=True)
    database = f"sqlite:///{trial.work / layer.name}-{time.monotonic_ns()}.db"
    clock = TickingClock()
    with in_process(
        database, clock=clock, checks_answers=False, hooks=[counter, answers]
    ) as server:
        context = replace(_context(server, trial, plan), answers=answers.drain)
        counter.drain()  # requests that prepare the run do not count
        result = run_layer(layer, context)
        result.statuses.update(counter.drain())
        return result


def _suite_layer(layer: Layer) -> Step:
    def run(trial: TrialContext) -> Found:
        operations = trial.operations if layer.by_operation else None
        plan = Plan(trial.plan.seed, operations=operations, max_failures=1)
        return _on_own_server(layer, trial, plan).findings

    compares = layer.name in (fuzzing.NAME, stateful.NAME)
    return Step((layer.name, differential.NAME) if compares else (layer.name,), run)


def _conformance(trial: TrialContext) -> Found:
    """The server's own check of its answers, on the answers to every caller."""
    checked = AnswersChecked(trial.contract)
    database = f"sqlite:///{trial.work / 'conformance'}.db"
    with in_process(
        database, clock=TickingClock(), checks_answers=False, hooks=[checked]
    ) as server:
        plan = Plan(trial.plan.seed, operations=trial.operations)
        roles.run(Context(server.target, prepare_accounts(server.target), trial.contract, plan))
    return list(dict.fromkeys(checked.violations))


def _sdk_tests(trial: TrialContext) -> Found:
    """The SDK's own tests: of paths, answers, errors and repeats."""
    tests = [str(CHECKOUT / "sdk" / "tests" / name) for name in _SDK_TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider"]
    # A fault that is planted as Python starts has imported what pytest would rewrite.
    command += ["--assert=plain"]
    done = subprocess.run(  # noqa: S603 - the project's own tests
        [*command, *tests],
        check=False,
        cwd=CHECKOUT,
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if done.returncode and not failed:
        raise RuntimeError(f"pytest ended with exit status {done.returncode}")
    return failed


def _everything(trial: TrialContext) -> Found:
    """Every layer of the suite on all operations, and the gate over what they met."""
    plan = Plan(trial.plan.seed, max_failures=1)
    results = [_on_own_server(layer, trial, plan) for layer in SUITE]
    for result in (*results, gate.judge(trial.contract, results)):
        yield from result.findings


SUITE = tuple(layer for layer in LAYERS if not layer.judges)

_BY_COST = sorted(SUITE, key=lambda layer: (*_CHEAPEST_FIRST, layer.name).index(layer.name))

STEPS = (
    Step(("rules",), _rules, ("contract",)),
    Step(("breaking",), _breaking, ("contract",)),
    *(_suite_layer(layer) for layer in _BY_COST[:2]),
    Step(("conformance",), _conformance, ("server",)),
    *(_suite_layer(layer) for layer in _BY_COST[2:]),
    Step(("sdk tests",), _sdk_tests, ("sdk",)),
    Step((gate.NAME,), _everything, is_last=True),
)
