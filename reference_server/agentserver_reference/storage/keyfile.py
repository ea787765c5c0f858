"""The file with the key that encrypts stored secrets, next to the SQLite database."""

import os
import secrets
from pathlib import Path

from agentserver_reference.domain.cipher import KEY_BYTES
from agentserver_reference.storage.engine.store import StoreError

KEY_FILE = "secret.key"


class InvalidKeyFile(StoreError):
    """The key file exists, but does not contain a key."""


def read_or_create_key(path: Path) -> bytes:
    """The key in the file at `path`, which is created at the first start, readable by its owner.

    Raises InvalidKeyFile if the file contains anything else.
    """
    if not path.exists():
        write_key(path, secrets.token_bytes(KEY_BYTES))
    return read_key(path)


def pending_of(path: Path) -> Path:
    """Return the file that has the new key during a rotation."""
    return path.with_name(path.name + ".new")


def read_key(path: Path) -> bytes:
    """The key in the file at `path`. Raises InvalidKeyFile if the file contains anything else."""
    try:
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        text = ""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidKeyFile(
            f"{path}: must contain {KEY_BYTES} bytes as {2 * KEY_BYTES} hexadecimal digits"
        )
    return key


def write_key(path: Path, key: bytes) -> None:
    """Create the file in one step; of several processes that do so, the first one wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
