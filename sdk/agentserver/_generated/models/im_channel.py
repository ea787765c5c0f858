"""The model `IMChannel`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import IMProvider, IMRoutingMode
from agentserver._model import Model, by_value, draft
from agentserver._schema import Boolean, DateTime, Enum, Field, String, parse_time

_IM_PROVIDER = by_value(IMProvider)
_IM_ROUTING_MODE = by_value(IMRoutingMode)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class IMChannel(Model):
    """A bot of a workspace, without its token."""

    id: str
    """The channel's id. 1 to 255 characters."""
    provider: IMProvider
    """The service that it is a bot of. One of `weixin`, `telegram`, `matrix`."""
    bot_id: str
    """What the bot is called at its service: a name in Telegram, or a number where it has none,
    or a Matrix user id. At most 255 characters.
    """
    require_mention: bool
    """Whether messages in groups count only if they mention the bot; in the mode `nanoclaw`
    only.
    """
    routing_mode: IMRoutingMode
    """Who is given its messages. One of `nanoclaw`, `codex`."""
    bound_at: datetime
    """When the bot was connected last."""
    workspace_id: str | None = field(default=None)
    """The workspace that it belongs to; omitted by old versions of the server. 1 to 255
    characters.
    """
    user_id: str | None = field(default=None)
    """Who has connected the bot by WeChat; omitted if it was not. 1 to 255 characters."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("provider", "provider", Enum(lambda: models.IMProvider)),
        Field("bot_id", "bot_id", String(max_length=255)),
        Field("require_mention", "require_mention", Boolean()),
        Field("routing_mode", "routing_mode", Enum(lambda: models.IMRoutingMode)),
        Field("bound_at", "bound_at", DateTime()),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255), required=False),
        Field("user_id", "user_id", String(min_length=1, max_length=255), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.provider = _IM_PROVIDER[value["provider"]]
            made.bot_id = value["bot_id"]
            made.require_mention = value["require_mention"]
            made.routing_mode = _IM_ROUTING_MODE[value["routing_mode"]]
            made.bound_at = (
                time if (time := parse_time(value["bound_at"])).tzinfo else value["bound_at"]
            )
            made.workspace_id = value.get("workspace_id")
            made.user_id = value.get("user_id")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(IMChannel)
