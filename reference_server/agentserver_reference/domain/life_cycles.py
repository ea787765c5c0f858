"""Life cycles: the state that follows on each state and event, each written as one table."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

Event = TypeVar("Event", bound=StrEnum)

LifeCycle = Mapping[str, Mapping[Event, str]]


def sources_of(life_cycle: LifeCycle[Event], event: Event) -> tuple[str, ...]:
    """Return the states in which an event is possible."""
    return tuple(state for state, events in life_cycle.items() if event in events)


def target_of(life_cycle: LifeCycle[Event], event: Event) -> str:
    """Return the state that follows on an event, where it is the same after every state."""
    (target,) = {following[event] for following in life_cycle.values() if event in following}
    return target


def as_markdown(life_cycle: LifeCycle[Event], events: Iterable[Event]) -> str:
    """Return a life cycle as a table in Markdown: one row for each state, a column for an event."""
    columns = list(events)
    head = ["State", *(event.value for event in columns)]
    rows = [
        [f"`{state}`", *(f"`{following[each]}`" if each in following else "-" for each in columns)]
        for state, following in life_cycle.items()
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
