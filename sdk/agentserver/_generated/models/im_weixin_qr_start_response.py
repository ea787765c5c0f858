"""The model `IMWeixinQRStartResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class IMWeixinQRStartResponse(Model):
    """A login to WeChat has begun."""

    qrcode_url: str
    """What the QR code has to hold. 1 to 4,096 characters."""
    message: str
    """What is to be done, for a person. 1 to 1,000 characters."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("qrcode_url", "qrcode_url", String(min_length=1, max_length=4096)),
        Field("message", "message", String(min_length=1, max_length=1000)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.qrcode_url = value["qrcode_url"]
            made.message = value["message"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(IMWeixinQRStartResponse)
