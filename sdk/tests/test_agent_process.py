"""Agents and servers as processes, over real sockets: signing in, and being killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import pytest
from attrs import define, field
from postgres import NoPostgres, own_server
from server_process import Approver, ServerProcess

from agentserver import Agent, ConfigurationError
from agentserver.agent._sign_in import print_link

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

_PROGRAM = """
import logging, sys
from agentserver import Agent

logging.basicConfig(level="INFO", stream=sys.stderr, format="%(message)s")
agent = Agent.connect(sys.argv[1], name="Worker", folder=sys.argv[2])

@agent.task
def work(task):
    print("begin", task.prompt, flush=True)
    sys.stdin.readline()
    return f"{task.prompt} is done"

agent.run(concurrency=1)
print("over", flush=True)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    one = ServerProcess(tmp_path / "server")
    one.start()
    yield one
    one.kill()


@pytest.fixture
def person(server: ServerProcess) -> Iterator[Approver]:
    one = Approver(server.url)
    yield one
    one.client.close()


def connect(server: ServerProcess, person: Approver, **settings: object) -> Agent:
    agent = Agent.connect(server.url, name="Worker", show=person.approve, **settings)  # type: ignore[arg-type]
    agent.task(lambda task: None)
    return agent


@define(eq=False)
class AgentProcess:
    """An agent whose tasks go on when the test says so."""

    url: str
    folder: Path
    _process: subprocess.Popen[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, self.url, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, self._process.communicate()[1]
        return line

    def logs_until(self, text: str) -> None:
        """Read its log up to a line with a text in it."""
        assert self._process.stderr is not None
        while text not in (line := self._process.stderr.readline()):
            assert line, "its log ended"

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def terminate(self) -> None:
        self._process.terminate()

    def ended_with(self) -> int:
        self._process.communicate()
        return self._process.returncode

    def end(self) -> None:
        """Kill it, if it has not ended by itself."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@contextmanager
def _postgresql() -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(own_server())
        except NoPostgres as reason:
            pytest.skip(str(reason))
        yield url


@pytest.mark.parametrize("database", [nullcontext, _postgresql], ids=["SQLite", "PostgreSQL"])
def test_killed_agents_and_servers_lose_no_task_and_repeat_none(
    database: Callable[[], AbstractContextManager[str | None]], tmp_path: Path
) -> None:
    with database() as url:
        server = ServerProcess(tmp_path / "server", url)
        server.start()
        try:
            person = Approver(server.url)
            with person.client:
                _kill_agents_and_servers(server, person, tmp_path / "agent")
        finally:
            server.kill()


def _kill_agents_and_servers(server: ServerProcess, person: Approver, folder: Path) -> None:
    agent_id = connect(server, person, folder=folder).id

    def make(prompt: str) -> str:
        made = person.client.tasks.create(person.workspace_id, target_id=agent_id, prompt=prompt)
        return made.task_id

    ids = [make(f"task {number}") for number in range(6)]

    first = AgentProcess(server.url, folder)
    assert first.says() == "begin task 0"
    first.go_on()
    assert first.says() == "begin task 1"
    first.end()  # in the middle of a task

    second = AgentProcess(server.url, folder)
    assert second.says() == "begin task 2"
    server.kill()
    second.go_on()
    second.logs_until(f"task {ids[2]} is completed")
    second.logs_until(f"task {ids[2]}: ")  # it could not be reported
    second.end()

    server.start()
    third = AgentProcess(server.url, folder)
    assert third.says() == "begin task 3"
    server.kill()  # in the middle of a task
    server.start()
    third.go_on()
    assert third.says() == "begin task 4"
    third.terminate()
    third.logs_until("the agent stops")
    third.go_on()
    assert third.says() == "over"
    assert third.ended_with() == 0

    found = [person.client.tasks.get(each) for each in ids]
    interrupted = "interrupted: the agent ended while it worked on it"
    assert [(task.status, task.result, task.failure_reason) for task in found] == [
        ("completed", "task 0 is done", None),
        ("failed", None, interrupted),
        ("completed", "task 2 is done", None),
        ("completed", "task 3 is done", None),
        ("completed", "task 4 is done", None),
        ("pending", None, None),
    ]
    assert [*(folder / "reports").iterdir()] == []
    assert len(person.shown) == 1


def test_a_second_process_of_an_agent_is_refused(
    server: ServerProcess, person: Approver, tmp_path: Path
) -> None:
    agent = connect(server, person, folder=tmp_path / "agent")
    person.client.tasks.create(person.workspace_id, target_id=agent.id, prompt="x")
    first = AgentProcess(server.url, tmp_path / "agent")
    assert first.says() == "begin x"
    with pytest.raises(ConfigurationError, match="another process runs this agent"):
        agent.run()
    first.end()


def test_an_agent_that_waits_to_be_approved_is_ended_by_a_signal(
    server: ServerProcess, tmp_path: Path
) -> None:
    agent = AgentProcess(server.url, tmp_path / "agent")
    agent.logs_until("compare the code")
    agent.terminate()
    assert agent.ended_with() == -signal.SIGTERM


def test_an_agent_signs_in_once_and_anew_when_it_was_removed(
    server: ServerProcess, person: Approver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    first = connect(server, person)
    assert person.shown == []
    agent_id = first.id
    ((link, code),) = person.shown
    assert link.startswith(server.url)
    assert code in link
    assert first.workspace_id == person.workspace_id

    assert connect(server, person).id == agent_id
    assert len(person.shown) == 1
    (path,) = (tmp_path / "data").rglob("credentials.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.parent.name == "Worker"
    assert path.parent.parent.name == person.workspace_id

    person.client.sandboxes.delete(agent_id)
    other = connect(server, person).id
    assert other != agent_id
    assert len(person.shown) == 2


def test_an_agent_approved_for_another_workspace_than_it_wants_is_refused(
    server: ServerProcess, person: Approver, tmp_path: Path
) -> None:
    wanted = person.client.workspaces.create(name="Wanted").id
    agent = connect(server, person, folder=tmp_path / "agent", workspace=wanted)
    with pytest.raises(ConfigurationError, match=f"and not for {wanted}"):
        agent.sign_in()
    assert not (tmp_path / "agent" / "credentials.json").exists()


def test_credentials_are_not_sent_to_another_server(
    server: ServerProcess, person: Approver, tmp_path: Path
) -> None:
    connect(server, person, folder=tmp_path).sign_in()
    other = Agent.connect("http://127.0.0.1:1", name="Worker", folder=tmp_path)
    with pytest.raises(ConfigurationError, match="sent nowhere else"):
        other.sign_in()


def test_without_the_extra_a_place_must_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    agent = Agent.connect("http://127.0.0.1:1", name="Worker")
    with pytest.raises(ConfigurationError, match="extra 'agent', or give a folder") as caught:
        agent.sign_in()
    assert "\n" not in str(caught.value)


def test_the_link_is_printed_and_on_a_terminal_as_a_qr_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_link("https://agents.example.com/device?user_code=ABCD-EFGH", "ABCD-EFGH")
    plain = capsys.readouterr().err
    assert "https://agents.example.com/device?user_code=ABCD-EFGH" in plain
    assert "compare the code: ABCD-EFGH" in plain

    pytest.importorskip("segno", reason="the extra 'agent' is not installed")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    print_link("https://agents.example.com/device?user_code=ABCD-EFGH", "ABCD-EFGH")
    drawn = capsys.readouterr().err.removeprefix(plain)
    assert len(drawn.splitlines()) > 10
    assert set("█▀▄") & set(drawn)
