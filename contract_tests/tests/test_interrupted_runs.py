"""Whatever ends a run: its reports are written, it cleans up, and it is no pass and no finding."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from populated_server import rows
from relay import Relay, relayed
from servers import CHEAPEST_PASSWORDS, PASSWORD

from agentserver import Client
from agentserver_contract.__main__ import COULD_NOT_RUN, main
from agentserver_contract.fixtures.accounts import email_of
from agentserver_contract.local_server import running

pytestmark = pytest.mark.usefixtures("run_credential")

NAMES = ("run.json", "run.xml", "run.html")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server", "--password-cost", CHEAPEST_PASSWORDS) as at:
        yield at


def reports(folder: Path) -> list[str]:
    """The options that ask for every report."""
    paths = [str(folder / name) for name in NAMES]
    return ["--json", paths[0], "--junit", paths[1], "--html", paths[2]]


def assert_reports_say(folder: Path, reason: str) -> None:
    document = json.loads((folder / NAMES[0]).read_text())
    assert reason in document["ended_by"]
    errors = list(ET.parse(folder / NAMES[1]).getroot().iter("error"))  # noqa: S314 (ours)
    assert reason in errors[0].get("message", "")
    assert reason in (folder / NAMES[2]).read_text()
    assert "ended early" in document["verdict"]


def started(words: list[str]) -> subprocess.Popen[str]:
    """The tool in a process of its own, when its first layer has begun."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentserver_contract", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith("roles") and line.strip().endswith("..."):
            return process
    raise AssertionError(process.communicate())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "ended by SIGTERM")]
)
def test_signal_ends_a_run_with_its_reports_and_cleans_up(
    url: str, tmp_path: Path, number: signal.Signals, reason: str
) -> None:
    with started(["run", url, "--layers", "roles", *reports(tmp_path)]) as process:
        os.kill(process.pid, number)
        told, complaints = process.communicate()
    assert process.returncode == COULD_NOT_RUN, told + complaints
    assert reason in complaints
    assert "Traceback" not in complaints
    assert_reports_say(tmp_path, reason)
    with Client(url, email=email_of("admin"), password=PASSWORD) as client:
        assert client.admin.workspaces.list() == [], "the run's workspaces are gone"
        client.auth.logout()
    assert rows(tmp_path / "server")["sessions"] == set(), "and its sessions are ended"


def test_server_that_dies_is_no_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = tmp_path / "server"
    server.mkdir()
    with running(server, "--password-cost", CHEAPEST_PASSWORDS) as url:
        process = started(["run", url, *reports(tmp_path)])
    with process:
        told, complaints = process.communicate()
    assert process.returncode == COULD_NOT_RUN, told + complaints
    assert "Broken\n" not in told
    assert "Traceback" not in complaints
    assert_reports_say(tmp_path, "cannot be tried any more")


@pytest.mark.parametrize("layer", ["roles", "model", "fuzzing"])
def test_server_that_is_gone_in_the_middle_of_a_layer_is_no_finding(
    layer: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with relayed(url, Relay(dies_after=600)) as behind:
        status = main(["run", behind, "--layers", layer, "--format", "json"])
    told = capsys.readouterr()
    assert status == COULD_NOT_RUN, told.out
    document = json.loads(told.out)
    assert document["findings"] == []
    assert "cannot be tried any more" in document["ended_by"]
    assert document["layers"][0]["statuses"], "what was tried until then is reported"


def test_error_in_the_tool_ends_a_run_with_its_reports(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("agentserver_contract.layers.roles.tables", fail)
    assert main(["run", url, "--layers", "roles", *reports(tmp_path)]) == COULD_NOT_RUN
    assert "an error in this tool itself: ZeroDivisionError" in capsys.readouterr().err
    document = json.loads((tmp_path / NAMES[0]).read_text())
    assert "ZeroDivisionError" in document["ended_by"]


@pytest.mark.parametrize("option", ["--json", "--junit", "--html"])
def test_report_that_cannot_be_written_is_reported_before_the_run(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "report"
    assert main(["run", "http://127.0.0.1:1", option, str(path)]) == COULD_NOT_RUN
    assert f"{path} cannot be written" in capsys.readouterr().err


def test_gate_does_not_judge_a_run_that_ended_early(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "run.json"
    report.write_text('{"layers": [], "situations": [], "holds": true, "ended_by": "SIGTERM"}')
    assert main(["gate", str(report)]) == COULD_NOT_RUN
    assert "the run ended early: SIGTERM" in capsys.readouterr().err
