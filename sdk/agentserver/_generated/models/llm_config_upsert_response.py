"""The model `LLMConfigUpsertResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Flag, Model


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class LLMConfigUpsertResponse(Model):
    """Confirms that the endpoint is stored."""

    ok: bool
    """Always true."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field("ok", "ok", Flag(only=True)),)
