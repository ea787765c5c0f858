"""What a worker decides, on a clock that the tests turn on, in orders drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agentserver.agent._worker import (
    FINAL,
    GRACE,
    INTERRUPTED,
    RUNNING_REPORT,
    STOPPED,
    TIMED_OUT,
    Claimed,
    Command,
    Failed,
    Forget,
    HandleMessage,
    Interrupt,
    Keep,
    Kept,
    Note,
    Poll,
    Read,
    ReadInbox,
    Report,
    Seen,
    Send,
    Start,
    Trouble,
    Worker,
)

DONE = Report("completed", result="done")
UNREACHABLE = Failed(Trouble.UNREACHABLE, "no answer")


def worker(slots: int = 2, **settings: Any) -> Worker:
    given: dict[str, Any] = {
        "takes": lambda skill: True,
        "needs_skill": False,
        "has_inbox": False,
        "chance": lambda: 0.0,
        "now": 0.0,
    }
    return Worker(slots=slots, **given | settings)


def claimed(id: str, *, skill: str | None = None, known: bool = True, seconds: float = inf):
    return Claimed(id, skill, known, seconds, item=f"item {id}")


def started(one: Worker, id: str = "a", now: float = 0.0, **claim: Any) -> None:
    """Have a task of the worker's poll run."""
    (poll,) = [command for command in one.commands(now) if isinstance(command, Poll)]
    one.answer(poll, [claimed(id, **claim)], now)
    one.commands(now)
    one.answer(Send(id, RUNNING_REPORT), None, now)
    assert Start(id, f"item {id}", claim.get("skill")) in one.commands(now)


def calls(commands: list[Command]) -> list[Command]:
    return [each for each in commands if isinstance(each, (Poll, ReadInbox, Read, Send))]


# --- polling --------------------------------------------------------------------------------------


def test_it_polls_at_once_then_every_5_seconds_and_every_30_when_idle_for_5_minutes() -> None:
    one, times, now = worker(), [], 0.0
    while now < 420:
        (poll,) = one.commands(now)
        times.append(now)
        one.answer(poll, [], now)
        assert one.commands(now) == []
        now = one.next_time()
    assert times == [*range(0, 301, 5), 330, 360, 390]


@pytest.mark.parametrize(("slots", "limit"), [(1, 1), (3, 3), (5, 5), (8, 5)])
def test_it_polls_for_as_many_as_it_has_free_slots(slots: int, limit: int) -> None:
    assert worker(slots).commands(0.0) == [Poll(limit)]


def test_it_polls_again_at_once_as_long_as_there_are_as_many_tasks_as_it_asked_for() -> None:
    one = worker(8)
    one.answer(one.commands(0.0)[0], [claimed(each) for each in "abcde"], 0.0)
    assert Poll(3) in one.commands(0.0)
    one.answer(Poll(3), [claimed("f")], 0.0)
    assert not [each for each in one.commands(0.0) if isinstance(each, Poll)]


def test_it_polls_at_once_when_a_task_has_ended() -> None:
    one = worker(1)
    started(one)
    assert one.commands(3.0) == []
    one.ended("a", DONE, 3.0)
    assert one.commands(3.0) == [Keep(Kept("a", DONE)), Send("a", DONE)]
    one.answer(Send("a", DONE), None, 3.5)
    assert one.commands(3.5) == [Forget("a"), Poll(1)]


def test_work_ends_idleness() -> None:
    one, now = worker(1), 0.0
    while now < 400:
        one.answer(one.commands(now)[0], [], now)
        now = one.next_time()
    started(one, now=now)
    one.ended("a", DONE, now)
    one.commands(now)
    one.answer(Send("a", DONE), None, now)
    one.answer(one.commands(now)[-1], [], now)
    assert one.next_time() == now + 5


def test_a_poll_that_fails_is_not_repeated_at_once_but_ever_later() -> None:
    one, pauses, now = worker(), [], 0.0
    for _ in range(5):
        (poll,) = calls(one.commands(now))
        one.answer(poll, UNREACHABLE, now)
        assert calls(one.commands(now)) == []
        pauses.append(one.next_time() - now)
        now = one.next_time()
    assert pauses == [5, 10, 20, 30, 30]


