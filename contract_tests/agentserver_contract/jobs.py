"""Runs the shards of a run at the same time, each in a process of its own.

A process is given its task as a pickle on stdin, and answers with pickles on what was its stdout.
What comes on stdin afterwards are reasons to stop; that it ends is one too, so that no process
outlives the one that began the run. Signals reach that one alone.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any, TypeVar

from agentserver_contract.interruption import interrupted_by, signals_handled
from agentserver_contract.run import Observer, Outcome

MOST = 4
"""How many processes a run has at most, unless it is asked for more."""
_MOMENT = 1.0
"""How long to wait for an event, in seconds, before a signal is noticed on every system."""
_PROGRAM = "import sys; sys.path[:] = {path!r}; from agentserver_contract.jobs import work; work()"
_ORPHANED = "what began this run has ended"

Task = Callable[[Observer], Outcome]
"""What a process is to do; a pickle names the function."""
Event = tuple[str, Any]
"""The name of an observer's function and what it takes, or FAILED and the reason."""
FAILED = "failed"
_T = TypeVar("_T")
_EXITED = "exited"


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usual_count(*, is_quick: bool) -> int:
    """How many processes a run has unless it is asked for others: one more than there are cores,
    because each waits for the server a part of the time; in a quick run as many as there are cores,
    because to begin one takes longer than it saves."""
    return min(usable_cores() + (0 if is_quick else 1), MOST)


class Job:
    """A process that has a task.

    Args:
        index: Which of the tasks it has.
        task: What it is to do.
        report: Takes each event of it, in another thread; the last is that it has exited, with
            what went wrong, if anything did.
    """

    def __init__(self, index: int, task: Task, report: Callable[[Job, Event], None]) -> None:
        self.index = index
        self._report = report
        self._ends = False
        """Whether it cleans up already, or has been asked to."""
        self._has_result = False
        self._process = subprocess.Popen(  # noqa: S603 (the same program)
            [sys.executable, "-c", _PROGRAM.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._send(task)
        threading.Thread(target=self._receive, daemon=True).start()

    def stop(self, reason: str) -> None:
        """Let it end early and clean up, unless it does so already."""
        if not self._ends:
            self._ends = True
            self._send(reason)

    def abort(self, reason: str) -> None:
        """Let it end at once, even if it cleans up."""
        self._send(reason)

    def close(self) -> None:
        """Wait until it has ended; if it is not asked to, it is now."""
        self._close_stdin()
        self._process.wait()

    def _close_stdin(self) -> None:
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _send(self, message: object) -> None:
        stdin = self._process.stdin
        with suppress(OSError, ValueError):  # it has ended
            if stdin is not None:
                pickle.dump(message, stdin)
                stdin.flush()

    def _receive(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        with suppress(EOFError, pickle.UnpicklingError), stdout:
            while True:
                event = pickle.load(stdout)  # noqa: S301 (from our own process)
                if event[0] in ("ended", FAILED):
                    self._ends = self._has_result = True
                self._report(self, event)
        self._close_stdin()
        self._report(self, (_EXITED, self._failure(self._process.wait())))

    def _failure(self, status: int) -> str | None:
        """What became of it, if it has not done its task."""
        if status < 0:
            return f"was ended by signal {-status} ({signal.strsignal(-status)})"
        is_done = status == 0 and self._has_result
        return None if is_done else f"failed with exit status {status}"


def run_at_once(tasks: Sequence[Task], handle: Callable[[int, Event], str | None]) -> None:
    """Run tasks, each in a process of its own, until all of these have exited.

    When this process is interrupted, they end early and clean up; when it is interrupted again,
    they do not.

    Args:
        tasks: What the processes are to do.
        handle: Takes the index of a task and an event of it, and gives the reason why it ends the
            other tasks early, if it does.
    """
    events: queue.SimpleQueue[tuple[Job | None, Event]] = queue.SimpleQueue()
    jobs: list[Job] = []
    interruptions = 0
    try:
        with signals_handled(lambda reason: events.put((None, ("interrupted", reason)))):
            for index, task in enumerate(tasks):
                jobs.append(Job(index, task, lambda job, event: events.put((job, event))))
            running = set(jobs)
            while running:
                job, (name, value) = _next(events)
                if job is None:
                    interruptions += 1
                    for each in running:
                        (each.stop if interruptions == 1 else each.abort)(value)
                    continue
                if name == _EXITED:
                    running.discard(job)
                    if value is None:
                        continue
                    name, value = FAILED, f"process {job.index + 1} of {len(jobs)} {value}"
                if reason := handle(job.index, (name, value)):
                    for each in running - {job}:
                        each.stop(reason)
    finally:
        for each in jobs:
            each.close()


def _next(events: queue.SimpleQueue[_T]) -> _T:
    while True:
        with suppress(queue.Empty):
            return events.get(timeout=_MOMENT)


def work() -> None:
    """Do the task on stdin, report on stdout, and end early if stdin says so."""
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not get between the reports.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 (from the process that began)

    def report(name: str) -> Callable[[Any], None]:
        def send(value: Any) -> None:
            with suppress(BrokenPipeError):  # who began the run is gone: the clean-up goes on
                pickle.dump((name, value), reports)
                reports.flush()

        return send

    cleans_up = threading.Event()

    def ended(outcome: Outcome) -> None:
        cleans_up.set()
        report("ended")(outcome)

    observer = Observer(report("begins"), report("started"), report("finished"), ended)
    try:
        with interrupted_by(_reasons(sys.stdin.buffer, cleans_up)):
            outcome = task(observer)
        observer.ended(outcome)
    except KeyboardInterrupt as error:  # before the task could begin
        report(FAILED)(str(error))
    finally:
        with suppress(BrokenPipeError):
            reports.close()


def _reasons(requests: IO[bytes], cleans_up: threading.Event) -> Iterator[str]:
    """The reasons to stop that arrive, and that no more can, unless it stops already."""
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            yield pickle.load(requests)  # noqa: S301 (from the process that began)
            cleans_up.set()
    if not cleans_up.is_set():
        yield _ORPHANED
