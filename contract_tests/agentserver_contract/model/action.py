"""What a tag adds to the model, in the terms of Hypothesis: rules, preconditions, invariants.

A rule is something that users do, legal or not, and names the parts of the state that it touches,
or would touch if the server did not refuse it. An invariant is something that can be read back, and
names the parts that it shows. After a rule the invariants that show what it touched are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentserver_contract.model.run import ModelRun

T = TypeVar("T")


class Choose:
    """Chooses one of several, and remembers which, so that a step can be repeated.

    Args:
        pick: Gives a number below the one that it is given.
    """

    def __init__(self, pick: Callable[[int], int]) -> None:
        self._pick = pick
        self.picks: list[int] = []

    def __call__(self, options: Sequence[T]) -> T:
        """One of the options."""
        number = self._pick(len(options))
        self.picks.append(number)
        return options[number]


@dataclass(frozen=True)
class Precondition:
    """When a rule applies."""

    holds: Callable[[ModelRun], bool]
    otherwise: str = "no step before it made it possible"
    """What is reported of a rule to which it never applied."""


def precondition(otherwise: str) -> Callable[[Callable[[ModelRun], bool]], Precondition]:
    """Make a function a precondition, with the reason that is reported where it never holds."""
    return lambda holds: Precondition(holds, otherwise)


ALWAYS = Precondition(lambda run: True)


@dataclass(frozen=True)
class Action:
    """A rule: one thing that users do."""

    name: str
    perform: Callable[[ModelRun, Choose], None]
    precondition: Precondition
    touches: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its name as words."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Invariant:
    """Something that is read back and compared with the state."""

    check: Callable[[ModelRun], None]
    shows: frozenset[str]

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.check.__name__


# Filled by the decorators below as the modules of the tags are imported. A module imports those
# that it builds on, so that what they register comes before its own.
ACTIONS: dict[str, Action] = {}
INVARIANTS: list[Invariant] = []
INITIALIZERS: list[Callable[[ModelRun], None]] = []
TEARDOWNS: list[Callable[[ModelRun], Iterator[Callable[[], object]]]] = []


def rule(
    *, touches: Sequence[str], precondition: Precondition = ALWAYS
) -> Callable[[Callable[[ModelRun, Choose], None]], Callable[[ModelRun, Choose], None]]:
    """Register a function as a rule.

    Args:
        touches: The parts of the state that it changes, or must leave as they are when it is
            refused; what shows them is read back after it.
        precondition: When it applies.
    """

    def register(
        perform: Callable[[ModelRun, Choose], None],
    ) -> Callable[[ModelRun, Choose], None]:
        name = perform.__name__
        if name in ACTIONS:
            raise ValueError(f"{perform.__module__}: another module has a rule {name}")
        ACTIONS[name] = Action(name, perform, precondition, tuple(touches))
        return perform

    return register


def invariant(*shows: str) -> Callable[[Callable[[ModelRun], None]], Callable[[ModelRun], None]]:
    """Register a function that reads back some parts of the state, and compares them."""

    def register(check: Callable[[ModelRun], None]) -> Callable[[ModelRun], None]:
        INVARIANTS.append(Invariant(check, frozenset(shows)))
        return check

    return register


def initialize(prepare: Callable[[ModelRun], None]) -> Callable[[ModelRun], None]:
    """Register a function that prepares a run: it reads what exists, and creates more."""
    INITIALIZERS.append(prepare)
    return prepare


def teardown(
    undo: Callable[[ModelRun], Iterator[Callable[[], object]]],
) -> Callable[[ModelRun], Iterator[Callable[[], object]]]:
    """Register a function that yields the calls which restore what a run has changed."""
    TEARDOWNS.append(undo)
    return undo