def test_a_server_that_says_when_to_come_again_is_obeyed() -> None:
    one = worker()
    one.answer(one.commands(0.0)[0], Failed(Trouble.UNREACHABLE, "busy", retry_after=77.0), 0.0)
    one.commands(0.0)
    assert one.next_time() == 77


def test_agents_do_not_poll_in_step() -> None:
    one = worker(chance=lambda: 1.0)
    one.answer(one.commands(0.0)[0], [], 0.0)
    assert one.next_time() == 4.5


def test_what_a_server_gives_beyond_the_free_slots_waits_in_its_order() -> None:
    one = worker(1)
    one.answer(one.commands(0.0)[0], [claimed(each) for each in "abc"], 0.0)
    order = []
    for _ in range(3):
        (send,) = calls(one.commands(0.0))
        assert isinstance(send, Send)
        order.append(send.id)
        one.answer(send, None, 0.0)
        one.commands(0.0)
        one.ended(send.id, DONE, 0.0)
        one.answer(calls(one.commands(0.0))[0], None, 0.0)
    assert order == ["a", "b", "c"]


def test_a_task_that_is_given_twice_runs_once() -> None:
    one = worker(3)
    started(one)
    one.answer(Poll(2), [claimed("a")], 5.0)
    assert one.commands(5.0) == [Read("a")]  # the look at it


# --- one task -------------------------------------------------------------------------------------


def test_a_task_starts_once_the_server_knows_that_it_runs() -> None:
    one = worker(1)
    one.answer(one.commands(0.0)[0], [claimed("a")], 0.0)
    kept = Kept("a", None, claimed("a"))
    assert one.commands(0.0) == [Keep(kept), Send("a", RUNNING_REPORT)]
    one.answer(Send("a", RUNNING_REPORT), UNREACHABLE, 0.0)
    assert calls(one.commands(0.0)) == []
    assert one.next_time() == 1.0
    assert calls(one.commands(1.0)) == [Send("a", RUNNING_REPORT)]
    one.answer(Send("a", RUNNING_REPORT), None, 1.0)
    assert one.commands(1.0) == [Start("a", "item a", None)]


@pytest.mark.parametrize("trouble", [Trouble.CONFLICT, Trouble.GONE, Trouble.REFUSED])
def test_a_task_that_the_server_does_not_let_run_is_not_started(trouble: Trouble) -> None:
    one = worker(1)
    one.answer(one.commands(0.0)[0], [claimed("a")], 0.0)
    one.commands(0.0)
    one.answer(Send("a", RUNNING_REPORT), Failed(trouble, "no"), 0.0)
    assert one.commands(0.0) == [Note("task a is not started: no"), Forget("a"), Poll(1)]


def test_where_polls_say_no_skill_the_task_is_read_if_skills_matter() -> None:
    one = worker(1, needs_skill=True)
    one.answer(one.commands(0.0)[0], [claimed("a", known=False)], 0.0)
    assert calls(one.commands(0.0)) == [Read("a")]
    one.answer(Read("a"), Seen("assigned", "shout"), 0.0)
    one.commands(0.0)
    one.answer(Send("a", RUNNING_REPORT), None, 0.0)
    assert one.commands(0.0) == [Start("a", "item a", "shout")]


@pytest.mark.parametrize("found", [Seen("cancelled", None), Failed(Trouble.GONE, "no such task")])
def test_a_task_that_is_over_when_it_is_read_is_left_alone(found: Seen | Failed) -> None:
    one = worker(1, needs_skill=True)
    one.answer(one.commands(0.0)[0], [claimed("a", known=False)], 0.0)
    one.commands(0.0)
    one.answer(Read("a"), found, 0.0)
    assert one.commands(5.0) == [Forget("a"), Poll(1)]


