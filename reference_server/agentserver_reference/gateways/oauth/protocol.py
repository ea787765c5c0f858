"""The interface of the OAuth 2.0 provider that signs agents in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from agentserver_reference.domain.oauth import Claims
from agentserver_reference.replies import Headers

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


@attrs.frozen
class Page:
    """What the provider shows in a browser."""

    status: int
    body: bytes = attrs.field(repr=False)
    headers: Headers = attrs.field(repr=False)


@attrs.frozen
class LoginRequest:
    """The provider asks who the user is."""

    subject: str
    skip: bool
    """Whether the provider knows already: the subject must be accepted."""


@attrs.frozen
class ConsentRequest:
    """The provider asks what the user permits."""

    subject: str
    scopes: list[str]


class ConsentProvider(OAuth, Protocol):
    """A provider elsewhere, which asks this server who a person is and what they permit.

    Each method takes the challenge that the provider has sent the browser with, and raises
    BadGateway if the provider fails or does not know it. What changes something returns the URL to
    which the browser must go on.
    """

    async def login_request(self, challenge: str, /) -> LoginRequest:
        """Return what is asked."""
        ...

    async def accept_login(self, challenge: str, subject: str, /) -> str:
        """Say who it is, by the id of the account."""
        ...

    async def consent_request(self, challenge: str, /) -> ConsentRequest:
        """Return what is asked."""
        ...

    async def accept_consent(
        self, challenge: str, scopes: list[str], workspace_id: str, role: str, /
    ) -> str:
        """Permit the scopes in a workspace."""
        ...

    async def reject_consent(self, challenge: str, /) -> str:
        """Permit nothing."""
        ...

    async def accept_device(self, challenge: str, user_code: str, /) -> str:
        """Take the code that a person has typed."""
        ...

    async def verify_device(
        self, method: str, query: str, headers: Headers, body: bytes, /
    ) -> Page:
        """Pass a browser's request on to the provider's own page for codes."""
        ...
