"""The model `AdminOwnerInfo`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminOwnerInfo(Model):
    """The owner of a workspace."""

    id: str
    """The account's id. 1 to 255 characters."""
    email: str
    """The account's e-mail address. At most 254 characters."""
    name: str | None
    """The person's name, from an external login provider."""
    picture: str | None
    """The URL of the person's picture, from an external login provider."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("email", "email", String(max_length=254)),
        Field("name", "name", String(nullable=True)),
        Field("picture", "picture", String(nullable=True)),
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
            made.picture = value["picture"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminOwnerInfo)
