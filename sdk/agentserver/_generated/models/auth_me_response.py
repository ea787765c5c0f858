"""The model `AuthMeResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Enumeration, Field, Model, Text

if TYPE_CHECKING:
    from agentserver._generated.models import UserRole


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AuthMeResponse(Model):
    """The caller's account."""

    id: str
    """The account's id. 1 to 255 characters."""
    email: str
    """The e-mail address as given at registration. At most 254 characters."""
    name: str | None
    """The person's name, from an external login provider."""
    picture: str | None
    """The URL of the person's picture, from an external login provider."""
    role: UserRole
    """The account's role in the installation. One of `user`, `admin`."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", Text(shortest=1, longest=255)),
        Field("email", "email", Text(longest=254)),
        Field("name", "name", Text(nullable=True)),
        Field("picture", "picture", Text(nullable=True)),
        Field("role", "role", Enumeration(lambda: models.UserRole)),
    )
