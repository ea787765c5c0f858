"""What turns write to the operations log."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import attrs

from agentserver_reference.domain import operations as log
from agentserver_reference.domain.errors import BadRequest, NotFound
from agentserver_reference.domain.free_json import check_free_json
from agentserver_reference.domain.times import precise_timestamp
from agentserver_reference.domain.turn_items import done_in
from agentserver_reference.domain.turns import Outcome
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import operations
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock


@attrs.frozen
class TurnLog:
    """The log of one way by which turns come."""

    work: UnitOfWork
    workspace_id: str
    source: str
    request_id: str
    """The id of the request, or of the session."""
    user_id: str | None
    """The person; None for a program."""

    def begin(self, tool: str, arguments: dict[str, Any], began: datetime) -> Record:
        """Return what an operation is before it has ended."""
        return {
            "id": self.work.context.ids(),
            "workspace_id": self.workspace_id,
            "source": self.source,
            "request_id": self.request_id,
            "env_id": log.LOCAL,
            "tool": tool,
            "started_at": precise_timestamp(began),
            **log.arguments(arguments),
            **({} if self.user_id is None else {"user_id": self.user_id}),
        }

    async def note_item(self, thread_id: str, item: dict[str, Any], began: datetime) -> None:
        """Write down what was done in a turn, when it has ended."""
        done = done_in(item)
        if done is not None:
            operation = self.begin(done.tool, storable(done.arguments), began)
            await self._add(operation, thread_id, done.is_error, done.result)

    async def note_turn(self, outcome: Outcome, params: dict[str, Any], began: datetime) -> None:
        """Write down a turn that codex has run by itself."""
        operation = self.begin(log.TURN, storable(params), began)
        await self._add(operation, outcome.thread_id, outcome.is_error, outcome.summary)

    async def _add(
        self, operation: Record, thread_id: str, is_error: bool, result: str | None
    ) -> None:
        now = self.work.context.clock()
        row = log.ended(operation, thread_id, is_error, result, now)
        with suppress(NotFound):  # the workspace is gone
            await self.work.write(Lock(workspace=self.workspace_id), operations.add, row)


def storable(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of codex, or nothing where no database can hold them."""
    try:
        check_free_json("arguments", arguments)
    except BadRequest:
        return {}
    return arguments
