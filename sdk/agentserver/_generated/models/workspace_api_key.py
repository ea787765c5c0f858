"""The model `WorkspaceAPIKey`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import APIKeyScope
from agentserver._model import Model, by_value, draft
from agentserver._schema import Array, DateTime, Enum, Field, String, parse_time

_API_KEY_SCOPE = by_value(APIKeyScope)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class WorkspaceAPIKey(Model):
    """An API key, without its secret."""

    id: str
    """The API key's id."""
    name: str
    """The API key's name, which need not be unique. 1 to 255 characters."""
    prefix: str
    """What its secret begins with, which is its id."""
    scopes: list[APIKeyScope] = field(hash=False)
    """Its scopes, as they were given. 1 to 20 items."""
    created_at: datetime
    """When it was made."""
    last_used_at: datetime | None
    """When it was last used, to the minute; null if it never was."""
    revoked_at: datetime | None
    """When it was revoked; null while it is valid."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(pattern="^wak_[0-9A-HJKMNP-TV-Z]{8}\\Z")),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("prefix", "prefix", String(pattern="^wak_[0-9A-HJKMNP-TV-Z]{8}\\Z")),
        Field(
            "scopes", "scopes", Array(Enum(lambda: models.APIKeyScope), min_items=1, max_items=20)
        ),
        Field("created_at", "created_at", DateTime()),
        Field("last_used_at", "last_used_at", DateTime(nullable=True)),
        Field("revoked_at", "revoked_at", DateTime(nullable=True)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.name = value["name"]
            made.prefix = value["prefix"]
            made.scopes = (
                [_API_KEY_SCOPE[item] for item in it]
                if isinstance(it := value["scopes"], list)
                else ([] if it is None else it)
            )
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.last_used_at = (
                None
                if (it := value["last_used_at"]) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.revoked_at = (
                None
                if (it := value["revoked_at"]) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(WorkspaceAPIKey)
