"""The model `CredentialBindingCreateResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import CredentialAuthType
from agentserver._model import Model, by_value, draft
from agentserver._schema import Boolean, Enum, Field, Object, String

if TYPE_CHECKING:
    from agentserver._generated.models import CredentialPublicMeta
_CREDENTIAL_AUTH_TYPE = by_value(CredentialAuthType)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CredentialBindingCreateResponse(Model):
    """A new credential, without its secret."""

    id: str
    """The credential's id. 1 to 255 characters."""
    display_name: str
    """The credential's name, which no other of its kind in the workspace has. 1 to 255
    characters.
    """
    server_url: str
    """The address of the service. At most 2,048 characters."""
    auth_type: CredentialAuthType
    """How it proves who the user is. One of `bearer`, `client_cert`, `oidc`."""
    public_meta: CredentialPublicMeta
    """What is known of the service and is no secret."""
    is_default: bool
    """Whether it is the default of its kind."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("display_name", "display_name", String(min_length=1, max_length=255)),
        Field("server_url", "server_url", String(max_length=2048, pattern="^https://")),
        Field("auth_type", "auth_type", Enum(lambda: models.CredentialAuthType)),
        Field("public_meta", "public_meta", Object(lambda: models.CredentialPublicMeta)),
        Field("is_default", "is_default", Boolean()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.display_name = value["display_name"]
            made.server_url = value["server_url"]
            made.auth_type = _CREDENTIAL_AUTH_TYPE[value["auth_type"]]
            made.public_meta = models.CredentialPublicMeta._read(value["public_meta"])
            made.is_default = value["is_default"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CredentialBindingCreateResponse)
