"""Codex itself, as an executor and as what has commands run there, through the server's relay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest

import agentserver
from agentserver import models
from agentserver_contract.local_server import running

T = TypeVar("T")

ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery"}
SECONDS = 30
COMMAND = "echo $PPID"
"""Tells by which process a command was started."""


@attrs.define
class Executor:
    """A codex that was started with the command, and the server to which it is connected."""

    client: agentserver.Client
    url: str
    workspace_id: str
    id: str
    process: subprocess.Popen[str]

    def shown(self) -> models.ExecutorItem:
        (row,) = [e for e in self.client.executors.list(self.workspace_id) if e.exe_id == self.id]
        return row


def program(which: str) -> str:
    return os.environ[f"AGENTSERVER_TEST_CODEX_{which}"]


def until(condition: Callable[[], T], log: Path) -> T:
    """Wait until something is so; the programs have no event for it."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"it is not so after {SECONDS} s; codex has said: {log.read_text()}")


@contextmanager
def started(command: list[str], folder: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A codex with a home of its own, which is ended in the end."""
    folder.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CODEX_HOME": str(folder)}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command,
            env=environment | variables,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            # What npm installs is a script that runs the program as a process of its own.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def connected(which: str, folder: Path) -> Iterator[Executor]:
    """Register an executor, and run the command as it is shown."""
    (folder / "server").mkdir()
    (folder / "bin").mkdir()
    (folder / "bin" / "codex").symlink_to(program(which))
    with running(folder / "server") as url, agentserver.Client(url) as client:
        client.auth.register(**ACCOUNT)
        client.auth.login(**ACCOUNT)
        workspace = client.workspaces.create(name="Executors")
        made = client.executors.register(workspace.id, name="build")
        assert made.connect_command is not None
        *settings, command = made.connect_command.splitlines()
        script = "\n".join((*settings, f"exec {command}"))
        path = f"{folder / 'bin'}:{os.environ['PATH']}"
        with started(["bash", "-c", script], folder / "executor", PATH=path) as process:
            executor = Executor(client, url, workspace.id, made.exe_id, process)
            until(lambda: executor.shown().is_online, folder / "executor" / "log")
            yield executor


@pytest.mark.parametrize("which", ["OLDEST", "NEWEST"])
def test_codex_is_online_with_the_command_until_it_is_unbound(which: str, tmp_path: Path) -> None:
    with connected(which, tmp_path) as executor:
        executor.client.executors.unbind(executor.workspace_id, executor.id)
        until(lambda: executor.process.poll() is not None, tmp_path / "executor" / "log")


class Model(BaseHTTPRequestHandler):
    """A language model that has one command run, and then says that it is done."""

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"data": []}))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        is_done = any(item.get("type") == "function_call_output" for item in asked["input"])
        said = [{"type": "output_text", "text": "done", "annotations": []}]
        item = (
            {"type": "message", "role": "assistant", "id": "m", "content": said}
            if is_done
            else {
                "type": "function_call",
                "id": "f",
                "call_id": "c",
                "name": "exec_command",
                "arguments": json.dumps({"cmd": COMMAND}),
            }
        )
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        response = {"id": "r", "status": "completed", "output": [item], "usage": usage}
        events = (
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": response},
        )
        text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        self._send("text/event-stream", text)

    def _send(self, media: str, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def model() -> Iterator[str]:
    """Where the language model is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Harness:
    """A `codex app-server`, which has commands run on an executor."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._say, self._hear = process.stdin, process.stdout
        self._number = 0

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        self.tell({"id": self._number, "method": method, "params": params})
        answer = self.until(lambda message: message.get("id") == self._number)
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def tell(self, message: dict[str, Any]) -> None:
        self._say.write(json.dumps(message) + "\n")
        self._say.flush()

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for line in self._hear:
            message: dict[str, Any] = json.loads(line)
            if wanted(message):
                return message
        raise AssertionError("codex has ended")


def parent_of(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    return int(status.partition("PPid:")[2].split()[0])


def test_a_command_of_a_turn_is_run_on_the_executor(tmp_path: Path) -> None:
    with connected("NEWEST", tmp_path) as executor, model() as base_url:
        token = executor.client.tokens.mint(workspace_id=executor.workspace_id, name="Laptop").token
        provider = {
            "name": "local",
            "base_url": base_url,
            "env_key": "LOCAL_KEY",
            "wire_api": "responses",
        }
        options = {
            "model": "any",
            "model_provider": "local",
            **{f"model_providers.local.{name}": value for name, value in provider.items()},
        }
        switches = [f"-c{name}={json.dumps(value)}" for name, value in options.items()]
        with started(
            [program("NEWEST"), *switches, "app-server"],
            tmp_path / "harness",
            CODEX_EXEC_SERVER_NOISE_REGISTRY_URL=executor.url,
            CODEX_EXEC_SERVER_NOISE_ENVIRONMENT_ID=executor.id,
            CODEX_EXEC_SERVER_NOISE_AUTH_TOKEN=token,
            LOCAL_KEY="none",
        ) as process:
            harness = Harness(process)
            harness.ask("initialize", clientInfo={"name": "test", "version": "1"})
            harness.tell({"method": "initialized"})
            thread = harness.ask(
                "thread/start",
                cwd=str(tmp_path / "executor"),
                approvalPolicy="never",
                sandbox="danger-full-access",
            )["thread"]
            text = [{"type": "text", "text": "Go"}]
            harness.ask("turn/start", threadId=thread["id"], input=text)
            ended = harness.until(
                lambda message: (
                    message.get("method") == "item/completed"
                    and message["params"]["item"]["type"] == "commandExecution"
                )
            )["params"]["item"]
            assert ended["exitCode"] == 0, ended
            ran_by = int(ended["aggregatedOutput"])
            # Codex from npm starts the program itself as its child.
            assert executor.process.pid in (ran_by, parent_of(ran_by)), ended
