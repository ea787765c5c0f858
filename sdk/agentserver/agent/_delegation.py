"""Tasks that an agent gives to another, and waiting for what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from agentserver._generated.api.tasks import get_agent_task
from agentserver._operation import Call
from agentserver._transport import Sleep, drive, drive_async
from agentserver.waiting import TIMEOUT, Waiting, wait_flow

from ._task import Task, current_task
from ._worker import FINAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentserver._client import AsyncClient, Client
    from agentserver.models import AgentTaskDetail


def _read(id: str) -> Call[AgentTaskDetail]:
    return get_agent_task.call(id)


_COMPLETION: Final = Waiting(
    read=_read,
    field="status",
    until="completed",
    dead_ends={"completed": FINAL - {"completed"}},
)


@frozen
class Delegated:
    """A task that was given to another agent.

    Attributes:
        id: its id.
    """

    id: str
    _client: Callable[[], Client] = field(repr=False)
    _async_client: Callable[[], AsyncClient] = field(repr=False)

    def wait(self, *, timeout: float = TIMEOUT) -> AgentTaskDetail:
        """Wait until it is completed, in a synchronous handler or outside of any.

        Args:
            timeout: seconds to wait at most.

        Returns:
            The task, with its result.

        Raises:
            WaitFailed: it failed or was cancelled; `WaitFailed.resource` is the task.
            WaitTimeout: the time is over.
            Cancelled: the task of the handler that waits is to stop.
        """
        client = self._client()
        shared = client._shared
        steps = wait_flow(_COMPLETION, self.id, None, timeout, None, shared.runtime, shared.pacer)
        return drive(steps, lambda step: _perform(client, step))  # type: ignore[arg-type]

    async def wait_async(self, *, timeout: float = TIMEOUT) -> AgentTaskDetail:
        """Wait until it is completed; see `wait`."""
        client = self._async_client()
        shared = client._shared
        steps = wait_flow(_COMPLETION, self.id, None, timeout, None, shared.runtime, shared.pacer)
        return await drive_async(steps, lambda step: _perform_async(client, step))  # type: ignore[arg-type]


def chain(agent_id: str) -> list[str]:
    """The agents through which a task has come that the running handler passes on."""
    task = current_task.get()
    return [*(task.delegation_chain if task else ()), agent_id]


def _perform(client: Client, step: Any) -> Any:
    task: Task | None = current_task.get()
    if not isinstance(step, Sleep):
        return client._call(step)
    return client._perform(step) if task is None else task.sleep(step.seconds)


async def _perform_async(client: AsyncClient, step: Any) -> Any:
    return await (client._perform(step) if isinstance(step, Sleep) else client._call(step))
