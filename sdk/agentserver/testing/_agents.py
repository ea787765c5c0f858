"""An agent in a test: it runs in a thread, on the clock of the test server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from attrs import define, field

from agentserver._client import AsyncClient, Client
from agentserver._errors import WaitFailed
from agentserver._secret import Secret
from agentserver._transport import Runtime
from agentserver.agent import Agent
from agentserver.agent._credentials import Identity
from agentserver.agent._run import A_MOMENT, Pace, Runner
from agentserver.agent._state import NoState, State

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from agentserver.models import AgentTaskCreateResponse, AgentTaskDetail

    from ._clock import Clock


_PATIENCE = 10.0
"""Seconds of real time that a thread may take to start or to end."""
_LATE = 2 * A_MOMENT
"""Seconds that are waited longer, so that rounding does not end a wait too early."""
_STOPPING = 60.0
"""Seconds that a handler has to end by itself, on the server's clock."""


class _Server(Protocol):
    """What an agent needs of the test server."""

    clock: Clock

    @property
    def portal(self) -> BlockingPortal: ...

    @property
    def context(self) -> Any: ...

    def client_of_agent(self, runtime: Runtime, token: Secret) -> Client: ...

    def async_client_of_agent(self, runtime: Runtime, token: Secret) -> AsyncClient: ...


@define(eq=False)
class _Connection:
    """The test server, in place of the one that an agent was made for."""

    _server: _Server
    _identity: Identity
    started: Event = field(factory=Event)
    _runner: Runner | None = None
    _begins: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._begins = self._server.clock.seconds()

    def identity(self) -> Identity:
        return self._identity

    def client(self) -> Client:
        return self._server.client_of_agent(self._runtime(), self._identity.token)

    def async_client(self) -> AsyncClient:
        return self._server.async_client_of_agent(self._runtime(), self._identity.token)

    def state(self) -> AbstractContextManager[State]:
        return nullcontext(NoState())

    def pace(self, client: AsyncClient) -> Pace:
        return Pace(
            self._now,
            timer=self._timer,
            wait_in_handler=self._wait_in_handler,
            changed=self._server.clock.look_again,
        )

    @contextmanager
    def running(self, runner: Runner) -> Iterator[None]:
        self._runner = runner
        with self._server.clock.followed_by(runner):
            self.started.set()
            yield

    def _runtime(self) -> Runtime:
        clock = self._server.clock
        return Runtime(
            clock=clock.seconds,
            now=clock.seconds,
            sleep=self._sleep,
            sleep_async=self._sleep_async,
        )

    def _now(self) -> float:
        return self._server.clock.seconds() - self._begins

    def _timer(self, seconds: float) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def end() -> None:
            if not over.done():
                over.set_result(None)

        cancel = self._server.clock.call_later(
            seconds + _LATE, lambda: loop.call_soon_threadsafe(end)
        )
        over.add_done_callback(lambda _: cancel())
        return over

    async def _sleep_async(self, seconds: float) -> None:
        timer = self._timer(seconds)
        with self._asleep(seconds, timer.done):
            await timer

    def _sleep(self, seconds: float) -> None:
        self._wait_in_handler(Event(), seconds)

    def _wait_in_handler(self, over: Event, seconds: float) -> None:
        cancel = self._server.clock.call_later(seconds + _LATE, over.set)
        with self._asleep(seconds, over.is_set):
            over.wait()
        cancel()
        over.clear()

    def _asleep(self, seconds: float, woken: Callable[[], bool]) -> AbstractContextManager[object]:
        return nullcontext() if self._runner is None else self._runner.asleep(seconds, woken)


class RunningAgent:
    """An agent that works on a test server; use it in a ``with`` statement.

    Attributes:
        id: its id.
        workspace_id: the workspace that it is in.
    """

    def __init__(self, server: _Server, agent: Agent, identity: Identity, client: Client) -> None:
        """Use `Server.agent`."""
        self._server, self._agent, self._client = server, agent, client
        self._connection = _Connection(server, identity)
        self._fault: BaseException | None = None
        self._thread = Thread(target=self._run, name=f"agent {identity.name}", daemon=True)
        self.id = identity.sandbox_id
        self.workspace_id = identity.workspace_id

    def __enter__(self) -> Self:
        self._restore = self._agent._reconnected(self._connection)
        self._restore.__enter__()
        self._thread.start()
        while self._thread.is_alive() and not self._connection.started.wait(0.01):
            pass
        if self._fault is not None:
            self._restore.__exit__(None, None, None)
            raise self._fault
        self._server.clock.advance()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._stop()
        finally:
            self._restore.__exit__(None, None, None)
        if self._fault is not None and kind is None:
            raise self._fault

    def __repr__(self) -> str:
        return f"RunningAgent({self._agent!r}, id={self.id!r})"

    def do(self, prompt: str, *, timeout: float = 3600.0, **task: Any) -> AgentTaskDetail:
        """Give it a task as a person does, and turn the clock on until that has its end.

        Args:
            prompt: what is to be done.
            timeout: how far to turn the clock on at most, in seconds.
            task: other arguments of ``client.tasks.create``, for example ``skill``.

        Returns:
            The task, completed or not.

        Raises:
            WaitTimeout: it has no end yet.
        """
        task_id = self.give(prompt, **task)
        try:
            return self._client.tasks.wait(task_id, timeout=timeout)
        except WaitFailed as failed:
            ended: AgentTaskDetail = failed.resource
            return ended

    def give(self, prompt: str, **task: Any) -> str:
        """Give it a task as a person does, which it takes when the clock is turned on.

        Args:
            prompt: what is to be done.
            task: other arguments of ``client.tasks.create``, for example ``skill``.

        Returns:
            The id of the task.
        """
        made: AgentTaskCreateResponse = self._client.tasks.create(
            self.workspace_id, target_id=self.id, prompt=prompt, **task
        )
        return made.task_id

    def _run(self) -> None:
        try:
            asyncio.run(self._agent.run_async())
        except BaseException as error:  # noqa: BLE001  # raised in the test's thread
            self._fault = error

    def _stop(self) -> None:
        for again in (False, True):
            if again or not self._is_stopping():
                self._agent.stop()
            waited = 0.0
            while self._thread.is_alive() and waited < _STOPPING:
                self._server.clock.advance(1.0)
                self._thread.join(0.01)
                waited += 1.0
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            raise RuntimeError(f"a function of {self._agent!r} does not end")

    def _is_stopping(self) -> bool:
        runner = self._connection._runner
        return runner is not None and runner.is_stopping


def register(server: _Server, user_id: str, workspace_id: str, agent: Agent) -> Identity:
    """Register an agent for a person, without the way through a browser."""
    from agentserver_reference.services import agents
    from agentserver_reference.services.unit_of_work import UnitOfWork

    made = server.portal.call(
        agents.register,
        UnitOfWork(server.context),
        user_id,
        workspace_id,
        agent.name,
        agent.type,
    )
    return Identity(
        "the test server",
        workspace_id,
        made["sandbox_id"],
        agent.name,
        Secret(made["proxy_token"]),
        Secret(made["tunnel_token"]),
    )
