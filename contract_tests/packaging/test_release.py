"""What a release publishes, a wheel and a source distribution, installed in empty environments.

Run by the nox session `release`, which builds both, and not with the other tests: this installs
from a package index.
"""

import gzip
import os
import re
import subprocess
import sys
import tarfile
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
KEY_OF_VERSION_1 = "6b" * 32
"""Opens what the database of schema version 1 stores encrypted."""
(VERSION,) = re.findall(
    r'^__version__ = "(.+)"$',
    (ROOT / "sdk/agentserver/_version.py").read_text("utf-8"),
    re.MULTILINE,
)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command outside the checkout, without the settings of the nox session."""
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
    """A virtual environment in which only a requirement is installed."""

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


def built(pattern: str) -> Path:
    """The only file of the release that matches the pattern."""
    (found,) = DIST.glob(pattern)
    return found


@pytest.fixture(scope="session")
def wheel() -> Path:
    return built("*.whl")


@pytest.fixture(scope="session")
def sdist() -> Path:
    return built("*.tar.gz")


@pytest.fixture(scope="session", params=["lowest-direct", "highest"])
def sdk_only(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    folder = tmp_path_factory.mktemp(request.param) / "venv"
    return Environment(folder, str(wheel), "--resolution", request.param)


@pytest.fixture(scope="session", params=["wheel", "sdist"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a server installed alone, on a database of schema version 1."""
    file = request.getfixturevalue(request.param)
    environment = Environment(tmp_path_factory.mktemp("server") / "venv", f"{file}[server]")
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
        env={**os.environ, "AGENTSERVER_ENCRYPTION_KEY": KEY_OF_VERSION_1},
    )
    assert process.stdout is not None
    try:
        output = []
        for line in process.stdout:
            output.append(line)
            if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield address[0]
                break
        else:
            pytest.fail("the server exited before it was ready:\n" + "".join(output))
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_release_is_one_wheel_and_one_source_distribution_of_this_version() -> None:
    names = sorted(path.name for path in DIST.iterdir() if not path.name.startswith("."))
    assert names == [
        f"agentserver-{VERSION}-py3-none-any.whl",
        f"agentserver-{VERSION}.tar.gz",
    ]


def test_wheel_describes_the_project_as_an_index_shows_it(wheel: Path) -> None:
    (name,) = [each for each in zipfile.ZipFile(wheel).namelist() if each.endswith("/METADATA")]
    metadata = zipfile.ZipFile(wheel).read(name).decode()
    assert f"\nName: agentserver\nVersion: {VERSION}\n" in metadata
    assert "\nLicense-Expression: MIT\n" in metadata
    assert metadata.endswith(README)


def test_source_distribution_has_everything_that_the_tests_need(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"openapi.yaml", "noxfile.py", ".ci/constraints.txt", "README.md", "LICENSE"} <= names
    assert {"sdk/tests", "reference_server/tests", "docs/pages"} <= {
        str(parent) for name in names for parent in Path(name).parents
    }
    assert not [name for name in names if "__pycache__" in name or name.startswith("docs/site/")]


def test_wheel_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == {"agentserver", "agentserver_reference", "agentserver_contract"}
    assert not [name for name in names if "/tests/" in name or "__pycache__" in name]


@pytest.mark.parametrize(
    "ending",
    [
        "agentserver/py.typed",
        "agentserver_reference/openapi.json",
        "agentserver_reference/console/console.html",
        "agentserver_reference/console/console.js",
        "agentserver_reference/console/console.css",
        "/licenses/LICENSE",
    ],
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
    output = succeed(sdk_only.python, "-W", "error", file)
    assert "Analytical Engine" in output
    assert "403 not a workspace member" in output


@pytest.mark.parametrize(
    ("command", "extra"),
    [("agentserver-reference", "server"), ("agentserver-contract", "contract")],
)
def test_command_without_its_extra_names_the_extra(
    sdk_only: Environment, command: str, extra: str
) -> None:
    done = run(sdk_only.commands / command, "--help")
    assert done.returncode == 2
    assert f"install agentserver with the extra '{extra}'" in done.stderr
    assert "Traceback" not in done.stderr


def test_fixtures_without_the_server_say_what_is_missing(
    sdk_only: Environment, tmp_path: Path
) -> None:
    file = tmp_path / "program.py"
    file.write_text("from agentserver.testing import Server\nServer()\n", encoding="utf-8")
    done = run(sdk_only.python, file)
    assert "install agentserver with the extra 'server'" in done.stderr.splitlines()[-1]


def test_fixtures_are_found_by_pytest(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", f"{wheel}[server]", "pytest")
    file = tmp_path / "test_program.py"
    file.write_text(
        "def test_program(agentserver_client):\n"
        "    assert len(agentserver_client.workspaces.list()) == 1\n",
        encoding="utf-8",
    )
    succeed(environment.commands / "pytest", "--quiet", "-W", "error", file)
