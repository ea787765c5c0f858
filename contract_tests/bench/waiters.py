"""Two hundred who wait for sandboxes through one client, in a process of its own.

`python waiters.py KIND COUNT SECONDS URL SESSION SANDBOX` prints what they take: megabytes, seconds
of a processor for each second, and requests for each second.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from children import HERE
from measuring import Effort, Row, alone, beside

COUNT = 200
AT_MOST = 10.0
"""Requests a second, all together."""

_MEGABYTE = 1e6
_UNENDING = 3600
"""Seconds for which a sandbox is being made."""


def rows(effort: Effort) -> Iterator[Row]:
    """With a task or a thread for each."""
    from installations import installation  # here, so that a process that waits does not import it

    from agentserver import Client

    seconds = {"AGENTSERVER_SANDBOX_SECONDS": str(_UNENDING)}
    with installation(**seconds) as (server, session), Client(server.url, session=session) as one:
        workspace = one.workspaces.create(name="Measured")
        sandbox = one.sandboxes.create(workspace.id, name="Awaited").id
        for kind, each in (("async", "a task"), ("sync", "a thread")):
            words = [kind, str(COUNT), str(effort.seconds), server.url, session, sandbox]
            command = [sys.executable, str(HERE / "waiters.py"), *words]
            printed = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603
            memory, processor, requests = json.loads(printed)
            what = f"{COUNT} waiters, {each} each"
            yield alone("waiters", f"{what}: memory", "MB", [memory])
            yield alone("waiters", f"{what}: CPU", "% of one", [processor * 100])
            yield beside(
                *("waiters", f"{what}: requests", "a second", [requests]),
                *("the limit", [AT_MOST]),
                at_most=1,
            )


def _wait(kind: str, count: int, seconds: float, url: str, session: str, sandbox: str) -> None:
    """Print what so many take, from a second after they have begun."""
    import psutil

    from agentserver import AsyncClient, Client

    this, answers = psutil.Process(), [0]

    def answered(_: object) -> None:
        answers[0] += 1

    def state() -> tuple[int, float, int, float]:
        used = this.cpu_times()
        return this.memory_full_info().uss, used.user + used.system, answers[0], time.monotonic()

    def report(before: int, early: tuple[int, float, int, float]) -> None:
        memory, processor, requests, now = state()
        _, processor_early, requests_early, began = early
        passed = now - began
        held = (memory - before) / _MEGABYTE
        print(
            json.dumps(
                [held, (processor - processor_early) / passed, (requests - requests_early) / passed]
            ),
            flush=True,
        )

    def in_threads() -> None:
        client = Client(url, session=session)
        client.sandboxes.get(sandbox)
        before = state()[0]
        for _ in range(count):
            threading.Thread(
                target=lambda: client.sandboxes.wait(sandbox, timeout=_UNENDING, progress=answered),
                daemon=True,
            ).start()
        time.sleep(1)  # until all of them wait
        early = state()
        time.sleep(seconds)  # what is measured is what they do meanwhile
        report(before, early)

    async def in_tasks() -> None:
        client = AsyncClient(url, session=session)
        await client.sandboxes.get(sandbox)
        before = state()[0]
        tasks = [
            asyncio.create_task(
                client.sandboxes.wait(sandbox, timeout=_UNENDING, progress=answered)
            )
            for _ in range(count)
        ]
        await asyncio.sleep(1)
        early = state()
        await asyncio.sleep(seconds)
        report(before, early)
        assert not any(task.done() for task in tasks)  # noqa: S101 (of our own doing)

    kinds: dict[str, Callable[[], None]] = {
        "sync": in_threads,
        "async": lambda: asyncio.run(in_tasks()),
    }
    kinds[kind]()


if __name__ == "__main__":
    kind, count, seconds, *rest = sys.argv[1:]
    _wait(kind, int(count), float(seconds), *rest)
    os._exit(0)  # nobody waits for those who wait
