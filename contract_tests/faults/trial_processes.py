"""The two processes of a trial: a server with the fault planted, and the tool as its command.

Both are forked from one process that has imported what does not change between trials, which makes
no difference but time. Where the fault is in the SDK, the tool is a new Python instead.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from definitions import CHECKOUT, HERE, SOURCES, Fault
from planting import planted

ADMINISTRATOR = "administrator@example.com"
PASSWORD = "a password for trials"  # noqa: S105 (of accounts that end with their server)
_CHEAPEST_PASSWORDS = "m=8,t=1,p=1"
_SECONDS_TO_START = 60.0
_SECONDS_TO_STOP = 10.0
_MESSAGE_LENGTH = 500

# Nothing of the server is among them: a fault of it must be planted before it is imported.
_IMPORTED_BEFORE = (
    *("alembic", "cryptography", "msgspec", "sqlalchemy", "starlette.applications", "uvicorn"),
    *("uvloop", "httptools", "agentserver_contract.cli", "agentserver_contract.__main__"),
)


class DidNotStart(RuntimeError):
    """The server did not come up; the message is what it said."""


@dataclass(frozen=True)
class ToolRun:
    """How the tool ended."""

    exit_status: int | None
    """None where it was ended because its time was over."""
    output: str
    progress: str

    @property
    def report(self) -> Mapping[str, Any]:
        """The JSON report; empty where none was written."""
        try:
            report: Mapping[str, Any] = json.loads(self.output)
        except ValueError:
            return {}
        return report

    @property
    def has_found(self) -> bool:
        """Whether a finding was printed, also where the tool did not come to its end."""
        counted = re.findall(r"\b(\d+) findings?\b", self.progress)
        return bool(self.report.get("findings")) or any(map(int, counted))

    @property
    def message(self) -> str:
        """The last that it said on stderr."""
        return self.progress.strip()[-_MESSAGE_LENGTH:]


# --- the server -----------------------------------------------------------------------------------


@contextmanager
def serving(
    fault: Fault | None, folder: Path, work: Path, reached: Path, *, departs: bool = False
) -> Iterator[str]:
    """The URL of a server with a fault, on an empty database.

    Args:
        fault: Which, if any.
        folder: Where it is planted, as `planting.planted_folder` makes one.
        work: An empty folder for its database and its log.
        reached: A file that is made as soon as what the fault changes is met.
        departs: Whether it departs from the contract as the release does, beside the fault.

    Raises:
        DidNotStart: It ended, or did not answer that it is healthy.
    """
    port = _free_port()
    process = _forked(_serve, fault, folder, work, reached, port, departs)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(process, url, work)
        yield url
    finally:
        _end(process)


def make_administrator(url: str) -> None:
    """Register the first account, which administers the server.

    Raises:
        DidNotStart: A fault prevents it.
    """
    body = json.dumps({"email": ADMINISTRATOR, "password": PASSWORD}).encode()
    headers = {"Content-Type": "application/json"}
    try:
        _open(Request(f"{url}/api/auth/register", body, headers))  # noqa: S310 (a server of ours)
    except OSError as error:
        raise DidNotStart(f"no administrator can be made: {error}") from None


def _serve(
    fault: Fault | None, folder: Path, work: Path, reached: Path, port: int, departs: bool
) -> None:
    _redirect(work / "server.log", work / "server.log")
    paths = [folder, *SOURCES, CHECKOUT / "contract_tests" / "tests", HERE]
    sys.path[:0] = map(str, paths)
    _clear_environment()
    os.environ["MODELSERVER_OAUTH_AUTH_URL"] = "built-in"
    with ExitStack() as stack:
        stack.enter_context(planted(fault, reached.touch))
        if departs:
            from release import departing

            stack.enter_context(departing())
        from agentserver_reference.__main__ import main

        options = ["--port", str(port), "--data-dir", str(work / "data")]
        main(["serve", *options, "--password-cost", _CHEAPEST_PASSWORDS])


def _wait_until_healthy(process: BaseProcess, url: str, work: Path) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while process.is_alive() and time.monotonic() < until:
        try:
            _open(Request(f"{url}/healthz"))  # noqa: S310 (a server of ours)
        except URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise DidNotStart(f"/healthz: {error}") from None
            process.join(0.02)
        except OSError as error:
            raise DidNotStart(f"/healthz: {error}") from None
        else:
            return
    raise DidNotStart((work / "server.log").read_text(errors="replace")[-_MESSAGE_LENGTH:])


def _open(request: Request) -> None:
    # Without a proxy, whatever the environment says: the server is on this machine.
    with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
        response.read()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


# --- the tool -------------------------------------------------------------------------------------


def run_tool(
    arguments: Sequence[str], work: Path, *, limit: float, folder: Path | None = None
) -> ToolRun:
    """Run `agentserver-contract`.

    Args:
        arguments: Its command line.
        work: A folder for what it prints.
        limit: Seconds after which it is ended.
        folder: Where a fault of the SDK is planted.
    """
    if folder is None:
        process = _forked(_call_tool, tuple(arguments), work)
        process.join(limit)
        exit_status = process.exitcode
        _end(process)
    else:
        exit_status = _run_new_python(arguments, work, limit, folder)
    output, progress = (
        path.read_text(errors="replace") if path.exists() else "" for path in _outputs(work)
    )
    return ToolRun(exit_status, output, progress)


def _call_tool(arguments: Sequence[str], work: Path) -> None:
    _redirect(*_outputs(work))
    _clear_environment()
    os.environ |= _credential()
    os.chdir(work)
    from agentserver_contract.__main__ import main

    sys.exit(main(arguments))


def _run_new_python(arguments: Sequence[str], work: Path, limit: float, folder: Path) -> int | None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AGENTSERVER_")}
    environment |= _credential()
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (folder, *SOURCES)))
    command = [sys.executable, "-m", "agentserver_contract", *arguments]
    output, progress = _outputs(work)
    with output.open("w") as stdout, progress.open("w") as stderr:
        try:
            done = subprocess.run(  # noqa: S603 (the project's own tool)
                command,
                check=False,
                cwd=work,
                env=environment,
                stdout=stdout,
                stderr=stderr,
                timeout=limit,
            )
        except subprocess.TimeoutExpired:
            return None
    return done.returncode


def _outputs(work: Path) -> tuple[Path, Path]:
    return work / "report.json", work / "progress.txt"


def _credential() -> dict[str, str]:
    return {"AGENTSERVER_EMAIL": ADMINISTRATOR, "AGENTSERVER_PASSWORD": PASSWORD}


# --- processes ------------------------------------------------------------------------------------


def _forked(target: Any, *args: Any) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED_BEFORE))
    process = context.Process(target=_call_while_needed, args=(target, *args))
    process.start()
    return process


def _call_while_needed(target: Any, *args: Any) -> None:
    """Call a function, and end as if terminated as soon as the process that began this is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 (this is a child)

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    target(*args)


def _end(process: BaseProcess) -> None:
    process.terminate()
    process.join(_SECONDS_TO_STOP)
    if process.is_alive():
        process.kill()
        process.join()


def _redirect(stdout: Path, stderr: Path) -> None:
    for number, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)


def _clear_environment() -> None:
    for name in [name for name in os.environ if name.startswith("AGENTSERVER_")]:
        del os.environ[name]
