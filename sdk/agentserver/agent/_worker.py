"""What a worker decides: a state machine without a clock, a socket or a thread.

`Worker.commands` tells what is to be done now, and every command that is a call is answered once by
`Worker.answer`; a handler's end comes in by `Worker.ended`. Times are seconds of any one clock.

The life of a task here, beside its status on the server::

    READING   its skill is unknown, so the task is read first               assigned
    WAITING   for a free slot                                               assigned
    STARTING  `running` is being reported                                   assigned
    RUNNING   its handler works; the task is looked at for cancellation     running
    ENDING    its end is being reported, and kept on disk until then        running
    LOST      found on disk: a process that ended had been given it         assigned or running

What a poll gave is on disk before anything is done with it, so that the next process takes it up if
this one ends before the task runs. A handler starts only once the server has acknowledged
`running`. So no task is worked on that was cancelled, or given to another, and one whose report
never got through is offered again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from math import inf
from typing import Any, ClassVar, Final, TypeAlias

from attrs import define, field, frozen

POLL_EVERY: Final = 5.0
POLL_EVERY_WHEN_IDLE: Final = 30.0
"""Also the longest time in which the server hears nothing, so that the agent stays available."""
IDLE_AFTER: Final = 300.0
MOST_PER_POLL: Final = 5
"""Tasks that one poll gives."""
MOST_PER_INBOX: Final = 10
"""Messages that are read at once: few, since a lost answer loses them."""
LOOK_EVERY: Final = 5.0
GRACE: Final = 10.0
"""Seconds that a worker which stops goes on trying to send its last reports."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_SPREAD: Final = 0.1
"""How far a pause is shortened at random, so that agents do not poll in step."""

FINAL: Final = frozenset({"completed", "failed", "cancelled"})
"""The statuses that no task leaves."""


# --- what comes in --------------------------------------------------------------------------------


@frozen
class Claimed:
    """A task as a poll gave it."""

    id: str
    skill: str | None
    skill_known: bool
    """Whether the server says the skill of a task in its polls."""
    seconds: float
    """How long it may take, from now."""
    item: Any = field(repr=False, default=None)
    """What the handler is given."""


@frozen
class Seen:
    """A task as it was read."""

    status: str
    skill: str | None


class Trouble(Enum):
    """What can be wrong with a call."""

    UNREACHABLE = "unreachable"
    """It may succeed later."""
    CONFLICT = "conflict"
    """The task has a final status, or is another agent's by now."""
    REFUSED = "refused"
    """What was sent can never be accepted."""
    GONE = "gone"
    """There is no such task for this agent."""
    REVOKED = "revoked"
    """The agent's credentials are no longer valid."""


@frozen
class Failed:
    """The answer to a call that failed."""

    trouble: Trouble
    text: str = ""
    retry_after: float = 0.0


@frozen
class Report:
    """What is reported to the server about a task."""

    status: str
    result: Any = field(repr=False, default=None)
    reason: str = field(repr=False, default="")
    total_cost_usd: float | None = None
    num_turns: int = 0


RUNNING_REPORT: Final = Report("running")
INTERRUPTED: Final = Report("failed", reason="interrupted: the agent ended while it worked on it")
TIMED_OUT: Final = Report("failed", reason="timeout")
STOPPED: Final = Report("failed", reason="interrupted: the agent was stopped")


@frozen
class Kept:
    """What is on disk of a task: what was given, or how it ended (`report`)."""

    id: str
    report: Report | None
    claim: Claimed | None = None
    """Unknown of tasks that an earlier version has kept."""


# --- what is to be done ---------------------------------------------------------------------------


@frozen
class Poll:
    """Ask for tasks; answered by a sequence of `Claimed`."""

    limit: int


@frozen
class ReadInbox:
    """Ask for messages; answered by a sequence of any objects."""

    limit: int


@frozen
class Read:
    """Read a task; answered by `Seen`."""

    id: str


