"""The access tokens of connected workspaces."""

from __future__ import annotations

from datetime import datetime

import attrs

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.domain.modelserver import REFRESH_BEFORE
from agentserver_reference.services import renewal
from agentserver_reference.services.modelserver import sealed_tokens
from agentserver_reference.services.renewal import Stored
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import modelserver_connections
from agentserver_reference.storage.engine.query import Record


async def access_token(work: UnitOfWork, workspace_id: str) -> str:
    """Return the access token of a connected workspace.

    Raises BadGateway if it has expired and cannot be renewed, or is not there any more.
    """
    sealed = (await renewal.current(work, _Connection(work, workspace_id)))[
        "access_token_encrypted"
    ]
    column = modelserver_connections.ACCESS_COLUMN
    return work.context.cipher.decrypt(sealed, row=workspace_id, column=column)


@attrs.frozen
class _Connection:
    """The tokens of one workspace. See Renewable."""

    work: UnitOfWork
    workspace_id: str

    renew_before = REFRESH_BEFORE
    ended = "the connection to the model server has ended: connect the workspace again"

    async def find(self) -> Stored[Record] | None:
        row = await self.work.read(modelserver_connections.tokens, self.workspace_id)
        if row is None:
            return None
        return Stored(
            row["access_token_encrypted"],
            datetime.fromisoformat(row["token_expires_at"]),
            row["refreshing_until"] is not None,
            row,
        )

    async def claim(self, sealed: str, until: datetime) -> str | None:
        return await self.work.change(
            modelserver_connections.claim,
            self.workspace_id,
            seen=sealed,
            until=until,
            now=self.work.context.clock(),
        )

    async def renew(self, stored: Stored[Record], claim: str) -> None:
        context = self.work.context
        refresh_token = context.cipher.decrypt(
            stored.value["refresh_token_encrypted"],
            row=self.workspace_id,
            column=modelserver_connections.REFRESH_COLUMN,
        )
        if not refresh_token:
            raise BadGateway(self.ended)
        tokens = await context.modelserver.refresh(refresh_token)
        sealed = sealed_tokens(self.work, self.workspace_id, tokens)
        await self.work.change(
            modelserver_connections.renew, self.workspace_id, claim, sealed, context.clock()
        )

    async def release(self, claim: str) -> None:
        await self.work.change(modelserver_connections.release, self.workspace_id, claim)
