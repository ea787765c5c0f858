"""The model `CredentialBindingPending`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import CredentialPendingStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import Enum, Field, Integer, String, as_integer

_CREDENTIAL_PENDING_STATUS = by_value(CredentialPendingStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CredentialBindingPending(Model):
    """A login that a person has to approve at an OpenID provider, before the credential is kept."""

    id: str
    """The login's id, which will be the credential's. 1 to 255 characters."""
    status: CredentialPendingStatus
    """What is waited for. One of `pending_device_code`."""
    verification_uri: str
    """The address at the provider at which the login is approved. At most 2,048 characters."""
    user_code: str
    """The code that is to be entered there. 1 to 255 characters."""
    expires_in: int
    """Seconds that are left for it. 0 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("status", "status", Enum(lambda: models.CredentialPendingStatus)),
        Field(
            "verification_uri", "verification_uri", String(max_length=2048, pattern="^https?://")
        ),
        Field("user_code", "user_code", String(min_length=1, max_length=255)),
        Field("expires_in", "expires_in", Integer(minimum=0, maximum=2147483647)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.status = _CREDENTIAL_PENDING_STATUS[value["status"]]
            made.verification_uri = value["verification_uri"]
            made.user_code = value["user_code"]
            made.expires_in = it if type(it := value["expires_in"]) is int else as_integer(it)
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CredentialBindingPending)
