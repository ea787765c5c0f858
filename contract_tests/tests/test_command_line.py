"""The command line: configuration, waiting for a server, wrong URLs, pipes, and the folder."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import CHEAPEST_PASSWORDS

from agentserver_contract import cli, configuration, departures
from agentserver_contract.__main__ import COULD_NOT_RUN, HOLDS, main
from agentserver_contract.contract.document import Contract
from agentserver_contract.http.contact import find_server, one_line
from agentserver_contract.http.target import Target
from agentserver_contract.local_server import running

ONE = ("--layers", "roles", "--operation", "check_session", "--seed", "7")


@pytest.fixture(autouse=True)
def credential(run_credential: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An administrator's, and an empty folder to run in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server", "--password-cost", CHEAPEST_PASSWORDS) as at:
        yield at


@contextmanager
def answering(status: int, content_type: str, body: bytes) -> Iterator[str]:
    """The URL of a server that has one answer for everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Not into the test's output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def told_in_one_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("agentserver-contract: ")
    return line


# --- where options come from ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "header"),
    [("agentserver-contract.toml", ""), ("pyproject.toml", "[tool.agentserver-contract]\n")],
)
def test_options_may_stand_in_a_file(credential: Path, name: str, header: str) -> None:
    text = """
        url = "http://127.0.0.1:9999"
        layers = ["roles", "model"]
        operation = "login"
        examples = 5
        read-only = true
        rate-limit = "20/s"
    """
    (credential / name).write_text(header + text)
    options = cli.parse(["run"])
    assert options.url == "http://127.0.0.1:9999"
    assert options.layers == ("roles", "model")
    assert options.operation == ("login",)
    assert (options.examples, options.read_only, options.rate_limit) == (5, True, 20.0)


def test_command_line_wins_over_environment_and_that_over_the_file(
    credential: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (credential / configuration.FILE).write_text(
        'url = "http://file"\noperation = ["login", "logout"]\nread-only = true\n'
    )
    assert cli.parse(["run"]).url == "http://file"
    monkeypatch.setenv("AGENTSERVER_URL", "http://environment")
    assert cli.parse(["run"]).url == "http://environment"
    options = cli.parse(["run", "http://line", "--no-read-only", "--operation", "check_health"])
    assert options.url == "http://line"
    assert options.read_only is False
    assert options.operation == ("check_health",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("colour = 'never'", "agentserver-contract.toml: colour: unknown key"),
        ("examples = 0", "agentserver-contract.toml: examples: '0' is no positive whole number"),
        ("read-only = 'yes'", "agentserver-contract.toml: read-only: must be true or false"),
        ("format = 'yaml'", "agentserver-contract.toml: format: must be one of text, json"),
        ("layers = {}", "agentserver-contract.toml: layers: must be a text or a number"),
        ("examples 5", "agentserver-contract.toml: Expected '='"),
    ],
)
def test_mistake_in_the_file_is_named(
    credential: Path, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    (credential / configuration.FILE).write_text(text)
    assert main(["run", "http://127.0.0.1:1"]) == COULD_NOT_RUN
    assert line in told_in_one_line(capsys)


def test_run_without_url_says_where_one_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == COULD_NOT_RUN
    assert "AGENTSERVER_URL" in told_in_one_line(capsys)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30.0), ("2m", 120.0), ("5", 5.0), ("250ms", 0.25)]
)
def test_wait_is_a_time_with_its_unit(text: str, seconds: float) -> None:
    assert cli.parse(["run", "--wait", text]).wait == seconds


def test_tag_chooses_its_operations_beside_those_named(
    contract: Contract, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--layers", "roles", "--tag", "health", "--operation", "check_session"]
    assert main(["run", url, *words, "--format", "json"]) == HOLDS
    shown = capsys.readouterr().out
    assert '"check_health"' in shown
    assert '"check_session"' in shown
    assert '"login": ' not in shown
    assert main(["run", url, "--tag", "nothing"]) == COULD_NOT_RUN
    assert "--tag: the contract has no nothing" in capsys.readouterr().err


# --- the first contact ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "content_type", "body", "line"),
    [
        (200, "text/html", b"<!doctype html>\n<title>Shop</title>\n", "answers with a web page"),
        (404, "text/html", b"<html>\n<h1>no</h1>\n</html>", "answers with a web page (404)"),
        (404, "application/json", b"{}", "answers 404 where an agentserver would not"),
        (503, "text/plain", b"not yet\n", "answers 503 where an agentserver would not"),
    ],
)
def test_wrong_url_is_reported_in_one_line_without_html(
    status: int, content_type: str, body: bytes, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(status, content_type, body) as wrong:
        assert main(["run", wrong]) == COULD_NOT_RUN
    told = told_in_one_line(capsys)
    assert line in told
    assert "<" not in told


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("http://127.0.0.1:{port}", "refused"),
        ("http://no-such-host.invalid", "--allow-remote"),
        ("http://ü..b", "is no URL"),
    ],
)
def test_url_without_a_server_is_reported_in_one_line(
    wrong: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", wrong.format(port=free_port())]) == COULD_NOT_RUN
    assert line in told_in_one_line(capsys)


def test_unknown_host_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "http://no-such-host.invalid", "--allow-remote"]) == COULD_NOT_RUN
    assert "http://no-such-host.invalid: " in told_in_one_line(capsys)


