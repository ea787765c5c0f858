"""Random tokens: shown once, kept as a hash. 128 random bits and more need no slow hash."""

import hmac
import secrets
from hashlib import sha256


def session_token() -> str:
    """A fresh session token: 64 lower-case hexadecimal digits."""
    return secrets.token_hex(32)


def token_hash(token: str) -> str:
    """What is kept of a token; whatever text a caller sends has one."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def sandbox_token(token: str) -> str:
    """Return the token of a sandbox, 32 hexadecimal digits, made of a fresh random one."""
    return token[:32]


def bridge_secret(token: str) -> str:
    """Return what a sandbox and the bridge of messages know of each other, made of its token."""
    return hmac.new(token.encode(), b"bridge of messages", sha256).hexdigest()


def is_same(secret: str, given: str) -> bool:
    """Whether what is given is the secret, in the same time whatever it is."""
    return hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogatepass"))
