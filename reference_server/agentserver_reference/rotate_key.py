"""Replaces the key of the stored secrets, while no server uses the database."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import attrs

from agentserver_reference import logs
from agentserver_reference.domain.cipher import KEY_BYTES, Cipher
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import (
    StoreError,
    encryption,
    open_store,
    sqlite_path,
    worker_leases,
)
from agentserver_reference.storage.encryption_key import VARIABLE, EncryptionKey, find_key
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.keyfile import pending_of, read_or_create_key, write_key
from agentserver_reference.storage.serverlock import DatabaseInUse, only_server

NEW_VARIABLE = "AGENTSERVER_NEW_ENCRYPTION_KEY"

_logger = logging.getLogger(logs.LOGGER)


@attrs.frozen
class Rotation:
    """What was done."""

    secrets: int
    """How many values were encrypted with the new key, the check value included."""
    old_key: str
    """The id of the old key, as error messages show it."""
    new_key: str
    stored_in: str
    """The file with the new key, or the variable that it was read from."""


def rotate_key(settings: Settings, new_key_file: Path | None) -> Rotation:
    """Encrypt all stored secrets with another key, in one transaction.

    Arguments:
        settings: name the database and the old key, and possibly the new one.
        new_key_file: the file of the new key, which is created with a random key if it does not
            exist. It can be left out if the key is in the file beside the SQLite database: that
            file then gets the new key.

    Raises:
        SettingsError: there is no place for the new key, or it is the old one.
        StoreError: a server uses the database, the old key does not open what is stored, or the
            database fails. Nothing is changed then.
    """
    logs.configure(settings.log_format, settings.log_level)
    database = sqlite_path(settings.resolved_database_url)
    if not settings.is_postgresql and (database is None or not database.exists()):
        raise StoreError(f"{settings.resolved_database_url}: there is no such database")
    with only_server(database):
        old = find_key(settings, database, locked=True)
        new, stored_in = _new_key(settings, old, new_key_file)
        cipher = Cipher(new)
        if cipher.key_id == old.cipher.key_id:
            raise SettingsError(f"{stored_in}: is the key that is in use already")
        if old.file is not None:
            _write_pending(old.file, new)
        count = asyncio.run(_rotate(settings, old, cipher))
        if old.file is not None:
            pending_of(old.file).replace(old.file)
    return Rotation(count, old.cipher.key_id, cipher.key_id, stored_in)


def _new_key(settings: Settings, old: EncryptionKey, file: Path | None) -> tuple[bytes, str]:
    if settings.new_encryption_key is not None and file is not None:
        raise SettingsError(f"--new-key-file: the new key is given by {NEW_VARIABLE} already")
    if settings.new_encryption_key is not None:
        return settings.new_encryption_key, str(old.file or NEW_VARIABLE)
    if file is not None:
        try:
            return read_or_create_key(file), str(file)
        except OSError as error:
            raise SettingsError(f"--new-key-file: {file}: {error.strerror}") from None
    if old.file is not None:
        return os.urandom(KEY_BYTES), str(old.file)
    raise SettingsError(
        f"--new-key-file: is required, as the old key is in {VARIABLE} (or set {NEW_VARIABLE})"
    )


def _write_pending(file: Path, key: bytes) -> None:
    """Write the new key where a start finds it if the rotation ends before the last step."""
    pending = pending_of(file)
    pending.unlink(missing_ok=True)
    write_key(pending, key)


async def _rotate(settings: Settings, old: EncryptionKey, new: Cipher) -> int:
    store = open_store(settings, old)
    await store.open()
    try:
        return await store.write_alone(_rotate_alone, settings, old, new, _progress)
    finally:
        await store.close()


def _rotate_alone(
    conn: Connection,
    settings: Settings,
    old: EncryptionKey,
    new: Cipher,
    progress: Callable[[str, int, int], None],
) -> int:
    # The lock beside a SQLite file is exact. On PostgreSQL, the leases tell that a server runs.
    if settings.is_postgresql and worker_leases.any_held(conn, datetime.now(UTC)):
        raise DatabaseInUse(
            "the database is used by a server; stop all servers first "
            "(one that was killed counts for another minute)"
        )
    try:
        return encryption.rotate(conn, old.cipher, new, progress)
    except encryption.KeyMismatch as error:
        raise encryption.KeyMismatch(f"{old.name}: {error}; nothing was changed") from None


def _progress(place: str, done: int, total: int) -> None:
    logs.event(_logger, logging.INFO, "rotating", column=place, done=done, total=total)


def report(rotation: Rotation, form: str) -> str:
    """Return the line that is printed to stdout in the end, in the format of the log."""
    if form == "json":
        return json.dumps({"event": "rotated", **attrs.asdict(rotation)})
    return (
        f"{rotation.secrets} stored values are encrypted with the new key {rotation.new_key} "
        f"instead of {rotation.old_key}; the new key is in {rotation.stored_in}"
    )
