"""The key of the stored secrets: from the settings, or from a file beside the SQLite database."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import attrs

from agentserver_reference.domain.cipher import KEY_BYTES, Cipher
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage.encryption import KeyMismatch, check_key
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.sqlite import read_once
from agentserver_reference.storage.keyfile import (
    KEY_FILE,
    pending_of,
    read_key,
    read_or_create_key,
)
from agentserver_reference.storage.serverlock import only_server

VARIABLE = "AGENTSERVER_ENCRYPTION_KEY"


@attrs.frozen
class EncryptionKey:
    """The key, and where it comes from."""

    cipher: Cipher
    file: Path | None = None
    """The file beside the SQLite database; None for a key of the settings."""
    created: bool = False
    """Whether this start has created the file."""

    @property
    def name(self) -> str:
        """Where the key is to be changed: the file, or the variable."""
        return str(self.file or VARIABLE)

    def check(self, conn: Connection, version: int) -> None:
        """Check that the key opens what is stored. Raises KeyMismatch, naming where to change it.

        A file that this start has created is removed then: nothing is changed.
        """
        try:
            check_key(conn, version, self.cipher)
        except KeyMismatch as error:
            if self.file is not None and self.created:
                self.file.unlink(missing_ok=True)
                raise KeyMismatch(
                    f"{self.file}: is missing, and a new key {error}; "
                    f"restore the file, or set {VARIABLE}"
                ) from None
            raise KeyMismatch(f"{self.name}: {error}") from None


def find_key(settings: Settings, database: Path | None, *, locked: bool = False) -> EncryptionKey:
    """Return the key for stored secrets, from the settings or the file beside the database.

    Arguments:
        settings: the settings.
        database: the SQLite file; None for one in memory, and for PostgreSQL.
        locked: whether the caller has locked that file.

    Raises:
        SettingsError: the folder cannot be created, read or written.
        StoreError: the key file is invalid, or a rotation is running.
    """
    if settings.encryption_key is not None:
        return EncryptionKey(Cipher(settings.encryption_key))
    if database is None:
        return EncryptionKey(Cipher(os.urandom(KEY_BYTES)))  # a database in memory is gone with it
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = database.with_name(KEY_FILE)
        if pending_of(path).exists():
            with nullcontext() if locked else only_server(database):
                _finish_rotation(database, path)
        created = not path.exists()
        return EncryptionKey(Cipher(read_or_create_key(path)), path, created)
    except OSError as error:
        where = "--data-dir" if settings.database_url is None else "--database-url"
        raise SettingsError(
            f"{where}: {database.parent} must be a folder that this user may write "
            f"({error.strerror})"
        ) from None


def _finish_rotation(database: Path, path: Path) -> None:
    """Bring the key file into line with the database after a rotation that was interrupted.

    The new key was in a file of its own before the database was changed. If the change was
    committed, that file takes the place of the old one, otherwise it is removed.
    """
    pending = pending_of(path)
    if not pending.exists():  # the rotation has finished in the meantime
        return
    if _key_id(database) == Cipher(read_key(pending)).key_id:
        pending.replace(path)
    else:
        pending.unlink()


def _key_id(database: Path) -> str | None:
    """Return the id of the key that the database is encrypted with, as far as it is known."""
    check = read_once(database, "SELECT key_check FROM installation")
    return check.partition(".")[0] if isinstance(check, str) else None
