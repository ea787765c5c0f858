"""The model `CodexTurnError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Anything, Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexTurnError(Model):
    """Why a turn failed."""

    message: str
    """The reason in words."""
    codex_error_info: Any = field(default=None, hash=False)
    """The reason as codex classifies it, such as `contextWindowExceeded`, `usageLimitExceeded`
    or `serverOverloaded`; an object if there is more to say of it.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("message", "message", String()),
        Field("codexErrorInfo", "codex_error_info", Anything(), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.message = value["message"]
            made.codex_error_info = value.get("codexErrorInfo")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexTurnError)
