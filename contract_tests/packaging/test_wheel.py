"""The built wheel as its users meet it: installed alone, in environments that hold nothing else.

Run by the nox session `wheel`, not with the other tests: it builds, and installs from an index.
"""

import gzip
import os
import re
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `command` far from the checkout, without the settings of the session around it."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_CONSTRAINT")}
    kept.pop("VIRTUAL_ENV", None)
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd="/", env=kept
    )


def succeed(*command: str | Path) -> str:
    done = run(*command)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout


class Environment:
    """A virtual environment with the wheel in it and nothing else."""

    def __init__(self, folder: Path, requirement: str, *options: str) -> None:
        self.commands = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.commands / "python"
        succeed("uv", "venv", "--quiet", "--python", sys.executable, folder)
        succeed(
            *("uv", "pip", "install", "--quiet", "--python", self.python, *options, requirement)
        )

    def versions(self) -> dict[str, str]:
        listed = succeed("uv", "pip", "freeze", "--python", self.python)
        return dict(re.findall(r"^([^ =]+)==(.+)$", listed, flags=re.MULTILINE))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session", params=["lowest-direct", "highest"])
def sdk_only(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    folder = tmp_path_factory.mktemp(request.param) / "venv"
    return Environment(folder, str(wheel), "--resolution", request.param)


@pytest.fixture(scope="session")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that runs from the wheel, on a database of schema version 1."""
    environment = Environment(tmp_path_factory.mktemp("server") / "venv", f"{wheel}[server]")
    data = tmp_path_factory.mktemp("data")
    old = ROOT / "reference_server" / "tests" / "data" / "version_1" / "sqlite.db.gz"
    (data / "agentserver.db").write_bytes(gzip.decompress(old.read_bytes()))
    command = ["serve", "--port", "0", "--data-dir", str(data)]
    process = subprocess.Popen(
        [environment.commands / "agentserver-reference", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=data,
    )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield address[0]
                break
        else:
            pytest.fail("the server ended without saying where it listens:\n" + "".join(said))
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_wheel_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == {"agentserver", "agentserver_reference", "agentserver_contract"}
    assert not [name for name in names if "/tests/" in name or "__pycache__" in name]


@pytest.mark.parametrize(
    "ending", ["agentserver/py.typed", "agentserver_reference/openapi.json", "/licenses/LICENSE"]
)
def test_wheel_carries_what_is_not_python(wheel: Path, ending: str) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith(ending)], f"{ending} is not among {names}"


def test_wheel_carries_the_departures(wheel: Path) -> None:
    folder = "agentserver_contract/departures/"
    kept = {path.name for path in (ROOT / "contract_tests" / folder).iterdir() if path.is_file()}
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(folder)}
    assert kept
    assert {folder + name for name in kept} <= carried


def test_wheel_carries_the_migrations(wheel: Path) -> None:
    folder = "agentserver_reference/storage/engine/migrations/versions"
    kept = {path.name for path in (ROOT / "reference_server" / folder).glob("*.py")}
    carried = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if folder in name}
    assert kept
    assert kept == carried


def test_sdk_alone_needs_httpx_and_attrs_only(sdk_only: Environment) -> None:
    direct = {"agentserver", "attrs", "httpx"}
    httpx_needs = {"anyio", "certifi", "h11", "httpcore", "idna", "sniffio", "typing-extensions"}
    installed = {name.lower() for name in sdk_only.versions()} | {"agentserver"}
    assert direct <= installed <= direct | httpx_needs


def test_readme_program_runs_on_the_sdk_alone(
    sdk_only: Environment, server: str, tmp_path: Path
) -> None:
    (program,) = re.findall(r"^```python\n(.+?)^```", README, flags=re.MULTILINE | re.DOTALL)
    assert "http://127.0.0.1:8080" in program
    assert "ada@example.com" in program
    file = tmp_path / "program.py"
    file.write_text(
        program.replace("http://127.0.0.1:8080", server).replace("ada@", f"{uuid.uuid4()}@"),
        encoding="utf-8",
    )
    said = succeed(sdk_only.python, "-W", "error", file)
    assert "Analytical Engine" in said
    assert "403 not a workspace member" in said


@pytest.mark.parametrize(
    ("command", "extra"),
    [("agentserver-reference", "server"), ("agentserver-contract", "contract")],
)
def test_command_without_its_extra_says_what_installs_it(
    sdk_only: Environment, command: str, extra: str
) -> None:
    done = run(sdk_only.commands / command, "--help")
    assert done.returncode == 2
    assert f"pip install 'agentserver[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