@frozen
class Send:
    """Report on a task; answered by None."""

    id: str
    report: Report


@frozen
class Start:
    """Start the handler of a task; its end comes in by `Worker.ended`."""

    id: str
    item: Any = field(repr=False)
    skill: str | None


@frozen
class Interrupt:
    """Have the handler of a task stop."""

    id: str
    reason: str


@frozen
class Keep:
    """Write to disk, before anything that follows is done."""

    kept: Kept


@frozen
class Forget:
    """Remove from disk."""

    id: str


@frozen
class HandleMessage:
    """Give a message to its handler; its end comes in by `Worker.message_ended`."""

    message: Any = field(repr=False)


@frozen
class Note:
    """Log a line for the operator."""

    text: str


Call: TypeAlias = "Poll | ReadInbox | Read | Send"
Command: TypeAlias = "Call | Start | Interrupt | Keep | Forget | HandleMessage | Note"


# --- the machine ----------------------------------------------------------------------------------


class _Stage(Enum):
    READING = "reading"
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    ENDING = "ending"
    LOST = "lost"


_WORKING: Final = frozenset({_Stage.STARTING, _Stage.RUNNING, _Stage.ENDING})
_BY_READING: Final = frozenset({_Stage.READING, _Stage.RUNNING, _Stage.LOST})
_BY_REPORTING: Final = frozenset({_Stage.STARTING, _Stage.ENDING})


@define(eq=False)
class _Work:
    id: str
    stage: _Stage
    due: float
    """When its next call is to be made."""
    ends: float = inf
    """When its time is over."""
    skill: str | None = None
    item: Any = field(default=None, repr=False)
    report: Report | None = None
    claim: Claimed | None = None
    """What an earlier process was given, while it is not known what became of it."""
    under_way: Call | None = None
    """The call about it whose answer is waited for."""
    recovered: bool = False
    """Whether it is from an earlier process: it takes no slot."""
    failures: int = 0
    outcome: Report | None = None
    """What to report when the handler has been interrupted; None where the server knows."""
    interrupted: bool = False
    refused: bool = False
    """Whether the server has refused what was reported of its end."""


