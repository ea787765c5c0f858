"""Agents that somebody else's OAuth provider signs in: oidc-provider, which nobody here wrote.

The program asks our server, which asks the provider; the person approves at the provider's own
pages. Our server learns from it alone who may register an agent, and in which workspace.
"""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import attrs
import httpx
import pytest

import agentserver
from agentserver._device import DeviceCode, DeviceFlow, Pending, Tokens
from agentserver_contract.local_server import running

PROVIDER = Path(__file__).with_name("oauth_provider.mjs")
PASSWORD = "correct horse battery"  # noqa: S105 (of an account that ends with its server)
MOST_PAGES = 10


@attrs.frozen
class Deployment:
    """A server that asks the provider, somebody with an account there, and a program."""

    url: str
    user: agentserver.Client
    user_id: str
    workspace_id: str
    flow: DeviceFlow

    def signed_in(self) -> Tokens:
        """The tokens that the program gets as soon as the person has approved."""
        code = self.flow.start()
        assert isinstance(self.flow.poll(code), Pending), "nobody has approved yet"
        approve(code, self.user_id)
        tokens = self.flow.poll(code)
        assert isinstance(tokens, Tokens)
        return tokens

    def registers(self, tokens: Tokens) -> str:
        """Register an agent with an access token, and return the workspace that it is in."""
        token = tokens.access_token.reveal()
        with agentserver.Client(self.url, token=token) as program:
            return program.agents.register(name="signed in elsewhere").workspace_id


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Run a server, and the provider that it asks."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = str(reserved.getsockname()[1])
    provider = f"http://127.0.0.1:{port}"
    asks = {"HYDRA_ADMIN_URL": provider, "HYDRA_PUBLIC_URL": provider}
    with (
        running(tmp_path_factory.mktemp("server"), **asks) as url,
        agentserver.Client(url) as client,
        agentserver.Client(url) as program,
    ):
        user_id = client.auth.register(email="ada@example.com", password=PASSWORD).id
        client.auth.login(email="ada@example.com", password=PASSWORD)
        workspace_id = client.workspaces.create(name="Agents").id
        with providing(port, workspace_id):
            yield Deployment(url, client, user_id, workspace_id, DeviceFlow(program))


@contextmanager
def providing(port: str, workspace_id: str) -> Iterator[None]:
    """Run the provider, whose tokens are of a workspace."""
    package = os.environ["AGENTSERVER_TEST_OIDC_PROVIDER"]
    command = ["node", str(PROVIDER), package, port, workspace_id]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "listening" in process.stdout.readline(), "it ended before it listened"
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # `node` may be a program that starts Node.js


def approve(code: DeviceCode, user_id: str) -> None:
    """Follow the provider's pages as a browser does, as somebody who signs in and permits all."""
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(code.verification_uri_complete)
        for _ in range(MOST_PAGES):
            form = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page.text, re.DOTALL)
            if form is None:
                break
            action, fields = urljoin(str(page.url), html.unescape(form[1])), form[2]
            filled = dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', fields))
            if 'name="login"' in fields:
                filled |= {"login": user_id, "password": "any"}
            page = browser.post(action, data=filled)
        assert page.status_code == httpx.codes.OK, page.text
        assert "form" not in page.text, page.text


def test_who_is_signed_in_elsewhere_registers_an_agent(deployment: Deployment) -> None:
    tokens = deployment.signed_in()
    assert deployment.registers(tokens) == deployment.workspace_id
    agents = deployment.user.sandboxes.list(deployment.workspace_id)
    assert "signed in elsewhere" in [agent.name for agent in agents]


def test_a_token_is_refreshed_once(deployment: Deployment) -> None:
    tokens = deployment.signed_in()
    assert tokens.refresh_token is not None
    refreshed = deployment.flow.refresh(tokens.refresh_token)
    assert deployment.registers(refreshed) == deployment.workspace_id
    with pytest.raises(agentserver.AuthorizationExpired):
        deployment.flow.refresh(tokens.refresh_token)


def test_a_token_that_was_revoked_registers_nothing(deployment: Deployment) -> None:
    tokens = deployment.signed_in()
    deployment.flow.revoke(tokens.access_token)
    with pytest.raises(agentserver.Unauthenticated):
        deployment.registers(tokens)


def test_who_left_the_workspace_registers_nothing_there(deployment: Deployment) -> None:
    """The provider still says that the token is good: whether it is enough is for the server."""
    with agentserver.Client(deployment.url) as other:
        user_id = other.auth.register(email="grace@example.com", password=PASSWORD).id
    stranger = attrs.evolve(deployment, user_id=user_id)
    with pytest.raises(agentserver.PermissionDenied):
        stranger.registers(stranger.signed_in())