@pytest.mark.parametrize(
    ("skill", "reason"),
    [
        ("sing", "this agent does not handle the skill 'sing'"),
        (None, "this agent does not handle tasks without a skill"),
    ],
)
def test_a_task_that_no_handler_takes_fails_and_says_why(skill: str | None, reason: str) -> None:
    one = worker(1, takes=lambda skill: skill == "shout", needs_skill=True)
    one.answer(one.commands(0.0)[0], [claimed("a", skill=skill)], 0.0)
    one.commands(0.0)
    one.answer(Send("a", RUNNING_REPORT), None, 0.0)
    assert calls(one.commands(0.0)) == [Send("a", Report("failed", reason=reason))]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Seen("cancelled", None), "cancelled"),
        (Seen("failed", None), "failed"),
        (Failed(Trouble.GONE, "no"), "gone"),
    ],
)
def test_a_task_is_looked_at_every_5_seconds_and_stops_when_it_is_over(
    seen: Seen | Failed, reason: str
) -> None:
    one = worker(1)
    started(one)
    assert one.next_time() == 5.0
    assert one.commands(5.0) == [Read("a")]
    one.answer(Read("a"), Seen("running", None), 5.5)
    assert one.commands(5.5) == []
    assert one.commands(10.5) == [Read("a")]
    one.answer(Read("a"), seen, 10.5)
    assert one.commands(10.5) == [Interrupt("a", reason)]
    one.ended("a", Report("cancelled"), 11.0)
    assert one.commands(11.0) == [Forget("a"), Poll(1)]  # no report: the server knows


def test_past_its_time_a_task_is_interrupted_and_reported_as_failed() -> None:
    one = worker(1)
    started(one, seconds=7.0)
    assert one.commands(5.0) == [Read("a")]
    one.answer(Read("a"), Seen("running", None), 5.0)
    assert one.next_time() == 7.0
    assert one.commands(7.0) == [Interrupt("a", "timeout")]
    one.ended("a", Report("cancelled"), 7.0)
    assert calls(one.commands(7.0)) == [Send("a", TIMED_OUT)]
    one.answer(Send("a", TIMED_OUT), Failed(Trouble.CONFLICT, "the task is failed"), 7.0)
    assert Forget("a") in one.commands(7.0)


def test_a_handler_may_give_up_by_itself() -> None:
    one = worker(1)
    started(one)
    one.ended("a", Report("cancelled"), 1.0)
    assert calls(one.commands(1.0)) == [Send("a", Report("cancelled"))]


# --- reports --------------------------------------------------------------------------------------


def test_a_report_is_sent_until_it_is_acknowledged() -> None:
    one, now, pauses = worker(1), 0.0, []
    started(one)
    one.ended("a", DONE, 0.0)
    for _ in range(7):
        assert calls(one.commands(now)) == [Send("a", DONE)]
        one.answer(Send("a", DONE), UNREACHABLE, now)
        one.commands(now)
        pauses.append(one.next_time() - now)
        now = one.next_time()
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert calls(one.commands(now)) == [Send("a", DONE)]
    one.answer(Send("a", DONE), None, now)
    assert one.commands(now) == [Forget("a"), Poll(1)]


def test_a_final_status_ends_a_report() -> None:
    one = worker(1)
    started(one)
    one.ended("a", DONE, 0.0)
    one.commands(0.0)
    one.answer(Send("a", DONE), Failed(Trouble.CONFLICT, "the task is cancelled"), 0.0)
    assert one.commands(0.0)[1:] == [Forget("a"), Poll(1)]


def test_a_result_that_the_server_refuses_becomes_a_failure_once() -> None:
    one = worker(1)
    started(one)
    one.ended("a", DONE, 0.0)
    one.commands(0.0)
    one.answer(Send("a", DONE), Failed(Trouble.REFUSED, "the body is too large"), 0.0)
    reason = "the agent's report was refused: the body is too large"
    (send,) = calls(one.commands(0.0))
    assert send == Send("a", Report("failed", reason=reason))
    one.answer(send, Failed(Trouble.REFUSED, "no"), 0.0)
    assert one.commands(0.0)[1:] == [Forget("a"), Poll(1)]


def test_what_an_earlier_process_left_is_settled_before_new_tasks_are_taken() -> None:
    one = worker(1, kept=[Kept("a", None), Kept("b", DONE), Kept("c", None)])
    assert one.commands(0.0) == [Read("a"), Send("b", DONE), Read("c")]
    one.answer(Read("a"), Seen("running", None), 0.0)
    assert one.commands(0.0) == [Keep(Kept("a", INTERRUPTED)), Send("a", INTERRUPTED)]
    one.answer(Read("c"), Seen("assigned", None), 0.0)  # the server will offer it again
    assert one.commands(0.0) == [Forget("c"), Poll(1)]


