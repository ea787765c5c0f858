"""Language models: those that the operator or a workspace names, or the built-in one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.domain.model_apis import ANTHROPIC, OPENAI, ModelApi
from agentserver_reference.gateways.models.embedded import BuiltInModel
from agentserver_reference.gateways.models.protocol import Model

if TYPE_CHECKING:
    import httpx

    from agentserver_reference.settings import Settings


class Models:
    """Finds the model for a request, and keeps the connections to all of them."""

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime], ids: Callable[[], str]
    ) -> None:
        self._settings = settings
        self.built_in: Model = BuiltInModel(clock, ids)
        self._client: httpx.AsyncClient | None = None

    def of_platform(self, api: ModelApi) -> Model:
        """Return the model that the operator has named for an API, otherwise the built-in one."""
        settings = self._settings
        base_url, headers = {
            ANTHROPIC.provider: (
                settings.anthropic_base_url,
                {
                    "x-api-key": settings.anthropic_api_key,
                    "authorization": settings.anthropic_auth_token
                    and f"Bearer {settings.anthropic_auth_token}",
                },
            ),
            OPENAI.provider: (
                settings.openai_base_url,
                {"authorization": settings.openai_api_key and f"Bearer {settings.openai_api_key}"},
            ),
        }[api.provider]
        if base_url is None:
            return self.built_in
        return self._at(base_url, {name: value for name, value in headers.items() if value})

    def of_workspace(self, api: ModelApi, base_url: str, api_key: str) -> Model:
        """Return the model of a workspace, which has its own URL and key."""
        name, value = api.credential(api_key)
        return self._at(base_url, {name: value})

    def with_bearer(self, base_url: str, token: str) -> Model:
        """Return the model at a URL that takes a bearer token."""
        return self._at(base_url, {"authorization": f"Bearer {token}"})

    def _at(self, base_url: str, credential: dict[str, str]) -> Model:
        # Imported late: httpx takes 5 MB, and servers with the built-in model do without it.
        from agentserver_reference.gateways.models.remote import RemoteModel, open_client

        if self._client is None:
            self._client = open_client()
        return RemoteModel(self._client, base_url, credential)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
