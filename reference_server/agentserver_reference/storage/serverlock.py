"""One server for each SQLite file: a lock beside it, which the system releases with the process."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentserver_reference.storage.engine.store import StoreError, StoreUnreachable

_TAKEN = {errno.EACCES, errno.EAGAIN}


class DatabaseInUse(StoreError):
    """Another server uses the file."""


@contextmanager
def only_server(database: Path | None) -> Iterator[None]:
    """Keep other servers from the file inside the block; in memory, there is none to keep.

    Where the system or the file system has no such locks, nothing is kept from anybody.

    Raises:
        DatabaseInUse: naming the file and the process that uses it.
        StoreUnreachable: no file can be made beside the database.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    if database is None:
        yield
        return
    # Two paths of one file, by a symbolic link, have one lock.
    path = database.resolve()
    try:
        file = path.with_name(path.name + ".lock").open("a+", encoding="ascii")
    except OSError as error:
        raise StoreUnreachable(f"cannot use {path} as a database: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                file.seek(0)
                raise DatabaseInUse(_in_use(path, file.read())) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _in_use(path: Path, holder: str) -> str:
    process = f" (process {holder.strip()})" if holder.strip().isdecimal() else ""
    return (
        f"{path} is used by another server{process}; "
        "stop it, or use PostgreSQL to run several servers"
    )
