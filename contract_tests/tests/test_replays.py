"""Every printed replay command shows its finding again: one finding of every layer."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
from catalogue import find
from faulty import served
from planting import planted

from agentserver import _retry, _transport
from agentserver_contract.__main__ import BROKEN, main
from agentserver_contract.fixtures.accounts import email_of
from agentserver_contract.layers import gate, idle
from agentserver_contract.layers.table import NAMES

OTHERS = ("check_session", "get_workspace_creation_quota")
"""Beside the operation at fault: the replay leaves them out where it can."""


def fault(name: str) -> Callable[[], AbstractContextManager[object]]:
    return lambda: planted(find(name))


def rule_of_retries(*_: object) -> object:
    return _retry.IDEMPOTENT


def without_waiting() -> AbstractContextManager[object]:
    """What takes a minute is looked for at once, which no server does."""
    names = ("IDLE_TIMEOUT", "WATCH", "SILENCE", "SWEEP", "_LATE")
    return patch.multiple(idle, **dict.fromkeys(names, timedelta()))


FAULTS: dict[str, tuple[str, Callable[[], AbstractContextManager[object]]]] = {
    "roles": ("rename_workspace", fault("rename-by-outsiders")),
    "people": ("login", fault("login-takes-any-password")),
    "refusals": ("add_workspace_member", fault("add-unknown-is-400")),
    "ids": ("remove_workspace_member", fault("remove-stranger-is-404")),
    "values": ("create_workspace", fault("create-trims-name")),
    "model": ("remove_workspace_member", fault("remove-makes-guest")),
    "stateful": ("create_workspace", fault("refusals-as-json")),
    "fuzzing": ("rename_workspace", fault("rename-by-outsiders")),
    "times": ("rename_workspace", fault("rename-keeps-time")),
    "repeats": ("revoke_workspace_api_key", fault("namesakes-are-revoked")),
    "races": ("add_workspace_member", fault("add-again-is-500")),
    "malformed": ("", fault("hosts-not-counted")),
    "transport": ("register_user", partial(patch.object, _transport, "rule_for", rule_of_retries)),
    "lists": ("list_workspace_members", fault("members-cut-at-three")),
    "idle": ("pause_sandbox", without_waiting),
}


def keys_of(findings: list[dict[str, str]]) -> set[tuple[str, str, str]]:
    return {(each["layer"], each["operation"], each["promise"]) for each in findings}


def test_every_layer_that_sends_something_has_a_fault() -> None:
    assert {*FAULTS, gate.NAME} == set(NAMES)


@pytest.mark.parametrize("layer", FAULTS)
def test_replay_command_shows_its_finding_again(
    layer: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AGENTSERVER_EMAIL", email_of("admin"))
    monkeypatch.setenv("AGENTSERVER_PASSWORD", "of a server made for this test")
    operation, breaking = FAULTS[layer]
    words = ["--layers", layer, "--seed", "7", "--quick", "--allow-global"]
    for each in (operation, *OTHERS) if operation else ():
        words += ["--operation", each]
    with breaking(), served(tmp_path) as url:
        main(["run", url, *words, "--format", "json"])
        first = json.loads(capsys.readouterr().out)["findings"]
        shown = [each for each in first if f"--layers {layer}" in each["replay"]]
        assert shown, first
        for replay in {shown[0]["replay"], shown[-1]["replay"]}:
            assert main([*shlex.split(replay)[1:], "--format", "json"]) == BROKEN
            again = keys_of(json.loads(capsys.readouterr().out)["findings"])
            assert again >= keys_of([each for each in first if each["replay"] == replay])
