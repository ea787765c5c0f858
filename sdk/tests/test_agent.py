"""Agents that work on the reference server in memory: what their authors are promised."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from typing import Any
from unittest.mock import AsyncMock

import pytest

from agentserver import Agent, ConfigurationError, Unauthenticated, WaitFailed
from agentserver.agent import Cancelled, Message, Task
from agentserver.agent._run import stopped_by_signals
from agentserver.agent._worker import Worker
from agentserver.testing import Server

URL = "http://127.0.0.1:1"


def agent(name: str = "Worker", **settings: Any) -> Agent:
    return Agent.connect(URL, name=name, **settings)


def shouter() -> Agent:
    one = agent("Shouter", description="Says it loud.")

    @one.task(skill="shout")
    def shout(task: Task) -> str:
        """Say it in capital letters."""
        return task.prompt.upper()

    return one


# --- tasks ----------------------------------------------------------------------------------------


def test_a_function_becomes_an_agent(agentserver_server: Server) -> None:
    with agentserver_server.agent(shouter()) as running:
        task = running.do("hello", skill="shout")
    assert (task.status, task.result) == ("completed", "HELLO")
    reports = [call.json for call in agentserver_server.calls("tasks.report")]
    assert reports == [
        {"status": "running"},
        {"status": "completed", "result": "HELLO", "num_turns": 0},
    ]


def test_functions_run_in_threads_and_coroutines_in_the_loop(agentserver_server: Server) -> None:
    one = agent()
    ran: dict[str | None, str] = {}

    @one.task(skill="thread")
    def in_thread(task: Task) -> None:
        ran[task.skill] = threading.current_thread().name

    @one.task(skill="loop")
    async def in_loop(task: Task) -> None:
        assert asyncio.current_task() is not None
        ran[task.skill] = threading.current_thread().name

    with agentserver_server.agent(one) as running:
        running.do("x", skill="thread")
        running.do("x", skill="loop")
    assert ran["thread"].startswith("agentserver-task")
    assert ran["loop"] == "agent Worker"


def test_a_task_tells_all_that_its_requester_said(agentserver_server: Server) -> None:
    one, seen = agent(), []
    one.task(seen.append)
    with agentserver_server.agent(one) as running:
        running.do(
            "Review it.",
            skill="review",
            system_context="Python",
            max_turns=3,
            max_budget_usd=0.5,
            timeout_seconds=60,
        )
    (task,) = seen
    assert (task.prompt, task.skill, task.system_context) == ("Review it.", "review", "Python")
    assert (task.max_turns, task.max_budget_usd, task.timeout_seconds) == (3, 0.5, 60)
    assert (task.requester_id, task.delegation_chain) == (None, ())


@pytest.mark.parametrize("result", [None, {"a": [1, 2.5, "é"]}, [], "", 0, True])
def test_any_json_is_a_result_and_cost_and_turns_come_with_it(
    agentserver_server: Server, result: Any
) -> None:
    one = agent()

    @one.task
    def work(task: Task) -> Any:
        task.total_cost_usd, task.num_turns = 0.25, 3
        return result

    with agentserver_server.agent(one) as running:
        task = running.do("x")
    assert (task.status, task.result) == ("completed", result)
    assert (task.total_cost_usd, task.num_turns) == (0.25, 3)


def test_an_exception_is_why_a_task_failed_and_its_log_has_no_secret(
    agentserver_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    one = agent()

    @one.task
    def work(task: Task) -> None:
        task.num_turns = 2
        secret = one.client._shared.credentials.given.token
        assert secret is not None
        raise ValueError(f"cannot sign in with {secret.reveal()}")

    with agentserver_server.agent(one) as running:
        task = running.do("x")
        token = running._connection.identity().token.reveal()
    assert task.status == "failed"
    assert task.failure_reason == "ValueError: cannot sign in with ***"
    assert task.num_turns == 2
    assert "Traceback" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize(
    "fault", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError("deep")]
)
@pytest.mark.parametrize("is_async", [False, True])
def test_whatever_a_function_raises_ends_its_task_alone(
    agentserver_server: Server, fault: BaseException, is_async: bool
) -> None:
    one = shouter()

    def work(task: Task) -> None:
        raise fault

    async def work_async(task: Task) -> None:
        raise fault

    one.task(work_async if is_async else work)
    with agentserver_server.agent(one) as running:
        task = running.do("x")
        assert task.status == "failed"
        assert task.failure_reason is not None
        assert task.failure_reason.startswith(type(fault).__name__)
        assert running.do("still here", skill="shout").result == "STILL HERE"


@pytest.mark.parametrize("result", [{1, 2}, float("nan"), object(), "\ud800", "x" * 1_100_000])
def test_a_result_that_cannot_be_sent_fails_its_task(
    agentserver_server: Server, result: Any
) -> None:
    one = agent()
    one.task(lambda task: result)
    with agentserver_server.agent(one) as running:
        task = running.do("x")
    assert task.status == "failed"
    assert task.failure_reason


def test_the_function_of_a_skill_takes_its_tasks_and_that_without_one_the_others(
    agentserver_server: Server,
) -> None:
    one = agent()
    one.task(skill="a")(lambda task: "the one for a")
    one.task(lambda task: "the other")
    with agentserver_server.agent(one) as running:
        results = [
            running.do("x", **given).result for given in ({"skill": "a"}, {"skill": "b"}, {})
        ]
    assert results == ["the one for a", "the other", "the other"]


def test_a_task_for_a_skill_that_nobody_has_fails(agentserver_server: Server) -> None:
    with agentserver_server.agent(shouter()) as running:
        task = running.do("x", skill="sing")
    assert task.failure_reason == "this agent does not handle the skill 'sing'"


def test_from_a_server_that_polls_without_skills_the_task_is_read(
    agentserver_server: Server,
) -> None:
    with agentserver_server.agent(shouter()) as running:
        task_id = running.give("hello", skill="shout")
        item = {"max_turns": 0, "max_budget_usd": 0, "system_context": ""}
        agentserver_server.respond(
            "tasks.poll", [{"task_id": task_id, "prompt": "hello", **item}], times=1
        )
        agentserver_server.clock.advance(6)
        task = agentserver_server.person().client.tasks.get(task_id)
    assert task.result == "HELLO"


# --- being stopped --------------------------------------------------------------------------------


def waiting(one: Agent, reasons: list[str], *, is_async: bool) -> None:
    """Declare a function that works until it is told to stop."""

    def work(task: Task) -> None:
        try:
            while True:
                task.sleep(1)
        except Cancelled as cancelled:
            assert task.cancelled
            reasons.append(cancelled.reason)
            raise

    async def work_async(task: Task) -> None:
        try:
            await asyncio.Event().wait()
        except Cancelled as cancelled:
            assert task.cancelled
            reasons.append(cancelled.reason)
            raise

    one.task(work_async if is_async else work)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_task_that_is_cancelled_stops_within_seconds(
    agentserver_server: Server, is_async: bool
) -> None:
    one, reasons = agent(), list[str]()
    waiting(one, reasons, is_async=is_async)
    person = agentserver_server.person()
    with agentserver_server.agent(one) as running:
        task_id = running.give("x")
        agentserver_server.clock.advance(6)
        assert person.client.tasks.get(task_id).status == "running"
        person.client.tasks.cancel(task_id)
        agentserver_server.clock.advance(6)
        assert reasons == ["cancelled"]
        assert person.client.tasks.get(task_id).status == "cancelled"
    assert len(agentserver_server.calls("tasks.report")) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_a_task_whose_time_is_over_stops(agentserver_server: Server, is_async: bool) -> None:
    one, reasons = agent(), list[str]()
    waiting(one, reasons, is_async=is_async)
    with agentserver_server.agent(one) as running:
        task = running.do("x", timeout_seconds=20)
    assert reasons == ["timeout"]
    assert (task.status, task.failure_reason) == ("failed", "timeout")


def test_cleaning_up_may_take_its_time(agentserver_server: Server) -> None:
    one, cleaned = agent(), list[str]()

    @one.task
    async def work(task: Task) -> None:
        try:
            async with asyncio.timeout(1000):
                await asyncio.gather(asyncio.Event().wait(), asyncio.Event().wait())
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    with agentserver_server.agent(one) as running:
        running.do("x", timeout_seconds=5)
    assert cleaned == ["up"]


def test_a_function_may_give_a_task_up(agentserver_server: Server) -> None:
    one = agent()

    @one.task
    def work(task: Task) -> None:
        raise Cancelled("not today")

    with agentserver_server.agent(one) as running:
        assert running.do("x").status == "cancelled"


def test_when_it_stops_what_runs_is_finished(agentserver_server: Server) -> None:
    one = agent()
    begun = threading.Event()

    @one.task
    def work(task: Task) -> str:
        begun.set()
        task.sleep(30)
        return "finished"

    with agentserver_server.agent(one) as running:
        first, second = running.give("x"), None
        agentserver_server.clock.advance(6)
        assert begun.is_set()
        one.stop()
        agentserver_server.clock.advance(1)
        second = running.give("too late")
    client = agentserver_server.person().client
    assert client.tasks.get(first).result == "finished"
    assert client.tasks.get(second).status == "pending"


def test_when_it_is_stopped_twice_what_runs_is_interrupted(agentserver_server: Server) -> None:
    one, reasons = agent(), list[str]()
    waiting(one, reasons, is_async=False)
    with agentserver_server.agent(one) as running:
        task_id = running.give("x")
        agentserver_server.clock.advance(6)
        one.stop()
        one.stop()
    task = agentserver_server.person().client.tasks.get(task_id)
    assert reasons == ["the agent was stopped"]
    assert task.failure_reason == "interrupted: the agent was stopped"


def test_told_to_stop_while_it_starts_it_takes_nothing(
    agentserver_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = shouter()
    monkeypatch.setattr(one, "_publish_card", AsyncMock(side_effect=lambda _: one.stop()))
    with agentserver_server.agent(one) as running:
        running.give("too late", skill="shout")
    assert agentserver_server.calls("tasks.poll") == []


def test_an_agent_whose_credentials_are_revoked_ends(agentserver_server: Server) -> None:
    owner, maker = agentserver_server.person(), agentserver_server.person("maker")
    place = agentserver_server.workspace(members={maker: "developer"})
    one, reasons = agent(), list[str]()
    waiting(one, reasons, is_async=False)

    def work_until_revoked() -> None:
        with agentserver_server.agent(one, workspace=place, owner=maker) as running:
            running.give("x")
            agentserver_server.clock.advance(6)
            owner.client.workspaces.members.remove(place.id, maker.id)
            agentserver_server.clock.advance(6)

    with pytest.raises(Unauthenticated, match="no longer valid"):
        work_until_revoked()
    assert reasons == ["revoked"]


# --- a network that fails -------------------------------------------------------------------------


def test_reports_are_sent_until_they_arrive(agentserver_server: Server) -> None:
    with agentserver_server.agent(shouter()) as running:
        agentserver_server.fail(503, "tasks.report", times=3)
        agentserver_server.drop_answer("tasks.report", times=1)
        task = running.do("hello", skill="shout")
    assert task.result == "HELLO"


def test_a_report_whose_answer_was_lost_is_not_counted_twice(agentserver_server: Server) -> None:
    one = agent()

    @one.task
    def work(task: Task) -> str:
        agentserver_server.drop_answer("tasks.report")
        return "done"

    with agentserver_server.agent(one) as running:
        assert running.do("x").result == "done"
        agentserver_server.clock.advance(60)
    statuses = [call.status for call in agentserver_server.calls("tasks.report")]
    assert statuses == [200, None, 409]


def test_a_poll_whose_answer_was_lost_loses_no_task(agentserver_server: Server) -> None:
    with agentserver_server.agent(shouter()) as running:
        agentserver_server.drop_answer("tasks.poll")
        task = running.do("hello", skill="shout")
    assert task.result == "HELLO"


def test_an_idle_agent_stays_available(agentserver_server: Server) -> None:
    with agentserver_server.agent(shouter()) as running:
        agentserver_server.clock.advance(minutes=30)
        cards = agentserver_server.person().client.agents.list(running.workspace_id)
    assert [card.status for card in cards] == ["available"]


def test_a_busy_agent_stays_available(agentserver_server: Server) -> None:
    one = agent()

    @one.task
    def work(task: Task) -> None:
        task.sleep(1200)

    with agentserver_server.agent(one) as running:
        for _ in range(8):
            running.give("x", timeout_seconds=3600)
        agentserver_server.clock.advance(minutes=15)
        cards = agentserver_server.person().client.agents.list(running.workspace_id)
        assert [card.status for card in cards] == ["available"]
        polls = len(agentserver_server.calls("tasks.poll"))
        agentserver_server.clock.advance(60)
        assert len(agentserver_server.calls("tasks.poll")) == polls


def test_an_idle_agent_does_nothing_between_two_polls(
    agentserver_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[float] = []
    commands = Worker.commands

    def counted(self: Worker, now: float) -> Any:
        looked.append(now)
        return commands(self, now)

    monkeypatch.setattr(Worker, "commands", counted)
    with agentserver_server.agent(shouter()):
        agentserver_server.clock.advance(minutes=30)
    polls = len(agentserver_server.calls("tasks.poll"))
    assert 100 < polls < 120
    assert len(looked) < 6 * polls


# --- messages and delegation ----------------------------------------------------------------------


def test_messages_are_handled_in_their_order(agentserver_server: Server) -> None:
    sender, receiver = shouter(), agent("Receiver")
    seen: list[Message] = []

    @receiver.message
    async def note(message: Message) -> None:
        seen.append(message)

    place = agentserver_server.workspace()
    with (
        agentserver_server.agent(sender, workspace=place) as first,
        agentserver_server.agent(receiver, workspace=place) as second,
    ):
        for text in ("one", "two", "three"):
            sender.client.mailbox.send(to=second.id, text=text)
        agentserver_server.clock.advance(6)
    assert [message.text for message in seen] == ["one", "two", "three"]
    assert {message.sender for message in seen} == {first.id}
    assert seen[0].msg_type == "text"


def test_a_message_whose_function_fails_does_not_stop_the_others(
    agentserver_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    one, seen = agent(), list[str]()

    @one.message
    def note(message: Message) -> None:
        seen.append(message.text)
        raise ValueError("token=abcdefgh")

    with agentserver_server.agent(one) as running:
        for text in ("one", "two"):
            one.client.mailbox.send(to=running.id, text=text)
        agentserver_server.clock.advance(6)
    assert seen == ["one", "two"]
    assert "abcdefgh" not in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
def test_an_agent_passes_a_task_on_and_waits_for_it(
    agentserver_server: Server, is_async: bool
) -> None:
    editor, target = agent("Editor"), shouter()
    chains: list[Any] = []
    target.task(lambda task: chains.append((task.requester_id, task.delegation_chain)))

    def edit(task: Task) -> Any:
        editor.delegate(second.id, "remember").wait()
        return editor.delegate(second.id, task.prompt, skill="shout").wait().result

    async def edit_async(task: Task) -> Any:
        await (await editor.delegate_async(second.id, "remember")).wait_async()
        made = await editor.delegate_async(second.id, task.prompt, skill="shout")
        return (await made.wait_async()).result

    editor.task(edit_async if is_async else edit)
    place = agentserver_server.workspace()
    with (
        agentserver_server.agent(editor, workspace=place) as first,
        agentserver_server.agent(target, workspace=place) as second,
    ):
        assert first.do("hello").result == "HELLO"
    assert chains == [(first.id, (first.id,))]


def test_a_circle_of_agents_is_refused(agentserver_server: Server) -> None:
    one, other = agent("One"), agent("Other")
    ids: dict[Agent, str] = {}
    for here, there in ((one, other), (other, one)):
        here.task(
            lambda task, here=here, there=there: here.delegate(ids[there], "on").wait().result
        )
    place = agentserver_server.workspace()
    with (
        agentserver_server.agent(one, workspace=place) as first,
        agentserver_server.agent(other, workspace=place) as second,
    ):
        ids |= {one: first.id, other: second.id}
        task = first.do("x")
        tasks = agentserver_server.person().client.tasks.list(place.id)
    assert task.status == "failed"
    assert len(tasks) == 2
    assert any("400" in str(t.failure_reason) for t in map(_read(agentserver_server), tasks))


def _read(server: Server) -> Any:
    return lambda task: server.person().client.tasks.get(task.task_id)


def test_a_function_that_waits_for_another_agent_stops_when_its_task_does(
    agentserver_server: Server,
) -> None:
    editor, reasons = agent("Editor"), list[str]()

    @editor.task
    def edit(task: Task) -> Any:
        try:
            return editor.delegate(running.id, "to nobody", skill="x").wait().result
        except Cancelled as cancelled:
            reasons.append(cancelled.reason)
            raise

    nobody = shouter()
    with agentserver_server.agent(nobody) as running:
        pass
    with agentserver_server.agent(
        editor, workspace=agentserver_server.person().client.workspaces.get(running.workspace_id)
    ) as first:
        task = first.do("x", timeout_seconds=30)
    assert task.failure_reason == "timeout"
    assert reasons == ["timeout"]


def test_a_wait_for_a_task_that_failed_says_so(agentserver_server: Server) -> None:
    one, other, failures = shouter(), agent("Other"), list[WaitFailed]()

    @other.task
    def ask(task: Task) -> None:
        try:
            other.delegate(second.id, "x", skill="sing").wait()
        except WaitFailed as failed:
            failures.append(failed)

    place = agentserver_server.workspace()
    with (
        agentserver_server.agent(other, workspace=place) as first,
        agentserver_server.agent(one, workspace=place) as second,
    ):
        first.do("x")
    assert failures[0].resource.failure_reason == "this agent does not handle the skill 'sing'"


# --- what it says of itself -----------------------------------------------------------------------


def test_its_card_is_made_of_its_functions(agentserver_server: Server) -> None:
    with agentserver_server.agent(shouter()) as running:
        card = agentserver_server.person().client.agents.get(running.id)
    assert (card.display_name, card.description) == ("Shouter", "Says it loud.")
    assert card.agent_type == "custom"
    assert card.card == {
        "skills": [{"name": "shout", "description": "Say it in capital letters."}],
        "accepts_tasks": True,
        "accepts_messages": False,
    }


def test_its_repr_says_what_it_is_and_no_secret(agentserver_server: Server) -> None:
    one = shouter()
    assert repr(one) == f"Agent('Shouter' at {URL}, skills=[shout])"
    with agentserver_server.agent(one) as running:
        token = running._connection.identity().token.reveal()
        assert repr(one) == "Agent('Shouter' at a test server, skills=[shout], running)"
        for shown in (repr(one), repr(running), repr(one.client), repr(running._connection)):
            assert token not in shown


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"name": ""}, "name must be 1 to 255 characters"),
        ({"name": "x" * 256}, "name must be 1 to 255 characters"),
        ({"name": "x", "type": "mobile"}, "type must be one of opencode, claudecode, custom"),
        ({"name": "x", "url": "nonsense"}, "must begin with http"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(settings: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Agent.connect(**{"url": URL, **settings})


def test_two_functions_for_the_same_tasks_are_refused() -> None:
    one = shouter()
    with pytest.raises(ConfigurationError, match="handles the skill 'shout' already"):
        one.task(skill="shout")(lambda task: None)
    one.task(lambda task: None)
    with pytest.raises(ConfigurationError, match="handles tasks without a skill already"):
        one.task(lambda task: None)
    one.message(lambda message: None)
    with pytest.raises(ConfigurationError, match="handles messages already"):
        one.message(lambda message: None)
    with pytest.raises(ConfigurationError, match="skill must be 1 to 255 characters"):
        one.task(skill="")(lambda task: None)


@pytest.mark.parametrize("concurrency", [0, -1, 1001])
def test_an_impossible_concurrency_is_refused(concurrency: int) -> None:
    with pytest.raises(ConfigurationError, match="concurrency must be from 1 to 1000"):
        shouter().run(concurrency=concurrency)


def test_an_agent_without_functions_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="declare one with @agent.task"):
        agent().run()


def test_signals_are_handled_in_the_main_thread_alone_and_given_back() -> None:
    stops: list[int] = []

    def stop() -> bool:
        stops.append(1)
        return True

    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals(stop):
        signal.raise_signal(signal.SIGTERM)
    assert stops == [1]
    assert signal.getsignal(signal.SIGTERM) is before

    def elsewhere() -> None:
        with stopped_by_signals(stop):
            stops.append(2)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert stops == [1, 2]


def test_a_signal_does_what_it_does_where_there_is_nothing_to_stop() -> None:
    with pytest.raises(KeyboardInterrupt), stopped_by_signals(lambda: False):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_program_is_left_alone() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    try:
        with stopped_by_signals(lambda: not seen.append(2)):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [1]


def test_importing_the_sdk_imports_no_agent() -> None:
    code = "import agentserver, sys; agentserver.Client; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not [name for name in loaded if name.startswith("agentserver.agent")]
