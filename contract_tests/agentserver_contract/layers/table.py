"""The layers in the order in which they run, and what each can do without."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from agentserver_contract.context import LEFT_OUT, Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.layers import (
    fuzzing,
    gate,
    idle,
    ids,
    lists,
    malformed,
    model,
    people,
    races,
    refusals,
    repeats,
    roles,
    stateful,
    times,
    transport,
    values,
)
from agentserver_contract.results.findings import LayerResult


@dataclass(frozen=True)
class Layer:
    """One layer."""

    name: str
    run: Callable[[Context], LayerResult]
    begun: Callable[[Context], AbstractContextManager[Context]] | None = None
    """What begins when the run begins, before all layers, if anything does."""
    by_operation: bool = False
    """Whether it tries operations one by one, so that each shard takes some of them."""
    writes: bool = False
    """Whether it does nothing without writing."""
    extent: str = ""
    """The plan's name for how much it tries, where that may be nothing."""
    is_long: bool = False
    """Whether it takes so long that a quick run leaves it out, unless it is named."""
    weight: float = 0.0
    """How long it takes, as a part of what all layers by operation take together; of these 0."""
    quick_weight: float = 0.0
    """The same in a quick run."""
    judges: bool = False
    """Whether it sends nothing, and judges the results of the layers before it."""

    def reason_not_run(self, plan: Plan) -> str | None:
        """Why a planned layer is not run, if it is not."""
        if self.judges:
            return _reason_not_judged(plan)
        if self.writes and plan.read_only:
            return "it would write"
        if self.is_long and plan.is_quick:
            return LEFT_OUT
        if self.extent and getattr(plan, self.extent) == 0:
            return f"this run has no {self.extent}"
        shard = self.shard(plan)
        return f"shard {shard} runs it" if shard not in (None, plan.shard[0]) else None

    def shard(self, plan: Plan) -> int | None:
        """The only shard of a plan that runs this layer; None where each runs a part of it."""
        if self.by_operation or self.judges:
            return None
        undivided = [
            layer.name for layer in planned(plan) if not (layer.by_operation or layer.judges)
        ]
        return 1 + undivided.index(self.name) % plan.shard[1]


def _reason_not_judged(plan: Plan) -> str | None:
    """Why the results of a plan cannot be judged as a whole, if they cannot."""
    if plan.shard != (1, 1):
        return "a shard meets a part of the contract: `agentserver-contract gate` takes them all"
    missing = [layer.name for layer in LAYERS if not layer.judges and layer not in planned(plan)]
    if missing and plan.layers != (gate.NAME,):
        return f"not all layers were run: {', '.join(missing)} left out"
    if plan.operations is not None:
        return "not all operations were tried"
    return None


LAYERS = (
    Layer(roles.NAME, roles.run, by_operation=True),
    Layer(people.NAME, people.run, by_operation=True, writes=True),
    Layer(refusals.NAME, refusals.run, by_operation=True, writes=True),
    Layer(ids.NAME, ids.run, by_operation=True, writes=True, is_long=True),
    Layer(values.NAME, values.run, by_operation=True, writes=True, is_long=True),
    Layer(model.NAME, model.run, writes=True, weight=0.14, quick_weight=0.6),
    Layer(stateful.NAME, stateful.run, writes=True, extent="scenarios", weight=0.06),
    Layer(fuzzing.NAME, fuzzing.run, by_operation=True),
    Layer(times.NAME, times.run, by_operation=True, writes=True),
    Layer(repeats.NAME, repeats.run, by_operation=True, writes=True),
    Layer(races.NAME, races.run, by_operation=True, writes=True, is_long=True),
    Layer(transport.NAME, transport.run, by_operation=True, writes=True),
    # After the others, which read all that there is again and again.
    Layer(lists.NAME, lists.run, by_operation=True, writes=True),
    # Late, as they ask what has become of what was begun when the run began.
    Layer(idle.NAME, idle.run, begun=idle.begun, writes=True, is_long=True),
    Layer(malformed.NAME, malformed.run, begun=malformed.begun),
    Layer(gate.NAME, gate.run, judges=True),
)
NAMES = tuple(layer.name for layer in LAYERS)


def planned(plan: Plan) -> list[Layer]:
    """The layers of a plan, in order."""
    return [layer for layer in LAYERS if not plan.layers or layer.name in plan.layers]


def operations_of_shard(contract: Contract, plan: Plan) -> frozenset[str]:
    """The operations that the shard of a plan tries in the layers by operation.

    They are dealt so that all shards take about as long: one that also runs an undivided layer has
    fewer of them.
    """
    number, count = plan.shard
    busy = [0.0] * count
    for layer in planned(plan):
        weight = layer.quick_weight if plan.is_quick else layer.weight
        busy[(layer.shard(plan) or 1) - 1] += weight
    shares = [max(0.0, (1 + sum(busy)) / count - each) for each in busy]
    dealt: list[list[str]] = [[] for _ in range(count)]
    for index, operation in enumerate(contract.operations, start=1):
        due = [share * index - len(has) for share, has in zip(shares, dealt, strict=True)]
        dealt[due.index(max(due))].append(operation)
    return frozenset(dealt[number - 1])
