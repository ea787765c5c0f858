"""The model `AgentTaskPollItem`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Array, Field, Integer, Number, String, as_integer


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AgentTaskPollItem(Model):
    """A task for the calling agent."""

    task_id: str
    """The task's id. 1 to 255 characters."""
    prompt: str
    """What is to be done. 1 to 65,536 characters."""
    system_context: str
    """What else the agent should know; may be empty. At most 65,536 characters."""
    max_turns: int
    """How many turns the agent should take at most; 0 for no limit. 0 to 2,147,483,647."""
    max_budget_usd: float
    """What it should cost at most; 0 for no limit. 0 to 1,000,000,000."""
    session_id: str | None = field(default=None)
    """The session that it is done in; omitted if there is none. 1 to 255 characters."""
    skill: str | None = field(default=None)
    """The skill that it is for; omitted if there is none. 1 to 255 characters."""
    timeout_seconds: int | None = field(default=None)
    """Seconds that the agent has for it, from the first poll that returned it. 1 to
    2,147,483,647.
    """
    requester_id: str | None = field(default=None)
    """The sandbox of the agent that wants it done; omitted if there is none. 1 to 255
    characters.
    """
    delegation_chain: list[str] | None = field(default=None, hash=False)
    """The sandboxes of the agents that have passed the task on, the first one first. At most 16
    items.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("task_id", "task_id", String(min_length=1, max_length=255)),
        Field("prompt", "prompt", String(min_length=1, max_length=65536)),
        Field("system_context", "system_context", String(max_length=65536)),
        Field("max_turns", "max_turns", Integer(minimum=0, maximum=2147483647)),
        Field("max_budget_usd", "max_budget_usd", Number(minimum=0, maximum=1000000000)),
        Field("session_id", "session_id", String(min_length=1, max_length=255), required=False),
        Field("skill", "skill", String(min_length=1, max_length=255), required=False),
        Field(
            "timeout_seconds",
            "timeout_seconds",
            Integer(minimum=1, maximum=2147483647),
            required=False,
        ),
        Field("requester_id", "requester_id", String(min_length=1, max_length=255), required=False),
        Field(
            "delegation_chain",
            "delegation_chain",
            Array(String(min_length=1, max_length=255), max_items=16),
            required=False,
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.task_id = value["task_id"]
            made.prompt = value["prompt"]
            made.system_context = value["system_context"]
            made.max_turns = it if type(it := value["max_turns"]) is int else as_integer(it)
            made.max_budget_usd = value["max_budget_usd"]
            made.session_id = value.get("session_id")
            made.skill = value.get("skill")
            made.timeout_seconds = (
                it if type(it := value.get("timeout_seconds")) is int else as_integer(it)
            )
            made.requester_id = value.get("requester_id")
            made.delegation_chain = (
                [*it]
                if isinstance(it := value.get("delegation_chain"), list)
                else ([] if it is None and "delegation_chain" in value else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AgentTaskPollItem)
