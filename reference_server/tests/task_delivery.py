"""Many pollers at once, in processes of their own, and what they are given."""

import asyncio
from datetime import datetime

import attrs
import httpx
from agents import Agent, open_house
from processes import mortal_processes

from agentserver_reference.settings import Settings
from agentserver_reference.storage import agent_tasks
from agentserver_reference.storage.engine.connection import Connection

POLLERS = 8
PROCESSES = {"sqlite": 1, "postgresql": 4}


def processes_for(settings: Settings) -> int:
    """How many servers the database can have here."""
    return PROCESSES[settings.database_url.partition(":")[0]]


async def agent_with_tasks(settings: Settings, number: int) -> Agent:
    """An agent on an empty database, for which so many tasks wait: "0", "1", and so on."""

    def add(conn: Connection, agent: Agent, now: datetime) -> None:
        for task in range(number):
            agent_tasks.add(
                conn,
                task_id=str(task),
                workspace_id=agent.workspace_id,
                target_id=agent.id,
                requester_id=None,
                prompt="Do it.",
                skill=None,
                system_context=None,
                max_turns=0,
                max_budget_usd=0,
                timeout_seconds=3600,
                delegation_chain=(),
                now=now,
            )

    async with open_house(settings) as house:
        await house.server.store.write(add, house.first, house.clock())
        return house.first


@attrs.define
class Delivery:
    """What all pollers of an agent were given together."""

    agent: Agent
    given: list[int] = attrs.field(factory=list)
    newest: int = -1

    async def poll(self, client: httpx.AsyncClient) -> list[int]:
        """Poll, and compare what comes with what had been given before the poll began."""
        newest_before = self.newest
        agent = attrs.evolve(self.agent, client=client)
        taken = [int(task_id) for task_id in await agent.poll()]
        assert taken == sorted(taken), f"not in the order of creation: {taken}"
        if taken:
            assert taken[0] > newest_before, f"{taken[0]} was given after {newest_before}"
            self.newest = max(self.newest, taken[-1])
        self.given.extend(taken)
        return taken

    async def drain(self, client: httpx.AsyncClient) -> None:
        """Poll until there is nothing more."""
        while await self.poll(client):
            pass


async def deliver(settings: Settings, number: int) -> None:
    """Give so many tasks, on an empty database, to pollers on all servers: each once, in order."""
    delivery = Delivery(await agent_with_tasks(settings, number))

    async def drain(url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            await delivery.drain(client)

    with mortal_processes(settings.database_url, processes_for(settings)) as servers:
        await asyncio.gather(*(drain(servers[n % len(servers)].url) for n in range(POLLERS)))
    assert len(delivery.given) == number, f"{number} tasks were given {len(delivery.given)} times"
    assert set(delivery.given) == set(range(number))
