"""On a server with the known differences of the release, the list explains them and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from answer_middleware import AnswersChanged, App
from answers import Answer
from catalogue import DEPARTURES, NEVER_MET
from release import release

from agentserver_contract import departures
from agentserver_contract.__main__ import BROKEN, HOLDS, main
from agentserver_contract.fixtures.accounts import email_of
from agentserver_contract.layers.table import NAMES

LIST = departures.file_of("v0.64.12")
LAYERS = ("--layers", "roles,refusals,ids,values", "--seed", "1")
OPERATIONS = (
    *("--operation", "add_workspace_member"),
    *("--operation", "admin_set_workspace_llm_quota"),
    *("--operation", "set_workspace_llm_config"),
    *("--operation", "create_sandbox"),
    *("--operation", "create_workspace_task"),
    *("--operation", "update_agent_task_status"),
)


@pytest.fixture(autouse=True)
def credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTSERVER_EMAIL", email_of("admin"))
    monkeypatch.setenv("AGENTSERVER_PASSWORD", "of a server made for this test")


def run(url: str, *options: str) -> int:
    words = ["run", url, *LAYERS, *OPERATIONS, "--departures", str(LIST), "--format", "json"]
    return main([*words, *options])


def test_departures_that_no_run_meets_are_those_of_the_list() -> None:
    listed = {each.name for each in departures.load(LIST)}
    assert {*DEPARTURES, *NEVER_MET} <= listed


def test_findings_of_every_layer_can_be_listed() -> None:
    assert set(departures.LAYERS) == {*NAMES, "differential"}


@pytest.mark.whole
def test_list_explains_all_that_the_release_does_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with release(tmp_path) as url:
        status = run(url)
    output = capsys.readouterr().out
    assert status == HOLDS, output
    known = json.loads(output)["known"]
    for name in (
        *("no-request-id", "content-type-ignored", "trailing-text", "member-twice"),
        *("llm-quota-labelled-json", "maintainers-make-owners", "administered-but-unknown"),
        *("session-in-web-addresses", "session-shown", "content-type-before-state"),
        *("agents-and-tasks-for-anybody", "task-limits-unchecked"),
        *("tasks-reported-by-any-agent", "reports-out-of-bounds", "report-lost"),
    ):
        assert known[name], f"{name} was not met"


@pytest.mark.whole
def test_model_tries_every_action_behind_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--layers", "model", "--quick", "--allow-global", "--seed", "1", "--format", "json"]
    with release(tmp_path) as url:
        status = main(["run", url, *words, "--departures", str(LIST)])
    output = capsys.readouterr().out
    assert status == HOLDS, output
    (layer,) = json.loads(output)["layers"]
    # Accounts cannot be removed again, so that a run by URL makes none beside its own.
    assert layer["not_run"].keys() <= {
        "register taken address",
        "register new account",
        "register account that stays",
        "register one address concurrently",
        "demote administrators concurrently",
    }


def wrong_role(answer: Answer) -> Answer:
    """A new member is said to have another role than was given."""
    body = answer.body.replace(b'"role":"developer"', b'"role":"guest"')
    return Answer(answer.status, list(answer.headers), body) if answer.status == 201 else answer


def no_picture(answer: Answer) -> Answer:
    """A new member lacks a field that every member has."""
    body = answer.body.replace(b',"picture":null', b"")
    return Answer(answer.status, list(answer.headers), body) if answer.status == 201 else answer


@pytest.mark.parametrize("fault", [wrong_role, no_picture])
def test_list_hides_no_other_fault(
    tmp_path: Path, fault: Callable[[Answer], Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    def wrap(app: App) -> App:
        return AnswersChanged(app, fault)

    with release(tmp_path, wrap) as url:
        assert run(url, "--fail-fast") == BROKEN, capsys.readouterr().out
