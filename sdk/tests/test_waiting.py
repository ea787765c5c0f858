"""Waiting: how often is read, what ends it, what is raised; by a clock of the test's own."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from agentserver import (
    ArgumentError,
    AsyncClient,
    Client,
    NotFound,
    WaitFailed,
    WaitTimeout,
)
from agentserver._transport import Runtime
from agentserver.models import AgentTaskDetail, Sandbox

SANDBOX = {
    "id": "s1",
    "workspace_id": "w1",
    "name": "Mine",
    "type": "opencode",
    "status": "creating",
    "created_at": "2026-11-23T10:00:00Z",
    "last_activity_at": None,
    "paused_at": None,
    "is_local": False,
}


TASK = {
    "task_id": "t1",
    "workspace_id": "w1",
    "requester_id": "",
    "target_id": "s1",
    "skill": "",
    "prompt": "Review it.",
    "status": "pending",
    "created_at": "2026-11-23T10:00:00Z",
}


class Timed:
    """A server whose things are in one state after the other, and the time in which it is read."""

    def __init__(self, states: Iterable[str], *, chance: float = 0.5) -> None:
        self.states = [*states]
        self.time = 0.0
        self.reads: list[float] = []
        self.runtime = Runtime(
            clock=lambda: self.time,
            sleep=self.sleep,
            sleep_async=self.sleep_async,
            random=lambda: chance,
        )

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.time += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        is_task = "tasks" in request.url.path
        if request.method == "POST":
            made = {"task_id": "t1", "session_id": "", "status": "pending"}
            return httpx.Response(201, json=made if is_task else SANDBOX)
        self.reads.append(self.time)
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if status == "gone":
            return httpx.Response(404, text="sandbox not found\n")
        return httpx.Response(200, json={**(TASK if is_task else SANDBOX), "status": status})

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "base_url": "https://agents.example",
            "session": "0" * 64,
            "transport": httpx.MockTransport(self.answer),
            "_runtime": self.runtime,
        }

    @property
    def client(self) -> Client:
        return Client(**self.settings)


def wait(server: Timed, asynchronous: bool, **arguments: Any) -> Sandbox:
    """Wait for the sandbox, in one way or the other."""
    if not asynchronous:
        with server.client as client:
            return client.sandboxes.wait("s1", **arguments)

    async def waiting() -> Sandbox:
        async with AsyncClient(**server.settings) as client:
            return await client.sandboxes.wait("s1", **arguments)

    return asyncio.run(waiting())


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@both
def test_a_wait_returns_the_thing_as_soon_as_it_is_in_the_state(asynchronous: bool) -> None:
    server = Timed(["creating", "creating", "running"])
    assert wait(server, asynchronous).status == "running"
    assert server.reads == [0, 0.5, 1.25]


def test_it_is_read_ever_less_often_up_to_every_five_seconds() -> None:
    server = Timed([*["creating"] * 12, "running"])
    wait(server, False)
    pauses = [later - earlier for earlier, later in pairwise(server.reads)]
    assert pauses[:3] == [0.5, 0.75, 1.125]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(5)


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 0.4), (1.0, 0.6)])
def test_pauses_are_a_little_longer_or_shorter_by_chance(chance: float, pause: float) -> None:
    server = Timed(["creating", "running"], chance=chance)
    wait(server, False)
    assert server.reads[1] == pytest.approx(pause)


@both
@pytest.mark.parametrize(
    ("until", "state"), [("running", "offline"), ("running", "paused"), ("paused", "offline")]
)
def test_a_state_that_leads_elsewhere_ends_it_at_once(
    asynchronous: bool, until: str, state: str
) -> None:
    server = Timed([state])
    with pytest.raises(WaitFailed, match=f"^s1 is {state}, and does not become {until}") as raised:
        wait(server, asynchronous, until=until)
    assert server.reads == [0]
    assert (raised.value.id, raised.value.state) == ("s1", state)
    assert raised.value.resource.status == state


@both
def test_when_its_time_is_over_it_says_what_was_seen_last(asynchronous: bool) -> None:
    server = Timed(["creating"])
    with pytest.raises(WaitTimeout, match="^s1 is still creating after 10 seconds") as raised:
        wait(server, asynchronous, timeout=10)
    assert server.reads[-1] == 10
    assert (raised.value.id, raised.value.state) == ("s1", "creating")
    assert isinstance(raised.value.resource, Sandbox)


def test_without_any_time_it_is_read_once() -> None:
    server = Timed(["creating"])
    with pytest.raises(WaitTimeout):
        wait(server, False, timeout=0)
    assert server.reads == [0]


def test_a_state_that_this_version_does_not_know_may_pass() -> None:
    assert wait(Timed(["thinking", "running"]), False).status == "running"


@both
def test_progress_sees_each_reading(asynchronous: bool) -> None:
    seen: list[str] = []
    states = ["running", "pausing", "paused"]
    wait(Timed(states), asynchronous, until="paused", progress=lambda it: seen.append(it.status))
    assert seen == states


def test_a_state_that_cannot_be_waited_for_is_refused_before_anything_is_sent() -> None:
    server = Timed(["creating"])
    with pytest.raises(ArgumentError, match="^until must be one of running, paused$"):
        wait(server, False, until="creating")
    assert server.reads == []


def test_a_thing_that_goes_away_ends_the_wait() -> None:
    with pytest.raises(NotFound):
        wait(Timed(["creating", "gone"]), False)


def test_create_waits_where_it_is_asked_to() -> None:
    server = Timed(["creating", "running"])
    with server.client as client:
        assert client.sandboxes.create("w1", name="Mine").status == "creating"
        assert server.reads == []
        assert client.sandboxes.create("w1", name="Mine", wait=True).status == "running"


def test_create_waits_below_with_raw_response_too() -> None:
    server = Timed(["running"])
    with server.client as client:
        answer = client.with_raw_response.sandboxes.create("w1", name="Mine", wait=True)
    assert (answer.status_code, answer.data.status) == (201, "running")


def test_an_asynchronous_create_waits_too() -> None:
    async def create(make: Callable[[AsyncClient], Any]) -> Any:
        async with AsyncClient(**Timed(["creating", "running"]).settings) as client:
            return await make(client).create("w1", name="Mine", wait=True)

    assert asyncio.run(create(lambda client: client.sandboxes)).status == "running"
    raw = asyncio.run(create(lambda client: client.with_raw_response.sandboxes))
    assert raw.data.status == "running"


def create_task(server: Timed, asynchronous: bool, *, raw: bool = False) -> Any:
    """Create a task and wait for it, in one way or the other."""
    given = {"target_id": "s1", "prompt": "Review it."}
    if not asynchronous:
        with server.client as client:
            tasks = client.with_raw_response.tasks if raw else client.tasks
            return tasks.create("w1", wait=True, **given)

    async def creating() -> Any:
        async with AsyncClient(**server.settings) as client:
            tasks = client.with_raw_response.tasks if raw else client.tasks
            return await tasks.create("w1", wait=True, **given)

    return asyncio.run(creating())


@both
def test_creating_a_task_waits_for_its_end_and_returns_it(asynchronous: bool) -> None:
    server = Timed(["pending", "assigned", "running", "completed"])
    task = create_task(server, asynchronous)
    assert isinstance(task, AgentTaskDetail)
    assert (task.task_id, task.prompt, task.status) == ("t1", "Review it.", "completed")
    assert len(server.reads) == 4


@both
def test_below_with_raw_response_the_task_is_the_data(asynchronous: bool) -> None:
    answer = create_task(Timed(["running", "completed"]), asynchronous, raw=True)
    assert (answer.status_code, answer.data.status) == (201, "completed")
    assert isinstance(answer.data, AgentTaskDetail)


@both
@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_task_that_ends_otherwise_is_in_the_error(asynchronous: bool, state: str) -> None:
    with pytest.raises(WaitFailed, match=f"^t1 is {state}, and does not become") as raised:
        create_task(Timed(["running", state]), asynchronous)
    assert isinstance(raised.value.resource, AgentTaskDetail)
    assert (raised.value.id, raised.value.state) == ("t1", state)


def test_creating_a_task_returns_the_answer_where_nobody_waits() -> None:
    server = Timed(["completed"])
    with server.client as client:
        made = client.tasks.create("w1", target_id="s1", prompt="Review it.")
    assert (made.task_id, made.status, server.reads) == ("t1", "pending", [])


def test_two_hundred_who_wait_through_one_client_send_ten_requests_a_second() -> None:
    server = Timed(["creating"])
    sleeping: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        sleeping.append((server.time + seconds, future))
        await future

    server.runtime = Runtime(clock=lambda: server.time, sleep_async=sleep, random=lambda: 0.5)

    async def all_of_them() -> None:
        async with AsyncClient(**server.settings) as client:
            waits = [
                asyncio.create_task(client.with_options().sandboxes.wait("s1", timeout=60))
                for _ in range(200)
            ]
            while not all(each.done() for each in waits):
                await asyncio.sleep(0)
                if len(sleeping) == sum(not each.done() for each in waits) > 0:
                    server.time, first = min(sleeping, key=lambda each: each[0])
                    sleeping.remove((server.time, first))
                    first.set_result(None)
            for each in waits:
                assert isinstance(each.exception(), WaitTimeout)

    asyncio.run(all_of_them())
    assert server.time == 60, "somebody waited longer than they wanted to"
    assert len(server.reads) > 400
    for start in range(60):
        assert sum(start <= read < start + 1 for read in server.reads) <= 11


@pytest.mark.parametrize("error", [WaitFailed, WaitTimeout])
def test_what_is_raised_can_be_pickled(error: type[WaitFailed | WaitTimeout]) -> None:
    raised = error("it did not happen", id="s1", state="offline")
    again = pickle.loads(pickle.dumps(raised))  # noqa: S301 - written a moment ago
    assert (str(again), again.id, again.state) == ("it did not happen", "s1", "offline")