@pytest.mark.parametrize("status", ["assigned", "pending"])
def test_what_an_earlier_process_was_given_and_had_not_begun_is_taken_up_at_once(
    status: str,
) -> None:
    one = worker(1, kept=[Kept("a", None, claimed("a", skill="shout"))])
    assert one.commands(0.0) == [Read("a")]
    one.answer(Read("a"), Seen(status, "shout"), 0.0)
    assert one.commands(0.0) == [Send("a", RUNNING_REPORT)]  # and no poll: its slot is taken
    one.answer(Send("a", RUNNING_REPORT), None, 0.0)
    assert one.commands(0.0) == [Start("a", "item a", "shout")]


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (Seen("running", None), Keep(Kept("a", INTERRUPTED))),  # it may have begun
        (Seen("cancelled", None), Forget("a")),
        (Failed(Trouble.GONE, "no such task"), Forget("a")),
    ],
)
def test_what_an_earlier_process_may_have_begun_is_not_begun_again(
    found: Seen | Failed, command: Command
) -> None:
    one = worker(1, kept=[Kept("a", None, claimed("a"))])
    one.commands(0.0)
    one.answer(Read("a"), found, 0.0)
    assert one.commands(0.0)[0] == command


# --- the end --------------------------------------------------------------------------------------


def test_when_it_stops_what_runs_is_finished_and_what_waits_lapses() -> None:
    one = worker(1)
    one.answer(one.commands(0.0)[0], [claimed("a"), claimed("b")], 0.0)
    one.commands(0.0)
    one.answer(Send("a", RUNNING_REPORT), None, 0.0)
    one.commands(0.0)
    one.stop(1.0)
    assert one.commands(1.0) == []
    assert not one.is_over
    one.ended("a", DONE, 2.0)
    assert calls(one.commands(2.0)) == [Send("a", DONE)]
    one.answer(Send("a", DONE), None, 2.0)
    assert one.commands(2.0) == [Forget("a")]
    assert one.is_over


def test_when_it_stops_reports_that_do_not_get_through_stay_on_disk() -> None:
    one = worker(1)
    started(one)
    one.stop(0.0)
    one.ended("a", DONE, 100.0)
    one.commands(100.0)
    one.answer(Send("a", DONE), UNREACHABLE, 100.0)
    one.commands(100.0)
    assert one.commands(100.0 + GRACE - 0.1)
    assert not one.is_over
    assert Forget("a") not in one.commands(100.0 + GRACE)
    assert one.is_over


def test_an_abort_interrupts_what_runs_and_says_so() -> None:
    one = worker(1)
    started(one)
    one.abort(1.0)
    assert one.commands(1.0) == [Interrupt("a", "the agent was stopped")]
    one.ended("a", Report("cancelled"), 1.0)
    assert calls(one.commands(1.0)) == [Send("a", STOPPED)]


def test_credentials_that_are_revoked_end_everything() -> None:
    one = worker(2, kept=[Kept("z", DONE)])
    started(one)
    refusal = Failed(Trouble.REVOKED, "unauthorized")
    one.answer(Send("z", DONE), refusal, 1.0)
    assert one.commands(1.0) == [Interrupt("a", "revoked")]
    one.ended("a", DONE, 2.0)
    assert one.commands(2.0) == []  # what is on disk stays there
    assert one.is_over
    assert one.revoked is refusal


# --- messages -------------------------------------------------------------------------------------


def test_messages_are_handled_one_after_the_other_in_their_order() -> None:
    one = worker(has_inbox=True, messages=["kept"])
    assert one.commands(0.0) == [Poll(2), HandleMessage("kept")]
    one.message_ended()
    assert one.commands(0.0) == [ReadInbox(10)]
    one.answer(ReadInbox(10), ["one", "two"], 0.0)
    assert one.commands(0.0) == [HandleMessage("one")]
    one.message_ended()
    assert one.commands(0.0) == [HandleMessage("two")]
    one.message_ended()
    assert one.commands(4.9) == []
    one.answer(Poll(2), [], 4.9)
    assert one.commands(5.0) == [ReadInbox(10)]


