"""Nothing tried is never a pass: a command that had nothing to judge says so, and ends with 2."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import CHEAPEST_PASSWORDS

from agentserver_contract.__main__ import COULD_NOT_RUN, main
from agentserver_contract.contract import breaking
from agentserver_contract.fixtures.accounts import email_of
from agentserver_contract.local_server import running

CHECKOUT = Path(__file__).parents[2]
CONTRACT = str(CHECKOUT / "openapi.yaml")
EMPTY = {
    "contract.json": json.dumps({"openapi": "3.1.0", "info": {}, "paths": {"/x": {}}}),
    "cassette.yaml": "version: 1\ninteractions: []\n",
    "report.json": json.dumps({"layers": [], "situations": [], "holds": True}),
}
"""Files with nothing in them."""


def faults(words: list[str]) -> int:
    """The command `nox -s faults --`."""
    path = CHECKOUT / "contract_tests/faults/__main__.py"
    spec = importlib.util.spec_from_file_location("faults_command", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    status: int = module.main(words)
    return status


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with running(folder, "--password-cost", CHEAPEST_PASSWORDS) as at:
        yield at


RUN = ("run", "URL", "--seed", "1")


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        (main, [*RUN, "--contract", "contract.json"], "has no operation"),
        (main, [*RUN, "--layers", "gate"], "nothing was tried"),
        (main, [*RUN, "--layers", "transport", "--read-only"], "nothing was tried"),
        (main, [*RUN, "--operation", "create_workspace", "--read-only"], "nothing was tried"),
        (main, [*RUN, "--operation", "login", "--layers", "malformed"], "nothing was tried"),
        (main, [*RUN, "--operation", "check_health", "--layers", "ids"], "nothing was tried"),
        (main, [*RUN, "--tag", "health", "--layers", "values,ids"], "nothing was tried"),
        (main, ["record", "URL", "new.yaml", "--contract", "contract.json"], "has no operation"),
        (main, ["replay", "cassette.yaml"], "nothing was replayed"),
        (main, ["replay", "cassette.yaml", "--contract", "contract.json"], "has no operation"),
        (main, ["gate", "report.json"], "nothing to judge"),
        (main, ["gate", "report.json", "--contract", "contract.json"], "has no operation"),
        (breaking.main, ["contract.json", CONTRACT], "has no operation"),
        (breaking.main, [CONTRACT, "contract.json"], "has no operation"),
        (breaking.main, ["contract.json", "contract.json"], "has no operation"),
        (faults, ["--side", "sdk", "--tier", "answer"], "nothing to try"),
    ],
    ids=lambda value: (
        " ".join(map(Path.as_posix, map(Path, value)))[-60:] if isinstance(value, list) else None
    ),
)
def test_command_that_had_nothing_to_judge_says_so(
    command: Callable[[list[str]], int],
    words: list[str],
    said: str,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AGENTSERVER_EMAIL", email_of("admin"))
    monkeypatch.setenv("AGENTSERVER_PASSWORD", "of a server made for this test")
    monkeypatch.chdir(tmp_path)
    for name, text in EMPTY.items():
        (tmp_path / name).write_text(text)
    assert command([url if word == "URL" else word for word in words]) == COULD_NOT_RUN
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


@pytest.mark.parametrize("words", [["--mutants", "0"], ["--clean", "0"]], ids=" ".join)
def test_no_times_is_no_number_of_times(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        faults(words)
    assert ended.value.code == COULD_NOT_RUN
