"""The model `AdminUserItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import UserRole
from agentserver._model import Model, by_value, draft
from agentserver._schema import DateTime, Enum, Field, String, parse_time

_USER_ROLE = by_value(UserRole)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminUserItem(Model):
    """An account, as an administrator sees it."""

    id: str
    """The account's id. 1 to 255 characters."""
    email: str
    """The e-mail address as given at registration. At most 254 characters."""
    name: str | None
    """The person's name, from an external login provider."""
    role: UserRole
    """The account's role in the installation. One of `user`, `admin`."""
    created_at: datetime
    """When the account was created."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("email", "email", String(max_length=254)),
        Field("name", "name", String(nullable=True)),
        Field("role", "role", Enum(lambda: models.UserRole)),
        Field("created_at", "created_at", DateTime()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.email = value["email"]
            made.name = value["name"]
            made.role = _USER_ROLE[value["role"]]
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminUserItem)
