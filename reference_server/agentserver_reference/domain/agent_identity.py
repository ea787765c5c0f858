"""The identity by which an executor proves which one it is, in the form that codex expects.

A signed token (JWT) names the executor and contains its private key: who has the token is the
executor. The server keeps the public key, and the key pair that signs the tokens of all executors.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

ISSUER = "https://chatgpt.com/codex-backend/agent-identity"
"""What codex compares the issuer with, whatever server has issued the token."""
AUDIENCE = "codex-app-server"

_ALGORITHM = "RS256"
_BITS = 2048


@attrs.frozen
class SigningKey:
    """A key pair that signs tokens."""

    id: str
    private_key: str = attrs.field(repr=False)
    """In PEM."""

    @classmethod
    def new(cls) -> SigningKey:
        """Make a key pair, which takes about a tenth of a second."""
        from joserfc.jwk import RSAKey  # imported late: few servers have executors

        key = RSAKey.generate_key(_BITS, auto_kid=False)
        modulus = str(key.as_dict(private=False)["n"])
        return cls(f"rsa-{modulus[:16]}", key.as_pem(private=True).decode())

    def public_jwk(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key."""
        public = _imported(self.private_key).as_dict(private=False)
        return {**public, "kid": self.id, "use": "sig", "alg": _ALGORITHM}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a token with these claims."""
        from joserfc import jwt

        header = {"alg": _ALGORITHM, "typ": "JWT", "kid": self.id}
        return jwt.encode(header, dict(claims), _imported(self.private_key))


@lru_cache(maxsize=1)  # to read a key takes much longer than to sign with it
def _imported(private_key: str) -> RSAKey:
    from joserfc.jwk import RSAKey

    return RSAKey.import_key(private_key)


@attrs.frozen
class KeyPair:
    """The keys of one executor."""

    public: str
    """32 bytes, in base64."""
    private: str = attrs.field(repr=False)
    """PKCS#8 in DER, in base64."""

    @classmethod
    def new(cls) -> KeyPair:
        """Make a key pair."""
        # Imported late: few servers have executors.
        from cryptography.hazmat.primitives import serialization

        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes_raw()
        return cls(base64.b64encode(public).decode(), base64.b64encode(private).decode())


@attrs.frozen
class Assertion:
    """What an executor has signed to prove which one it is."""

    agent_runtime_id: str
    """The id of the executor."""
    task_id: str
    timestamp: str
    signature: str

    @classmethod
    def decode(cls, text: str) -> Assertion | None:
        """Read one as codex sends it: JSON in base64; None if it is none."""
        padding = "=" * (-len(text) % 4)
        try:
            content = base64.b64decode(text + padding, altchars="-_", validate=True)
            found = msgspec.json.decode(content, type=cls)
        except (ValueError, RecursionError):
            return None
        # No id has that, and PostgreSQL takes no text with it.
        return None if "\0" in found.agent_runtime_id else found


def claims(
    executor_id: str, keys: KeyPair, user_id: str, email: str, now: datetime, until: datetime
) -> dict[str, Any]:
    """Return what the token of an executor says."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int(until.timestamp()),
        "agent_runtime_id": executor_id,
        "agent_private_key": keys.private,
        "account_id": user_id,
        "chatgpt_user_id": user_id,
        "email": email,
        "plan_type": "pro",
        "chatgpt_account_is_fedramp": False,
    }


def is_signed(public_key: str, message: str, signature: bytes) -> bool:
    """Return whether the owner of this public key has signed the message."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    try:
        key.verify(signature, message.encode())
    except InvalidSignature:
        return False
    return True


def decode_signature(text: str) -> bytes | None:
    """Decode a signature in base64; None if it is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
