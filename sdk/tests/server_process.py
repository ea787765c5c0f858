"""The reference server as a process that listens on a socket, and a person who approves agents."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
from attrs import define, field

from agentserver import Client, Secret
from agentserver._device import DeviceFlow

PASSWORD = "a password for tests"
_PAGE = "/oauth2/device"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@define(eq=False)
class ServerProcess:
    """A server that can be killed, and started again where it was."""

    folder: Path
    database_url: str | None = None
    port: int = field(factory=free_port)
    _process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            *(sys.executable, "-m", "agentserver_reference", "serve", "--port", str(self.port)),
            *("--data-dir", str(self.folder), "--log-level", "error"),
            *("--password-cost", "m=8,t=1,p=1"),
        ]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AGENTSERVER_")}
        environment["AGENTSERVER_ENCRYPTION_KEY"] = "11" * 32
        if self.database_url is not None:
            command += ["--database-url", self.database_url]
        self.folder.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert self.url in line, line + self._process.communicate()[0]

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.communicate()
            self._process = None


@define(eq=False)
class Approver:
    """Somebody with a workspace, and a browser in which they approve agents."""

    url: str
    email: str = "person@example.com"
    client: Client = field(init=False)
    workspace_id: str = field(init=False)
    shown: list[tuple[str, str]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.client = Client(self.url, email=self.email, password=PASSWORD)
        self.client.auth.register(email=self.email, password=PASSWORD)
        self.workspace_id = self.client.workspaces.create(name="Workspace").id

    def access_token(self) -> Secret:
        """A token by which agents can be registered."""
        with Client(self.url) as client:
            flow = DeviceFlow(client)
            code = flow.start()
            self.approve(code.verification_uri_complete, code.user_code)
            return flow.wait(code).access_token

    def approve(self, link: str, code: str) -> None:
        """Open a link, and approve what it shows for the workspace."""
        self.shown.append((link, code))
        session = self.client._shared.credentials.session
        assert session is not None
        headers = {
            "Cookie": f"agentserver-token={session.reveal()}",
            "Sec-Fetch-Site": "same-origin",
        }
        with httpx.Client(headers=headers, timeout=30) as browser:
            page = browser.get(link)
            assert page.status_code == 200, page.text
            assert code in page.text
            fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
            form = {name: html.unescape(value) for name, value in fields}
            form |= {"workspace_id": self.workspace_id, "decision": "approve"}
            done = browser.post(f"{self.url}{_PAGE}", data=form)
            assert done.status_code == 200, done.text
