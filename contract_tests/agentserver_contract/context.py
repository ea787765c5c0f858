"""What a run is asked to try, and what every layer of it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.fixtures.accounts import Accounts
from agentserver_contract.fixtures.examples import Examples
from agentserver_contract.fixtures.left_alone import LeftAlone
from agentserver_contract.http.raw import Unfinished
from agentserver_contract.http.target import Target
from agentserver_contract.results.findings import Finding, LayerResult, never

EXAMPLES, QUICK_EXAMPLES = 20, 0
"""Random cases for each operation and mode, unless the plan says otherwise, and in a quick run,
since to begin with them takes more time than to send them."""
SCENARIOS, QUICK_SCENARIOS = 100, 0
"""Scenarios of several calls, unless the plan says otherwise, and in a quick run, whose model makes
such calls as well."""
MODEL_RUNS, QUICK_MODEL_RUNS = 3, 0
"""How often the model begins anew and chooses at random, unless the plan says otherwise, and in a
quick run."""
MODEL_STEPS = 20
"""How many steps each of these runs takes, unless the plan says otherwise."""
LEFT_OUT = "a quick run leaves it out"
"""Why something was not run."""
MAX_FAILURES = 40
"""After how many failures the model stops, unless the plan says otherwise."""


@dataclass(frozen=True)
class Plan:
    """What to try."""

    seed: int
    """Makes the same run again on a server in the same state."""
    layers: tuple[str, ...] = ()
    """Names of layers; all of them when empty."""
    operations: frozenset[str] | None = None
    """Only these operationIds, and what it takes to try them."""
    examples: int = EXAMPLES
    """Random cases for each operation and mode."""
    boundaries: bool = True
    """Whether each operation is also tried at each of its bounds."""
    scenarios: int = SCENARIOS
    """Scenarios of several calls."""
    model_runs: int = MODEL_RUNS
    """How often the model begins anew and chooses at random."""
    model_steps: int = MODEL_STEPS
    """How many steps each of these runs takes."""
    max_failures: int = MAX_FAILURES
    """After how many failures the model stops."""
    shard: tuple[int, int] = (1, 1)
    """Which part of how many, counted from one."""
    guarded: bool = False
    """Whether others use the server too, so that a guard checks every request."""
    allow_global: bool = True
    """Whether settings of the whole installation may be changed."""
    read_only: bool = False
    """Whether nothing may be changed."""
    closed: bool = False
    """Whether a field that no schema has is a finding wherever it is."""
    options: tuple[str, ...] = ()
    """Words of the command line that a replay of a finding needs as well."""
    many_rows: bool = True
    """Whether lists are made long with accounts that stay."""
    fail_fast: bool = False
    """Whether the run ends with its first finding."""
    quick: bool = False
    """Whether what takes the most requests is left out, unless layers are named."""

    @property
    def situations(self) -> frozenset[str]:
        """The situations of this run, which a waiver may depend on."""
        holding = {
            "always": True,
            "guarded": self.guarded,
            "not global": not self.allow_global,
            "read-only": self.read_only,
            "quick": self.is_quick,
        }
        return frozenset(name for name, holds in holding.items() if holds)

    @property
    def is_quick(self) -> bool:
        """Whether what takes the most requests is left out."""
        return self.quick and not self.layers

    @property
    def is_partial(self) -> bool:
        """Whether some operations are left out on purpose."""
        return self.read_only or self.operations is not None

    def includes(self, operation: Operation) -> bool:
        """Whether an operation is tried, by whichever shard."""
        named = self.operations is None or operation.id in self.operations
        return named and (not self.read_only or operation.is_read)


@dataclass(frozen=True)
class Context:
    """What a layer works with."""

    target: Target
    accounts: Accounts
    contract: Contract
    plan: Plan
    reset: Callable[[], None] = lambda: None
    """Gives the accounts back the roles and limits that they had when they were made."""
    examples: Examples | None = None
    """Things that exist already, where the run may make nothing."""
    shift_clock: Callable[[timedelta], None] | None = None
    """Moves the server's clock, where that is possible; over HTTP alone it is not."""
    advance_clock: Callable[[], None] | None = None
    """Advances the server's clock, where that is possible, so that no two writes have one time."""
    snapshot: Callable[[], Any] | None = None
    """Reads everything that a refused request must not change; when left out, the API is asked."""
    of_shard: frozenset[str] | None = None
    """The operations of this shard, by operationId; None where it has all."""
    results: Sequence[LayerResult] = ()
    """Of the layers that ran before this one."""
    ends_at: Callable[[Finding], bool] = never
    """Whether a finding ends the run."""
    is_new: Callable[[Finding], bool] = lambda finding: True
    """Whether a finding is none of the listed departures."""
    answers: Callable[[], Sequence[Finding]] = tuple
    """Takes what was found in single responses since it was called last."""
    unfinished: Unfinished | None = None
    """A request that was begun when the run began, and is never finished."""
    left_alone: LeftAlone | None = None
    """What was made when the run began, and left alone since."""
    begun: list[LayerResult] = field(default_factory=list)
    """The results that were begun, so that what is in them survives whatever ends the layer."""

    def new_result(self, layer: str) -> LayerResult:
        """What a layer adds to while it runs."""
        result = LayerResult(layer, seed=self.plan.seed, ends_at=self.ends_at, answers=self.answers)
        self.begun.append(result)
        return result

    def tries(self, operation: Operation, *others: Operation) -> bool:
        """Whether this shard tries what is about several operations.

        Args:
            operation: The one that decides which shard does.
            others: Where operations are named, it is enough that one of these is.
        """
        named = any(map(self.plan.includes, (operation, *others)))
        return named and self.is_of_shard(operation)

    def is_of_shard(self, operation: Operation) -> bool:
        """Whether an operation is of this shard, whether or not it is tried."""
        return self.of_shard is None or operation.id in self.of_shard

    @property
    def operations(self) -> list[Operation]:
        """The operations that this shard tries, in the order of the contract."""
        every = self.contract.operations.values()
        return [each for each in every if self.is_of_shard(each) and self.plan.includes(each)]
