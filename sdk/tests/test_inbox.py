"""`client.mailbox.inbox`: messages one by one, of which none that was received gets lost."""

from __future__ import annotations

import asyncio
from itertools import islice

import pytest

from agentserver import Agent, OutcomeUnknown
from agentserver.testing import RunningAgent, Server


@pytest.fixture
def one(agentserver_server: Server) -> Agent:
    agent = Agent.connect("http://127.0.0.1:1", name="Reader")
    agent.task(lambda task: None)
    return agent


def send(agent: Agent, running: RunningAgent, number: int) -> list[str]:
    texts = [f"message {each}" for each in range(number)]
    for text in texts:
        agent.client.mailbox.send(to=running.id, text=text)
    return texts


def test_a_loop_that_ends_early_leaves_the_others_for_the_next(
    agentserver_server: Server, one: Agent
) -> None:
    with agentserver_server.agent(one) as running:
        texts = send(one, running, 25)
        first = [message.text for message in islice(one.client.mailbox.inbox(), 3)]
        other = one.client.with_options(timeout=3)
        second = [message.text for message in islice(other.mailbox.inbox(), 4)]
        third = [message.text for message in one.client.mailbox.inbox()]
        assert [*one.client.mailbox.inbox()] == []
    assert first + second + third == texts
    assert (len(first), len(second)) == (3, 4)


def test_it_awaits_them_too(agentserver_server: Server, one: Agent) -> None:
    async def read(most: int) -> list[str]:
        texts: list[str] = []
        async for message in one.async_client.mailbox.inbox():
            texts.append(message.text)
            if len(texts) == most:
                break
        return texts

    with agentserver_server.agent(one) as running:
        texts = send(one, running, 12)
        assert asyncio.run(read(3)) + asyncio.run(read(100)) == texts


def test_a_call_that_fails_is_not_repeated_and_loses_nothing_that_was_received(
    agentserver_server: Server, one: Agent
) -> None:
    with agentserver_server.agent(one) as running:
        texts = send(one, running, 12)
        seen = [message.text for message in islice(one.client.mailbox.inbox(), 3)]
        agentserver_server.drop_answer("mailbox.read")
        inbox = one.client.mailbox.inbox()
        seen += [message.text for message in islice(inbox, 7)]
        with pytest.raises(OutcomeUnknown):
            next(inbox)
        statuses = [call.status for call in agentserver_server.calls("mailbox.read")]
    assert seen == texts[:10]
    assert statuses == [200, None]


def test_a_poll_is_not_repeated_either(agentserver_server: Server, one: Agent) -> None:
    with agentserver_server.agent(one):
        agentserver_server.fail(503, "tasks.poll", retry_after=1, times=2)
        before = len(agentserver_server.calls("tasks.poll"))
        with pytest.raises(Exception, match="503"):
            one.client.tasks.poll()
        assert len(agentserver_server.calls("tasks.poll")) == before + 1
