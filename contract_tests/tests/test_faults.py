"""The catalogue of faults fits contract and sources, and a trial tells detected from survived."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import httpx
import pytest
from answer_faults import CHANGES, answer_faults, changed
from answer_middleware import AnswersChanged, answers_changed
from answers import Answer
from catalogue import catalogue
from definitions import (
    CHECKOUT,
    HERE,
    SOURCES,
    AnswerChange,
    CatalogueError,
    Edit,
    Edits,
    Fault,
    Replacement,
    Replacements,
    kinds,
)
from edits import edited_texts
from elsewhere import CHECKS
from planting import planted_folder
from replacing import everywhere_replaced, replaced, resolved
from results import Status, Trial, TrialPlan
from servers import in_process
from trial_figures import by_kind, rates, trial_line
from trial_processes import ToolRun

from agentserver_contract.contract.document import JSON, Contract, load
from agentserver_contract.http.messages import Request

FAULTS = catalogue()
OF_ANSWERS, OF_RULES, EDITED = (
    [fault for fault in FAULTS if fault.tier == tier] for tier in ("answer", "rule", "edit")
)


# --- the catalogue --------------------------------------------------------------------------------


def test_every_operation_has_faults_of_its_answers_and_others_in_the_server(
    contract: Contract,
) -> None:
    answers = {fault.operations[0] for fault in OF_ANSWERS}
    others = {
        operation
        for fault in (*OF_RULES, *EDITED)
        if fault.side == "server"
        for operation in fault.operations
    }
    assert answers == set(contract.operations) == others


def test_faults_show_at_operations_that_there_are(contract: Contract) -> None:
    named = {operation for fault in FAULTS for operation in fault.operations}
    assert named <= set(contract.operations)


def test_every_kind_of_fault_is_planted() -> None:
    assert {fault.kind for fault in FAULTS} == set(kinds())


# --- faults of answers ----------------------------------------------------------------------------


def answer(value: Any = None, status: int = 200) -> Answer:
    body = b"" if value is None else json.dumps(value, separators=(",", ":")).encode()
    headers = [(b"x-request-id", b"one"), (b"content-length", str(len(body)).encode())]
    return Answer(status, headers + ([(b"content-type", JSON.encode())] if body else []), body)


WORKSPACE = {"id": "w1", "name": "One", "created_at": "2026-01-01T10:00:00Z"}
MEMBERS = [{"role": "owner", "picture": None}, {"role": "guest", "picture": "p"}]

CHANGED_BODIES: list[tuple[str, str, str, Any, Any]] = [
    (
        "field-lost",
        "list_workspace_members",
        "role",
        MEMBERS,
        [{"picture": None}, {"picture": "p"}],
    ),
    ("field-renamed", "get_workspace", "created_at", {"created_at": 1}, {"createdAt": 1}),
    ("field-renamed", "get_workspace", "id", {"id": 1}, {"Id": 1}),
    (
        "field-added",
        "admin_get_user_quota",
        "defaults.undocumented",
        {"defaults": {}, "overrides": None},
        {"defaults": {"undocumented": "undocumented"}, "overrides": None},
    ),
    ("field-null", "get_workspace", "id", WORKSPACE, {**WORKSPACE, "id": None}),
    (
        "null-left-out",
        "list_workspace_members",
        "picture",
        MEMBERS,
        [{"role": "owner"}, {"role": "guest", "picture": "p"}],
    ),
    ("field-of-other-type", "get_workspace", "id", {"id": "w1"}, {"id": 2}),
    ("field-of-other-type", "set_workspace_llm_config", "ok", {"ok": True}, {"ok": "true"}),
    ("field-of-other-type", "get_workspace_creation_quota", "max", {"max": 5}, {"max": "5"}),
    (
        "field-of-other-type",
        "admin_get_user_quota",
        "defaults",
        {"defaults": {}},
        {"defaults": [{}]},
    ),
    ("value-out-of-range", "login", "status", {"status": "ok"}, {"status": "not-ok"}),
    ("value-out-of-range", "set_workspace_llm_config", "ok", {"ok": True}, {"ok": False}),
    ("value-out-of-range", "get_workspace_creation_quota", "max", {"max": 5}, {"max": -1}),
    (
        "time-without-zone",
        "get_workspace",
        "created_at",
        WORKSPACE,
        {**WORKSPACE, "created_at": "2026-01-01T10:00:00"},
    ),
    ("other-value", "get_workspace", "name", {"name": "One"}, {"name": "On0"}),
    ("other-value", "get_workspace_creation_quota", "max", {"max": 5}, {"max": 6}),
    (
        "other-value",
        "get_workspace_llm_config",
        "configured",
        {"configured": True},
        {"configured": False},
    ),
    (
        "other-value",
        "list_workspace_members",
        "role",
        MEMBERS,
        [{"role": "maintainer", "picture": None}, {"role": "owner", "picture": "p"}],
    ),
    ("list-wrapped", "list_workspaces", "", [WORKSPACE], {"items": [WORKSPACE]}),
    ("list-emptied", "list_workspaces", "", [WORKSPACE], []),
    ("list-cut-short", "get_workspace_llm_config", "models", {"models": [1, 2]}, {"models": [1]}),
    ("list-reversed", "list_workspaces", "", [1, 2], [2, 1]),
]


@pytest.mark.parametrize(
    ("change", "operation", "place", "before", "after"),
    CHANGED_BODIES,
    ids=[f"{change} of {place or operation}" for change, operation, place, *_ in CHANGED_BODIES],
)
def test_change_of_a_body(
    contract: Contract, change: str, operation: str, place: str, before: Any, after: Any
) -> None:
    found = changed(contract, AnswerChange(operation, 200, change, place), answer(before))
    assert json.loads(found.body) == after
    assert found.status == 200
    assert (b"content-length", str(len(found.body)).encode()) in found.headers


def test_time_is_another_one_in_each_answer(contract: Contract) -> None:
    change = AnswerChange("get_workspace", 200, "other-value", "created_at")
    times = [json.loads(changed(contract, change, answer(WORKSPACE)).body) for _ in range(2)]
    schema = contract.operations["get_workspace"].responses[200].schema(JSON)
    assert schema is not None
    assert len({WORKSPACE["created_at"], *(each["created_at"] for each in times)}) == 3
    for each in times:
        contract.validator(schema).validate({**each, "updated_at": each["created_at"]})


CHANGED_ENVELOPES: list[tuple[str, str, int, str, Callable[[Answer], bool]]] = [
    ("other-success-status", "create_workspace", 201, "", lambda found: found.status == 200),
    ("other-refusal-status", "get_workspace", 403, "", lambda found: found.status == 422),
    ("header-lost", "get_workspace", 200, "X-Request-Id", lambda found: "one" not in str(found)),
    ("refusal-in-json", "get_workspace", 403, "", lambda found: found.is_json),
    ("said-to-be-text", "get_workspace", 200, "", lambda found: not found.is_json),
    ("body-added", "delete_workspace", 204, "", lambda found: found.is_json),
    ("body-cut-short", "get_workspace", 200, "", lambda found: found.body == b'{"id":"w1"'),
]


@pytest.mark.parametrize(
    ("change", "operation", "status", "place", "holds"),
    CHANGED_ENVELOPES,
    ids=[change for change, *_ in CHANGED_ENVELOPES],
)
def test_change_of_all_else_in_an_answer(
    contract: Contract,
    change: str,
    operation: str,
    status: int,
    place: str,
    holds: Callable[[Answer], bool],
) -> None:
    before = answer({"id": "w1"} if status == 200 else None, status)
    assert not holds(before)
    assert holds(changed(contract, AnswerChange(operation, status, change, place), before))


def test_every_change_of_an_answer_is_tested() -> None:
    assert {change for change, *_ in (*CHANGED_BODIES, *CHANGED_ENVELOPES)} == set(CHANGES)


def test_answer_with_another_status_stays_as_it_is(contract: Contract) -> None:
    change = AnswerChange("get_workspace", 200, "field-lost", "id")
    refused = answer({"id": "w1"}, 403)
    assert changed(contract, change, refused) == refused


def test_faults_of_answers_are_the_same_in_every_run(contract: Contract) -> None:
    assert [fault.id for fault in answer_faults(contract)] == [fault.id for fault in OF_ANSWERS]


def test_answers_of_one_operation_are_changed_and_no_others(tmp_path: Path) -> None:
    times = 0

    def count() -> None:
        nonlocal times
        times += 1

    change = AnswerChange("check_health", 200, "header-lost", "X-Request-Id")
    url = f"sqlite:///{tmp_path / 'answers.db'}"
    with answers_changed(change, count), in_process(url) as server:
        health = server.target.send(Request("GET", "/healthz", {}))
        other = server.target.send(Request("GET", "/api/auth/me", {}))
    assert health.header("x-request-id") is None
    assert other.header("x-request-id") is not None
    assert times == 1
    with in_process(url) as server:
        assert server.target.send(Request("GET", "/healthz", {})).header("x-request-id")


# --- faults of rules ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", OF_RULES, ids=lambda fault: fault.id)
def test_rule_is_replaced_everywhere(fault: Fault) -> None:
    assert isinstance(fault.change, Replacements)
    targets = [each.target for each in fault.change.replacements]
    originals = [resolved(target)[2] for target in targets]
    with replaced(fault.change):
        for target, original in zip(targets, originals, strict=True):
            assert resolved(target)[2] is not original
            is_import = getattr(original, "__module__", "") != target.rpartition(".")[0]
            if isinstance(original, FunctionType) and not is_import:
                assert not list(modules_that_hold(original))
    assert all(
        resolved(target)[2] is original for target, original in zip(targets, originals, strict=True)
    )


def modules_that_hold(original: FunctionType) -> Iterator[str]:
    """Where a function that was replaced can still be found: such a fault is planted in part."""
    package = original.__module__.partition(".")[0]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package:
            for attribute, value in vars(module).items():
                if holds(value, original, depth=3):
                    yield f"{name}.{attribute}"


def holds(value: Any, original: FunctionType, depth: int) -> bool:
    if value is original:
        return True
    match value:
        case dict():
            parts = list(value.values())
        case list() | tuple() | set() | frozenset():
            parts = list(value)
        case type():
            parts = list(vars(value).values())
        case FunctionType():
            parts = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        case partial():
            parts = [value.func, *value.args, *value.keywords.values()]
        case _:
            parts = []
    return depth > 0 and any(holds(part, original, depth - 1) for part in parts)


def with_other_arguments(original: Callable[..., Any], number: int) -> int:
    return number


TESTED = "agentserver_reference.domain.roles.check_owner_stays"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("agentserver_reference.domain.roles.no_such_rule", "there is no no_such_rule"),
        ("agentserver_reference.domain.no_such_module.rule", "there is no .*no_such_module"),
        (TESTED, "does not take after the original"),
    ],
)
def test_replacement_that_does_not_fit_is_refused_by_name(target: str, message: str) -> None:
    change = Replacements((Replacement(target, f"{__name__}.with_other_arguments"),))
    with pytest.raises(CatalogueError, match=f"{target}.*{message}"), replaced(change):
        pass


def test_function_is_replaced_under_the_names_that_modules_imported_it_by() -> None:
    import servers

    from agentserver_reference import app

    with everywhere_replaced("agentserver_reference.app.create_app", lambda original: "planted"):
        assert app.create_app == servers.create_app == "planted"
    assert app.create_app is servers.create_app


# --- edits of text --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", EDITED, ids=lambda fault: fault.id)
def test_edit_can_be_planted(fault: Fault, tmp_path: Path) -> None:
    assert isinstance(fault.change, Edits)
    for path, text in edited_texts(fault, fault.change).items():
        if path.suffix == ".py":
            compile(text, str(path), "exec")
        else:
            (tmp_path / path.name).write_text(text, encoding="utf-8")
            assert load(tmp_path / path.name).operations
        assert text != path.read_text(encoding="utf-8")


def test_edit_whose_text_has_gone_is_refused_by_name() -> None:
    fault = EDITED[0]
    assert isinstance(fault.change, Edits)
    gone = Edits((Edit(fault.change.edits[0].file, "a text that is nowhere", ""),))
    with pytest.raises(CatalogueError, match=f"{fault.id}: .* 0 times, not once"):
        edited_texts(fault, gone)


# --- trials ---------------------------------------------------------------------------------------


def trial(fault: Fault, status: Status, **known: Any) -> Trial:
    return Trial(TrialPlan(fault, 1), status, **known)


def test_table_counts_by_tier_and_kind_how_trials_ended() -> None:
    one, two, three = (replace(fault, kind="lost-update") for fault in OF_RULES[:3])
    trials = {
        one.id: trial(one, "caught"),
        two.id: trial(two, "survived"),
        three.id: trial(three, "survived", elsewhere=["breaking"]),
        OF_ANSWERS[0].id: trial(OF_ANSWERS[0], "did not start"),
        EDITED[0].id: trial(EDITED[0], "time limit"),
    }
    head, *lines = [line.split() for line in by_kind(trials).splitlines()]
    assert head == ["caught", "survived", "time", "limit", "elsewhere", "did", "not", "start"]
    assert lines == [
        ["answer:", OF_ANSWERS[0].kind, ".", ".", ".", ".", "1"],
        ["rule:", "lost-update", "1", "1", ".", "1", "."],
        ["edit:", EDITED[0].kind, ".", ".", "1", ".", "."],
        ["all", "1", "1", "1", "1", "1"],
    ]


def test_rate_counts_what_the_tool_caught_of_what_it_could() -> None:
    own, other, lost = (replace(fault, by=None) for fault in OF_RULES[:3])
    foreign = replace(OF_RULES[3], by="breaking")
    trials = {
        own.id: trial(own, "caught"),
        other.id: trial(other, "survived", elsewhere=["sdk tests"]),
        lost.id: trial(lost, "did not start"),
        foreign.id: trial(foreign, "survived", elsewhere=["breaking"]),
    }
    assert rates(trials) == {"rule": 0.5}
    assert "elsewhere (0 s): sdk tests" in trial_line(other, trials[other.id])


def test_what_is_no_task_of_the_tool_is_that_of_a_check_there_is() -> None:
    assert {fault.by for fault in FAULTS} == {None, *CHECKS}


def test_time_limit_counts_as_caught_only_where_a_finding_was_printed() -> None:
    silent = ToolRun(None, "", "roles ...\nroles: 12 cases, 0 findings, 1.0 s\nmodel ...\n")
    found = ToolRun(None, "", "roles ...\nroles: 12 cases, 2 findings, 1.0 s\nmodel ...\n")
    assert not silent.has_found
    assert found.has_found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "contract_tests" / "faults"), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


ONCE = ("--no-control", "--seeds", "1", "--layer", "roles")


def test_planted_fault_is_caught_by_url_and_named_in_the_report(tmp_path: Path) -> None:
    report = tmp_path / "trials.json"
    ended = run(*ONCE, "--only", "workspace-read-by-outsiders", "--json", str(report))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (written,) = json.loads(report.read_text())
    assert (written["status"], written["was_reached"]) == ("caught", True)
    assert written["layers"] == ["roles"]


def test_fault_that_no_request_meets_survives_and_is_said_to_be_unreached() -> None:
    fault = "register_user:other-refusal-status:400"
    ended = run(*ONCE, "--only", fault)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"{fault}: survived" in ended.stdout
    assert "never reached" in ended.stdout


def test_faults_are_chosen_by_kind_operation_and_tier() -> None:
    listed = run("--list", "--operation", "get_workspace", "--kind", "extra-field")
    assert [line.partition(" ")[0] for line in listed.stdout.splitlines()] == [
        "get_workspace:field-added:undocumented"
    ]
    assert run(
        "--list", "--operation", "get_workspace", "--tier", "edit", "--side", "contract"
    ).stdout


SERVING = """
import sys
from pathlib import Path
from trial_processes import serving