def test_tls_where_there_is_none_is_reported_in_one_line(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", url.replace("http", "https")]) == COULD_NOT_RUN
    assert "SSL" in told_in_one_line(capsys)


def test_run_waits_for_a_server_to_come_up(contract: Contract, tmp_path: Path) -> None:
    slept: list[float] = []
    port = free_port()
    (tmp_path / "late").mkdir()
    options = ("--password-cost", CHEAPEST_PASSWORDS, "--port", str(port))
    with Target(f"http://127.0.0.1:{port}") as target:
        starting = running(tmp_path / "late", *options)

        def sleep(seconds: float) -> None:
            if not slept:
                starting.__enter__()
            slept.append(seconds)

        try:
            find_server(target, contract, wait=30, sleep=sleep)
        finally:
            starting.__exit__(None, None, None)
    assert slept, "it was not up at first"


def test_long_text_of_several_lines_becomes_one_short_line() -> None:
    assert one_line("first\n  second\n") == "first second"
    assert one_line("<!DOCTYPE html>\n<p>long") == "a web page"
    assert len(one_line("x" * 1000)) < 250


# --- nothing tried is never a pass ----------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["--layers", "gate"],
        ["--layers", "model", "--read-only"],
        ["--layers", "refusals", "--operation", "check_health", "--read-only"],
    ],
    ids=" ".join,
)
def test_run_that_tries_nothing_is_no_pass(
    url: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", url, *words]) == COULD_NOT_RUN
    assert "nothing was tried" in capsys.readouterr().err


def test_replay_of_an_empty_cassette_is_no_pass(
    credential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (credential / "empty.yaml").write_text("version: 1\ninteractions: []\n")
    assert main(["replay", "empty.yaml"]) == COULD_NOT_RUN
    assert "nothing was replayed" in capsys.readouterr().err


# --- the folder and the pipe ----------------------------------------------------------------------


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "agentserver_contract", *words]


def test_run_leaves_nothing_in_the_folder_that_it_is_run_in(url: str, credential: Path) -> None:
    words = ["run", url, "--operation", "rename_workspace", "--examples", "2", "--scenarios", "2"]
    done = subprocess.run(command(*words), capture_output=True, check=False, text=True)
    assert done.returncode == HOLDS, done.stdout + done.stderr
    assert list(credential.iterdir()) == []


@pytest.mark.parametrize(("words", "status"), [(ONE, HOLDS), (("--layers", "gate"), COULD_NOT_RUN)])
def test_reader_that_goes_away_changes_neither_status_nor_output(
    url: str, words: tuple[str, ...], status: int
) -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        command("run", url, *words), stdout=write, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(write)
        _, complaints = process.communicate()
    assert process.returncode == status, complaints
    assert "Broken" not in complaints
    assert "Traceback" not in complaints


def test_options_of_a_run_are_repeated_in_its_replay_commands(credential: Path) -> None:
    own_defaults = cli.parsers()[1]["run"]
    options = cli.parse(
        ["run", "http://x", "--allow-global", "--departures", "a b.toml", "--quick", "--seed", "3"]
    )
    words = configuration.words(own_defaults, options, {"seed"})
    assert words == ("--allow-global", "--quick", "--departures", "a b.toml")


def test_departures_are_those_of_a_release_or_of_a_file(credential: Path) -> None:
    of_release = cli.parse(["run", "http://x", "--departures", "v0.64.12"]).departures
    assert of_release == departures.file_of("v0.64.12")
    assert of_release.is_file()
    assert cli.parse(["run", "http://x", "--departures", "v0"]).departures == Path("v0")
