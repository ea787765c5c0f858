"""The model `IMBinding`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import IMProvider
from agentserver._model import Model, by_value, draft
from agentserver._schema import DateTime, Enum, Field, String, parse_time

_IM_PROVIDER = by_value(IMProvider)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class IMBinding(Model):
    """The channel that is bound to a sandbox."""

    provider: IMProvider
    """The service that it is a bot of. One of `weixin`, `telegram`, `matrix`."""
    bot_id: str
    """What the bot is called at its service: a name in Telegram, or a number where it has none,
    or a Matrix user id. At most 255 characters.
    """
    bound_at: datetime
    """When the bot was connected last."""
    user_id: str | None = field(default=None)
    """Who has connected the bot by WeChat; omitted if it was not. 1 to 255 characters."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("provider", "provider", Enum(lambda: models.IMProvider)),
        Field("bot_id", "bot_id", String(max_length=255)),
        Field("bound_at", "bound_at", DateTime()),
        Field("user_id", "user_id", String(min_length=1, max_length=255), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.provider = _IM_PROVIDER[value["provider"]]
            made.bot_id = value["bot_id"]
            made.bound_at = (
                time if (time := parse_time(value["bound_at"])).tzinfo else value["bound_at"]
            )
            made.user_id = value.get("user_id")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(IMBinding)
