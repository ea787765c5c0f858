"""Codex itself, as the engine of turns: the oldest and the newest version that is known to work.

The server starts it, and it asks the server's own language models. A person's own codex, in a
terminal, is connected to it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest
from pseudo_terminal import Terminal
from websockets.sync.client import ClientConnection, connect

import agentserver
from agentserver import models
from agentserver_contract.local_server import running

SAID = "This is the built-in model of agentserver, not a language model."
ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery"}
RUN = " ".join(
    f"use {tool} {json.dumps(given)}"
    for tool, given in (
        ("exec_command", {"cmd": "echo from-the-tool"}),
        ("shell_command", {"command": "echo from-the-tool"}),
        ("shell", {"command": ["echo", "from-the-tool"]}),
    )
)
"""Has the built-in model ask for a command, by whichever tool this version has."""


@attrs.define
class Site:
    """A server with codex, and a workspace of a person who is signed in."""

    folder: Path
    program: str
    workspace_id: str = ""
    url: str = ""
    client: agentserver.Client = attrs.field(init=False)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run the server, on the same data each time."""
        with (
            running(self.folder, AGENTSERVER_CODEX=self.program) as url,
            agentserver.Client(url) as client,
        ):
            self.url, self.client = url, client
            if not self.workspace_id:
                client.auth.register(**ACCOUNT)
            client.auth.login(**ACCOUNT)
            if not self.workspace_id:
                self.workspace_id = client.workspaces.create(name="Codex").id
            yield

    def submit(self, text: str, **given: Any) -> models.CodexTurnResponse:
        said = {"input": [{"type": "text", "text": text}]}
        return self.client.turns.submit(
            workspace_id=self.workspace_id, params=said, timeout_ms=60_000, **given
        )

    def operations(self, **query: Any) -> list[models.OperationRecord]:
        return list(self.client.operations_log.list(self.workspace_id, **query))


FAILING: list[Any] = [{"id": "failing", "name": "One that fails"}]


