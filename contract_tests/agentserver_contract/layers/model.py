"""A model of the server: what users do through the SDK, and what the server should make of it."""

from __future__ import annotations

from agentserver_contract.context import Context
from agentserver_contract.model.action import ACTIONS
from agentserver_contract.model.machine import INITIALIZE, Failure, try_rules
from agentserver_contract.model.run import ModelRun
from agentserver_contract.model.scope import rules_about
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "model"
_SHOWN_LINES = 30
"""Of the steps before a failure."""


def run(context: Context) -> LayerResult:
    """Let users act, and compare the server with the model."""
    plan = context.plan
    result = context.new_result(NAME)

    def begin() -> ModelRun:
        return ModelRun(
            *(context.target, context.accounts, context.contract, result),
            *(plan.allow_global, context.advance_clock, plan.many_rows),
        )

    rules = rules_about(context.contract, plan.operations)
    if not rules:
        result.not_run[NAME] = "no action of the model is about the named operations"
        return result
    trial = try_rules(
        begin,
        rules=rules,
        seed=plan.seed,
        runs=plan.model_runs,
        steps=plan.model_steps,
        enough=1 if plan.fail_fast else plan.max_failures,
        counts=lambda failure: context.is_new(_finding(failure)),
    )
    new = [failure for failure in trial.failures if context.is_new(_finding(failure))]
    for name in trial.not_tried:
        action, after_failure = ACTIONS[name], "an earlier failure kept it from being tried"
        result.not_run[action.title] = after_failure if new else action.precondition.otherwise
    for failure in trial.failures:
        result.add(_finding(failure))
    return result


def _finding(failure: Failure) -> Finding:
    log, violation, last_call = failure.run.log, failure.violation, failure.last_call
    operation = failure.run.operation(violation.sdk_method)
    left_out = len(log) - _SHOWN_LINES
    shown = [f"... {left_out} lines more", *log[-_SHOWN_LINES:]] if left_out > 0 else log
    wrong = violation.description
    if not wrong.startswith("expected "):
        wrong = f"expected that {violation.promise}"
    when = "wrong from the start" if failure.rule == INITIALIZE else "wrong"
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=violation.promise,
        contract=operation.pointer,
        detail="\n".join([wrong, f"{when}, after these steps:", *shown]),
        sent=last_call,
        received=violation.description,
        check=failure.rule,
        request=violation.exchange.request if violation.exchange else None,
        response=violation.response,
    )
