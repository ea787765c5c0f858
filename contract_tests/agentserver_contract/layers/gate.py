"""Nothing is green by absence: what the contract documents was met, or is waived with a reason."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Contract, Operation, escape
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "gate"
SITUATIONS = ("always", "guarded", "not global", "read-only")
"""When a waiver holds: in every run, on somebody's server, without --allow-global, reading only."""


class WaiverError(ValueError):
    """The waivers cannot be read."""


@dataclass(frozen=True)
class Waiver:
    """Documented statuses that a run cannot meet."""

    name: str
    operations: frozenset[str]
    """Empty for all."""
    statuses: frozenset[int]
    when: str
    reason: str

    def covers(self, operation_id: str, status: int, situations: Collection[str]) -> bool:
        """Whether the status of an operation need not be met."""
        named = not self.operations or operation_id in self.operations
        return named and status in self.statuses and self.when in situations


def waivers() -> list[Waiver]:
    """The waivers that come with the suite."""
    return read_waivers(
        (files("agentserver_contract.data") / "waivers.toml").read_text(encoding="utf-8")
    )


def read_waivers(text: str) -> list[Waiver]:
    """Read waivers: a table for each, with `operations` or '*', `status`, `reason` and `when`.

    Raises:
        WaiverError: A table lacks a reason, or names no situation.
    """
    return [_waiver(name, table) for name, table in tomllib.loads(text).items()]


def _waiver(name: str, table: Mapping[str, Any]) -> Waiver:
    operations = table.get("operations", [])
    named = frozenset() if operations == "*" else frozenset(operations)
    waiver = Waiver(
        name,
        named,
        frozenset(table.get("status", [])),
        table.get("when", "always"),
        table.get("reason", ""),
    )
    if not waiver.reason or not waiver.statuses or waiver.when not in SITUATIONS:
        raise WaiverError(
            f"[{name}]: needs a reason, a list of statuses, and when: {', '.join(SITUATIONS)}"
        )
    if operations != "*" and not named:
        raise WaiverError(f"[{name}]: operations: must name operations, or be '*' for all")
    return waiver


def run(context: Context) -> LayerResult:
    """Judge the results of the layers before this one."""
    plan = context.plan
    operations = (
        frozenset(operation.id for operation in context.operations) if plan.is_partial else None
    )
    return judge(
        context.contract, context.results, situations=plan.situations, operations=operations
    )


def judge(
    contract: Contract,
    results: Iterable[LayerResult],
    *,
    situations: Collection[str] = ("always",),
    operations: frozenset[str] | None = None,
    known: Iterable[Waiver] | None = None,
) -> LayerResult:
    """Judge what the layers of a run have met.

    Args:
        contract: Whose operations and statuses must be met.
        results: Of every layer, from one shard or several.
        situations: What kind of run it was.
        operations: Only these, by operationId.
        known: Waivers; the suite's own when left out.
    """
    result = LayerResult(NAME)
    for each in results:
        result.statuses.update(each.statuses)
    known = list(waivers() if known is None else known)
    for operation in contract.operations.values():
        if operations is None or operation.id in operations:
            _judge(operation, result, known, situations)
    return result


def _judge(
    operation: Operation,
    result: LayerResult,
    known: Iterable[Waiver],
    situations: Collection[str],
) -> None:
    for status in sorted(operation.responses):
        if result.statuses[operation.id, status]:
            result.notes["documented statuses met"] += 1
            continue
        waiver = next((w for w in known if w.covers(operation.id, status, situations)), None)
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
        sent="",
        came="",
        replay="",
        check=str(status),
    )