@define(eq=False)
class Worker:
    """Decides what an agent does next.

    Args:
        slots: how many tasks it works on at a time.
        takes: whether there is a handler for a skill, or, by None, for a task without one.
        needs_skill: whether the skill of a task decides which handler takes it.
        has_inbox: whether messages are read.
        chance: numbers from 0 up to 1, to spread what agents do.
        now: the time at the start.
        kept: what an earlier process left on disk.
        messages: those that it had been given and had not handled.
    """

    slots: int
    takes: Callable[[str | None], bool]
    needs_skill: bool
    has_inbox: bool
    chance: Callable[[], float]
    now: float
    kept: Iterable[Kept] = ()
    messages: Iterable[Any] = ()
    revoked: Failed | None = field(init=False, default=None)
    """Why the agent cannot go on, once its credentials were refused."""
    _tasks: dict[str, _Work] = field(init=False, factory=dict)
    _queue: deque[Any] = field(init=False)
    _commands: list[Command] = field(init=False, factory=list)
    """What is to be done beside the calls that are due."""
    _polling: bool = field(init=False, default=False)
    _poll_at: float = field(init=False)
    _poll_failures: int = field(init=False, default=0)
    _reading_inbox: bool = field(init=False, default=False)
    _inbox_at: float = field(init=False)
    _inbox_failures: int = field(init=False, default=0)
    _handles_message: bool = field(init=False, default=False)
    _worked_at: float = field(init=False)
    _stopping: bool = field(init=False, default=False)
    _gives_up_at: float = field(init=False, default=inf)

    def __attrs_post_init__(self) -> None:
        self._poll_at = self._inbox_at = self._worked_at = self.now
        self._queue = deque(self.messages)
        for kept in self.kept:
            stage = _Stage.LOST if kept.report is None else _Stage.ENDING
            self._tasks[kept.id] = _Work(
                kept.id, stage, self.now, report=kept.report, claim=kept.claim, recovered=True
            )

    # --- what to do next --------------------------------------------------------------------------

    def commands(self, now: float) -> list[Command]:
        """What is to be done now, in this order."""
        for work in [*self._tasks.values()]:
            self._go_on_with(work, now)
        self._give_up(now)
        if self._wants_tasks() and now >= self._poll_at:
            self._polling = True
            self._commands.append(Poll(min(MOST_PER_POLL, self._free())))
        if self._wants_messages() and now >= self._inbox_at:
            self._reading_inbox = True
            self._commands.append(ReadInbox(MOST_PER_INBOX))
        if self._queue and not self._handles_message and not self.revoked:
            self._handles_message = True
            self._commands.append(HandleMessage(self._queue.popleft()))
        commands, self._commands = self._commands, []
        return commands

    def next_time(self) -> float:
        """When `commands` is to be asked again, if nothing comes in before."""
        times = [work.due for work in self._tasks.values() if self._is_pending(work)]
        times += [work.ends for work in self._tasks.values() if self._may_time_out(work)]
        if self._wants_tasks():
            times.append(self._poll_at)
        if self._wants_messages():
            times.append(self._inbox_at)
        times.append(self._gives_up_at)
        return min(times)

    @property
    def is_over(self) -> bool:
        """Whether the worker was stopped and has nothing left to do."""
        return (
            self._stopping
            and not self._tasks
            and not self._handles_message
            and not self._reading_inbox
            and (not self._queue or self.revoked is not None)
        )

    @property
    def unsent(self) -> int:
        """How many reports have not been acknowledged."""
        return sum(work.stage is _Stage.ENDING for work in self._tasks.values())

    # --- what comes in ----------------------------------------------------------------------------

    def answer(self, call: Call, outcome: Any, now: float) -> None:
        """Take the answer to a call: what it asked for, or `Failed`."""
        if isinstance(outcome, Failed) and outcome.trouble is Trouble.REVOKED:
            self._end_by(outcome, now)
        if isinstance(call, Poll):
            self._polling = False
            self._polled(call, outcome, now)
        elif isinstance(call, ReadInbox):
            self._reading_inbox = False
            self._inbox_read(call, outcome, now)
        elif (work := self._tasks.get(call.id)) and work.under_way == call:
            work.under_way = None
            if isinstance(outcome, Failed) and outcome.trouble is Trouble.UNREACHABLE:
                work.failures += 1
                work.due = now + self._pause(work.failures, outcome)
                self._commands.append(Note(f"task {work.id}: {outcome.text}"))
            else:
                work.failures = 0
                self._answered[work.stage](self, work, outcome, now)

    def ended(self, id: str, report: Report, now: float) -> None:
        """Take the end of a handler: what it says of its task."""
        work = self._tasks[id]
        if work.interrupted and (work.outcome is None or self.revoked is not None):
            self._drop(work, now, forget=self.revoked is None)
            return
        if work.outcome is not None and report.status == "cancelled":
            report = work.outcome
        self._end(work, report, now)

    def message_ended(self) -> None:
        """Take the end of the handler of a message."""
        self._handles_message = False

    def stop(self, now: float) -> None:
        """Take no more tasks; what runs goes on to its end, what waits is for the next start."""
        self._stopping = True
        for work in [*self._tasks.values()]:
            if work.stage in (_Stage.READING, _Stage.WAITING):
                self._drop(work, now, forget=False)

    def abort(self, now: float) -> None:
        """Stop, and interrupt what runs, too."""
        self.stop(now)
        for work in self._tasks.values():
            if work.stage is _Stage.RUNNING:
                self._interrupt(work, "the agent was stopped", STOPPED)

    # --- tasks ------------------------------------------------------------------------------------

    def _go_on_with(self, work: _Work, now: float) -> None:
        if work.stage is _Stage.WAITING and self._working() < self.slots:
            work.stage, work.report, work.due = _Stage.STARTING, RUNNING_REPORT, now
        if self._may_time_out(work) and work.ends <= now:
            self._interrupt(work, "timeout", TIMED_OUT)
        if not self._is_pending(work) or work.due > now:
            return
        if work.stage in _BY_READING:
            work.under_way = Read(work.id)
        else:
            assert work.report is not None  # noqa: S101  # so it is made, and taken from disk
            work.under_way = Send(work.id, work.report)
        self._commands.append(work.under_way)

    def _read(self, work: _Work, outcome: Seen | Failed, now: float) -> None:
        if isinstance(outcome, Failed) or outcome.status in FINAL:
            self._drop(work, now)
            return
        work.stage, work.skill = _Stage.WAITING, outcome.skill

    def _started(self, work: _Work, outcome: Failed | None, now: float) -> None:
        if outcome is not None:
            self._commands.append(Note(f"task {work.id} is not started: {outcome.text}"))
            self._drop(work, now)
        elif not self.takes(work.skill):
            what = "tasks without a skill" if work.skill is None else f"the skill {work.skill!r}"
            self._end(work, Report("failed", reason=f"this agent does not handle {what}"), now)
        else:
            work.stage, work.due = _Stage.RUNNING, now + LOOK_EVERY
            self._commands.append(Start(work.id, work.item, work.skill))

    def _looked(self, work: _Work, outcome: Seen | Failed, now: float) -> None:
        work.due = now + LOOK_EVERY
        if isinstance(outcome, Failed):
            self._interrupt(work, "gone", None)
        elif outcome.status in FINAL:
            self._interrupt(work, outcome.status, None)

    def _recovered(self, work: _Work, outcome: Seen | Failed, now: float) -> None:
        if isinstance(outcome, Failed) or outcome.status in FINAL:
            self._drop(work, now)
        elif outcome.status == "running":
            self._end(work, INTERRUPTED, now)
        elif work.claim is not None:
            self._take(work.claim, now)
        else:
            self._drop(work, now)

    def _reported(self, work: _Work, outcome: Failed | None, now: float) -> None:
        if outcome is None:
            self._drop(work, now)
            return
        self._commands.append(Note(f"task {work.id}: the report is refused: {outcome.text}"))
        reason = f"the agent's report was refused: {outcome.text}"
        if outcome.trouble is Trouble.REFUSED and not work.refused:
            work.refused = True
            self._end(work, Report("failed", reason=reason), now)
        else:
            self._drop(work, now)

    _answered: ClassVar[Mapping[_Stage, Callable[..., None]]] = {
        _Stage.READING: _read,
        _Stage.STARTING: _started,
        _Stage.RUNNING: _looked,
        _Stage.ENDING: _reported,
        _Stage.LOST: _recovered,
    }

    def _end(self, work: _Work, report: Report, now: float) -> None:
        work.stage, work.report, work.due, work.failures = _Stage.ENDING, report, now, 0
        work.under_way = None  # a look at it says nothing any more
        self._commands.append(Keep(Kept(work.id, report)))

    def _drop(self, work: _Work, now: float, *, forget: bool = True) -> None:
        del self._tasks[work.id]
        if forget:
            self._commands.append(Forget(work.id))
        if work.stage in _WORKING and not work.recovered:
            self._worked_at = self._poll_at = self._inbox_at = now

    def _interrupt(self, work: _Work, reason: str, outcome: Report | None) -> None:
        if not work.interrupted:
            work.interrupted, work.outcome = True, outcome
            self._commands.append(Interrupt(work.id, reason))

    def _end_by(self, refusal: Failed, now: float) -> None:
        """End all work: nothing that it leads to could be reported."""
        if self.revoked is None:
            self.revoked = refusal
            self.stop(now)
            for work in [*self._tasks.values()]:
                if work.stage is _Stage.RUNNING:
                    self._interrupt(work, "revoked", None)
                else:
                    self._drop(work, now, forget=False)

    def _give_up(self, now: float) -> None:
        """Leave on disk what cannot be sent for so long, once the worker stops."""
        if not self._stopping or any(w.stage is _Stage.RUNNING for w in self._tasks.values()):
            self._gives_up_at = inf
        elif self._tasks and self._gives_up_at == inf:
            self._gives_up_at = now + GRACE
        elif now >= self._gives_up_at:
            for work in [*self._tasks.values()]:
                self._drop(work, now, forget=False)

    # --- tasks and messages that are new ----------------------------------------------------------

    def _polled(self, call: Poll, outcome: Sequence[Claimed] | Failed, now: float) -> None:
        if isinstance(outcome, Failed):
            self._poll_failures += 1
            self._poll_at = now + self._poll_pause(self._poll_failures, outcome)
            self._commands.append(Note(f"polling: {outcome.text}"))
            return
        self._poll_failures = 0
        if self._stopping:
            return
        new = [claimed for claimed in outcome if claimed.id not in self._tasks]
        for claimed in new:
            self._commands.append(Keep(Kept(claimed.id, None, claimed)))
            self._take(claimed, now)
        self._poll_at = now if len(new) >= call.limit else now + self._interval(now)

    def _take(self, claimed: Claimed, now: float) -> None:
        known = claimed.skill_known or not self.needs_skill
        self._tasks[claimed.id] = _Work(
            claimed.id,
            _Stage.WAITING if known else _Stage.READING,
            now,
            now + claimed.seconds,
            claimed.skill,
            claimed.item,
        )
        self._worked_at = now

    def _inbox_read(self, call: ReadInbox, outcome: Sequence[Any] | Failed, now: float) -> None:
        if isinstance(outcome, Failed):
            self._inbox_failures += 1
            self._inbox_at = now + self._poll_pause(self._inbox_failures, outcome)
            self._commands.append(Note(f"reading the inbox: {outcome.text}"))
            return
        self._inbox_failures = 0
        self._queue.extend(outcome)  # also when stopping: the server will not give them again
        if outcome:
            self._worked_at = now
        self._inbox_at = now if len(outcome) >= call.limit else now + self._interval(now)

    # --- conditions and times ---------------------------------------------------------------------

    def _wants_tasks(self) -> bool:
        """Whether to poll; what an earlier process left is settled first, as it may come again."""
        return (
            not self._stopping
            and not self._polling
            and self._free() > 0
            and not any(work.stage is _Stage.LOST for work in self._tasks.values())
        )

    def _wants_messages(self) -> bool:
        return (
            self.has_inbox
            and not self._stopping
            and not self._reading_inbox
            and not self._handles_message
            and not self._queue
        )

    def _is_pending(self, work: _Work) -> bool:
        """Whether a call about a task is to be made, now or later."""
        return work.under_way is None and work.stage in _BY_READING | _BY_REPORTING

    @staticmethod
    def _may_time_out(work: _Work) -> bool:
        return work.stage is _Stage.RUNNING and not work.interrupted

    def _working(self) -> int:
        return sum(w.stage in _WORKING and not w.recovered for w in self._tasks.values())

    def _free(self) -> int:
        """The slots for which there is no task yet."""
        return self.slots - sum(not work.recovered for work in self._tasks.values())

    def _interval(self, now: float) -> float:
        is_idle = now - self._worked_at >= IDLE_AFTER
        return self._spread(POLL_EVERY_WHEN_IDLE if is_idle else POLL_EVERY)

    def _poll_pause(self, failures: int, failed: Failed) -> float:
        pause = min(POLL_EVERY_WHEN_IDLE, POLL_EVERY * 2.0 ** min(failures - 1, 9))
        return max(self._spread(pause), failed.retry_after)

    def _pause(self, failures: int, failed: Failed) -> float:
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures - 1, 9))
        return max(self._spread(pause), failed.retry_after)

    def _spread(self, seconds: float) -> float:
        return seconds * (1 - _SPREAD * self.chance())
