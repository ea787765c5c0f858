"""A model of the server: what users do through the SDK, and what the server should make of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import People
from agentserver_contract.http.target import Target
from agentserver_contract.model.action import ACTIONS
from agentserver_contract.model.machine import Failure, try_rules
from agentserver_contract.model.run import ModelRun
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "model"
RUNS = 3
STEPS = 20
_MOST_FAILURES = 40
_SHOWN_LINES = 30
"""Of the steps before a failure."""


def run(
    target: Target,
    people: People,
    contract: Contract,
    *,
    seed: int,
    runs: int = RUNS,
    steps: int = STEPS,
    allow_global: bool = True,
    advance_clock: Callable[[], None] | None = None,
    enough: int = _MOST_FAILURES,
) -> LayerResult:
    """Let users act, and compare the server with the model.

    Args:
        target: The server.
        people: The users.
        contract: The contract, whose operations they call.
        seed: Decides what is chosen: the same steps again for the same seed.
        runs: How often the state machine begins anew.
        steps: How many steps it then takes.
        allow_global: Whether settings of the whole installation may be changed; they are restored.
        advance_clock: Advances the server's clock, where that is possible.
        enough: After how many failures to stop.
    """
    result = LayerResult(NAME, seed=seed)
    started = time.monotonic()
    trial = try_rules(
        lambda: ModelRun(target, people, contract, result, allow_global, advance_clock),
        seed=seed,
        runs=runs,
        steps=steps,
        enough=enough,
    )
    for name in trial.not_tried:
        action, after_failure = ACTIONS[name], "an earlier failure kept it from being tried"
        result.not_run[action.title] = (
            after_failure if trial.failures else action.precondition.otherwise
        )
    for failure in trial.failures:
        result.add(_finding(failure, seed))
    result.seconds = time.monotonic() - started
    return result


def _finding(failure: Failure, seed: int) -> Finding:
    log, violation = failure.run.log, failure.violation
    operation = failure.run.operation(violation.sdk_method)
    left_out = len(log) - _SHOWN_LINES
    shown = [f"... {left_out} lines more", *log[-_SHOWN_LINES:]] if left_out > 0 else log
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=violation.promise,
        contract=operation.pointer,
        detail="after these steps:\n" + "\n".join(shown),
        sent=log[-1] if log else "",
        came=violation.description,
        replay=f"nox -s contract -- contract_tests/tests/test_model.py --seed {seed}",
        check=failure.rule,
        answer=violation.answer,
    )