if __name__ == "__main__":
    work = Path(sys.argv[1])
    with serving(None, work, work, work / "reached") as url:
        print(url, flush=True)
        sys.stdin.read()
"""


def test_server_of_a_trial_ends_with_who_began_it_also_where_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "serve_once.py"
    script.write_text(SERVING)
    with subprocess.Popen(
        [sys.executable, script, tmp_path],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = httpx.URL(process.stdout.readline().strip())
        assert httpx.get(url.join("/healthz")).status_code == 200
        process.kill()
    until = time.monotonic() + 30
    while _answers(url.join("/healthz")):
        assert time.monotonic() < until, "it goes on"


def _answers(url: httpx.URL) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def test_list_ends_quietly_where_its_reader_has_gone() -> None:
    with subprocess.Popen(
        [sys.executable, HERE, "--list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--only", "no such fault"),
        ("--kind", "no such kind"),
        ("--operation", "no such operation"),
    ],
)
def test_unknown_name_ends_with_status_2(option: str, message: str) -> None:
    ended = run(option, "nothing-of-that-name")
    assert ended.returncode == 2
    assert ended.stderr == f"faults: nothing-of-that-name: {message}\n"


def test_fault_is_planted_in_every_python_that_has_its_folder_first() -> None:
    fault = next(fault for fault in FAULTS if fault.id == "check_health:body-added")
    program = (
        "from agentserver_reference.app import create_app\n"
        "from agentserver_reference.settings import Settings\n"
        "app = create_app(Settings.from_environment({}, database_url='sqlite://'))\n"
        "print(len(app.user_middleware))\n"
    )
    with planted_folder(fault) as folder:
        path = os.pathsep.join(map(str, (folder, *SOURCES)))
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


# --- streams --------------------------------------------------------------------------------------


def test_stream_is_passed_on_event_by_event_with_its_headers_changed() -> None:
    sent: list[Any] = []
    seen_at_second_event: list[Any] = []

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"x-request-id", b"one")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        seen_at_second_event.extend(sent)
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})

    async def collect(message: Any) -> None:
        sent.append(message)

    def without_id(before: Answer) -> Answer:
        after = Answer(before.status, list(before.headers), before.body)
        after.set_header("x-request-id", None)
        return after

    app = AnswersChanged(streaming, without_id)
    asyncio.run(app({"type": "http"}, collect, collect))
    assert [message.get("body") for message in sent] == [None, b"data: 1\n\n", b"data: 2\n\n"]
    assert sent[0]["headers"] == [(b"content-type", b"text/event-stream")]
    assert len(seen_at_second_event) == 2, "the first event is not kept back until the second"
