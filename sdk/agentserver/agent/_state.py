"""What must outlast the process: tasks with no acknowledged end, messages that were not handled.

One file each, which is complete or absent: it is written beside its place and moved there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

from attrs import asdict

from agentserver._errors import ConfigurationError
from agentserver._logging import logger

from ._task import Task, task_as_stored, task_from_stored
from ._worker import Claimed, Kept, Report

_REPORTS: Final = "reports"
_MESSAGES: Final = "messages"
_LOCK: Final = "lock"


class State(Protocol):
    """Where an agent keeps what must outlast its process."""

    def keep(self, kept: Kept) -> None:
        """Write what is to be remembered of a task, in place of what was."""

    def forget(self, id: str) -> None:
        """Remove what is remembered of a task, if anything."""

    def keep_messages(self, messages: list[dict[str, Any]]) -> None:
        """Write messages, in their order."""

    def forget_message(self, id: str) -> None:
        """Remove a message."""

    def kept(self) -> list[Kept]:
        """What is remembered of tasks."""
        ...

    def messages(self) -> list[dict[str, Any]]:
        """The messages, in their order."""
        ...


class NoState:
    """Keeps nothing: what is not acknowledged ends with the process."""

    def keep(self, kept: Kept) -> None:
        """See `State`."""

    def forget(self, id: str) -> None:
        """See `State`."""

    def keep_messages(self, messages: list[dict[str, Any]]) -> None:
        """See `State`."""

    def forget_message(self, id: str) -> None:
        """See `State`."""

    def kept(self) -> list[Kept]:
        """See `State`."""
        return []

    def messages(self) -> list[dict[str, Any]]:
        """See `State`."""
        return []


class Folder:
    """Keeps it in a folder that only its owner can read."""

    def __init__(self, path: Path) -> None:
        """Use a folder, which is made if it does not exist."""
        self.path = path
        self._reports, self._messages = path / _REPORTS, path / _MESSAGES
        for folder in (self._reports, self._messages):
            make_private(folder)

    def keep(self, kept: Kept) -> None:
        """See `State`."""
        # The end of a task is worth waiting for the disk; what was given, the server knows too.
        write(self._report(kept.id), _stored(kept), flush=kept.report is not None)

    def forget(self, id: str) -> None:
        """See `State`."""
        self._report(id).unlink(missing_ok=True)

    def keep_messages(self, messages: list[dict[str, Any]]) -> None:
        """See `State`."""
        numbers = [int(path.name.partition("-")[0]) for path in self._messages.glob("*-*.json")]
        first = max(numbers, default=0) + 1
        for number, message in enumerate(messages, first):
            path = self._messages / f"{number:012d}-{_name(message['id'])}.json"
            write(path, message, flush=True)

    def forget_message(self, id: str) -> None:
        """See `State`."""
        for path in self._messages.glob(f"*-{_name(id)}.json"):
            path.unlink(missing_ok=True)

    def kept(self) -> list[Kept]:
        """See `State`."""
        return [*_read_all(self._reports, _kept)]

    def messages(self) -> list[dict[str, Any]]:
        """See `State`."""
        return [*_read_all(self._messages, dict)]

    @contextmanager
    def used_alone(self) -> Iterator[None]:
        """Keep other processes out until the end of the block.

        Raises:
            ConfigurationError: another process is in.
        """
        descriptor = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            if not _lock(descriptor):
                raise ConfigurationError(
                    f"another process runs this agent: {self.path} is in use; "
                    "give each process a folder of its own"
                )
            yield
        finally:
            os.close(descriptor)  # which unlocks it

    def _report(self, id: str) -> Path:
        return self._reports / f"{_name(id)}.json"


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write(path: Path, value: Any, *, flush: bool) -> None:
    """Write JSON that only its owner can read, so that the file is always complete.

    Args:
        path: The file.
        value: What is written.
        flush: Whether it must have reached the disk, and so outlasts a power cut too.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _read_all(folder: Path, make: Any) -> Iterator[Any]:
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            yield make(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError):
            logger.warning("%s cannot be read, and is left as it is", path)


def claim_of(task: Task) -> Claimed:
    """What a poll gave."""
    # v0.64.12 leaves out both the skill and the time; a server that says one says the other.
    seconds = task.timeout_seconds
    return Claimed(task.id, task.skill, seconds is not None, seconds or inf, task)


def _stored(kept: Kept) -> dict[str, Any]:
    return {
        "id": kept.id,
        "report": None if kept.report is None else asdict(kept.report),
        "task": None if kept.claim is None else task_as_stored(kept.claim.item),
    }


def _kept(value: dict[str, Any]) -> Kept:
    report, task = value["report"], value.get("task")
    return Kept(
        value["id"],
        None if report is None else Report(**report),
        None if task is None else claim_of(task_from_stored(task)),
    )


def _name(id: str) -> str:
    """A name of a file: an id comes from the server, and may be anything."""
    return sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; return whether it was free."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        lock: Any = msvcrt
        try:
            lock.locking(descriptor, lock.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
