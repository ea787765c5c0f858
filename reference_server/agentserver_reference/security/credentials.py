"""Kinds of credential: how to find one in a request, and how to identify the caller by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.security.principal import Principal
from agentserver_reference.storage.permissions import Permission

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from agentserver_reference.context import Context
    from agentserver_reference.storage.engine.connection import Connection


@attrs.frozen
class CredentialKind:
    """One way to authenticate."""

    find: Callable[[Headers], str | None]
    """Returns the secret in the headers of a request; None if there is none of this kind."""
    resolve: Callable[[Connection, str, str | None, datetime], Principal | None]
    """Returns the principal for a secret, a workspace id and the current time; None if the secret
    is unknown or has expired. With a workspace id, the principal has its role in the workspace.
    """
    look_up: Callable[[Context, str], Awaitable[CredentialKind]] | None = None
    """Asks a service elsewhere about a secret, and returns the kind that resolves it; None for a
    kind that the database knows all about.
    """
    permission: Callable[[str, str, datetime], Permission] | None = None
    """Returns the permission for a secret, the role in the workspace and the current time; None for
    a kind whose permission cannot be checked inside of a statement.
    """


@attrs.frozen
class Credential:
    """A credential from a request, which may be invalid."""

    scheme: str
    """Its name in the contract's `securitySchemes`."""
    kind: CredentialKind = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)


def find_credentials(
    headers: Headers, kinds: Mapping[str, CredentialKind]
) -> tuple[Credential, ...]:
    """Return the credentials of these kinds that a request has, in the order of `kinds`."""
    return tuple(
        [
            Credential(scheme, kind, secret)
            for scheme, kind in kinds.items()
            if (secret := kind.find(headers)) is not None
        ]
    )


async def look_up(credentials: tuple[Credential, ...], context: Context) -> tuple[Credential, ...]:
    """Return the credentials, with what services elsewhere know of them.

    Raises BadGateway if such a service fails, ServiceUnavailable if it is disabled.
    """
    return tuple(
        [
            one
            if one.kind.look_up is None
            else attrs.evolve(one, kind=await one.kind.look_up(context, one.secret))
            for one in credentials
        ]
    )
