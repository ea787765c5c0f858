"""The functions of an agent: which one takes a task, how it is called, and the card they make."""

from __future__ import annotations

import inspect
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any, Final, TypeVar

from attrs import define, field, frozen

from agentserver._errors import ConfigurationError

from ._task import Cancelled, Message, Task

T = TypeVar("T")

_LONGEST_SKILL: Final = 255


@frozen
class Handler:
    """A function that takes tasks or messages."""

    function: Callable[[Any], Any]
    skill: str | None = None
    description: str = ""

    @property
    def is_async(self) -> bool:
        """Whether it is to be awaited."""
        called = self.function
        return inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(
            getattr(called, "__call__", None)  # noqa: B004  # of an object, whose method it is
        )


@define(eq=False)
class Handlers:
    """The functions of one agent, by skill."""

    _by_skill: dict[str | None, Handler] = field(factory=dict)
    message: Handler | None = None

    def add(self, function: Callable[[Task], Any], skill: str | None) -> None:
        """Add the one that takes tasks of a skill, or, with None, those that no other takes.

        Raises:
            ConfigurationError: there is one, or the skill is not 1 to 255 characters.
        """
        if skill is not None and not 0 < len(skill) <= _LONGEST_SKILL:
            raise ConfigurationError("skill must be 1 to 255 characters")
        if skill in self._by_skill:
            what = "tasks without a skill" if skill is None else f"the skill {skill!r}"
            raise ConfigurationError(f"another function handles {what} already")
        self._by_skill[skill] = Handler(function, skill, inspect.getdoc(function) or "")

    def add_message(self, function: Callable[[Message], Any]) -> None:
        """Add the one that takes messages.

        Raises:
            ConfigurationError: there is one.
        """
        if self.message is not None:
            raise ConfigurationError("another function handles messages already")
        self.message = Handler(function)

    def task_handler(self, skill: str | None) -> Handler | None:
        """The one that takes tasks of a skill: its own, else the one without a skill."""
        return self._by_skill.get(skill) or self._by_skill.get(None)

    def takes(self, skill: str | None) -> bool:
        """Whether any takes tasks of a skill."""
        return self.task_handler(skill) is not None

    @property
    def needs_skill(self) -> bool:
        """Whether the skill of a task decides which one takes it."""
        return any(skill is not None for skill in self._by_skill)

    @property
    def any(self) -> bool:
        """Whether there is something to do for the agent."""
        return bool(self._by_skill) or self.message is not None

    @property
    def skills(self) -> list[str]:
        """The declared skills, in their order."""
        return [skill for skill in self._by_skill if skill is not None]

    def card(self) -> dict[str, Any]:
        """What the card says: the skills, with what their docstrings say."""
        skills = [
            {"name": handler.skill, "description": handler.description}
            for handler in self._by_skill.values()
            if handler.skill is not None
        ]
        takes = {"accepts_tasks": bool(self._by_skill), "accepts_messages": bool(self.message)}
        return {"skills": skills, **takes}


@coroutine
def interruptible(
    awaitable: Awaitable[T], reason: Callable[[], str | None]
) -> Generator[Any, Any, T]:
    """Await something, in which a cancellation is a `Cancelled` once there is a reason for it."""
    steps = awaitable.__await__()
    error: BaseException | None = None
    while True:
        try:
            waits_for = next(steps) if error is None else steps.throw(error)
        except StopIteration as end:
            result: T = end.value
            return result
        error = None
        try:
            yield waits_for
        except BaseException as problem:  # noqa: BLE001  # passed on to what is awaited
            why = reason() if isinstance(problem, CancelledError) else None
            error = problem if why is None else Cancelled(why)
