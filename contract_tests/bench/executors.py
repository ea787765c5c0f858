"""Executors that are connected to one process of the server, and have nothing to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx
import psutil
from installations import installation
from measuring import Effort, Row, alone
from under_load import own_server

from agentserver import Client

COUNT = 200

_KILOBYTE = 1e3
_TOGETHER = 20
"""How many are connected at once."""


class _Now:
    """The time, as a machine takes it."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


def rows(effort: Effort) -> Iterator[Row]:
    """What each takes of the server's memory, and what all take of its processor."""
    with own_server("") as database:
        for name, url in (("SQLite", None), ("PostgreSQL", database)):
            with installation(url) as (server, session):
                with Client(server.url, session=session) as client:
                    workspace = client.workspaces.create(name="Measured")
                    commands = [
                        client.executors.register(workspace.id, name=f"e{number}").connect_command
                        for number in range(COUNT + 1)
                    ]
                memory, processor = asyncio.run(
                    _connected(psutil.Process(server.process.pid), commands, effort.seconds)
                )
            yield alone("executors", f"{name}: memory for each of {COUNT}", "KB", [memory])
            yield alone("executors", f"{name}: CPU for {COUNT} idle ones", "% of one", [processor])


async def _connected(
    server: psutil.Process, commands: list[str], seconds: float
) -> tuple[float, float]:
    """Connect a machine, which costs what only the first one does, and then all others."""
    from machines import Machine  # of the tests, which `under_load` finds

    async with httpx.AsyncClient() as client, AsyncExitStack() as stack:
        machines = [Machine(command, client, _Now()) for command in commands]

        async def connect(machine: Machine) -> None:
            await stack.enter_async_context(machine.connecting(await machine.ticket()))

        first, *others = machines
        await connect(first)
        before = server.memory_full_info().uss
        for number in range(0, len(others), _TOGETHER):
            await asyncio.gather(*map(connect, others[number : number + _TOGETHER]))
        held = server.memory_full_info().uss - before
        used, began = sum(server.cpu_times()[:2]), time.perf_counter()
        await asyncio.sleep(seconds)  # what is measured is what they cost meanwhile
        passed = time.perf_counter() - began
        return (
            held / len(others) / _KILOBYTE,
            100 * (sum(server.cpu_times()[:2]) - used) / passed,
        )
