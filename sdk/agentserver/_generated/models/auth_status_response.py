"""The model `AuthStatusResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Model, Text


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AuthStatusResponse(Model):
    """The outcome of the request."""

    status: str
    """Always `ok`."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field("status", "status", Text(one_of=("ok",))),)
