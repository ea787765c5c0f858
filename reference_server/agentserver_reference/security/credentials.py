"""What a kind of credential is: how a request carries it, and whom it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.security.principal import Principal

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from agentserver_reference.storage.engine.connection import Connection


@attrs.frozen
class CredentialKind:
    """One way to say who is calling."""

    find: Callable[[Headers], str | None]
    """The secret that a request carries; None where it carries none of this kind."""
    resolve: Callable[[Connection, str, str | None, datetime], Principal | None]
    """Whom a secret stands for at a moment; with a workspace's id, together with the role there.
    None for a secret that is unknown or has ended.
    """


@attrs.frozen
class Credential:
    """A credential as a request carried it, not yet known to be good."""

    scheme: str
    """Its name among the contract's `securitySchemes`."""
    kind: CredentialKind = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)


def find_credentials(
    headers: Headers, kinds: Mapping[str, CredentialKind]
) -> tuple[Credential, ...]:
    """The credentials that a request carries, of these kinds by scheme and in their order."""
    found = ((scheme, kind, kind.find(headers)) for scheme, kind in kinds.items())
    return tuple(
        Credential(scheme, kind, secret) for scheme, kind, secret in found if secret is not None
    )
