"""What the server asks of a gateway to which executors are connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from agentserver_reference.storage.engine.connection import Connection
    from agentserver_reference.storage.engine.query import Record

Change = Callable[["Connection"], None]
"""What the gateway writes to the server's database."""


@attrs.frozen
class NewExecutor:
    """An executor to register."""

    workspace_id: str
    user_id: str
    """Who registers it."""
    name: str
    description: str


class Executors(Protocol):
    """The gateway."""

    async def register(
        self, new: NewExecutor, commit: Callable[[str, Change | None], Awaitable[None]]
    ) -> None:
        """Register an executor, or leave nothing of it in the gateway.

        Arguments:
            new: the executor.
            commit: gives the executor with this id its identity, together with the gateway's own
                change, in one transaction.

        Raises:
            Conflict: an executor of this workspace has that name.
            BadGateway: the gateway does not respond as it should.
            ServiceUnavailable: there is no gateway.
        """
        ...

    async def list_of(self, workspace_id: str, user_id: str) -> list[Record]:
        """Return the executors of a workspace, the oldest first. Raises as `register`.

        `user_id` is who asks.
        """
        ...

    async def unbind(
        self,
        workspace_id: str,
        executor_id: str,
        user_id: str,
        commit: Callable[[Change | None], Awaitable[None]],
    ) -> None:
        """Remove an executor from a workspace, if it has it.

        Arguments:
            workspace_id: the workspace.
            executor_id: the executor.
            user_id: who removes it.
            commit: revokes its identity, together with the gateway's own change.

        Raises as `register`.
        """
        ...

    async def close(self) -> None:
        """Free what the gateway holds."""
        ...
