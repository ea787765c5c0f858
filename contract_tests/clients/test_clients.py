"""Claude Code and opencode, each as the process of a sandbox: what they say, and what is recorded.

Nothing here knows the protocol: the clients report how many tokens they were told, and usage and
traces must tell the same.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import agentserver
from agentserver import models
from agentserver_contract.local_server import running

COMMAND = Path(__file__).with_name("in_sandbox.py")
PATIENCE = 620
"""Seconds for a client to answer twice."""

SAID = "This is the built-in model of agentserver, not a language model."
ANSWERED = f"{SAID} The tool answered: from-the-tool"

Counts = tuple[int, int]
"""Tokens of the input and of the output of one request."""


@attrs.frozen
class Told:
    """What a client told about one run."""

    text: str
    session: str
    requests: list[Counts]


def told_by_claude_code(output: str) -> Told:
    """It tells the sum of its requests."""
    result = json.loads(output)
    usage = result["usage"]
    return Told(
        result["result"], result["session_id"], [(usage["input_tokens"], usage["output_tokens"])]
    )


def told_by_opencode(output: str) -> Told:
    """It tells the tokens of each step, but not of the request that finds a title."""
    events = [json.loads(line) for line in output.splitlines()]
    steps = [event["part"]["tokens"] for event in events if event["type"] == "step_finish"]
    texts = [event["part"]["text"] for event in events if event["type"] == "text"]
    requests = [(step["input"], step["output"]) for step in steps]
    return Told("".join(texts), events[0]["sessionID"], requests)


TOLD = {"claudecode": told_by_claude_code, "opencode": told_by_opencode}


@attrs.frozen
class Run:
    """A client that has run in a sandbox: what it told, and what the server shows of it."""

    name: str
    answer: Told
    tool_round: Told
    usage: list[models.SandboxUsageSummary]
    traces: dict[str, models.TraceDetailResponse]
    calls_elsewhere: int


@pytest.fixture(scope="module", params=["claudecode", "opencode"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a client in a sandbox of a server of its own."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    program = os.environ[f"AGENTSERVER_TEST_{name.upper()}"]
    with (
        socket.create_server(("127.0.0.1", 0)) as reports,
        socket.create_server(("127.0.0.1", 0)) as proxy,
    ):
        ports = [str(each.getsockname()[1]) for each in (reports, proxy)]
        command = shlex.join([sys.executable, str(COMMAND), name, program, *ports])
        variable = {f"AGENTSERVER_SANDBOX_COMMAND_{name.upper()}": command}
        with running(folder, **variable) as url, agentserver.Client(url) as client:
            account = {"email": "ada@example.com", "password": "correct horse battery"}
            client.auth.register(**account)
            client.auth.login(**account)
            workspace = client.workspaces.create(name="Clients")
            sandbox = client.sandboxes.create(
                workspace.id, name=name, type=models.SandboxType(name)
            )
            answer, tool_round = map(TOLD[name], outputs(reports))
            traces = client.traces.list_of_sandbox(sandbox.id)
            yield Run(
                name,
                answer,
                tool_round,
                client.sandboxes.get_usage(sandbox.id).usage,
                {trace.id: client.traces.get_of_sandbox(sandbox.id, trace.id) for trace in traces},
                waiting(proxy),
            )


def outputs(reports: socket.socket) -> list[str]:
    """Wait for the report from the sandbox, and return what its client wrote, run by run."""
    reports.settimeout(PATIENCE)
    connection, _ = reports.accept()
    connection.settimeout(PATIENCE)
    with connection, connection.makefile("rb") as stream:
        report = stream.read()
    assert report, "the sandbox ended; its output.log says why"
    runs: list[dict[str, Any]] = json.loads(report)
    for each in runs:
        assert each["status"] == 0, each
    return [each["output"] for each in runs]


def waiting(listener: socket.socket) -> int:
    """Return how many connections wait to be accepted, up to one."""
    listener.setblocking(False)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return 0
    return 1


def requests_of(run: Run, told: Told) -> list[Counts]:
    """Return the recorded requests of a run, whose trace is named by the client's session."""
    detail = run.traces[f"at-{told.session}"]
    assert detail.trace.source == run.name
    assert all(each.provider == "anthropic" and each.streaming for each in detail.requests)
    return [(each.input_tokens, each.output_tokens) for each in detail.requests]


def summed(counts: list[Counts]) -> Counts:
    """Return the sums of both."""
    return sum(given for given, _ in counts), sum(got for _, got in counts)


def test_it_shows_an_answer(run: Run) -> None:
    assert run.answer.text.startswith(f"{SAID} You wrote: ")
    assert run.answer.text.strip().endswith("Hello")


def test_it_runs_a_tool_that_is_asked_for(run: Run) -> None:
    assert run.tool_round.text.strip() == ANSWERED


def test_its_traces_have_the_tokens_that_it_was_told(run: Run) -> None:
    for told, rounds in ((run.answer, 1), (run.tool_round, 2)):
        recorded = requests_of(run, told)
        if run.name == "claudecode":
            assert len(recorded) == rounds
            assert [summed(recorded)] == told.requests
        else:
            title = Counter(recorded) - Counter(told.requests)
            assert len(told.requests) == rounds
            assert title.total() == 1
            assert len(recorded) == rounds + 1


def test_usage_is_the_sum_of_its_traces(run: Run) -> None:
    (row,) = run.usage
    recorded = [each for told in (run.answer, run.tool_round) for each in requests_of(run, told)]
    assert len(run.traces) == 2
    assert (row.input_tokens, row.output_tokens) == summed(recorded)
    assert row.request_count == len(recorded)


def test_it_calls_nothing_but_the_server(run: Run) -> None:
    assert run.calls_elsewhere == 0