def test_messages_that_were_given_are_handled_before_the_end() -> None:
    one = worker(has_inbox=True)
    poll, inbox = one.commands(0.0)
    one.stop(0.0)
    one.answer(poll, [claimed("a")], 0.0)
    assert not one.is_over
    one.answer(inbox, ["one"], 0.0)
    assert one.commands(0.0) == [HandleMessage("one")]
    assert not one.is_over
    one.message_ended()
    assert one.is_over


# --- orders of events at random -------------------------------------------------------------------


@dataclass
class Row:
    """A task on the server."""

    id: str
    skill: str | None
    ends_after: float
    status: str = "pending"
    asked_at: float = 0.0
    lapses: int = 0
    starts: int = 0
    result: Report | None = None
    acknowledged: bool = False


@dataclass
class Service:
    """A server that keeps the contract's rules of tasks and messages."""

    rows: dict[str, Row] = field(default_factory=dict)
    inbox: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def lapse(self, now: float) -> None:
        for row in self.rows.values():
            if row.status == "assigned" and now - row.asked_at >= 120:
                row.lapses += 1
                row.status = "pending"

    def perform(self, call: Any, now: float) -> Any:
        self.lapse(now)
        if isinstance(call, Poll):
            rows = [row for row in self.rows.values() if row.status == "pending"][: call.limit]
            for row in rows:
                row.status, row.asked_at = "assigned", now
            return [claimed(row.id, skill=row.skill, seconds=row.ends_after) for row in rows]
        if isinstance(call, ReadInbox):
            taken, self.inbox = self.inbox[: call.limit], self.inbox[call.limit :]
            return taken
        row = self.rows[call.id]
        row.asked_at = now
        if isinstance(call, Read):
            return Seen(row.status, row.skill)
        if row.status in FINAL:
            return Failed(Trouble.CONFLICT, f"the task is {row.status}")
        row.status = call.report.status
        if row.status in FINAL:
            row.result = call.report
        return None


