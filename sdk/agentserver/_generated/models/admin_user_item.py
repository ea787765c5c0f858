"""The model `AdminUserItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Enumeration, Field, Model, Text, Time

if TYPE_CHECKING:
    from agentserver._generated.models import UserRole


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
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", Text(shortest=1, longest=255)),
        Field("email", "email", Text(longest=254)),
        Field("name", "name", Text(nullable=True)),
        Field("role", "role", Enumeration(lambda: models.UserRole)),
        Field("created_at", "created_at", Time()),
    )
