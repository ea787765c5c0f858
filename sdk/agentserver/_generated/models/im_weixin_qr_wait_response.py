"""The model `IMWeixinQRWaitResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import IMWeixinStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import Boolean, Enum, Field, String

_IM_WEIXIN_STATUS = by_value(IMWeixinStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class IMWeixinQRWaitResponse(Model):
    """How far a login to WeChat is."""

    connected: bool
    """Whether the bot is connected."""
    status: IMWeixinStatus
    """How far the login is. One of `wait`, `scaned`, `confirmed`, `expired`, `binded_redirect`,
    `verify_code_blocked`, `need_verifycode`.
    """
    message: str | None = field(default=None)
    """What has happened, for a person; if omitted, `status` says it all. At most 1,000
    characters.
    """
    qrcode_url: str | None = field(default=None)
    """What the QR code has to hold. 1 to 4,096 characters."""
    bot_id: str | None = field(default=None)
    """What the bot is called; only when it is connected. 1 to 255 characters."""
    user_id: str | None = field(default=None)
    """Who has connected it; only when it is connected, and WeChat says so. 1 to 255 characters."""
    already_connected: bool | None = field(default=None)
    """True if the bot is connected elsewhere; otherwise omitted."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("connected", "connected", Boolean()),
        Field("status", "status", Enum(lambda: models.IMWeixinStatus)),
        Field("message", "message", String(max_length=1000), required=False),
        Field("qrcode_url", "qrcode_url", String(min_length=1, max_length=4096), required=False),
        Field("bot_id", "bot_id", String(min_length=1, max_length=255), required=False),
        Field("user_id", "user_id", String(min_length=1, max_length=255), required=False),
        Field("already_connected", "already_connected", Boolean(const=True), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.connected = value["connected"]
            made.status = _IM_WEIXIN_STATUS[value["status"]]
            made.message = value.get("message")
            made.qrcode_url = value.get("qrcode_url")
            made.bot_id = value.get("bot_id")
            made.user_id = value.get("user_id")
            made.already_connected = value.get("already_connected")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(IMWeixinQRWaitResponse)
