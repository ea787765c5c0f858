"""Runs a worker on asyncio: makes its calls, runs handlers, and keeps what must not be lost.

Synchronous handlers run in threads, asynchronous ones in the event loop. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Final

from attrs import field, frozen

from agentserver._errors import Unauthenticated
from agentserver._logging import logger

from . import _calls
from ._failure import full_text, reason
from ._handlers import Handler, Handlers, interruptible
from ._state import NoState, State
from ._task import Message, Task, as_stored, current_task, from_stored
from ._worker import (
    Command,
    Forget,
    HandleMessage,
    Interrupt,
    Keep,
    Note,
    Poll,
    Read,
    ReadInbox,
    Report,
    Send,
    Start,
    Worker,
)

if TYPE_CHECKING:
    from agentserver._client import AsyncClient
    from agentserver._secret import Secret

A_MOMENT: Final = 1e-6
"""Seconds by which a clock may be ahead of what is due: times are rounded."""

_SIGNALS: Final = ("SIGINT", "SIGTERM")


def _timer(seconds: float) -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    handle = loop.call_later(seconds, _end, over)
    over.add_done_callback(lambda _: handle.cancel())
    return over


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


@frozen
class Pace:
    """The time in which an agent lives: what a test replaces."""

    now: Callable[[], float]
    timer: Callable[[float], asyncio.Future[None]] = _timer
    """Makes what is done after so many seconds, in the running event loop."""
    chance: Callable[[], float] = field(default=lambda: 0.0)
    wait_in_handler: Callable[[threading.Event, float], object] = threading.Event.wait
    """Waits in a thread, until the event is set at most."""
    changed: Callable[[], object] = field(default=lambda: None)
    """Called whenever `Runner.is_quiet` may have changed."""


@frozen
class _Outcome:
    """How a handler ended."""

    result: Any = None
    error: BaseException | None = None


class Runner:
    """One run of an agent."""

    def __init__(
        self,
        handlers: Handlers,
        client: AsyncClient,
        state: State,
        pace: Pace,
        *,
        concurrency: int,
        secrets: list[Secret],
    ) -> None:
        """Set it up.

        Args:
            handlers: the functions that take tasks and messages.
            client: what the calls are made through.
            state: where reports and messages are kept.
            pace: the time.
            concurrency: how many tasks run at once.
            secrets: what no log and no report may contain.
        """
        self._handlers, self._client, self._state = handlers, client, state
        self._pace, self._secrets = pace, secrets
        self._worker = Worker(
            slots=concurrency,
            takes=handlers.takes,
            needs_skill=handlers.needs_skill,
            has_inbox=handlers.message is not None,
            chance=pace.chance,
            now=pace.now(),
            kept=state.kept(),
            messages=[from_stored(message) for message in state.messages()],
        )
        self._threads = ThreadPoolExecutor(concurrency + 1, "agentserver-task")
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._running: dict[str, Callable[[str], None]] = {}
        """What interrupts each task that runs."""
        self._idle_until: float | None = None
        self._asleep: dict[object, tuple[float, Callable[[], bool]]] = {}
        self._ignored: set[asyncio.Task[None]] = set()
        self._stops = 0
        self._told_to_stop = False
        self._fault: BaseException | None = None

    # --- its life ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until it is stopped.

        Raises:
            Unauthenticated: the agent's credentials were revoked.
        """
        self._loop = asyncio.get_running_loop()
        try:
            try:
                await self._work()
            except asyncio.CancelledError:
                self._stop(abort=True)
                await self._work()
                raise
        finally:
            await self._clean_up()
        if self._worker.unsent:
            logger.warning("%d reports could not be sent", self._worker.unsent)
        if self._worker.revoked is not None:
            raise Unauthenticated(
                "the agent's credentials are no longer valid; its next start registers it anew"
            )

    async def _work(self) -> None:
        while True:
            await self._do_what_is_due()
            if self._fault is not None:
                raise self._fault
            if self._worker.is_over:
                return
            await self._wait()

    def stop(self) -> None:
        """Take no more tasks, finish what runs, and return from `run`; from any thread.

        The second time, what runs is interrupted.
        """
        self._told_to_stop = True
        if self._loop is None:
            self._stop()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)

    @property
    def is_stopping(self) -> bool:
        """Whether it is to stop."""
        return self._told_to_stop

    def _stop(self, *, abort: bool = False) -> None:
        self._stops += 1
        if abort or self._stops > 1:
            logger.info("the agent stops, and interrupts %d tasks", len(self._running))
            self._worker.abort(self._pace.now())
        else:
            logger.info("the agent stops when the %d tasks that run are over", len(self._running))
            self._worker.stop(self._pace.now())
        self._awake()

    async def _clean_up(self) -> None:
        for task in [*self._under_way]:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wait(self) -> None:
        until = self._worker.next_time()
        seconds = until - self._pace.now()
        if seconds <= 0 and not self._wake.is_set():
            await asyncio.sleep(0)
            return
        timer = self._pace.timer(seconds) if until < inf else None
        if timer is not None:
            timer.add_done_callback(self._rung)
        try:
            self._idle_until = until
            self._pace.changed()
            await self._wake.wait()
        finally:
            self._idle_until = None
            self._wake.clear()
            if timer is not None:
                timer.cancel()

    def _rung(self, timer: asyncio.Future[None]) -> None:
        if not timer.cancelled():
            self._wake.set()

    def _awake(self) -> None:
        self._idle_until = None
        self._wake.set()

    # --- what a test asks -------------------------------------------------------------------------

    def is_quiet(self) -> bool:
        """Whether nothing goes on until the clock is turned on."""
        now, until = self._pace.now() - A_MOMENT, self._idle_until
        asleep = sum(until > now and not woken() for until, woken in [*self._asleep.values()])
        busy = len(self._under_way - self._ignored)
        return until is not None and until > now and busy <= asleep

    def ignore_what_runs(self) -> None:
        """Do not count what goes on now any more: it waits for something other than the clock."""
        self._ignored = self._under_way.copy()

    @contextmanager
    def asleep(self, seconds: float, woken: Callable[[], bool]) -> Iterator[None]:
        """Count a handler as waiting for the clock, until that is over or something woke it."""
        token = object()
        self._asleep[token] = (self._pace.now() + seconds, woken)
        self._pace.changed()
        try:
            yield
        finally:
            del self._asleep[token]

    # --- commands ---------------------------------------------------------------------------------

    async def _do_what_is_due(self) -> None:
        while commands := self._worker.commands(self._pace.now()):
            for command in commands:
                await self._do[type(command)](self, command)

    async def _keep(self, keep: Keep) -> None:
        await self._on_disk(self._state.keep, keep.kept)

    async def _forget(self, forget: Forget) -> None:
        await self._on_disk(self._state.forget, forget.id)

    async def _call(self, call: Any) -> None:
        self._begin(self._answered(call))

    async def _start(self, start: Start) -> None:
        handler = self._handlers.task_handler(start.skill)
        assert handler is not None  # noqa: S101  # the worker asked `takes`
        task: Task = start.item
        task.skill, task._wait = start.skill, self._pace.wait_in_handler
        work = asyncio.create_task(self._run_handler(handler, task, lambda: task._reason))
        handled = self._begin(self._handled(handler, task, work))

        def interrupt(why: str) -> None:
            self._ignored.discard(handled)  # whatever it waited for, it has something to do now
            task._interrupt(why)
            if handler.is_async:
                work.cancel()

        self._running[start.id] = interrupt
        logger.info("task %s is started, skill=%s", start.id, start.skill)

    async def _interrupt(self, interrupt: Interrupt) -> None:
        logger.info("task %s is interrupted: %s", interrupt.id, interrupt.reason)
        if stop := self._running.get(interrupt.id):
            stop(interrupt.reason)

    async def _handle_message(self, handle: HandleMessage) -> None:
        handler = self._handlers.message
        assert handler is not None  # noqa: S101  # no message is read without
        work = asyncio.create_task(self._run_handler(handler, handle.message, lambda: None))
        self._begin(self._message_handled(handle.message, work))

    async def _note(self, note: Note) -> None:
        logger.warning("%s", note.text)

    _do: ClassVar[Mapping[type[Command], Callable[..., Awaitable[None]]]] = {
        Poll: _call,
        ReadInbox: _call,
        Read: _call,
        Send: _call,
        Keep: _keep,
        Forget: _forget,
        Start: _start,
        Interrupt: _interrupt,
        HandleMessage: _handle_message,
        Note: _note,
    }

    def _begin(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._awake()
        if not task.cancelled() and (fault := task.exception()):
            self._fault = fault
        self._under_way.discard(task)
        self._pace.changed()

    async def _answered(self, call: Any) -> None:
        outcome = await _calls.perform(self._client, call)
        if isinstance(call, ReadInbox) and isinstance(outcome, list):
            await self._on_disk(self._state.keep_messages, [as_stored(each) for each in outcome])
        self._worker.answer(call, outcome, self._pace.now())

    async def _on_disk(self, write: Callable[[Any], None], value: Any) -> None:
        """Write, and go on if that fails: a disk that is full must not stop the work."""
        try:
            if isinstance(self._state, NoState):
                write(value)
            else:
                await asyncio.to_thread(write, value)
        except OSError as error:
            logger.error("what must outlast this process cannot be kept: %s", error)

    # --- handlers ---------------------------------------------------------------------------------

    async def _handled(self, handler: Handler, task: Task, work: asyncio.Task[_Outcome]) -> None:
        report = self._report(task, await _outcome(work))
        self._running.pop(task.id, None)
        logger.info("task %s is %s", task.id, report.status)
        self._worker.ended(task.id, report, self._pace.now())

    def _report(self, task: Task, outcome: _Outcome) -> Report:
        """The end of a handler, as it is reported to the server."""
        error, status, result, why = outcome.error, "completed", outcome.result, ""
        if isinstance(error, asyncio.CancelledError):
            status, result, why = "cancelled", None, str(error)
        elif error is not None:
            status, result, why = "failed", None, reason(error, self._secrets)
            logger.error("task %s failed: %s", task.id, full_text(error, self._secrets))
        return Report(status, result, why, task.total_cost_usd, task.num_turns)

    async def _message_handled(self, message: Message, work: asyncio.Task[_Outcome]) -> None:
        outcome = await _outcome(work)
        if outcome.error is not None:  # a message that fails is not handled again
            text = full_text(outcome.error, self._secrets)
            logger.error("message %s failed: %s", message.id, text)
        await self._on_disk(self._state.forget_message, message.id)
        self._worker.message_ended()

    async def _run_handler(
        self, handler: Handler, given: Any, why: Callable[[], str | None]
    ) -> _Outcome:
        """Run a handler; whatever it raises ends its task, and nothing else."""
        current_task.set(given if isinstance(given, Task) else None)
        try:
            if handler.is_async:
                result = await interruptible(handler.function(given), why)
            else:
                context, loop = copy_context(), asyncio.get_running_loop()
                result = await loop.run_in_executor(
                    self._threads, lambda: context.run(handler.function, given)
                )
            if isinstance(given, Task):
                json.dumps(result, allow_nan=False)
        except BaseException as error:  # noqa: BLE001
            return _Outcome(error=error)
        return _Outcome(result)


async def _outcome(work: asyncio.Task[_Outcome]) -> _Outcome:
    """How a handler ended, also one that was interrupted before it began."""
    await asyncio.wait([work])
    return _Outcome(error=asyncio.CancelledError()) if work.cancelled() else work.result()


@contextmanager
def stopped_by_signals(stop: Callable[[], bool]) -> Iterator[None]:
    """Have SIGINT and SIGTERM stop an agent, where the program has no handler of its own for them.

    Where `stop` finds nothing to stop, they do what they do without it. Only the main thread can
    set handlers; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def handle(number: int, _: object) -> None:
        if not stop():
            signal.signal(number, before[number])
            signal.raise_signal(number)

    for name in _SIGNALS:
        number = getattr(signal, name)
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
