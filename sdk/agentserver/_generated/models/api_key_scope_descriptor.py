"""The model `APIKeyScopeDescriptor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Boolean, Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class APIKeyScopeDescriptor(Model):
    """A scope of API keys."""

    name: str
    """The scope's name, a resource and a verb. At most 255 characters."""
    description: str
    """What it allows, for people. 1 to 1,000 characters."""
    available: bool
    """Whether an API key can have it."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "name", String(max_length=255, pattern="^[a-z]+:[a-z]+\\Z")),
        Field("description", "description", String(min_length=1, max_length=1000)),
        Field("available", "available", Boolean()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.name = value["name"]
            made.description = value["description"]
            made.available = value["available"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(APIKeyScopeDescriptor)
