"""The interface of the OAuth 2.0 provider that signs agents in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from agentserver_reference.domain.oauth import Claims

Form = Mapping[str, str]
"""The fields of a form, each once; empty ones are left out, as RFC 6749 has it."""


@attrs.frozen
class Answer:
    """The provider's answer to a program: JSON, as the RFCs describe it."""

    status: int
    body: bytes = attrs.field(repr=False)


class OAuth(Protocol):
    """Hands out device codes and tokens, and knows what a token stands for.

    Each method raises BadGateway if the provider fails, ServiceUnavailable if it is disabled.
    """

    async def authorize_device(self, form: Form, verification_uri: str, /) -> Answer:
        """Begin a sign-in (RFC 8628, section 3.1); the page for the person is at the URI."""
        ...

    async def token(self, form: Form, /) -> Answer:
        """Exchange a device code or a refresh token for tokens."""
        ...

    async def revoke(self, form: Form, /) -> Answer:
        """End a token (RFC 7009)."""
        ...

    async def introspect(self, token: str, /) -> Claims | None:
        """Return what an access token says; None for one that is unknown, expired or revoked."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
