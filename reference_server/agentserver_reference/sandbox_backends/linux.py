"""Processes as Linux shows them in /proc: which they are, and who belongs to whom.

A process id is given to another process after the first has ended. What tells them apart is when
they started, so a process is never known by its id alone, and a signal is sent through a file
descriptor of the process (pidfd), which cannot come to mean another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Self

import attrs

_PROC = Path("/proc")
_PATIENCE = 10.0
"""Seconds for processes to end after SIGKILL: one that reads from a disk ends after that."""
_PAUSE = 0.005
_ROUNDS = 100

_STOPPED, _DEAD = "tT", "ZXx"


@attrs.frozen
class ProcessId:
    """A process that is or was."""

    number: int
    started: str
    """The boot of the machine, the namespace of process ids, and the clock ticks since the boot."""

    @classmethod
    def of(cls, number: int) -> Self | None:
        """Return the process that has this id now, also one that is dead and not yet reaped."""
        found = _Stat.read(number)
        return None if found is None else cls(number, f"{epoch()}/{found.ticks}")

    @classmethod
    def of_this_process(cls) -> Self:
        """Return this process."""
        return cls(os.getpid(), f"{epoch()}/{_Stat.of_this_process().ticks}")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the process that `str` has written; None for anything else."""
        number, _, started = text.partition("@")
        return cls(int(number), started) if number.isdigit() and started else None

    def __str__(self) -> str:
        return f"{self.number}@{self.started}"

    def is_alive(self) -> bool:
        """Return whether it still runs, or is stopped."""
        found = _Stat.read(self.number)
        return self.exists() and found is not None and found.state not in _DEAD

    def exists(self) -> bool:
        """Return whether its id is still its own: it runs, or is dead and not yet reaped."""
        return self == ProcessId.of(self.number)


@cache
def epoch() -> str:
    """Return what names the boot of this machine and the namespace of this process's id."""
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - it is no path
    return f"{boot}/{namespace.strip('pid:[]')}"


def is_supported() -> bool:
    """Return whether this system has all that is needed here."""
    return hasattr(os, "pidfd_open") and (_PROC / "self/ns/pid").exists()


@attrs.frozen
class _Stat:
    """What /proc/N/stat says."""

    state: str
    session: int
    ticks: str

    @classmethod
    def read(cls, number: int) -> Self | None:
        try:
            text = (_PROC / str(number) / "stat").read_text(errors="replace")
        except OSError:
            return None
        return cls._parse(text)

    @classmethod
    def of_this_process(cls) -> Self:
        return cls._parse((_PROC / "self/stat").read_text(errors="replace"))

    @classmethod
    def _parse(cls, text: str) -> Self:
        # The name of the program comes in parentheses, and may contain any character.
        fields = text.rpartition(")")[2].split()
        return cls(state=fields[0], session=int(fields[3]), ticks=fields[19])


@attrs.frozen
class Family:
    """All processes of a sandbox: the session of its first one, and those that have its marks.

    A session contains the process group of the first process, and those that a shell makes in it.
    A process can leave the session, but it takes its environment along.
    """

    first: ProcessId | None
    marks: frozenset[bytes]
    """Variables of the environment, each as `NAME=value`."""

    def members(self) -> list[int]:
        """Return the ids of those that are alive."""
        has_session = self.first is not None and self.first.exists()
        return [each for each in _all() if self._has(each, has_session)]

    def _has(self, number: int, has_session: bool) -> bool:
        stat = _Stat.read(number)
        if stat is None or stat.state in _DEAD or number == os.getpid():
            return False
        if has_session and self.first is not None and stat.session == self.first.number:
            return True
        return self.marks <= _environment(number)

    def stop(self) -> bool:
        """Stop all of them, and return whether all have stopped.

        Raises PermissionError if one belongs to another user.
        """
        for _ in range(_ROUNDS):  # one that runs can make another, until it is stopped itself
            going_on = [each for each in self.members() if _state(each) not in _STOPPED]
            if not going_on:
                return True
            self._signal(going_on, signal.SIGSTOP)
            time.sleep(_PAUSE)
        return False

    def go_on(self) -> None:
        """Let all of them go on."""
        self._signal(self.members(), signal.SIGCONT)

    def kill(self) -> bool:
        """End all of them, and return whether all have ended.

        Raises PermissionError if one belongs to another user.
        """
        ends, killed = time.monotonic() + _PATIENCE, set[int]()
        while members := self.members():
            if time.monotonic() > ends:
                return False
            self._signal(members, signal.SIGKILL)
            killed.update(members)
            time.sleep(_PAUSE)
        _reap(killed - ({self.first.number} if self.first else set()))
        return True

    def _signal(self, numbers: Iterable[int], sent: signal.Signals) -> None:
        has_session = self.first is not None and self.first.exists()
        for number in numbers:
            with _opened(number) as descriptor:
                # Looked at again, because now the descriptor says which process it is.
                if descriptor is None or not self._has(number, has_session):
                    continue
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, sent)


def _reap(numbers: Iterable[int]) -> None:
    """Forget dead processes that are ours: the first process of a container inherits orphans."""
    for number in numbers:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(number, os.WNOHANG)


def mark(name: str, value: str) -> frozenset[bytes]:
    """Return the mark that a variable of the environment is."""
    return frozenset({f"{name}={value}".encode()})


def kill_children_of_dead_servers(variable: str) -> int:
    """End all processes whose environment names in `variable` a server that has ended.

    Returns how many there were. Those of another machine's or container's servers are left alone.
    """
    ended = 0
    for number in _all():
        named = _value(number, variable) or ""
        server = ProcessId.parse(named)
        if server is None or not server.started.startswith(f"{epoch()}/") or server.is_alive():
            continue
        ended += 1
        with contextlib.suppress(PermissionError):
            Family(None, mark(variable, named)).kill()
    return ended


async def ends_within(number: int, seconds: float) -> bool:
    """Return whether a process ends within so many seconds."""
    with _opened(number) as descriptor:
        if descriptor is None:
            return True
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(descriptor, ended.set)
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(descriptor)
        return True


@contextlib.contextmanager
def _opened(number: int) -> Iterator[int | None]:
    """The descriptor of a process; None if there is no such process."""
    try:
        descriptor = os.pidfd_open(number)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _all() -> list[int]:
    return [int(each) for each in os.listdir(_PROC) if each.isdigit()]  # noqa: PTH208


def _state(number: int) -> str:
    stat = _Stat.read(number)
    return "X" if stat is None else stat.state


def _environment(number: int) -> set[bytes]:
    try:
        return set((_PROC / str(number) / "environ").read_bytes().split(b"\0"))
    except OSError:  # it is another user's, or has ended
        return set()


def _value(number: int, variable: str) -> str | None:
    start = f"{variable}=".encode()
    found = (each for each in _environment(number) if each.startswith(start))
    value = next(found, None)
    return None if value is None else value.removeprefix(start).decode(errors="replace")
