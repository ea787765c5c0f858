"""The model `WorkspaceMember`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Enumeration, Field, Model, Text

if TYPE_CHECKING:
    from agentserver._generated.models import WorkspaceRole


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class WorkspaceMember(Model):
    """A member of a workspace."""

    user_id: str
    """The account's id. 1 to 255 characters."""
    email: str
    """The account's e-mail address. At most 254 characters."""
    role: WorkspaceRole
    """The member's role. One of `owner`, `maintainer`, `developer`, `guest`."""
    picture: str | None
    """The URL of the person's picture, from an external login provider."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("user_id", "user_id", Text(shortest=1, longest=255)),
        Field("email", "email", Text(longest=254)),
        Field("role", "role", Enumeration(lambda: models.WorkspaceRole)),
        Field("picture", "picture", Text(nullable=True)),
    )
