"""Encryption of stored secrets: AES-256-GCM, bound to the row and column of the secret."""

import os
from base64 import b64decode, b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class Undecipherable(Exception):
    """A stored secret cannot be decrypted: it has another key, was moved, or was changed."""


class Cipher:
    """Encrypts and decrypts secrets with one key of 32 bytes.

    A stored secret is `KEY_ID.BASE64`, so that keys can be replaced.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the encryption key must have {KEY_BYTES} bytes, it has {len(key)}")
        self._aead = AESGCM(key)
        self.key_id = sha256(b"agentserver encryption key id\0" + key).hexdigest()[:8]

    def encrypt(self, secret: str, *, row: str, column: str) -> str:
        """Return the encrypted secret, which can only be decrypted for the same row and column."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, secret.encode(), _place(row, column))
        return f"{self.key_id}.{b64encode(nonce + sealed).decode()}"

    def decrypt(self, stored: str, *, row: str, column: str) -> str:
        """Return the secret that was encrypted for this row and column. Raises Undecipherable."""
        key_id, _, text = stored.partition(".")
        if key_id != self.key_id:
            raise Undecipherable(
                f"{column}: was encrypted with key {key_id}, this server has key {self.key_id}"
            )
        try:
            sealed = b64decode(text, validate=True)
            nonce, sealed = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return self._aead.decrypt(nonce, sealed, _place(row, column)).decode()
        except (InvalidTag, ValueError):
            raise Undecipherable(f"{column}: does not belong to this row or was changed") from None


def _place(row: str, column: str) -> bytes:
    return f"{column}\0{row}".encode()
