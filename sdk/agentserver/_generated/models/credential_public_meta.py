"""The model `CredentialPublicMeta`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CredentialPublicMeta(Model):
    """What is known of the service and is no secret."""

    ca_data_b64: str | None = field(default=None)
    """The certificate of the authority that has signed the server's, in Base64; if omitted,
    there is none. 1 to 1,048,576 characters.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "ca_data_b64", "ca_data_b64", String(min_length=1, max_length=1048576), required=False
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.ca_data_b64 = value.get("ca_data_b64")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CredentialPublicMeta)
