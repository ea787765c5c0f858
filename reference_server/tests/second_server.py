"""Two servers on one database: the second is the LLM proxy of the first, over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
from people import ReferenceServer, start_server

from agentserver_reference.app import create_app
from agentserver_reference.serve import listen, serving_internally
from agentserver_reference.settings import Settings

SECRET = "between-us"


@attrs.frozen
class Second:
    """The second server."""

    client: httpx.AsyncClient
    """Calls its public routes."""
    internal: httpx.AsyncClient
    """Calls its internal routes, with the secret."""


@asynccontextmanager
async def with_second_server(
    settings: Settings, **changes: Any
) -> AsyncIterator[tuple[ReferenceServer, Second]]:
    """Start both; the changes of the settings are those of the second."""
    with listen("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        url = f"http://{host}:{port}"
        async with start_server(settings, llm_proxy_url=url, internal_api_secret=SECRET) as server:
            own = {"internal_listen": (host, port), "internal_api_secret": SECRET, **changes}
            app = create_app(
                attrs.evolve(settings, **own), clock=server.clock, validate_responses=True
            )
            transport = httpx.ASGITransport(app)
            headers = {"X-Internal-Secret": SECRET}
            async with (
                app.router.lifespan_context(app),
                serving_internally(app, app.state.context.settings, listener),
                httpx.AsyncClient(transport=transport, base_url="http://test") as client,
                httpx.AsyncClient(base_url=url, headers=headers) as internal,
            ):
                yield server, Second(client, internal)