class Upstream(BaseHTTPRequestHandler):
    """A language model that fails: in the way that the last message names."""

    released = threading.Event()

    def do_GET(self) -> None:
        self._send(200, "application/json", json.dumps({"data": [{"id": "failing"}]}))

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"])).decode()
        if "take-for-ever" in asked:
            self.released.wait(60)
        if "over-the-window" not in asked:
            self._send(500, "application/json", "{}")
            return
        error = {"code": "context_length_exceeded", "message": "too long"}
        failed = {"type": "response.failed", "response": {"id": "r", "error": error}}
        event = f"event: response.failed\ndata: {json.dumps(failed)}\n\n"
        self._send(200, "text/event-stream", event)

    def _send(self, status: int, media: str, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """Where the language model that fails is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Upstream.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module", params=["CODEX_OLDEST", "CODEX_NEWEST"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    program = os.environ[f"AGENTSERVER_TEST_{request.param}"]
    return Site(tmp_path_factory.mktemp(request.param.lower()), program)


@pytest.fixture(scope="module")
def here(site: Site) -> Iterator[Site]:
    """A server that has been restarted since the thread began."""
    with site.serving():
        first = site.submit("Hello")
    with site.serving():
        again = site.submit("Again", thread_id=first.thread_id)
        assert again.turn is not None
        assert again.turn.status == "completed", again
        assert again.thread_id == first.thread_id
        yield site


def test_a_turn_is_completed_with_what_the_model_says(here: Site) -> None:
    answer = here.submit("Hello")
    assert answer.turn is not None, answer
    assert answer.turn.status == "completed"
    assert answer.turn.items[-1].text is not None
    assert answer.turn.items[-1].text.startswith(SAID)


def test_a_command_is_run_and_is_in_the_log(here: Site) -> None:
    answer = here.submit(RUN)
    assert answer.turn is not None, answer
    (row,) = here.operations(tool="commandExecution")
    assert "echo from-the-tool" in json.dumps(row.to_dict()["arguments"])
    assert (row.is_error, row.thread_id) == (False, answer.thread_id), row
    # Codex 0.133 may tell of a command's end after that of its turn, and then without its output.
    if (
        row.result_summary is not None
        or here.program != os.environ["AGENTSERVER_TEST_CODEX_OLDEST"]
    ):
        assert "from-the-tool" in str(row.result_summary)


@pytest.fixture
def failing(here: Site, upstream: str) -> Iterator[Site]:
    """The workspace, while its language model fails."""
    llm_config = here.client.workspaces.llm_config
    llm_config.set(here.workspace_id, base_url=upstream, api_key="none", models=FAILING)
    yield here
    llm_config.delete(here.workspace_id)


@pytest.mark.parametrize(
    ("text", "info"),
    [("Hello", "internalServerError"), ("over-the-window", "contextWindowExceeded")],
)
def test_a_model_that_fails_fails_the_turn(failing: Site, text: str, info: str) -> None:
    answer = failing.submit(text)
    assert answer.turn is not None, answer
    assert answer.turn.status == "failed"
    assert answer.turn.error is not None
    assert answer.turn.error.codex_error_info == info, answer


def ask(
    socket: ClientConnection, number: int, method: str, until: str = "", **params: Any
) -> dict[str, Any]:
    """The result of a request, after this notification, which may come before it."""
    socket.send(json.dumps({"id": number, "method": method, "params": params}))
    awaited, result = {until} - {""}, None
    while awaited or result is None:
        message = json.loads(socket.recv(timeout=60))
        awaited.discard(message.get("method", ""))
        if message.get("id") == number:
            assert "result" in message, message
            result = message["result"]
    return result


def test_a_turn_of_a_session_is_interrupted(failing: Site) -> None:
    made = failing.client.tokens.mint(workspace_id=failing.workspace_id, name="Laptop")
    address = failing.url.replace("http", "ws", 1)
    headers = {"Authorization": f"Bearer {made.token}"}
    with connect(address, additional_headers=headers, max_size=None) as socket:
        info = {"name": "test", "title": None, "version": "1.0"}
        ask(socket, 1, "initialize", clientInfo=info)
        socket.send(json.dumps({"method": "initialized"}))
        thread_id = ask(socket, 2, "thread/start")["thread"]["id"]
        said = [{"type": "text", "text": "take-for-ever"}]
        about = {"threadId": thread_id, "input": said}
        turn = ask(socket, 3, "turn/start", until="turn/started", **about)["turn"]
        ask(socket, 4, "turn/interrupt", threadId=thread_id, turnId=turn["id"])
        while (message := json.loads(socket.recv(timeout=60)))["method"] != "turn/completed":
            pass
        assert message["params"]["turn"]["status"] == "interrupted"
    row, *_ = failing.operations(source="tui")
    assert (row.tool, row.is_error, row.thread_id) == ("turn", True, thread_id)


SETTINGS = """
disable_paste_burst = true  # what is typed fast is typed nevertheless
model_provider = "agentserver"

[model_providers.agentserver]
name = "agentserver"
base_url = "http://127.0.0.1:9/v1"  # by which no login is asked for; it is the server that has one
"""


@pytest.fixture
def laptop(here: Site, tmp_path: Path) -> Iterator[tuple[Terminal, models.CodexTokenMintResponse]]:
    """A person's own codex, in a terminal, and the codex token with which it is connected."""
    made = here.client.tokens.mint(workspace_id=here.workspace_id, name="Terminal")
    (tmp_path / "config.toml").write_text(SETTINGS)
    folders = dict.fromkeys(("HOME", "CODEX_HOME"), str(tmp_path))
    address = here.url.replace("http", "ws", 1)
    with Terminal.running(
        [here.program, "--remote", address, "--remote-auth-token-env", "CODEX_TOKEN"],
        {"PATH": os.environ["PATH"], "CODEX_TOKEN": made.token, **folders},
        tmp_path,
    ) as terminal:
        yield terminal, made


def test_a_codex_in_a_terminal_speaks_with_that_of_the_workspace(
    here: Site, laptop: tuple[Terminal, models.CodexTokenMintResponse]
) -> None:
    terminal, made = laptop
    earlier = {row.id for row in here.operations(source="tui")}

    def is_online() -> bool | None:
        listed = here.client.tokens.list_browsers(here.workspace_id)
        return next((browser.is_online for browser in listed if browser.id == made.id), None)

    def logged() -> list[models.OperationRecord]:
        return [row for row in here.operations(source="tui") if row.id not in earlier]

    terminal.until(lambda: "OpenAI Codex" in terminal.text and is_online() is True)
    terminal.type("Hello from a terminal")
    terminal.until(lambda: "Hello from a terminal" in terminal.text)
    terminal.type("\r")
    terminal.until(lambda: f"{SAID} You wrote: Hello from a terminal" in terminal.text)
    terminal.until(lambda: bool(logged()))
    (row,) = logged()
    assert (row.tool, row.env_id, row.is_error) == ("turn", "local", False)
    assert "Hello from a terminal" in json.dumps(row.to_dict()["arguments"])
    here.client.tokens.revoke(made.id)
    # An older one ends, and a newer one tries to be connected again.
    terminal.until(lambda: terminal.has_ended or "Reconnecting" in terminal.text)
    assert is_online() is None
