"""The interface of the model server, to which workspaces are connected."""

from typing import Protocol

from agentserver_reference.domain.modelserver import Project, Tokens
from agentserver_reference.gateways.models.protocol import Model


class ModelServer(Protocol):
    """An OAuth 2.0 provider whose access tokens open language models.

    Each method raises NotConfigured where the installation has none, and those that ask it raise
    BadGateway if it fails or refuses.
    """

    @property
    def has_models(self) -> bool:
        """Whether language-model requests of connected workspaces go there."""
        ...

    def page(self, server: str, redirect_uri: str, state: str, verifier: str, /) -> str:
        """Return the address of the page on which a person permits a connection.

        Arguments:
            server: the address of this server for browsers.
            redirect_uri: where the page sends the browser back.
            state: what it then repeats.
            verifier: the code verifier of RFC 7636, of which the address has the challenge only.
        """
        ...

    async def exchange(self, code: str, redirect_uri: str, verifier: str, /) -> Tokens:
        """Return the tokens for a code that a browser has brought back."""
        ...

    async def refresh(self, refresh_token: str, /) -> Tokens:
        """Return new tokens, with the same refresh token if there is no new one."""
        ...

    async def introspect(self, access_token: str, /) -> Project:
        """Return what an access token is for."""
        ...

    async def models(self, access_token: str, /) -> list[dict[str, str]]:
        """Return the models that it has, each with `id` and `name`; none if it names none."""
        ...

    def model(self, access_token: str, /) -> Model:
        """Return what takes language-model requests with this token."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
