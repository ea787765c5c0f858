"""A run in several processes is one run: its outcome, what it shows, and whatever ends it."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import job_tasks
import pytest
from faulty import served, without_header
from populated_server import rows
from servers import CHEAPEST_PASSWORDS, PASSWORD

from agentserver import Client
from agentserver_contract import cli, jobs, shards
from agentserver_contract.__main__ import BROKEN, COULD_NOT_RUN, HOLDS, main
from agentserver_contract.context import Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.departures import Departure
from agentserver_contract.fixtures.accounts import COLLEAGUE, Accounts, email_of, emails_of
from agentserver_contract.fixtures.examples import prepare_examples
from agentserver_contract.fixtures.session import Credential, run_session
from agentserver_contract.fixtures.snapshot import differences, snapshot
from agentserver_contract.http.guard import Guard
from agentserver_contract.http.target import Target
from agentserver_contract.layers.table import LAYERS, operations_of_shard
from agentserver_contract.local_server import running
from agentserver_contract.reports.console import Console
from agentserver_contract.reports.style import Style
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.run import ENDED_EARLY, FIRST_FINDING, Outcome, outcome_of

pytestmark = pytest.mark.usefixtures("run_credential")

URL = "http://127.0.0.1:8080"
PLAN = Plan(seed=7, guarded=True)
QUICK = ("--closed", "--examples", "1", "--scenarios", "4", "--seed", "7")
SEVERAL = ("--operation", "check_session", "--operation", "check_health")


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path, without_header("x-content-type-options")) as url:
        yield url


def finding(operation: str, layer: str = "roles") -> Finding:
    return Finding(layer, operation, "a promise", "", "what is wrong")


def results(plan: Plan, **of_layers: LayerResult) -> list[LayerResult]:
    """A result of every layer, as a shard has them."""
    named = {
        layer.name: LayerResult(layer.name, not_run={layer.name: reason} if reason else {})
        for layer in LAYERS
        for reason in [layer.reason_not_run(plan)]
    }
    return list({**named, **of_layers}.values())


def outcomes(contract: Contract, *of_shards: dict[str, LayerResult]) -> list[Outcome]:
    plans = shards.plans_of(PLAN, len(of_shards))
    return [
        outcome_of(contract, URL, plan, results(plan, **layers), ())
        for plan, layers in zip(plans, of_shards, strict=True)
    ]


def layer_of(outcome: Outcome, name: str) -> LayerResult:
    (found,) = (result for result in outcome.results if result.layer == name)
    return found


# --- the outcome ----------------------------------------------------------------------------------


def test_parts_of_a_layer_are_one_result(contract: Contract) -> None:
    first, second = (
        LayerResult(
            "roles",
            cases=Counter({operation: 2, "login": 1}),
            succeeded=Counter(login=1),
            statuses=Counter({("login", 200): 1}),
            notes=Counter(odd=1),
            not_run={operation: "why"},
            seconds=seconds,
            seconds_of={"login": 0.5},
            seed=7,
        )
        for operation, seconds in (("check_health", 3.0), ("check_session", 4.0))
    )
    for each in (first, second, second):
        each.add(finding("login"))
    parts = outcomes(contract, {"roles": first}, {"roles": second})
    parts[0].blocked, parts[1].blocked = {"a write": 2}, {"a write": 3, "another": 1}
    parts[0].left_behind, parts[1].left_behind = ["a workspace"], ["a workspace", "a session"]
    parts[0].seconds, parts[1].seconds = 5.0, 6.0
    merged = shards.merged(contract, PLAN, parts)
    roles = layer_of(merged, "roles")
    assert roles.cases == {"check_health": 2, "check_session": 2, "login": 2}
    assert roles.succeeded == {"login": 2}
    assert roles.statuses == {("login", 200): 2}
    assert roles.notes == {"odd": 2}
    assert roles.not_run == {"check_health": "why", "check_session": "why"}
    assert (roles.seconds, roles.seconds_of, roles.seed) == (4.0, {"login": 1.0}, 7)
    assert (len(roles.findings), len(roles.all_findings)) == (1, 3)
    assert [each.key for each in merged.unexplained if each.layer == "roles"] == [
        finding("login").key
    ]
    assert merged.blocked == {"a write": 5, "another": 1}
    assert merged.left_behind == ["a workspace", "a session"]
    assert merged.seconds == 6.0
    assert merged.plan == PLAN, "there is one plan, without shards"
    assert [each.layer for each in merged.results] == [each.name for each in LAYERS]


def test_departure_that_one_shard_meets_is_met(contract: Contract) -> None:
    found = LayerResult("roles", cases=Counter(login=1))
    found.add(finding("login"))
    anything, another, elsewhere = listed = [
        Departure(name, frozenset({layer}), frozenset(), "it differs", "it should not")
        for name, layer in (("anything", "roles"), ("another", "roles"), ("elsewhere", "model"))
    ]
    plans = shards.plans_of(PLAN, 2)
    parts = [
        outcome_of(contract, URL, plan, results(plan, roles=roles), listed)
        for plan, roles in zip(plans, (found, LayerResult("roles")), strict=True)
    ]
    merged = shards.merged(contract, PLAN, parts, listed)
    assert merged.known.keys() >= {anything.name}
    assert another not in merged.not_met, "a finding can show two of them"
    assert elsewhere in merged.not_met


def test_layer_that_one_shard_runs_is_whole(contract: Contract) -> None:
    model = LayerResult("model", cases=Counter(login=1))
    merged = shards.merged(contract, PLAN, outcomes(contract, {"model": model}, {}))
    assert layer_of(merged, "model").cases == {"login": 1}
    assert layer_of(merged, "model").not_run == {}
    assert layer_of(merged, "stateful").not_run == {}


def test_gate_judges_what_all_shards_have_met(contract: Contract) -> None:
    met = [LayerResult("roles"), LayerResult("roles")]
    every = [
        (each.id, status) for each in contract.operations.values() for status in each.responses
    ]
    for index, each in enumerate(every):
        met[index % 2].cases[each[0]] += 1
        met[index % 2].statuses[each] += 1
    whole = outcomes(contract, {"roles": met[0]}, {"roles": met[1]})
    assert shards.merged(contract, PLAN, whole).holds
    del met[1].statuses[every[1]]
    missing = shards.merged(contract, PLAN, whole)
    (found,) = missing.unexplained
    assert (found.layer, found.operation, found.check) == ("gate", every[1][0], str(every[1][1]))
    whole[0].unsigned = {every[1][0]: "the run has no such credential"}
    unsigned = shards.merged(contract, PLAN, whole)
    assert unsigned.holds
    assert layer_of(unsigned, "gate").not_run[every[1][0]] == "the run has no such credential"


def test_shard_that_was_lost_ends_the_run_early(contract: Contract) -> None:
    kept, lost = outcomes(contract, {"roles": LayerResult("roles", cases=Counter(login=1))}, {})
    lost = replace(lost, results=lost.results[:1], ended_by="process 2 of 2 failed")
    merged = shards.merged(contract, PLAN, [kept, lost])
    assert merged.ended_by == "process 2 of 2 failed"
    assert layer_of(merged, "stateful").not_run == {"stateful": ENDED_EARLY}, "it was its task"
    assert layer_of(merged, "gate").not_run == {"gate": ENDED_EARLY}
    assert "ended early" in merged.verdict


def test_first_finding_of_one_shard_does_not_end_the_run_early(contract: Contract) -> None:
    found = LayerResult("roles", cases=Counter(login=1))
    found.add(finding("login"))
    first, second = outcomes(contract, {"roles": found}, {})
    second.ended_by = FIRST_FINDING
    plan = replace(PLAN, fail_fast=True)
    merged = shards.merged(contract, plan, [first, second])
    assert merged.ended_by == ""
    assert merged.verdict == "The contract is broken: 1 finding (seed 7)"
    assert layer_of(merged, "gate").not_run == {"gate": FIRST_FINDING}


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_each_operation_is_of_one_shard(contract: Contract, count: int, quick: bool) -> None:
    plan = replace(PLAN, quick=quick)
    parts = [operations_of_shard(contract, each) for each in shards.plans_of(plan, count)]
    assert sorted(name for part in parts for name in part) == sorted(contract.operations)
    if count > 1:
        assert len(parts[0]) < len(parts[-1]), "the first has the model as well"


def test_progress_names_the_part_of_a_layer() -> None:
    first, second = shards.plans_of(replace(PLAN, quick=True), 2)
    assert [shards.title_of("roles", each) for each in (first, second)] == [
        "roles (1/2)",
        "roles (2/2)",
    ]
    assert [shards.title_of("model", each) for each in (first, second)] == ["model", None]
    assert [shards.title_of("ids", each) for each in (first, second)] == ["ids", None], "left out"
    assert shards.title_of("gate", first) is None, "it judges all shards"


# --- the processes --------------------------------------------------------------------------------


def run_tasks(contract: Contract, *tasks: jobs.Task) -> tuple[Outcome, str]:
    """The outcome of tasks in place of shards, and what was shown."""
    shown = io.StringIO()
    console = Console(Style(shown, "never"))
    outcome = shards.run(contract, PLAN, tasks, (), console, lambda outcome: None)
    return outcome, shown.getvalue()


def test_what_a_library_prints_is_no_report(
    contract: Contract, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome, shown = run_tasks(contract, job_tasks.print_and_end, job_tasks.print_and_end)
    assert layer_of(outcome, "roles").cases == {"login": 2 * job_tasks.CASES}
    assert outcome.ended_by == ""
    assert shown.count(f"Contract run against {job_tasks.URL}") == 1
    assert "roles (1/2) ..." in shown
    assert "roles (2/2) ..." in shown
    assert "something that a library prints" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (job_tasks.fail, "process 1 of 2 failed with exit status 1"),
        pytest.param(
            job_tasks.die,
            "process 1 of 2 was ended by signal 9",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="it has no signals"),
        ),
    ],
)
def test_process_that_crashes_ends_the_run_and_is_no_pass(
    contract: Contract, task: jobs.Task, reason: str
) -> None:
    outcome, _ = run_tasks(contract, task, job_tasks.wait)
    assert outcome.ended_by.startswith(reason), "and the other one says the same"
    assert outcome.ended_by.count("process") == 1
    if task is job_tasks.fail:
        assert layer_of(outcome, "roles").cases == {"login": job_tasks.CASES}, "what it had done"


def test_what_ends_one_process_ends_the_others(contract: Contract) -> None:
    outcome, _ = run_tasks(contract, job_tasks.wait, job_tasks.find, job_tasks.wait)
    assert outcome.ended_by == "it is enough"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_reason_survives_a_library_that_handles_the_interruption_itself(
    contract: Contract,
) -> None:
    outcome, _ = run_tasks(contract, job_tasks.wait_in_a_library, job_tasks.find)
    assert outcome.ended_by == "it is enough"


def test_second_interruption_ends_the_clean_up() -> None:
    ends: list[str] = []

    def handle(index: int, event: jobs.Event) -> None:
        name, value = event
        if name == "ended":
            ends.append(value.ended_by)
        if len(ends) < 2:
            os.kill(os.getpid(), signal.SIGINT)

    jobs.run_at_once([job_tasks.clean_up_for_ever], handle)
    assert ends == ["interrupted", "interrupted twice"]


# --- the tool -------------------------------------------------------------------------------------


def promises(findings: Sequence[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(each["layer"], each["operation"], each["promise"]) for each in findings}


def test_run_in_two_processes_says_what_a_run_in_one_says(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", broken, *QUICK, "--layers", "roles,fuzzing", *SEVERAL, "--format", "json"]
    reports = []
    # What the set-up is answered depends on the accounts that are there already.
    main([*words, "--jobs", "2"])
    capsys.readouterr()
    for count in ("1", "2"):
        junit = tmp_path / f"{count}.xml"
        assert main([*words, "--jobs", count, "--junit", str(junit)]) == BROKEN
        shown = capsys.readouterr()
        reports.append((json.loads(shown.out), ET.parse(junit).getroot()))  # noqa: S314 (ours)
    (one, junit_one), (two, junit_two) = reports
    assert "fuzzing (2/2) ..." in shown.err
    assert promises(two["findings"]) == promises(one["findings"])
    assert {each["replay"] for each in two["findings"]} == {
        each["replay"] for each in one["findings"]
    }
    for name in ("verdict", "shard", "situations", "ended_by", "seed"):
        assert two[name] == one[name]
    for of_one, of_two in zip(one["layers"], two["layers"], strict=True):
        for name in ("layer", "cases", "not_run"):
            assert of_two[name] == of_one[name]
    for one_suite, two_suite in zip(junit_one, junit_two, strict=True):
        for name in ("name", "tests", "failures", "skipped"):
            assert two_suite.get(name) == one_suite.get(name)


def test_two_processes_try_together_what_one_tries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = []
    with served(tmp_path) as url:
        words = ["run", url, *QUICK, "--layers", "people,times,lists", "--format", "json"]
        for count in ("2", "1"):
            assert main([*words, "--jobs", count]) == HOLDS
            layers = json.loads(capsys.readouterr().out)["layers"]
            tried.append({each["layer"]: each for each in layers})
    two, one = tried
    assert set(two["people"]["cases"]) == set(one["people"]["cases"])
    registered = {"register_user"}  # by the first run
    assert set(two["lists"]["cases"]) == set(one["lists"]["cases"]) | registered
    rows = ("create_workspace", "create_sandbox", "mint_codex_token")
    for name in rows:
        assert two["lists"]["cases"][name] == one["lists"]["cases"][name], "they are made once"


def test_replay_of_what_two_processes_found_finds_it_again(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", broken, *QUICK, "--layers", "fuzzing", *SEVERAL, "--jobs", "2"]
    main([*words, "--format", "json"])
    first = [
        each
        for each in json.loads(capsys.readouterr().out)["findings"]
        if each["layer"] == "fuzzing" and each["operation"] == "check_session"
    ]
    (replay,) = {each["replay"] for each in first}
    assert "--jobs" not in replay
    assert main([*shlex.split(replay)[1:], "--format", "json"]) == BROKEN
    again = json.loads(capsys.readouterr().out)["findings"]
    assert promises(first) <= promises(again)


def test_first_finding_ends_all_processes(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--layers", "refusals,fuzzing", "--fail-fast", "--jobs", "2", "--format", "json"]
    assert main(["run", broken, *QUICK, *words]) == BROKEN
    report = json.loads(capsys.readouterr().out)
    assert 1 <= len(report["findings"]) <= 2, "one of each process at most"
    assert report["ended_by"] == ""
    assert report["left_behind"] == []
    with Client(broken, email=email_of("admin"), password=PASSWORD) as client:
        assert client.admin.workspaces.list() == [], "both have cleaned up"


def started(url: str, *words: str) -> subprocess.Popen[str]:
    """The tool in two processes, when both are in the first layer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentserver_contract", "run", url, "-j", "2", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    waiting = {"roles (1/2) ...", "roles (2/2) ..."}
    for line in process.stdout:
        waiting.discard(line.strip())
        if not waiting:
            return process
    raise AssertionError(process.communicate())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGINT, "interrupted"),
        (signal.SIGTERM, "ended by SIGTERM"),
        (signal.SIGKILL, None),
    ],
)
def test_all_processes_clean_up_whatever_ends_the_first(
    tmp_path: Path, number: signal.Signals, reason: str | None
) -> None:
    folder, report = tmp_path / "server", tmp_path / "run.json"
    folder.mkdir()
    with running(folder, "--password-cost", CHEAPEST_PASSWORDS) as url:
        with started(url, "--layers", "roles", "--json", str(report)) as process:
            os.kill(process.pid, number)
            said, complaints = process.communicate()  # until the last process has ended
        with Client(url, email=email_of("admin"), password=PASSWORD) as client:
            assert client.admin.workspaces.list() == [], "the workspaces of both are gone"
            client.auth.logout()
    assert rows(folder)["sessions"] == set(), "and their sessions are ended"
    assert "Traceback" not in complaints
    if reason is not None:
        assert process.returncode == COULD_NOT_RUN, said + complaints
        assert json.loads(report.read_text())["ended_by"] == reason
        assert complaints.splitlines()[-1] == f"agentserver-contract: {reason}"


