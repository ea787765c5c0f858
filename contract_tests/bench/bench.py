"""How much the SDK and the reference server add, as ratios measured side by side in one run.

Every pair takes turns in small blocks, so that whatever else the machine does slows both alike;
the ratio of a pair is that of their medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from agentserver import AsyncClient, Client
from agentserver_contract.local_server import running
from agentserver_contract.style import Style

_HERE = Path(__file__).parent
_BLOCK = 50
_ACCOUNT = {"email": "bench@example.com", "password": "a password for the bench"}


@dataclass(frozen=True)
class Pair:
    """One measurement: what is measured, and what it is measured against."""

    what: str
    against: str
    microseconds: float
    baseline_microseconds: float

    @property
    def ratio(self) -> float:
        """How many times as long it takes."""
        return self.microseconds / self.baseline_microseconds


def compare(
    what: str, against: str, one: Callable[[], object], other: Callable[[], object], blocks: int
) -> Pair:
    """Time two functions in turn.

    Args:
        what: Names the first.
        against: Names the second.
        one: What is measured.
        other: What it is measured against.
        blocks: How many blocks of calls each has.
    """
    times: dict[Callable[[], object], list[float]] = {one: [], other: []}
    for function in (one, other):
        _timed(function)
    for _ in range(blocks):
        for function, taken in times.items():
            taken.append(_timed(function))
    return Pair(what, against, statistics.median(times[one]), statistics.median(times[other]))


def _timed(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(_BLOCK):
        function()
    return (time.perf_counter() - started) / _BLOCK * 1e6


def sdk(url: str, blocks: int) -> Iterator[Pair]:
    """The SDK's client against raw httpx, on the same server."""
    with Client(url, **_ACCOUNT) as client, httpx.Client(base_url=url) as raw:
        cookie = {"cookie": _logged_in(raw)}
        yield compare(
            "SDK, sync: auth.check",
            "httpx",
            client.auth.check,
            lambda: raw.get("/api/auth/check", headers=cookie).json(),
            blocks,
        )
        for number in range(99 - len(client.workspaces.list())):
            client.workspaces.create(name=f"Workspace {number}")
        yield compare(
            "SDK, sync: workspaces.list of 99",
            "httpx",
            client.workspaces.list,
            lambda: raw.get("/api/workspaces", headers=cookie).json(),
            max(1, blocks // 4),
        )
    yield asyncio.run(_sdk_async(url, cookie, blocks))


async def _sdk_async(url: str, cookie: dict[str, str], blocks: int) -> Pair:
    async with AsyncClient(url, **_ACCOUNT) as client, httpx.AsyncClient(base_url=url) as raw:
        taken: dict[str, list[float]] = {"sdk": [], "raw": []}
        await client.auth.check()
        for _ in range(blocks):
            started = time.perf_counter()
            for _ in range(_BLOCK):
                await client.auth.check()
            taken["sdk"].append((time.perf_counter() - started) / _BLOCK * 1e6)
            started = time.perf_counter()
            for _ in range(_BLOCK):
                (await raw.get("/api/auth/check", headers=cookie)).json()
            taken["raw"].append((time.perf_counter() - started) / _BLOCK * 1e6)
    return Pair(
        "SDK, async: auth.check",
        "httpx",
        statistics.median(taken["sdk"]),
        statistics.median(taken["raw"]),
    )


def server(url: str, bare_url: str, blocks: int) -> Iterator[Pair]:
    """The reference server against a bare application, both called by raw httpx."""
    with httpx.Client(base_url=url) as raw, httpx.Client(base_url=bare_url) as bare:
        cookie = {"cookie": _logged_in(raw)}
        workspace = raw.get("/api/workspaces", headers=cookie).json()[0]["id"]
        requests: tuple[tuple[str, str, dict[str, str] | None], ...] = (
            ("GET", "/healthz", None),
            ("GET", f"/api/workspaces/{workspace}", None),
            ("PATCH", f"/api/workspaces/{workspace}", {"name": "Renamed"}),
        )
        for method, path, body in requests:
            shown = path.replace(workspace, "{workspace_id}")
            yield compare(
                f"server: {method} {shown}",
                "bare ASGI application",
                lambda: raw.request(method, path, headers=cookie, json=body),  # noqa: B023
                lambda: bare.request(method, path, headers=cookie, json=body),  # noqa: B023
                blocks,
            )


def _logged_in(raw: httpx.Client) -> str:
    answer = raw.post("/api/auth/login", json=_ACCOUNT)
    raw.cookies.clear()
    return answer.headers["set-cookie"].partition(";")[0]


def imports() -> Iterator[Pair]:
    """What it takes to import the SDK, and to have a client of it, against httpx alone."""
    baseline = _import_time("import httpx")
    for statement in ("import agentserver", "from agentserver import Client"):
        yield Pair(statement, "import httpx", _import_time(statement), baseline)


def _import_time(statement: str) -> float:
    def run(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 (our own line)
        return (time.perf_counter() - started) * 1e6

    taken = [run(statement) - run("pass") for _ in range(7)]
    return max(1.0, statistics.median(taken))


@contextmanager
def bare_server() -> Iterator[str]:
    """The bare application on uvicorn, as the reference server runs on it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "bare:app", "--app-dir", str(_HERE)]
    options = ["--port", str(port), "--log-level", "error", "--lifespan", "off"]
    with subprocess.Popen([*command, *options]) as process:  # noqa: S603 (our own options)
        try:
            _wait_for(f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    transport = httpx.HTTPTransport(retries=8)  # waits longer after each refusal
    with httpx.Client(transport=transport) as client:
        client.get(url)


def measure(blocks: int) -> Iterator[Pair]:
    """Everything, pair by pair."""
    with (
        tempfile.TemporaryDirectory(prefix="agentserver-bench-") as folder,
        running(Path(folder), "--log-level", "error") as url,
        bare_server() as bare_url,
    ):
        with Client(url, **_ACCOUNT) as client:
            client.auth.register(**_ACCOUNT)
            client.admin.quota_defaults.set(max_workspaces_per_user=0)
        yield from sdk(url, blocks)
        yield from server(url, bare_url, blocks)
    yield from imports()


def main() -> int:
    """Measure, and print the table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=20, help="blocks of 50 calls (%(default)s)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    options = parser.parse_args()
    pairs = []
    style = Style(sys.stderr if options.json else sys.stdout, options.color)
    style.heading("Ratios of medians; microseconds are of this machine, now")
    for pair in measure(options.blocks):
        pairs.append(pair)
        style.line(
            f"{pair.what:<44} {pair.ratio:6.2f} x {pair.against:<22} "
            f"{pair.microseconds:8.0f} against {pair.baseline_microseconds:.0f} us"
        )
    if options.json:
        print(json.dumps([asdict(pair) | {"ratio": pair.ratio} for pair in pairs], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
