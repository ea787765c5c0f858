"""Password hashes: Argon2id in PHC string format, computed in worker threads."""

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
    """The parameters of Argon2id: KiB of memory, passes, lanes."""

    memory: int
    passes: int
    lanes: int

    @classmethod
    def parse(cls, text: str) -> "Cost":
        """Parse parameters such as `m=19456,t=2,p=1`, the PHC notation. Raises ValueError."""
        match = _COST.fullmatch(text)
        if match is None:
            raise ValueError("must look like m=19456,t=2,p=1 (KiB of memory, passes, lanes)")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"m={self.memory},t={self.passes},p={self.lanes}"


class Passwords:
    """Hashes and verifies passwords.

    At most `at_once` hashes are computed at a time, because each needs much memory.
    """

    def __init__(self, cost: Cost, *, at_once: int = 2) -> None:
        self._cost = cost
        self._limiter = CapacityLimiter(at_once)
        self._dummy = self._derive(os.urandom(32).hex())

    async def hash(self, password: str) -> str:
        """Return the hash to store for a password."""
        return await self._run(partial(self._derive, password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether a stored hash belongs to this password.

        Without one (`None`: no such account) it takes as long, and returns False.
        """
        matches = await self._run(partial(_matches, password, stored or self._dummy))
        return matches and stored is not None

    def outdated(self, stored: str) -> bool:
        """Return whether a stored hash has other parameters than new hashes have."""
        match = _PHC_COST.match(stored)
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


def _matches(password: str, stored: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), stored)
    except InvalidKey:
        return False
    return True
