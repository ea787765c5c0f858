"""A reference model: what people do through the SDK, against what a server should make of it.

A transition is a function here, legal or not, and says when it can happen. First each happens once
in an order that the seed gives, so that none waits for chance; then a Hypothesis state machine
lets them happen in any order. After each, everything is read back as everybody. One that fails is
tried again alone, so that few steps lead to what is shown, and left out of what follows, so that
one fault does not hide another.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import CannotPrepare, People
from agentserver_contract.http.guard import Refused
from agentserver_contract.http.target import Target
from agentserver_contract.model import actions as _actions  # noqa: F401 - adds its transitions
from agentserver_contract.model.action import TRANSITIONS, Choose
from agentserver_contract.model.readback import check, look_around
from agentserver_contract.model.run import Play
from agentserver_contract.model.setup import allow, configure, create, limit
from agentserver_contract.model.state import CAST, Broken, Config
from agentserver_contract.model.values import ADDRESSES, MODELS
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "model"
RUNS = 3
STEPS = 20
_OPENING = "the_opening"
"""What every play begins with, in place of a transition."""
_SHOWN_STEPS = 30
_MOST_FAILURES = 40
_MOST_ALIKE = 3
"""How often the same may fail: then it fails everywhere, and nothing more can be learned."""


def run(
    target: Target,
    people: People,
    contract: Contract,
    *,
    seed: int,
    runs: int = RUNS,
    steps: int = STEPS,
    allow_global: bool = True,
    tick: Callable[[], None] | None = None,
    enough: int = _MOST_FAILURES,
) -> LayerResult:
    """Let people act, and hold the server to the model.

    Args:
        target: The server.
        people: Who acts.
        contract: Whose operations they call.
        seed: Makes the same steps again.
        runs: How often the state machine starts anew.
        steps: How many steps it then takes.
        allow_global: Whether settings that concern everybody may be changed, and are put back.
        tick: Turns the server's clock on, where it can be had.
        enough: After how many failures to stop.
    """
    result = LayerResult(NAME, seed=seed)
    started = time.monotonic()

    def begin() -> Play:
        return Play(target, people, contract, result, allow_global, tick)

    failures, waiting = _each_once(begin, seed, enough)
    for name in waiting:
        after_failure = "what failed before kept it from being tried"
        reason = after_failure if failures else TRANSITIONS[name].otherwise
        result.not_run[name.replace("_", " ")] = reason
    if runs and not _is_enough(failures, enough):
        failures += _at_random(begin, seed, runs, steps, {failed.name for failed in failures})
    for failed in failures:
        result.add(_finding(failed, seed))
    result.seconds = time.monotonic() - started
    return result


class _Failed(Exception):
    """A play came to a step that broke the model."""

    def __init__(self, play: Play, name: str, broken: Broken) -> None:
        super().__init__(broken.promise)
        self.play = play
        self.name = name
        """Of the transition."""
        self.broken = broken

    @property
    def key(self) -> tuple[str, str]:
        """What is the same when a fault is met again."""
        return self.broken.place, self.broken.promise


def _is_enough(failures: Sequence[_Failed], enough: int) -> bool:
    """Whether nothing more is wanted, or to be learned."""
    alike = Counter(failed.key for failed in failures)
    return len(failures) >= enough or max(alike.values(), default=0) >= _MOST_ALIKE


def _step(play: Play, name: str, choose: Choose) -> None:
    play.log.append(f"# {name.replace('_', ' ')}")
    try:
        with _failing(play, name):
            TRANSITIONS[name].happen(play, choose)
            check(play)
    except Refused as reason:
        play.result.not_run[name.replace("_", " ")] = str(reason)


@contextmanager
def _failing(play: Play, name: str) -> Iterator[None]:
    """Tell of whatever goes wrong as a failure of a step. Raises _Failed, Refused."""
    try:
        yield
    except Broken as broken:
        raise _Failed(play, name, broken) from None
    except CannotPrepare as error:
        refused = Broken("auth.login", "everybody of the run can log in", error)
        raise _Failed(play, name, refused) from None
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - an answer that lacks what it must have
        lacking = Broken(play.last, "the answer has what the contract says", repr(error))
        raise _Failed(play, name, lacking) from None


def _opened(begin: Callable[[], Play]) -> Play:
    play = begin()
    try:
        with _failing(play, _OPENING):
            _open(play)
    except _Failed:
        play.end()
        raise
    return play


def _open(play: Play) -> None:
    look_around(play)
    # Two, whose names are in another order than their age: what holds for one may not for both.
    chance = random.Random(0)  # noqa: S311 - what it decides is no secret
    for who, name, key in (("owner", "Zebra", "sk-zebra"), ("colleague", "Aardvark", "sk-ant")):
        room = create(play, who, name)
        configure(play, room, who, Config(ADDRESSES[0], f"{key}-0123456789", MODELS[1]))
        limit(play, room, chance.choice)
    for name in CAST:
        if (play.quotas[name] or {}).get("max_workspaces") is None:
            allow(play, name, {"max_workspaces": 2**31 - 2})


def _each_once(
    begin: Callable[[], Play], seed: int, enough: int
) -> tuple[list[_Failed], list[str]]:
    """Every transition once, those that can happen first; returns what failed, and what never was.

    A play begins anew after one that fails, and where what has happened keeps the rest away.
    """
    chance = random.Random(seed)  # noqa: S311 - what it decides is no secret
    waiting = list(TRANSITIONS)
    chance.shuffle(waiting)
    failures: list[_Failed] = []
    while waiting and not _is_enough(failures, enough):
        before = len(waiting)
        try:
            _play_on(begin, waiting, chance)
            if len(waiting) == before:
                break  # on no ground can they happen
        except _Failed as failed:
            opening = failed.name == _OPENING
            if not (opening and failures):  # else what has failed keeps a play from beginning
                failures.append(_alone(begin, failed, seed) or failed)
            if opening:
                break
    return failures, waiting


def _play_on(begin: Callable[[], Play], waiting: list[str], chance: random.Random) -> None:
    """Let happen what waits and can; what happens waits no longer. Raises _Failed."""
    play = _opened(begin)
    try:
        while ready := [name for name in waiting if TRANSITIONS[name].can(play)]:
            waiting.remove(ready[0])
            _step(play, ready[0], chance.choice)
    finally:
        play.end()


def _alone(begin: Callable[[], Play], failed: _Failed, seed: int) -> _Failed | None:
    """How it fails with nothing before it; None where it takes more."""
    if failed.name == _OPENING:
        return None
    chance = random.Random(seed)  # noqa: S311 - what it decides is no secret
    try:
        _play_on(begin, [failed.name], chance)
    except _Failed as again:
        return None if again.name == _OPENING else again
    return None


def _at_random(
    begin: Callable[[], Play], seed: int, runs: int, steps: int, left_out: Collection[str]
) -> list[_Failed]:
    """The state machine: any transition that can happen, in any order, up to the first failure."""
    failures: list[_Failed] = []
    machine = hypothesis.seed(seed)(_machine(begin, left_out, failures))
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
        # Hypothesis plays a failure again, and says something else where it then does not fail.
        if not failures:
            raise
    return failures[:1]


def _machine(
    begin: Callable[[], Play], left_out: Collection[str], failures: list[_Failed]
) -> type[RuleBasedStateMachine]:
    """A state machine with one rule for each transition, which notes what fails."""

    def start(self: Any) -> None:
        RuleBasedStateMachine.__init__(self)
        try:
            self.play = _opened(begin)
        except _Failed as failed:
            failures.append(failed)
            raise

    def teardown(self: Any) -> None:
        self.play.end()

    def as_rule(name: str) -> Any:
        def step(self: Any, data: st.DataObject) -> None:
            try:
                _step(self.play, name, lambda options: data.draw(st.sampled_from(list(options))))
            except _Failed as failed:
                failures.append(failed)
                raise

        step.__name__ = name
        can = TRANSITIONS[name].can
        return precondition(lambda self: can(self.play))(rule(data=st.data())(step))

    members = {name: as_rule(name) for name in TRANSITIONS if name not in left_out}
    return type(
        "Model", (RuleBasedStateMachine,), {**members, "__init__": start, "teardown": teardown}
    )


def _finding(failed: _Failed, seed: int) -> Finding:
    log, broken = failed.play.log, failed.broken
    operation = failed.play.operation(broken.place)
    left_out = len(log) - _SHOWN_STEPS
    shown = [f"... {left_out} steps more", *log[-_SHOWN_STEPS:]] if left_out > 0 else log
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=broken.promise,
        contract=operation.pointer,
        detail="after these steps:\n" + "\n".join(shown),
        sent=log[-1] if log else "",
        came=broken.told,
        replay=f"nox -s contract -- contract_tests/tests/test_model.py --seed {seed}",
        check=failed.name,
        answer=broken.answer,
    )
