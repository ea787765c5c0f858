"""The model `IMTelegramConfigureResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Boolean, Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class IMTelegramConfigureResponse(Model):
    """The bot is connected."""

    connected: bool
    """Always true."""
    bot_id: str
    """What the bot is called at its service: a name in Telegram, or a number where it has none,
    or a Matrix user id. At most 255 characters.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("connected", "connected", Boolean(const=True)),
        Field("bot_id", "bot_id", String(max_length=255)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.connected = value["connected"]
            made.bot_id = value["bot_id"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(IMTelegramConfigureResponse)
