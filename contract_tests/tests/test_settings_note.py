"""The installation's settings come back, whatever ends a run that may change them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from populated_server import OPERATOR, PASSWORD, populated_server

from agentserver import Client
from agentserver_contract.__main__ import COULD_NOT_RUN, HOLDS, main
from agentserver_contract.fixtures.settings_note import SettingsNote

BEFORE = {"max_idle_timeout": 1800, "max_sandbox_cpu": 2000}


def test_note_restores_what_a_run_has_set_and_nothing_that_others_have(tmp_path: Path) -> None:
    note = SettingsNote("http://server", tmp_path)
    note.begin(BEFORE)
    note.add([("max_idle_timeout", 1822), ("max_sandbox_cpu", 2021)])
    later = SettingsNote("http://server", tmp_path)
    assert later.to_restore({"max_idle_timeout": 1822, "max_sandbox_cpu": 3000}) == {
        "max_idle_timeout": 1800
    }
    assert later.to_restore(BEFORE) == {}
    assert SettingsNote("http://other", tmp_path).to_restore({"max_idle_timeout": 1822}) == {}
    later.clear()
    assert later.to_restore({"max_idle_timeout": 1822}) == {}


def test_settings_of_others_need_a_confirmation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENTSERVER_EMAIL", OPERATOR)
    monkeypatch.setenv("AGENTSERVER_PASSWORD", PASSWORD)
    with populated_server(tmp_path) as url:
        assert main(["run", url, "--allow-global"]) == COULD_NOT_RUN
    assert "2 other accounts use this server" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_next_run_restores_what_one_that_was_killed_had_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENTSERVER_EMAIL", OPERATOR)
    monkeypatch.setenv("AGENTSERVER_PASSWORD", PASSWORD)
    with populated_server(tmp_path) as url, Client(url, email=OPERATOR, password=PASSWORD) as dana:
        before = dana.admin.quota_defaults.get().to_dict()
        words = ["run", url, "--layers", "fuzzing", "--operation", "admin_set_quota_defaults"]
        with subprocess.Popen(
            [sys.executable, "-m", "agentserver_contract", *words, "--allow-global", "--yes"],
            stdout=subprocess.DEVNULL,
        ) as process:
            deadline = time.monotonic() + 120
            while (now := dana.admin.quota_defaults.get().to_dict()) == before:
                assert process.poll() is None, "it ended without a change"
                assert time.monotonic() < deadline
            os.kill(process.pid, signal.SIGKILL)
        assert all(now[name] >= value for name, value in before.items()), "they were only raised"
        (noted,) = (tmp_path / "state" / "agentserver-contract").glob("*.json")
        assert json.loads(noted.read_text())["before"] == before
        quick = ["--layers", "roles", "--operation", "check_health"]
        assert main(["run", url, *quick]) == HOLDS, capsys.readouterr().out
        assert dana.admin.quota_defaults.get().to_dict() == before
        assert not noted.exists()
