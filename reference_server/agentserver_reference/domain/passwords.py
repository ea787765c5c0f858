"""Passwords: Argon2id hashes as PHC strings, made and checked off the event loop."""

import os
import re
from functools import partial
from typing import TypeVar

import attrs
from anyio import CapacityLimiter, to_thread
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

T = TypeVar("T")

_PHC_COST = re.compile(r"\$argon2id\$v=19\$(m=\d+,t=\d+,p=\d+)\$")
_COST = re.compile(r"m=(\d+),t=(\d+),p=(\d+)")


@attrs.frozen
class Cost:
    """What one hash costs: KiB of memory, passes over it, lanes."""

    memory: int
    passes: int
    lanes: int

    @classmethod
    def parse(cls, text: str) -> "Cost":
        """Read `m=19456,t=2,p=1`, the way PHC strings write it. Raises ValueError otherwise."""
        match = _COST.fullmatch(text)
        if match is None:
            raise ValueError("must look like m=19456,t=2,p=1 (KiB of memory, passes, lanes)")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"m={self.memory},t={self.passes},p={self.lanes}"


class Passwords:
    """Hashes and checks passwords at one cost.

    Each hash takes its memory while it runs, so that few run at a time: `at_once`.
    """

    def __init__(self, cost: Cost, *, at_once: int = 2) -> None:
        self._cost = cost
        self._limiter = CapacityLimiter(at_once)
        self._nobody = self._derive(os.urandom(32).hex())

    async def hash(self, password: str) -> str:
        """The PHC string to keep of a password."""
        return await self._run(partial(self._derive, password))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether `kept` was made of this password.

        Without one (`None`: no such account) it takes as long and is False.
        """
        matches = await self._run(partial(_matches, password, kept or self._nobody))
        return matches and kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether `kept` was made at another cost than is asked for now."""
        match = _PHC_COST.match(kept)
        return match is None or match[1] != str(self._cost)

    def _derive(self, password: str) -> str:
        return Argon2id(
            salt=os.urandom(16),
            length=32,
            iterations=self._cost.passes,
            lanes=self._cost.lanes,
            memory_cost=self._cost.memory,
        ).derive_phc_encoded(password.encode())

    async def _run(self, work: partial[T]) -> T:
        return await to_thread.run_sync(work, limiter=self._limiter)


def _matches(password: str, kept: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), kept)
    except InvalidKey:
        return False
    return True
