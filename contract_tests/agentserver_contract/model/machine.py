"""How the rules are tried: each once, then in any order as a Hypothesis state machine.

Each rule is first tried once, in an order that the seed gives, so that none depends on chance; then
Hypothesis chooses. After each step what it touched is read back; everything is read back after
every fifteenth step and at the end. A failure is repeated with as few steps as show it, and its
rule is left out of what follows, so that one fault does not hide another.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from hypothesis.stateful import precondition as hypothesis_precondition
from hypothesis.stateful import rule as hypothesis_rule

from agentserver import AgentserverError
from agentserver_contract import model
from agentserver_contract.fixtures.accounts import SetupFailed
from agentserver_contract.http.guard import Blocked
from agentserver_contract.model.action import ACTIONS, INITIALIZERS, INVARIANTS, TEARDOWNS, Choose
from agentserver_contract.model.readback import read_back, read_back_everything
from agentserver_contract.model.run import FirstLook, ModelRun
from agentserver_contract.model.state import ContractViolation

for _module in pkgutil.iter_modules(model.__path__, f"{model.__name__}."):
    importlib.import_module(_module.name)  # each tag registers its rules and invariants

INITIALIZE = "initialize"
"""Takes the place of a rule in a failure before the first step."""

EVERYTHING_EVERY = 15
"""After how many steps everything is read back."""

_MOST_ALIKE = 3
"""How often one promise may be broken: then nothing more can be learned of what its rules touch."""

_FEW = (1, 2, 4, 8, 16)
"""How many of the last steps of a failure are repeated, one number after the other. Everything was
read back less than 16 steps ago, so that the step that is wrong is among them."""

Begin = Callable[[], ModelRun]


@dataclass(frozen=True)
class Step:
    """A rule that was tried, and what it chose."""

    rule: str
    choose: Choose


class Failure(Exception):
    """A step of a run broke the contract."""

    def __init__(
        self, run: ModelRun, rule: str, violation: ContractViolation, steps: Sequence[Step]
    ) -> None:
        super().__init__(violation.promise)
        self.run = run
        self.last_call = run.last_call
        self.rule = rule
        self.violation = violation
        self.steps = tuple(steps)
        """Up to the one that failed, with it."""

    @property
    def key(self) -> tuple[str, str]:
        """The same for failures that are one fault."""
        return self.violation.sdk_method, self.violation.promise


@dataclass
class Trial:
    """The outcome of trying every rule."""

    failures: list[Failure] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)
    """Rules whose precondition never held."""


def try_rules(
    begin: Begin,
    *,
    rules: Collection[str],
    seed: int,
    runs: int,
    steps: int,
    enough: int,
    counts: Callable[[Failure], bool] = lambda failure: True,
) -> Trial:
    """Try every rule once, then in any order.

    Args:
        begin: Starts a run.
        rules: The names of those that are tried.
        seed: Decides what is chosen.
        runs: How many runs Hypothesis starts.
        steps: How many steps it takes in each.
        enough: After how many failures to stop.
        counts: Whether a failure is one of these; those that are listed are not.
    """
    limit = _Limit(enough, counts)
    first_look = FirstLook()

    def begin_with_first_look() -> ModelRun:
        run = begin()
        run.first_look = first_look
        return run

    trial = _each_once(begin_with_first_look, rules, seed, limit)
    if runs and not limit.is_reached(trial.failures):
        left_out = {failure.rule for failure in trial.failures}
        broken = limit.broken(trial.failures)
        left = [
            name
            for name in ACTIONS
            if name in rules and name not in left_out and broken.isdisjoint(_touched_by(name))
        ]
        if left:
            trial.failures += _in_any_order(begin_with_first_look, left, seed, runs, steps)
    return trial


class _Execution:
    """A run and its steps; what it changed is restored at its end. Each method raises Failure."""

    def __init__(self, begin: Begin, *, thorough: bool = False) -> None:
        self.run = begin()
        self.steps: list[Step] = []
        self._thorough = thorough
        self._unread = 0
        """Steps since everything was read back."""
        try:
            with self._failures(INITIALIZE):
                for prepare in INITIALIZERS:
                    prepare(self.run)
                if thorough:
                    read_back_everything(self.run)
            self.wrong_from_start = [] if thorough else self._look()
        except Failure:
            self.close()
            raise

    def _look(self) -> list[Failure]:
        """Check every invariant for the first time on a server.

        What is wrong from the start is left out of what is read back later: no step is to blame.
        """
        run, failures = self.run, []
        if run.first_look.is_done:
            return []
        run.first_look.is_done = True
        run.every_reader = True
        for each in INVARIANTS:
            try:
                with self._failures(INITIALIZE):
                    each.check(run)
            except Failure as failure:
                run.first_look.wrong[each.name] = failure.violation
                failures.append(failure)
        run.every_reader = False
        return failures

    def applies(self, name: str) -> bool:
        """Whether the precondition of a rule holds."""
        with self._failures(name):
            return ACTIONS[name].precondition.holds(self.run)

    def step(self, name: str, pick: Callable[[int], int]) -> None:
        """Try a rule, and read back what it touches."""
        action, run, choose = ACTIONS[name], self.run, Choose(pick)
        self.steps.append(Step(name, choose))
        run.log.append(f"# {action.title}")
        self._unread += 1
        with self._failures(name):
            try:
                action.perform(run, choose)
            except Blocked as reason:
                run.result.not_run[action.title] = str(reason)
            if self._thorough or self._unread == EVERYTHING_EVERY:
                self.read_everything()
            else:
                read_back(run, *action.touches)

    def finish(self) -> None:
        """Read everything back for the last time."""
        if self._unread:
            with self._failures(self.steps[-1].rule):
                self.read_everything()

    def read_everything(self) -> None:
        read_back_everything(self.run)
        self._unread = 0

    def close(self) -> None:
        """Restore what the run has changed, as far as the server allows."""
        for undo in reversed(TEARDOWNS):
            for call in undo(self.run):
                try:
                    call()
                except AgentserverError:
                    continue  # a faulty server may refuse what it should not
        self.run.close()

    @contextmanager
    def _failures(self, rule: str) -> Iterator[None]:
        """Turn whatever goes wrong into a failure of a rule, except what the guard refuses."""
        try:
            yield
        except ContractViolation as violation:
            raise Failure(self.run, rule, violation, self.steps) from None
        except SetupFailed as error:
            cannot = ContractViolation("auth.login", "every user of the run can log in", error)
            raise Failure(self.run, rule, cannot, self.steps) from None
        except Blocked:
            raise
        except Exception as error:  # noqa: BLE001 - an answer that lacks what it must have
            promise = "the answer has what the contract says"
            lacking = ContractViolation(self.run.last_method, promise, repr(error))
            raise Failure(self.run, rule, lacking, self.steps) from None


@contextmanager
def _executing(begin: Begin, *, thorough: bool = False) -> Iterator[_Execution]:
    execution = _Execution(begin, thorough=thorough)
    try:
        yield execution
    finally:
        execution.close()


@dataclass(frozen=True)
class _Limit:
    """When to stop."""

    enough: int
    counts: Callable[[Failure], bool]

    def is_reached(self, failures: Sequence[Failure]) -> bool:
        """Whether there are enough failures that count, or something is broken everywhere."""
        counted = sum(map(self.counts, failures))
        return counted >= self.enough or not all(self._broken(failures))

    def broken(self, failures: Sequence[Failure]) -> set[str]:
        """What has failed so often that rules which touch it are left out."""
        return set[str]().union(*self._broken(failures))

    def _broken(self, failures: Sequence[Failure]) -> list[set[str]]:
        """Of each promise that was broken often enough: what all the rules that broke it touch."""
        alike: defaultdict[tuple[str, str], list[set[str]]] = defaultdict(list)
        for failure in filter(self.counts, failures):
            alike[failure.key].append(_touched_by(failure.rule))
        return [set.intersection(*each) for each in alike.values() if len(each) >= _MOST_ALIKE]


def _touched_by(rule: str) -> set[str]:
    return set(ACTIONS[rule].touches) if rule in ACTIONS else set()


# --- each once ------------------------------------------------------------------------------------


def _each_once(begin: Begin, rules: Collection[str], seed: int, limit: _Limit) -> Trial:
    """Try each rule once, those first whose precondition holds.

    A new run is started after a failure, and when none of those that are left applies.
    """
    chance = random.Random(seed)  # noqa: S311 - what it decides is no secret
    waiting = [name for name in ACTIONS if name in rules]
    chance.shuffle(waiting)
    trial = Trial(not_tried=waiting)
    left_out: list[str] = []
    while waiting and not limit.is_reached(trial.failures):
        broken = limit.broken(trial.failures)
        left_out += [name for name in waiting if broken & _touched_by(name)]
        waiting[:] = [name for name in waiting if name not in left_out]
        try:
            at_start = _try_waiting(begin, waiting, chance, trial.failures, limit)
            if at_start.isdisjoint(waiting):
                break  # none of them applies at the start of a run
        except Failure as failure:
            if failure.rule != INITIALIZE:
                # The steps of a listed departure are not read.
                shown = _with_few_steps(begin, failure) if limit.counts(failure) else failure
                trial.failures.append(shown)
                continue
            if not trial.failures:  # otherwise an earlier failure prevents new runs
                trial.failures.append(failure)
            break
    trial.not_tried += left_out
    return trial


def _try_waiting(
    begin: Begin,
    waiting: list[str],
    chance: random.Random,
    failures: list[Failure],
    limit: _Limit,
) -> set[str]:
    """Try the rules that apply, and remove them from those that wait. Raises Failure.

    What is wrong from the start is added to the failures.

    Returns:
        Those that applied at the start of the run.
    """
    with _executing(begin) as execution:
        failures += execution.wrong_from_start
        at_start = set(filter(execution.applies, waiting))
        if limit.is_reached(failures):
            return at_start
        while name := next(filter(execution.applies, waiting), None):
            waiting.remove(name)
            execution.step(name, chance.randrange)
        execution.finish()
    return at_start


# --- in any order ---------------------------------------------------------------------------------


def _in_any_order(
    begin: Begin, rules: Collection[str], seed: int, runs: int, steps: int
) -> list[Failure]:
    """Let Hypothesis choose the rules, up to the first failure."""
    failures: list[Failure] = []
    machine = hypothesis.seed(seed)(_machine(begin, rules, failures))
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=runs,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                verbosity=Verbosity.quiet,
                suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
            ),
        )
    except Exception:
        # Hypothesis repeats a failure, and raises something else where it then does not fail.
        if not failures:
            raise
    return [_with_few_steps(begin, failure) for failure in failures[:1]]


def _machine(
    begin: Begin, rules: Collection[str], failures: list[Failure]
) -> type[RuleBasedStateMachine]:
    """A state machine of some rules, which notes what fails."""

    @contextmanager
    def noted() -> Iterator[None]:
        try:
            yield
        except Failure as failure:
            failures.append(failure)
            raise

    def start(self: Any) -> None:
        RuleBasedStateMachine.__init__(self)
        with noted():
            self.execution = _Execution(begin)

    def teardown(self: Any) -> None:
        try:
            with noted():
                if not failures:
                    self.execution.finish()
        finally:
            self.execution.close()

    def as_rule(name: str) -> Any:
        def step(self: Any, data: st.DataObject) -> None:
            with noted():
                self.execution.step(name, lambda count: data.draw(st.sampled_from(range(count))))

        step.__name__ = name

        def applies(self: Any) -> bool:
            with noted():
                applies: bool = self.execution.applies(name)
                return applies

        return hypothesis_precondition(applies)(hypothesis_rule(data=st.data())(step))

    members = {name: as_rule(name) for name in rules}
    members |= {"__init__": start, "teardown": teardown}
    return type("Model", (RuleBasedStateMachine,), members)


# --- with few steps -------------------------------------------------------------------------------


def _with_few_steps(begin: Begin, failure: Failure) -> Failure:
    """The failure with as few steps as show it, or as it was where it takes many.

    Everything is read back after each of them. So the rule that fails is the one that is wrong,
    also where the failure was seen only when everything was read back some steps later.
    """
    steps = failure.steps
    started = _repeat(begin, ())
    if started is not None and started.key == failure.key:
        return started  # no rule is needed at all
    for count in _FEW:
        again = _repeat(begin, steps[-count:])
        if again is not None and again.rule != INITIALIZE:
            alone = _repeat(begin, again.steps[-1:]) if len(again.steps) > 1 else None
            return again if alone is None or alone.rule == INITIALIZE else alone
        if count >= len(steps):
            break
    return failure


def _repeat(begin: Begin, steps: Sequence[Step]) -> Failure | None:
    """How some steps fail with nothing before them; None where they do not."""
    try:
        with _executing(begin, thorough=True) as execution:
            for step in steps:
                if execution.applies(step.rule):
                    execution.step(step.rule, _picks_again(step.choose.picks))
    except Failure as failure:
        return failure
    return None


def _picks_again(picks: Sequence[int]) -> Callable[[int], int]:
    """What was picked before, as far as there is as much to pick from."""
    left = iter(picks)
    return lambda count: min(next(left, 0), count - 1)
