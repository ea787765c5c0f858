"""Fails if an operation or a documented status was never met, and no waiver says why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract, Operation, escape
from agentserver_contract.data.tables import Waiver, tables
from agentserver_contract.fixtures.callers import reason_unsigned
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "gate"


def run(context: Context) -> LayerResult:
    """Judge the results of the layers before this one."""
    return judge_run(context.contract, context.plan, context.results, unsigned(context))


def unsigned(context: Context) -> Mapping[str, str]:
    """The operations that no account of a run can call, by operationId, each with the reason."""
    reasons = {
        each.id: reason_unsigned(context.contract, each, context.accounts)
        for each in context.contract.operations.values()
    }
    return {name: reason for name, reason in reasons.items() if reason is not None}


def judge_run(
    contract: Contract, plan: Plan, results: Iterable[LayerResult], unsigned: Mapping[str, str]
) -> LayerResult:
    """Judge the results of a whole run.

    Args:
        contract: The contract.
        plan: What the run tried.
        results: Of its layers.
        unsigned: Operations that no account of the run could call, each with the reason.
    """
    every = contract.operations.values()
    judged = {each.id for each in every if plan.includes(each) or not plan.is_partial}
    result = judge(
        contract,
        results,
        situations=plan.situations,
        operations=frozenset(judged - unsigned.keys()),
    )
    result.not_run.update({name: why for name, why in unsigned.items() if name in judged})
    return result


def judge(
    contract: Contract,
    results: Iterable[LayerResult],
    *,
    situations: Collection[str] = ("always",),
    operations: frozenset[str] | None = None,
    waivers: Iterable[Waiver] | None = None,
) -> LayerResult:
    """Judge what the layers of a run have met.

    Args:
        contract: The contract, whose operations and statuses must be met.
        results: Of every layer, from one shard or several.
        situations: The situations of the run, which waivers depend on.
        operations: Only these, by operationId.
        waivers: The suite's own when left out.
    """
    result = LayerResult(NAME)
    for each in results:
        result.statuses.update(each.statuses)
    known = list(tables().waivers if waivers is None else waivers)
    for operation in contract.operations.values():
        if operations is None or operation.id in operations:
            _judge(operation, result, known, situations)
    return result


def _judge(
    operation: Operation,
    result: LayerResult,
    waivers: Iterable[Waiver],
    situations: Collection[str],
) -> None:
    for status in sorted(operation.responses):
        if result.statuses[operation.id, status]:
            result.notes["documented statuses met"] += 1
            continue
        waiver = next((w for w in waivers if w.covers(operation.id, status, situations)), None)
        if waiver is not None:
            result.notes["documented statuses waived"] += 1
            result.not_run[f"{operation.id} {status}"] = waiver.reason
        else:
            result.add(_finding(operation, status))


def _finding(operation: Operation, status: int) -> Finding:
    met = "succeeds at least once" if status < 300 else f"is answered {status} at least once"
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=f"the operation {met}",
        contract=f"{operation.pointer}/responses/{escape(str(status))}",
        detail=f"no layer met {status}: what was not met was not tested",
        check=str(status),
    )
