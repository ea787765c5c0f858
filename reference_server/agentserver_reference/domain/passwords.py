"""Password hashes: Argon2id in PHC string format, computed in worker threads."""

import os
import re
from collections.abc import Iterable
from functools import partial
from typing import TypeVar

import attrs
from anyio import CapacityLimiter, to_thread
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

T = TypeVar("T")

SALT_BYTES = 16
HASH_BYTES = 32
RANDOM_PART = 22 + len("$") + 43
"""Characters of salt and hash at the end of a PHC string; what stands before them is the cost."""

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

    After the cost was changed, some accounts have hashes of the old cost until their next login.
    Every attempt to log in is therefore compared once at each cost in use, whether there is such
    an account, and whatever its own hash costs: the time tells neither.

    At most `at_once` hashes are computed at a time, because each needs much memory.
    """

    def __init__(self, cost: Cost, *, at_once: int = 2) -> None:
        self._cost = cost
        self._limiter = CapacityLimiter(at_once)
        self._dummies = {cost: self._derive(_unknown_password())}
        """For each cost in use, the hash of a password that nothing knows."""

    async def hash(self, password: str) -> str:
        """Return the hash to store for a password."""
        return await self._run(partial(self._derive, password))

    async def add_costs(self, stored: Iterable[str]) -> None:
        """Take the costs of these stored hashes as being in use; their first part is enough."""
        for text in stored:
            cost = _cost_of(text)
            if cost is not None and cost not in self._dummies:
                self._dummies[cost] = await self._run(partial(_dummy, cost))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether a stored hash belongs to this password.

        Without one (`None`: no such account) it computes as much, and returns False.
        """
        if stored is not None:
            await self.add_costs([stored])  # of a process that has another cost
        return await self._run(partial(self._compare, password, stored))

    def _compare(self, password: str, stored: str | None) -> bool:
        hashes = dict(self._dummies)
        own = None if stored is None else _cost_of(stored)
        if stored is not None and own is not None:
            hashes[own] = stored
        matches = {cost: _matches(password, text) for cost, text in hashes.items()}
        return own is not None and matches[own]

    def outdated(self, stored: str) -> bool:
        """Return whether a stored hash has other parameters than new hashes have."""
        return _cost_of(stored) != self._cost

    def _derive(self, password: str) -> str:
        return _hash(password, self._cost)

    async def _run(self, work: partial[T]) -> T:
        return await to_thread.run_sync(work, limiter=self._limiter)


def _hash(password: str, cost: Cost) -> str:
    return Argon2id(
        salt=os.urandom(SALT_BYTES),
        length=HASH_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory,
    ).derive_phc_encoded(password.encode())


def _unknown_password() -> str:
    return os.urandom(32).hex()


def _dummy(cost: Cost) -> str:
    return _hash(_unknown_password(), cost)


def _cost_of(stored: str) -> Cost | None:
    match = _PHC_COST.match(stored)
    return None if match is None else Cost.parse(match[1])


def _matches(password: str, stored: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), stored)
    except InvalidKey:
        return False
    return True
