"""The access tokens of connected workspaces, which are renewed when they are needed.

Of all callers in all processes that find a token about to expire, one renews it: the one whose
claim is stored. The others go on with the token as long as it is valid; after that they wait, and
get what the one that renews it gets.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import anyio

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.domain.modelserver import needs_refresh
from agentserver_reference.services.modelserver import sealed_tokens
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import modelserver_connections
from agentserver_reference.storage.engine.query import Record

CLAIM_LIFETIME = timedelta(seconds=15)
"""Longer than a request to the model server may take."""

_PAUSE = 0.1
"""Seconds between two looks at whether another request has renewed a token."""
_MOST_LOOKS = 200


async def access_token(work: UnitOfWork, workspace_id: str) -> str:
    """Return the access token of a connected workspace.

    Raises BadGateway if it has expired and cannot be renewed, or is not there any more.
    """
    context = work.context
    waited_for = None
    for _ in range(_MOST_LOOKS):
        row = await work.read(modelserver_connections.tokens, workspace_id)
        if row is None:
            raise _unavailable()
        sealed, now = row["access_token_encrypted"], context.clock()
        expires_at = datetime.fromisoformat(row["token_expires_at"])
        if not needs_refresh(expires_at, now):
            return _opened(work, workspace_id, sealed)
        if waited_for == sealed and row["refreshing_until"] is None:
            raise _unavailable()  # the one that was waited for could not renew it
        if await _renewed(work, workspace_id, row):
            continue
        if expires_at > now:
            return _opened(work, workspace_id, sealed)
        waited_for = sealed
        await context.wait(_PAUSE)
    raise _unavailable()


async def _renewed(work: UnitOfWork, workspace_id: str, row: Record) -> bool:
    """Renew the tokens; False if another request does so. Raises BadGateway."""
    context = work.context
    now = context.clock()
    claim = await work.change(
        modelserver_connections.claim,
        workspace_id,
        seen=row["access_token_encrypted"],
        until=now + CLAIM_LIFETIME,
        now=now,
    )
    if claim is None:
        return False
    refresh_token = context.cipher.decrypt(
        row["refresh_token_encrypted"],
        row=workspace_id,
        column=modelserver_connections.REFRESH_COLUMN,
    )
    # A caller who leaves must not take new tokens along: the old refresh token may be used up.
    with anyio.CancelScope(shield=True):
        try:
            if not refresh_token:
                raise _unavailable()
            tokens = await context.modelserver.refresh(refresh_token)
        except BaseException:
            await work.change(modelserver_connections.release, workspace_id, claim)
            raise
        sealed = sealed_tokens(work, workspace_id, tokens)
        await work.change(
            modelserver_connections.renew, workspace_id, claim, sealed, context.clock()
        )
    return True


def _opened(work: UnitOfWork, workspace_id: str, sealed: str) -> str:
    column = modelserver_connections.ACCESS_COLUMN
    return work.context.cipher.decrypt(sealed, row=workspace_id, column=column)


def _unavailable() -> BadGateway:
    return BadGateway("the connection to the model server has ended: connect the workspace again")
