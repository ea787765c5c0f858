"""All layers of the suite on one target, one after the other, and what came of it as a whole."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentserver import AgentserverError
from agentserver_contract import departures
from agentserver_contract.contract.document import Contract
from agentserver_contract.departures import Departure
from agentserver_contract.fixtures.accounts import CannotPrepare, People
from agentserver_contract.fixtures.examples import Scene
from agentserver_contract.http.messages import scrubbed
from agentserver_contract.http.status_counter import Tally
from agentserver_contract.http.target import Target
from agentserver_contract.layers import fuzzing, gate, model, refusals, roles, stateful
from agentserver_contract.results.findings import Finding, LayerResult


@dataclass(frozen=True)
class Plan:
    """What to try."""

    seed: int
    layers: tuple[str, ...] = ()
    """By name, in this order; all of them when empty."""
    operations: frozenset[str] | None = None
    """Only these, by operationId, where a layer tries operations one by one."""
    examples: int = fuzzing.EXAMPLES
    scenarios: int = stateful.SCENARIOS
    shard: tuple[int, int] = (1, 1)
    """Which part of how many, counted from one."""
    guarded: bool = False
    """Whether the server is somebody's."""
    allow_global: bool = True
    read_only: bool = False

    @property
    def situations(self) -> frozenset[str]:
        """What a waiver may ask for."""
        holding = {
            "always": True,
            "guarded": self.guarded,
            "not global": not self.allow_global,
            "read-only": self.read_only,
        }
        return frozenset(name for name, holds in holding.items() if holds)

    def chosen(self, contract: Contract) -> frozenset[str]:
        """The operations of this shard, by operationId."""
        number, count = self.shard
        return frozenset(
            name
            for index, name in enumerate(contract.operations)
            if index % count == number - 1
            and (self.operations is None or name in self.operations)
            and (not self.read_only or contract.operations[name].is_read)
        )


@dataclass(frozen=True)
class Setting:
    """What a layer is played on."""

    target: Target
    people: People
    contract: Contract
    plan: Plan
    settle: Callable[[], None] = lambda: None
    """Makes each layer begin with everybody in the state in which they were gathered."""
    scene: Scene | None = None
    """What exists already, where nothing may be made."""
    expired: str | None = None
    """A session that has run out; none can be had over HTTP."""
    snapshot: roles.Snapshot | None = None
    """Everything that a refusal must not change; when left out, what the API shows."""


@dataclass(frozen=True)
class Layer:
    """One layer, and what it can do without."""

    name: str
    run: Callable[[Setting], LayerResult]
    by_operation: bool = False
    """Whether it tries operations one by one, so that a shard takes part of them."""
    writes: bool = False
    """Whether it does nothing without writing."""


def _roles(setting: Setting) -> LayerResult:
    snapshot = (lambda: None) if setting.plan.read_only else setting.snapshot
    return roles.run(
        setting.target,
        setting.people,
        setting.contract,
        expired=setting.expired,
        snapshot=snapshot,
        operations=setting.plan.chosen(setting.contract),
        scene=setting.scene,
    )


def _fuzzing(setting: Setting) -> LayerResult:
    return fuzzing.run(
        setting.target,
        setting.people,
        setting.contract,
        seed=setting.plan.seed,
        examples=setting.plan.examples,
        operations=setting.plan.chosen(setting.contract),
        scene=setting.scene,
    )


def _refusals(setting: Setting) -> LayerResult:
    return refusals.run(
        setting.target,
        setting.people,
        setting.contract,
        operations=setting.plan.chosen(setting.contract),
    )


def _model(setting: Setting) -> LayerResult:
    return model.run(
        setting.target,
        setting.people,
        setting.contract,
        seed=setting.plan.seed,
        allow_global=setting.plan.allow_global,
    )


def _stateful(setting: Setting) -> LayerResult:
    return stateful.run(
        setting.target,
        setting.people,
        setting.contract,
        seed=setting.plan.seed,
        scenarios=setting.plan.scenarios,
    )


LAYERS = (
    Layer(roles.NAME, _roles, by_operation=True),
    Layer(refusals.NAME, _refusals, by_operation=True, writes=True),
    Layer(model.NAME, _model, writes=True),
    Layer(stateful.NAME, _stateful, writes=True),
    Layer(fuzzing.NAME, _fuzzing, by_operation=True),
)
NAMES = (*(layer.name for layer in LAYERS), gate.NAME)
DEFAULT_REPLAY = "agentserver-contract run"


