"""The model `AgentCardItem`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import AgentStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import Anything, Enum, Field, Integer, String, as_integer

_AGENT_STATUS = by_value(AgentStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AgentCardItem(Model):
    """What an agent tells others about itself."""

    agent_id: str
    """The id of the agent's sandbox. 1 to 255 characters."""
    display_name: str
    """The agent's name, which need not be unique. 1 to 255 characters."""
    description: str
    """What it does; may be empty. At most 10,000 characters."""
    agent_type: str
    """The kind of agent, as its first card says. 1 to 255 characters."""
    status: AgentStatus
    """Whether the agent can be reached. One of `available`, `offline`."""
    card: Any = field(hash=False)
    """Its capabilities, as any JSON that the agent has chosen."""
    version: int
    """How often the card was published. 1 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("agent_id", "agent_id", String(min_length=1, max_length=255)),
        Field("display_name", "display_name", String(min_length=1, max_length=255)),
        Field("description", "description", String(max_length=10000)),
        Field("agent_type", "agent_type", String(min_length=1, max_length=255)),
        Field("status", "status", Enum(lambda: models.AgentStatus)),
        Field("card", "card", Anything()),
        Field("version", "version", Integer(minimum=1, maximum=2147483647)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.agent_id = value["agent_id"]
            made.display_name = value["display_name"]
            made.description = value["description"]
            made.agent_type = value["agent_type"]
            made.status = _AGENT_STATUS[value["status"]]
            made.card = value["card"]
            made.version = it if type(it := value["version"]) is int else as_integer(it)
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AgentCardItem)