class Orders(RuleBasedStateMachine):
    """An agent that is killed and started again, and a network that loses requests and answers."""

    @initialize(slots=st.integers(1, 4))
    def begin(self, slots: int) -> None:
        self.now, self.slots = 0.0, slots
        self.service = Service()
        self.disk: dict[str, Kept] = {}
        self.message_disk: list[str] = []
        self.handled: list[str] = []
        self.kills = 0
        self.called_at = 0.0
        self.start()

    def start(self) -> None:
        self.calls: list[Any] = []
        self.running: dict[str, str] = {}
        self.message: str | None = None
        self.worker = worker(
            self.slots,
            takes=lambda skill: skill != "unknown",
            needs_skill=True,
            has_inbox=True,
            chance=lambda: 0.5,
            now=self.now,
            kept=[*self.disk.values()],
            messages=[*self.message_disk],
        )
        self.go_on()

    def go_on(self) -> None:
        for command in self.worker.commands(self.now):
            self.do[type(command)](self, command)
        assert self.worker.commands(self.now) == [], "it has nothing more to do at this time"

    def call(self, call: Any) -> None:
        if isinstance(call, Send) and call.report.status in FINAL:
            assert self.disk[call.id].report == call.report, "kept before it is sent"
            assert not self.service.rows[call.id].acknowledged, "sent after it was acknowledged"
        self.calls.append(call)
        self.called_at = self.now

    def start_task(self, start: Start) -> None:
        row = self.service.rows[start.id]
        row.starts += 1
        assert row.starts == 1, "a task runs once"
        assert self.disk[start.id].report is None
        self.running[start.id] = ""
        assert len(self.running) <= self.slots

    def keep(self, keep: Keep) -> None:
        self.disk[keep.kept.id] = keep.kept

    def forget(self, forget: Forget) -> None:
        self.disk.pop(forget.id, None)

    def interrupt(self, interrupt: Interrupt) -> None:
        self.running[interrupt.id] = interrupt.reason

    def handle(self, handle: HandleMessage) -> None:
        assert self.message is None
        self.message = handle.message

    do: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        Poll: call,
        ReadInbox: call,
        Read: call,
        Send: call,
        Start: start_task,
        Keep: keep,
        Forget: forget,
        Interrupt: interrupt,
        HandleMessage: handle,
        Note: lambda self, note: None,
    }

    @rule(
        skill=st.sampled_from([None, "shout", "unknown"]), seconds=st.sampled_from([3.0, 60, 300])
    )
    def a_task_is_made(self, skill: str | None, seconds: float) -> None:
        name = f"t{len(self.service.rows)}"
        self.service.rows[name] = Row(name, skill, seconds)

    @rule()
    def a_message_is_sent(self) -> None:
        message = f"m{len(self.service.given)}"
        self.service.given.append(message)
        self.service.inbox.append(message)

    @precondition(lambda self: self.service.rows)
    @rule(data=st.data())
    def a_task_is_cancelled(self, data: st.DataObject) -> None:
        row = self.service.rows[data.draw(st.sampled_from(sorted(self.service.rows)))]
        if row.status not in FINAL:
            row.status = "cancelled"

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), fate=st.sampled_from(["answered"] * 4 + ["not sent", "answer lost"]))
    def a_call_ends(self, data: st.DataObject, fate: str) -> None:
        call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        self.settle(call, fate)

    @rule()
    def all_calls_are_answered(self) -> None:
        for _ in range(20):
            for call in [*self.calls]:
                self.calls.remove(call)
                self.settle(call)

    def settle(self, call: Any, fate: str = "answered") -> None:
        if fate == "answer lost" and isinstance(call, ReadInbox):
            fate = "not sent"  # a lost answer loses its messages, which the contract says
        outcome = UNREACHABLE if fate == "not sent" else self.service.perform(call, self.now)
        if fate == "answered":
            if isinstance(call, ReadInbox):
                self.message_disk += outcome
            if isinstance(call, Send) and call.report.status in FINAL:
                self.service.rows[call.id].acknowledged = True
        else:
            outcome = UNREACHABLE
        self.called_at = self.now
        self.worker.answer(call, outcome, self.now)
        self.go_on()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), status=st.sampled_from(["completed", "failed", "cancelled"]))
    def a_handler_ends(self, data: st.DataObject, status: str) -> None:
        self.end(data.draw(st.sampled_from(sorted(self.running))), status)

    def end(self, id: str, status: str) -> None:
        del self.running[id]
        self.worker.ended(id, Report(status, result=f"result of {id}"), self.now)
        self.go_on()

    @precondition(lambda self: self.message is not None)
    @rule()
    def a_message_handler_ends(self) -> None:
        assert self.message is not None
        self.handled.append(self.message)
        self.message_disk.remove(self.message)
        self.message = None
        self.worker.message_ended()
        self.go_on()

    @rule(seconds=st.sampled_from([0.5, 4.9, 5.0, 31.0, 125.0]))
    def time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        while self.worker.next_time() <= end:
            assert self.worker.next_time() > self.now, "it is due, but was not done"
            self.now = self.worker.next_time()
            self.go_on()
        self.now = end

    @rule()
    def the_process_is_killed_and_started_again(self) -> None:
        for call in self.calls:  # some requests may have got through
            if isinstance(call, Send):
                self.service.perform(call, self.now)
        self.kills += 1
        self.start()

    @invariant()
    def the_server_hears_of_it_every_30_seconds(self) -> None:
        if hasattr(self, "worker"):
            assert self.calls or self.worker.next_time() - self.called_at <= 30

    def teardown(self) -> None:
        """Once all works, every task gets its end, and every message its reader."""
        if not hasattr(self, "worker"):
            return
        for _ in range(5000):
            while self.calls or self.running or self.message:
                for call in [*self.calls]:
                    self.calls.remove(call)
                    self.settle(call)
                for task, interrupted in [*self.running.items()]:
                    self.end(task, "cancelled" if interrupted else "completed")
                if self.message:
                    self.a_message_handler_ends()
            statuses = {row.status for row in self.service.rows.values()}
            if statuses <= FINAL and not self.service.inbox and not self.disk:
                break
            self.now = self.worker.next_time()
            self.go_on()
        else:
            raise AssertionError(f"no end: {self.service.rows}")
        assert sorted(set(self.handled)) == sorted(self.service.given)
        assert len(self.handled) - len(self.service.given) <= self.kills
        assert not self.worker.unsent
        for row in self.service.rows.values():
            if row.starts == 0 and row.status == "failed":
                assert row.skill == "unknown" or row.result == INTERRUPTED


Orders.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestOrders = Orders.TestCase
