"""The key that encrypts stored secrets, where it lies in a file: beside the SQLite database."""

import os
import secrets
from pathlib import Path

from agentserver_reference.domain.cipher import KEY_BYTES
from agentserver_reference.storage.engine.store import StoreError


class KeyFileBroken(StoreError):
    """There is a key file, and what it holds is no key."""


def read_or_create_key(path: Path) -> bytes:
    """The key in the file at `path`, which is made on the first start, for its owner's eyes only.

    Raises KeyFileBroken for a file that holds something else.
    """
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        _create(path)
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        text = ""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyFileBroken(
            f"{path}: must hold {KEY_BYTES} bytes as {2 * KEY_BYTES} hexadecimal digits"
        )
    return key


def _create(path: Path) -> None:
    """The whole file appears at once; of several who make it, the first one's stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
