"""The image: its build stage and its commands, run without Docker in a folder of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "reference_server" / "Dockerfile"
BASE = "python:3.12-slim"
SECONDS = 60


class Stage:
    """One stage of the image: its instructions, in order."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.instructions: list[tuple[str, str]] = []

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.instructions if each == name]

    def only(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    def command(self, name: str) -> list[str]:
        """A command in its exec form, which starts no shell."""
        words: list[str] = json.loads(self.only(name))
        return words

    def environment(self) -> dict[str, str]:
        pairs = " ".join(self.all("ENV")).split()
        return dict(pair.split("=", 1) for pair in pairs)


def read_stages() -> list[Stage]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        name, _, value = line.partition(" ")
        if name == "FROM":
            stages.append(Stage(value))
        elif name:
            stages[-1].instructions.append((name, value.strip()))
    return stages


BUILD, FINAL = read_stages()


def test_both_stages_begin_with_the_slim_image_of_python() -> None:
    assert (BUILD.base, FINAL.base) == (f"{BASE} AS build", BASE)
    assert "://" not in re.sub(r"^#.*$", "", DOCKERFILE.read_text(), flags=re.MULTILINE)


def test_the_server_runs_as_a_user_who_owns_the_volume_and_nothing_else() -> None:
    user, volume = FINAL.only("USER"), FINAL.only("VOLUME")
    assert user not in ("root", "0")
    assert f"useradd --uid 10001 --no-create-home {user}" in FINAL.only("RUN")
    assert f"--owner={user} --mode=0700 {volume}" in FINAL.only("RUN")
    assert FINAL.environment()["AGENTSERVER_DATA_DIR"] == volume
    names = [name for name, _ in FINAL.instructions]
    assert names.index("USER") > max(names.index("RUN"), names.index("COPY"))


def test_the_port_that_is_exposed_is_the_one_that_is_listened_on() -> None:
    environment = FINAL.environment()
    assert environment["AGENTSERVER_PORT"] == FINAL.only("EXPOSE")
    assert environment["AGENTSERVER_HOST"] == "0.0.0.0"  # noqa: S104 - of the container


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build stage makes, of nothing but what it copies."""
    root = tmp_path_factory.mktemp("image")
    source, venv = root / "source", root / "venv"
    assert BUILD.only("WORKDIR") == "/source"
    source.mkdir()
    for value in BUILD.all("COPY"):
        *origins, target = value.split()
        for origin in origins:
            if (ROOT / origin).is_dir():
                shutil.copytree(ROOT / origin, source / target)
            else:
                shutil.copy(ROOT / origin, source / target)
    command = BUILD.only("RUN").replace("/venv", str(venv)).replace("/source", str(source))
    command = command.replace("python -m venv", f"{sys.executable} -m venv")
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_CONSTRAINT")}
    done = subprocess.run(
        ["sh", "-c", command], cwd=source, env=kept, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return venv


def test_what_is_built_serves_is_healthy_and_stops_on_sigterm(venv: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    environment = FINAL.environment() | {
        "PATH": f"{venv}/bin:{os.environ['PATH']}",
        "AGENTSERVER_HOST": "127.0.0.1",
        "AGENTSERVER_PORT": str(port),
        "AGENTSERVER_DATA_DIR": str(data),
    }
    health = json.loads(FINAL.only("HEALTHCHECK").partition(" CMD ")[2])

    def is_healthy() -> bool:
        done = subprocess.run(health, env=environment, capture_output=True, timeout=SECONDS)
        return done.returncode == 0

    command = [*FINAL.command("ENTRYPOINT"), *FINAL.command("CMD")]
    assert shutil.which(command[0], path=environment["PATH"]) == str(venv / "bin" / command[0])
    assert not is_healthy()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert f"http://127.0.0.1:{port}" in process.stdout.readline()
            assert is_healthy()
            process.terminate()
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
    assert {each.name for each in data.iterdir()} >= {"agentserver.db", "secret.key"}


def test_the_image_has_postgresql_and_no_installer(venv: Path) -> None:
    code = "import asyncpg, importlib.util as util; print(util.find_spec('pip'))"
    done = subprocess.run([venv / "bin" / "python", "-c", code], capture_output=True, text=True)
    assert done.stdout == "None\n", done.stderr