@dataclass
class Outcome:
    """What came of a run."""

    url: str
    plan: Plan
    results: list[LayerResult]
    known: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    """Findings by the name of the listed departure that explains them."""
    departures: Sequence[Departure] = ()
    """The listed departures."""
    idle: Sequence[Departure] = ()
    """Listed departures that were not met."""
    unexplained: list[Finding] = field(default_factory=list)
    """What is broken: each fault once."""
    held_back: Mapping[str, int] = field(default_factory=dict)
    """How many requests the guard did not let out, by reason."""
    left_behind: Sequence[str] = ()
    """What could not be put back."""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether nothing is broken beside what is listed."""
        return not self.unexplained

    @property
    def not_run(self) -> Iterable[tuple[str, str, str]]:
        """What could not be tried: layer, name, reason."""
        return [
            (result.layer, name, reason)
            for result in self.results
            for name, reason in result.not_run.items()
        ]


def run(
    setting: Setting,
    tally: Tally,
    *,
    known: Sequence[Departure] = (),
    told: Callable[[str], None] = lambda line: None,
    finished: Callable[[LayerResult], None] = lambda result: None,
) -> Outcome:
    """Play every planned layer.

    Args:
        setting: What on.
        tally: Watches the target.
        known: Departures that break nothing.
        told: Takes the name of each layer before it begins.
        finished: Takes each layer's result.
    """
    plan = setting.plan
    started = time.monotonic()
    results: list[LayerResult] = []
    tally.taken()  # what it took to set the setting shows nothing
    for layer in _planned(plan):
        told(layer.name)
        reason = _left_out(layer, plan)
        result = LayerResult(layer.name) if reason else play(layer, setting)
        if reason:
            result.not_run[layer.name] = reason
        result.statuses.update(tally.taken())
        results.append(result)
        finished(result)
    if gate.NAME in (plan.layers or NAMES):
        told(gate.NAME)
        results.append(_gate(setting, results))
        finished(results[-1])
    return _outcome(setting, results, known, time.monotonic() - started)


def judge(contract: Contract, plan: Plan, results: Iterable[LayerResult]) -> LayerResult:
    """The gate over results that may come from several shards."""
    chosen = plan.chosen(contract) if plan.read_only or plan.operations is not None else None
    return gate.run(contract, results, situations=plan.situations, operations=chosen)


def play(layer: Layer, setting: Setting) -> LayerResult:
    """A layer's result; where the server fails what the layer builds on, that is the finding."""
    try:
        setting.settle()
        return layer.run(setting)
    except (AgentserverError, CannotPrepare) as error:
        result = LayerResult(layer.name, seed=setting.plan.seed)
        result.add(
            Finding(
                layer=layer.name,
                operation=getattr(error, "operation_id", ""),
                promise="what the layer builds on can be made",
                contract="",
                detail=scrubbed(f"{type(error).__name__}: {error}"),
                sent="",
                came="",
                replay="",
                check="preparation",
            )
        )
        return result


def _planned(plan: Plan) -> list[Layer]:
    return [layer for layer in LAYERS if not plan.layers or layer.name in plan.layers]


def _left_out(layer: Layer, plan: Plan) -> str | None:
    """Why a layer that is planned is not run, if it is not."""
    if layer.writes and plan.read_only:
        return "it would write"
    if not layer.by_operation:
        whole = [each.name for each in _planned(plan) if not each.by_operation]
        shard = 1 + whole.index(layer.name) % plan.shard[1]
        if shard != plan.shard[0]:
            return f"shard {shard} runs it"
        if plan.operations is not None and not plan.layers:
            return "it tries no operation by itself"
    return None


def _gate(setting: Setting, results: Sequence[LayerResult]) -> LayerResult:
    plan = setting.plan
    missing = [layer.name for layer in LAYERS if plan.layers and layer.name not in plan.layers]
    reason = None
    if plan.shard != (1, 1):
        reason = "a shard meets a part of the contract: `agentserver-contract gate` takes them all"
    elif missing and plan.layers != (gate.NAME,):
        reason = f"not all layers were run: {', '.join(missing)} left out"
    elif plan.operations is not None:
        reason = "not all operations were tried"
    if reason is not None:
        result = LayerResult(gate.NAME)
        result.not_run[gate.NAME] = reason
        return result
    return judge(setting.contract, plan, results)


def _outcome(
    setting: Setting, results: list[LayerResult], known: Sequence[Departure], seconds: float
) -> Outcome:
    guard = setting.target.guard
    found = [finding for result in results for finding in result.all_findings]
    account = departures.account_live(setting.contract, known, found)
    url, plan = setting.target.base_url, setting.plan
    unexplained: dict[Any, Finding] = {}
    for finding in account.unexplained:
        unexplained.setdefault(finding.key, replayable(finding, url, plan))
    return Outcome(
        url=url,
        plan=plan,
        results=results,
        known=account.explained,
        departures=known,
        idle=account.idle,
        unexplained=list(unexplained.values()),
        held_back=dict(guard.refused) if guard else {},
        seconds=seconds,
    )


def replayable(finding: Finding, url: str, plan: Plan) -> Finding:
    """The finding with the command of this tool that makes it again."""
    words = [*shlex.split(DEFAULT_REPLAY), url, "--seed", str(plan.seed)]
    layer = fuzzing.NAME if finding.layer == "differential" else finding.layer
    words += [] if layer == gate.NAME else ["--layers", layer]
    by_operation = any(each.by_operation for each in LAYERS if each.name == layer)
    if finding.operation and by_operation:
        words += ["--operation", finding.operation]
    if plan.examples != fuzzing.EXAMPLES:
        words += ["--examples", str(plan.examples)]
    if plan.scenarios != stateful.SCENARIOS:
        words += ["--scenarios", str(plan.scenarios)]
    return replace(finding, replay=shlex.join(words))
