"""The fixtures of `agentserver.testing`, which pytest finds by itself.

Every test run of a program beside which the SDK is installed imports this module, so it imports
nothing before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agentserver import AsyncClient, Client
    from agentserver.testing import Server


@pytest.fixture
def agentserver_server() -> Iterator[Server]:
    """The reference server in memory, new for each test; see `agentserver.testing.Server`."""
    from agentserver.testing import Server

    with Server() as server:
        yield server


@pytest.fixture
def agentserver_client(agentserver_server: Server) -> Client:
    """A client of the test server, logged in as a person who is no administrator."""
    return agentserver_server.person().client


@pytest.fixture
def async_agentserver_client(agentserver_server: Server) -> AsyncClient:
    """An asynchronous client of the test server, logged in as the same person."""
    return agentserver_server.person().async_client
