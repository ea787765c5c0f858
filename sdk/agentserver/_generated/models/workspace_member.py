"""The model `WorkspaceMember`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import WorkspaceRole
from agentserver._model import Model, by_value, draft
from agentserver._schema import Enum, Field, String

_WORKSPACE_ROLE = by_value(WorkspaceRole)


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
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("user_id", "user_id", String(min_length=1, max_length=255)),
        Field("email", "email", String(max_length=254)),
        Field("role", "role", Enum(lambda: models.WorkspaceRole)),
        Field("picture", "picture", String(nullable=True)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.user_id = value["user_id"]
            made.email = value["email"]
            made.role = _WORKSPACE_ROLE[value["role"]]
            made.picture = value["picture"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(WorkspaceMember)
