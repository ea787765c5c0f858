"""Tokens that expire, and are renewed when they are needed.

Of all callers in all processes that find a token about to expire, one renews it: the one whose
claim is stored. The others go on with the token as long as it is valid; after that they wait, and
get what the one that renews it gets.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import anyio
import attrs

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.services.unit_of_work import UnitOfWork

T = TypeVar("T")

CLAIM_LIFETIME = timedelta(seconds=25)
"""Longer than the requests by which tokens are renewed may take."""

_PAUSE = 0.1
"""Seconds between two looks at whether another request has renewed a token."""
_MOST_LOOKS = 300


@attrs.frozen
class Stored(Generic[T]):
    """Tokens as they are stored."""

    sealed: str = attrs.field(repr=False)
    """Tells them from those that replace them."""
    expires_at: datetime | None
    is_claimed: bool
    value: T = attrs.field(repr=False)


class Renewable(Protocol[T]):
    """Where tokens are stored that can be renewed."""

    renew_before: timedelta
    """Tokens that are valid for less are renewed before they are used."""
    ended: str
    """What is said when they cannot be renewed any more."""

    async def find(self) -> Stored[T] | None:
        """Return them; None if they are not there any more."""
        ...

    async def claim(self, sealed: str, until: datetime) -> str | None:
        """Return a claim to renew them, or None: another one has, or they were replaced."""
        ...

    async def renew(self, stored: Stored[T], claim: str) -> None:
        """Get new ones, store them and end the claim. Raises BadGateway."""
        ...

    async def release(self, claim: str) -> None:
        """End the claim without new ones."""
        ...


async def current(work: UnitOfWork, tokens: Renewable[T]) -> T:
    """Return tokens that are valid.

    Raises BadGateway if they have expired and cannot be renewed, or are not there any more.
    """
    context = work.context
    waited_for = None
    for _ in range(_MOST_LOOKS):
        stored = await tokens.find()
        if stored is None:
            break
        now = context.clock()
        if stored.expires_at is None or stored.expires_at - now >= tokens.renew_before:
            return stored.value
        if waited_for == stored.sealed and not stored.is_claimed:
            break  # the one that was waited for could not renew them
        claim = await tokens.claim(stored.sealed, now + CLAIM_LIFETIME)
        if claim is not None:
            await _renew(tokens, stored, claim)
            continue
        if stored.expires_at > now:
            return stored.value
        waited_for = stored.sealed
        await context.wait(_PAUSE)
    raise BadGateway(tokens.ended)


async def _renew(tokens: Renewable[T], stored: Stored[T], claim: str) -> None:
    # A caller who leaves must not take new tokens along: the old refresh token may be used up.
    with anyio.CancelScope(shield=True):
        try:
            await tokens.renew(stored, claim)
        except BaseException:
            await tokens.release(claim)
            raise
