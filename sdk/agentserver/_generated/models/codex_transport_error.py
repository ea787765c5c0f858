"""The model `CodexTransportError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import CodexTransportCode
from agentserver._model import Model, by_value, draft
from agentserver._schema import Enum, Field, String

_CODEX_TRANSPORT_CODE = by_value(CodexTransportCode)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexTransportError(Model):
    """Why codex could not be heard to the end of a turn."""

    code: CodexTransportCode
    """What kind of reason it is. One of `brokerTimeout`, `codexRPCError`, `subprocessCrash`,
    `wsDisconnect`.
    """
    message: str
    """The reason in words."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("code", "code", Enum(lambda: models.CodexTransportCode)),
        Field("message", "message", String()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.code = _CODEX_TRANSPORT_CODE[value["code"]]
            made.message = value["message"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexTransportError)
