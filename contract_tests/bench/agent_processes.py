"""Agents in a process of their own, which imports nothing else that would be measured with them.

`work URL COUNT SLOTS FOLDER` handles tasks that do nothing, and prints how many seconds passed from
the first to the last. `wait URL FOLDER...` lets agents wait for tasks, and prints a line once each
has polled.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from agentserver import Agent
from agentserver.agent import Task

NAME = "Measured"

_TOGETHER = 20
"""How many agents start at once."""


def _work_off(url: str, count: int, slots: int, folder: str) -> None:
    agent, starts = Agent.connect(url, name=NAME, folder=folder), list[float]()

    @agent.task
    async def work(task: Task) -> None:
        starts.append(time.perf_counter())
        if len(starts) == count:
            agent.stop()

    agent.run(concurrency=slots)
    print(json.dumps(starts[-1] - starts[0]), flush=True)


def _wait(url: str, folders: Sequence[str]) -> None:
    async def run_all() -> None:
        runs: list[asyncio.Task[None]] = []
        for first in range(0, len(folders), _TOGETHER):
            agents = [
                Agent.connect(url, name=NAME, folder=folder)
                for folder in folders[first : first + _TOGETHER]
            ]
            for agent in agents:
                agent.task(lambda task: None)
                runs.append(asyncio.create_task(agent.run_async(concurrency=1)))
            while not all(agent._runner and agent._runner._idle_until for agent in agents):
                await asyncio.sleep(0.05)  # nothing tells when an agent has polled
                for run in runs:
                    if run.done():
                        run.result()
        print("ready", flush=True)
        await asyncio.gather(*runs)

    asyncio.run(run_all())


_MODES: dict[str, Any] = {
    "work": lambda url, count, slots, folder: _work_off(url, int(count), int(slots), folder),
    "wait": lambda url, *folders: _wait(url, folders),
}

if __name__ == "__main__":
    _MODES[sys.argv[1]](*sys.argv[2:])
