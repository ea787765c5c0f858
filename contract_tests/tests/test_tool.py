"""The tool: what it prints and writes, its exit status, and how a run is repeated."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from answer_middleware import AnswersChanged
from answers import Answer
from faulty import served, without_header

from agentserver_contract.__main__ import BROKEN, COULD_NOT_RUN, HOLDS, main
from agentserver_contract.contract.document import Contract

pytestmark = pytest.mark.usefixtures("run_credential")

QUICK = ("--closed", "--examples", "1", "--scenarios", "4", "--seed", "7")
ONE = ("--operation", "check_session")
FACT = """
[no-nosniff]
operations = '*'
kind = 'header'
rule = 'missing'
at = '^X-Content-Type-Options$'
answers = 'It never says nosniff.'
why = 'A browser should not guess.'

[never-seen]
operations = 'login'
kind = 'status'
status = 418
answers = 'It is a teapot.'
why = 'It should not be.'
unmet = 'it takes a pot'
"""


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path) as url:
        yield url


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path, without_header("x-content-type-options")) as url:
        yield url


def test_broken_promise_is_reported_with_what_shows_it(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["run", broken, *QUICK, "--layers", "fuzzing", *ONE])
    output = capsys.readouterr().out
    assert status == BROKEN, output
    assert "check_session: " in output
    for part in ("expected", "sent         curl", "answered     401", "replay"):
        assert part in output, f"a failure must have {part!r}:\n{output}"


def test_run_can_end_with_its_first_finding(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = ["--layers", "refusals,fuzzing"]
    status = main(["run", broken, *QUICK, *layers, "--fail-fast", "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert status == BROKEN
    assert len(report["findings"]) == 1
    (fuzzing,) = (layer for layer in report["layers"] if layer["layer"] == "fuzzing")
    assert list(fuzzing["not_run"].values()) == ["the run ended with its first finding"]


def test_listed_departure_does_not_end_a_run(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "departures.toml"
    listed.write_text(FACT)
    words = ["--layers", "refusals,fuzzing", *ONE, "--departures", str(listed), "-x"]
    assert main(["run", broken, *QUICK, *words]) == HOLDS, capsys.readouterr().out


def promises_of(layer: str, findings: list[dict[str, str]]) -> list[str]:
    return [each["promise"] for each in findings if each["layer"] == layer]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("register_user", 500),
        ("admin_get_quota_defaults", 500),
        ("admin_list_users", 403),
        ("get_current_user", 401),
        ("list_workspace_members", 403),
    ],
)
def test_server_that_breaks_the_contract_before_the_first_layer_is_told_from_a_wrong_credential(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    contract: Contract,
    operation: str,
    status: int,
) -> None:
    def refused(answer: Answer) -> Answer:
        return Answer(status, [(b"content-type", b"text/plain; charset=utf-8")], b"no\n")

    def wrap(app: Any) -> Any:
        return AnswersChanged(app, refused, contract, operation)

    with served(tmp_path, wrap) as url:
        ended = main(["run", url, *QUICK, "--allow-global", "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert ended == BROKEN
    assert operation in {finding["operation"] for finding in report["findings"]}
    assert report["layers"][0]["layer"] == "preparation"
    (replay, *_) = (finding["replay"] for finding in report["findings"])
    assert "--layers" not in replay


def test_wrong_credential_is_no_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTSERVER_EMAIL", "nobody@example.com")
    with served(tmp_path, lambda app: app) as url:
        for _ in range(2):
            assert main(["run", url, *QUICK, "--format", "json"]) == COULD_NOT_RUN
    assert "nobody@example.com cannot log in: 401" in capsys.readouterr().err


def test_replay_command_finds_the_same_again(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", broken, *QUICK, "--layers", "fuzzing", *ONE, "--format", "json"])
    first = json.loads(capsys.readouterr().out)["findings"]
    (replay,) = {finding["replay"] for finding in first}
    name, *arguments = shlex.split(replay)
    assert name == "agentserver-contract"
    assert main([*arguments, "--format", "json"]) == BROKEN
    again = json.loads(capsys.readouterr().out)["findings"]
    # What the set-up is answered depends on the accounts that are there already.
    assert promises_of("fuzzing", again) == promises_of("fuzzing", first)


def test_listed_departure_breaks_nothing_and_those_not_met_are_reported(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "departures.toml"
    listed.write_text(FACT)
    words = ["run", broken, *QUICK, "--layers", "fuzzing", *ONE, "--departures", str(listed)]
    status = main(words)
    output = capsys.readouterr().out
    assert status == HOLDS, output
    assert "no-nosniff: " in output
    assert "It never says nosniff." in output
    assert "not met in this run, as it takes a pot: never-seen" in output


def test_departure_explains_no_other_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "departures.toml"
    listed.write_text(FACT)
    with served(tmp_path, without_header("x-request-id")) as url:
        words = ["run", url, *QUICK, "--layers", "fuzzing", *ONE, "--departures", str(listed)]
        assert main(words) == BROKEN, capsys.readouterr().out


def test_reports_say_the_same(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit, page = tmp_path / "junit.xml", tmp_path / "run.html"
    words = ["run", broken, *QUICK, "--layers", "roles,fuzzing", *ONE]
    main([*words, "--format", "json", "--junit", str(junit), "--html", str(page)])
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert "fuzzing ..." in captured.err, "progress does not disturb the JSON"
    assert document["seed"] == 7
    assert document["holds"] is False
    promises = {finding["promise"] for finding in document["findings"]}
    assert promises
    suites = {suite.get("name"): suite for suite in ET.parse(junit).getroot()}  # noqa: S314 (ours)
    failures = {each.get("message") for suite in suites.values() for each in suite.iter("failure")}
    assert failures == promises
    skipped = {each.get("message") for each in suites["roles"].iter("skipped")}
    assert "over HTTP no session can be made to expire" in skipped
    text = page.read_text()
    assert "The contract is broken" in text
    for promise in promises:
        assert promise.replace("'", "&#x27;") in text
    assert "http://" not in text.replace(broken, ""), "the page asks no other host for anything"


def test_no_report_shows_a_secret(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit, page = tmp_path / "junit.xml", tmp_path / "run.html"
    words = ["run", broken, *QUICK, "--layers", "fuzzing"]
    for name in (
        *("login", "register_user", "set_workspace_llm_config", "mint_workspace_api_key"),
        *("mint_codex_token", "configure_telegram_channel", "create_credential_binding"),
    ):
        words += ["--operation", name]
    assert main([*words, "--format", "json", "--junit", str(junit), "--html", str(page)]) == BROKEN
    captured = capsys.readouterr()
    for text in (captured.out, captured.err, junit.read_text(), page.read_text()):
        assert "of a server made for this test" not in text
        assert not re.search(r"agentserver-token=[0-9a-zA-Z]{8}", text)


@pytest.mark.whole
def test_shards_try_everything_once_and_are_judged_together(
    sound: str, contract: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    tried: list[set[str]] = []
    for shard in ("1/2", "2/2"):
        words = ["run", sound, *QUICK, "--quick", "--allow-global", "--shard", shard]
        assert main([*words, "--format", "json"]) == HOLDS
        report = tmp_path / f"{shard[0]}.json"
        report.write_text(capsys.readouterr().out)
        reports.append(str(report))
        layers = {each["layer"]: each for each in json.loads(report.read_text())["layers"]}
        assert "a shard meets a part" in layers["gate"]["not_run"]["gate"]
        tried.append(set(layers["fuzzing"]["cases"]))
    assert not tried[0] & tried[1], "an operation is in one shard only"
    assert tried[0] | tried[1] == set(contract.operations)
    assert main(["gate", *reports]) == HOLDS, capsys.readouterr().out
    assert main(["gate", reports[1]]) == BROKEN, "half of the shards are not the whole"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["ftp://127.0.0.1"], "http or https"),
        (["http://user:pass@127.0.0.1"], "no user"),
        (["http://127.0.0.1", "--operation", "fly"], "the contract has no fly"),
        (["http://127.0.0.1", "--departures", "nowhere.toml"], "nowhere.toml"),
        (["http://127.0.0.1", "--contract", "nowhere.yaml"], "nowhere.yaml"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_run_is_reported_in_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *words]) == COULD_NOT_RUN
    (output,) = capsys.readouterr().err.strip().splitlines()
    assert output.startswith("agentserver-contract: ")
    assert line in output


@pytest.mark.parametrize(
    "words",
    [["--shard", "3/2"], ["--layers", "magic"], ["--rate-limit", "0/s"], ["--examples", "0"]],
    ids=" ".join,
)
def test_option_that_makes_no_sense_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "http://127.0.0.1", *words])
    assert ended.value.code == COULD_NOT_RUN
    assert words[0] in capsys.readouterr().err


def test_error_in_the_tool_does_not_look_like_one_of_the_server(
    sound: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("agentserver_contract.layers.roles.tables", fail)
    assert main(["run", sound, *QUICK, "--layers", "roles"]) == COULD_NOT_RUN
    assert "ZeroDivisionError" in capsys.readouterr().err
