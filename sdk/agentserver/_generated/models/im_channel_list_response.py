"""The model `IMChannelListResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Array, Field, Object

if TYPE_CHECKING:
    from agentserver._generated.models import IMChannel


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class IMChannelListResponse(Model):
    """The channels of a workspace."""

    channels: list[IMChannel] = field(hash=False)
    """The channels, in the order in which their bots were connected last."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("channels", "channels", Array(Object(lambda: models.IMChannel))),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.channels = (
                list(map(models.IMChannel._read, it))
                if isinstance(it := value["channels"], list)
                else ([] if it is None else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(IMChannelListResponse)
