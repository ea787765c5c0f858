"""Many pollers at once, in processes of their own: each task is given once, the oldest first."""

import asyncio
from datetime import UTC, datetime, timedelta

import attrs
import httpx
import pytest
from people import Clock
from processes import mortal_processes
from task_delivery import POLLERS, Delivery, agent_with_tasks, deliver, processes_for

from agentserver_reference.app import create_app
from agentserver_reference.domain.tasks import CLAIM
from agentserver_reference.services import tasks as service
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings

pytestmark = pytest.mark.anyio

MANY = 1000
"""The soak delivers ten times as many."""
SOME = 300


async def test_each_of_many_tasks_is_given_once_and_the_oldest_first(settings: Settings) -> None:
    await deliver(settings, MANY)


async def test_what_a_killed_process_held_is_given_again_and_nothing_is_lost(
    settings: Settings,
) -> None:
    delivery = Delivery(await agent_with_tasks(settings, SOME))
    acknowledged = set[int]()
    enough = asyncio.Event()

    async def work(url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            agent = attrs.evolve(delivery.agent, client=client)
            try:
                while taken := await delivery.poll(client):
                    for task in taken:
                        await agent.report(str(task), "completed")
                        acknowledged.add(task)
                        if len(acknowledged) >= SOME // 3:
                            enough.set()
            except httpx.TransportError:
                pass  # this poller's server was killed

    with mortal_processes(settings.database_url, processes_for(settings)) as servers:
        async with httpx.AsyncClient(base_url=servers[0].url, timeout=60) as client:
            held = await delivery.poll(client)  # by an agent of which nothing is heard again
        working = asyncio.gather(*(work(servers[n % len(servers)].url) for n in range(POLLERS)))
        await enough.wait()
        servers[0].kill()
        await working

    clock = Clock(datetime.now(UTC) + CLAIM + timedelta(seconds=1))
    app = create_app(settings, clock=clock, validate_responses=True)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        await service.end_overdue(UnitOfWork(app.state.context))
        again = Delivery(delivery.agent)
        await again.drain(client)
        given = set(again.given)
        assert len(again.given) == len(given), "a task was given twice"
        assert set(held) <= given, "the claims of a poller that died have not lapsed"
        assert not given & acknowledged, "a task was given again whose report was acknowledged"
        agent = attrs.evolve(delivery.agent, client=client)
        for task in set(range(SOME)) - given:
            assert (await agent.task(str(task)))["status"] == "completed", f"{task} is lost"