@pytest.mark.parametrize("words", [["--allow-global"], ["--shard", "1/2"]], ids=" ".join)
def test_what_takes_one_process_is_refused_in_several(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", URL, "--jobs", "2", *words]) == COULD_NOT_RUN
    line = f"agentserver-contract: {words[0]} takes one process: give --jobs 1, not 2\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("words", "cores", "count"),
    [
        ([], 2, 3),
        ([], 1, 2),
        ([], 64, jobs.MOST),
        (["--quick"], 2, 2),
        (["--jobs", "8"], 2, 8),
        (["--jobs", "1"], 2, 1),
        (["--layers", "roles"], 2, 1),
        (["--operation", "login"], 2, 1),
        (["--tag", "workspaces"], 2, 1),
        (["--read-only"], 2, 1),
        (["--allow-global"], 2, 1),
        (["--shard", "1/2"], 2, 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_run_that_tries_everything_uses_the_cores_that_there_are(
    words: list[str],
    cores: int,
    count: int,
    contract: Contract,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "usable_cores", lambda: cores)
    options = cli.parse(["run", URL, *words])
    assert cli.job_count(options, cli.plan_of(options, contract)) == count


def test_rate_limit_holds_for_all_processes_together(contract: Contract) -> None:
    options = cli.parse(["run", URL, "--rate-limit", "20/s"])
    tasks = cli.tasks_of(options, cli.plan_of(options, contract), 4)
    assert [task.args[0].rate_limit for task in tasks] == [5.0] * 4
    assert [task.args[1].shard for task in tasks] == [(1, 4), (2, 4), (3, 4), (4, 4)]


@contextmanager
def shard_session(url: str, contract: Contract, shard: int) -> Iterator[Accounts]:
    """What a process has on a server that it shares with another one."""
    guard = Guard(contract, emails_of(shard))
    credential = Credential(email_of("admin"), PASSWORD)
    with (
        Target(url) as unguarded,
        Target(url, guard=guard) as target,
        run_session(target, guard, unguarded, credential, shard=shard) as session,
    ):
        yield session.accounts


def test_what_a_process_sees_does_not_depend_on_another_one(
    tmp_path: Path, contract: Contract
) -> None:
    """They have one administrator, who may be the user's own and be at work meanwhile."""
    with served(tmp_path) as url, shard_session(url, contract, 1) as accounts:
        owner = accounts["owner"]
        examples = prepare_examples(
            contract, accounts, owner="owner", members={COLLEAGUE: "guest"}, caller=owner
        )
        before = snapshot(accounts, examples)
        with shard_session(url, contract, 2) as others:
            for account in (others["owner"], others["admin"]):
                with Client(url, session=account.session) as client:
                    client.workspaces.create(name="Of another process")
            assert list(differences(before, snapshot(accounts, examples))) == []
        assert list(differences(before, snapshot(accounts, examples))) == []


def test_wrong_credential_is_reported_once(
    broken: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["run", broken, "--layers", "roles", "--operation", "check_health"])
    monkeypatch.setenv("AGENTSERVER_EMAIL", "ada@example.com")
    capsys.readouterr()
    assert main(["run", broken, "--jobs", "2"]) == COULD_NOT_RUN
    (line,) = capsys.readouterr().err.splitlines()
    assert "ada@example.com cannot log in: 401" in line


@pytest.mark.whole
def test_quick_run_in_two_processes_holds_and_is_judged_as_a_whole(
    tmp_path: Path, contract: Contract, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(tmp_path) as url:
        words = ["run", url, "--quick", "--closed", "--jobs", "2", "--format", "json"]
        status = main(words)
    report = json.loads(capsys.readouterr().out)
    assert status == HOLDS, report["findings"]
    layers = {each["layer"]: each for each in report["layers"]}
    assert list(layers) == [each.name for each in LAYERS]
    assert "gate" not in layers["gate"]["not_run"], "all shards together are the whole"
    assert set(layers["roles"]["cases"]) == set(contract.operations)
    assert report["shard"] == "1/1"
