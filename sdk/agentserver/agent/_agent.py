"""`Agent`: what turns functions into an agent that takes tasks from a workspace."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar, Unpack, overload

from agentserver._client import AsyncClient, Client
from agentserver._errors import ConfigurationError
from agentserver._omit import OMIT, Omit

from ._connection import Connection, ConnectOptions, ServerConnection
from ._delegation import Delegated, chain
from ._handlers import Handlers
from ._run import Runner, stopped_by_signals
from ._sign_in import AgentType, Show, print_link
from ._task import Message, Task

TaskFunction = TypeVar("TaskFunction", bound=Callable[[Task], Any])
MessageFunction = TypeVar("MessageFunction", bound=Callable[[Message], Any])

_TYPES: Final = ("opencode", "claudecode", "custom")
_LONGEST_NAME: Final = 255
_MOST_AT_ONCE: Final = 1000


class Agent:
    """An agent: functions that take tasks and messages, and a server that they come from.

    Make it by `Agent.connect`, declare its functions with `task` and `message`, and call `run`.
    Nothing is sent before `run`, `sign_in`, or the first use of `id` or a client.
    """

    def __init__(
        self, name: str, *, type: AgentType, description: str, connection: Connection
    ) -> None:
        """Use `Agent.connect`."""
        if not 0 < len(name) <= _LONGEST_NAME:
            raise ConfigurationError(f"name must be 1 to {_LONGEST_NAME} characters")
        if type not in _TYPES:
            raise ConfigurationError(f"type must be one of {', '.join(_TYPES)}")
        self._name, self._description = name, description
        self._type: AgentType = type
        self._connection = connection
        self._handlers = Handlers()
        self._client: Client | None = None
        self._async_client: AsyncClient | None = None
        self._runner: Runner | None = None

    @classmethod
    def connect(
        cls,
        url: str | None = None,
        *,
        name: str,
        type: AgentType = "custom",
        description: str = "",
        workspace: str | None = None,
        folder: str | os.PathLike[str] | None = None,
        show: Show = print_link,
        **options: Unpack[ConnectOptions],
    ) -> Self:
        """Make an agent of a server.

        When it is first needed, the agent signs in: it prints a link and a code, and a person opens
        the link in a browser, on any machine, picks a workspace and approves. The credentials that
        this gives are kept in the system's place for such things, or in `folder`, readable for
        their owner alone; they are used again as long as they work.

        Args:
            url: where the server is. Left out: the environment's ``AGENTSERVER_URL``.
            name: what it is called in the workspace; 1 to 255 characters.
            type: the kind of agent.
            description: what it does, for its card.
            workspace: the id of the workspace to work in; needed only where an agent of this name
                is registered in several.
            folder: where to keep the credentials and what must outlast the process, instead of the
                system's place. Each process needs a folder of its own.
            show: is called with the link and the code, instead of printing them.
            options: arguments of `Client` by the same names: ``timeout``, ``proxy``, ``verify``,
                ``extra_headers``, ``allow_insecure_http``.

        Raises:
            ConfigurationError: an argument is not as described.
        """
        connection = ServerConnection.to(
            url,
            name=name,
            type=type,
            workspace_id=workspace,
            folder=None if folder is None else Path(folder),
            show=show,
            options=dict(options),
        )
        return cls(name, type=type, description=description, connection=connection)

    def __repr__(self) -> str:
        skills = ", ".join(self._handlers.skills)
        where = getattr(self._connection, "server", "a test server")
        state = ", running" if self._runner else ""
        return f"Agent({self._name!r} at {where}, skills=[{skills}]{state})"

    @property
    def name(self) -> str:
        """What it is called in the workspace."""
        return self._name

    @property
    def type(self) -> AgentType:
        """The kind of agent."""
        return self._type

    # --- what it does -----------------------------------------------------------------------------

    @overload
    def task(self, function: TaskFunction, /) -> TaskFunction: ...

    @overload
    def task(self, *, skill: str | None = None) -> Callable[[TaskFunction], TaskFunction]: ...

    def task(self, function: Any = None, *, skill: str | None = None) -> Any:
        """Have a function take tasks: ``@agent.task(skill="review")``, or ``@agent.task``.

        The function is called with a `Task`, in a thread, or in the event loop if it is ``async``.
        What it returns is the task's result, any JSON; what it raises is why the task failed.

        Args:
            function: takes the tasks.
            skill: the skill of the tasks that it takes, which the agent's card shows with the
                function's docstring; None for the tasks that no other function takes.

        Raises:
            ConfigurationError: another function takes them already.
        """
        if function is not None:
            self._handlers.add(function, skill)
            return function

        def declare(function: TaskFunction) -> TaskFunction:
            self._handlers.add(function, skill)
            return function

        return declare

    def message(self, function: MessageFunction, /) -> MessageFunction:
        """Have a function take messages: ``@agent.message``.

        It is called with a `Message`, one after the other, in the order in which they were sent.

        Args:
            function: takes the messages.

        Raises:
            ConfigurationError: another function takes them already.
        """
        self._handlers.add_message(function)
        return function

    @property
    def card(self) -> dict[str, Any]:
        """Its card, which others in the workspace see: its skills, and what it accepts."""
        return self._handlers.card()

    # --- its life ---------------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Register now, if the agent is not registered yet, instead of when it is first needed.

        Raises:
            AgentserverError: it was not approved, or the server cannot be reached.
            ConfigurationError: there is no place for its credentials.
        """
        self._connection.identity()

    def run(self, *, concurrency: int = 8) -> None:
        """Work until SIGTERM, Ctrl-C, or a call of `stop`.

        What runs is finished then; the second time, it is interrupted. Reports that cannot be sent
        are kept for the next start.

        Args:
            concurrency: how many tasks are worked on at once, 1 to 1,000.

        Raises:
            Unauthenticated: the agent was removed from its workspace while it ran.
            ConfigurationError: it has no functions, or another process runs it.
            AgentserverError: it could not sign in or publish its card.
        """
        self._check(concurrency)
        self._connection.identity()  # may wait for an approval; until then signals end it
        with stopped_by_signals(self._stop):
            asyncio.run(self.run_async(concurrency=concurrency))

    async def run_async(self, *, concurrency: int = 8) -> None:
        """Do what `run` does in an event loop of yours; signals are left to your program.

        If it is cancelled, what runs is interrupted, reported, and given 10 seconds for that.

        Args:
            concurrency: how many tasks are worked on at once, 1 to 1,000.

        Raises:
            Unauthenticated: the agent was removed from its workspace while it ran.
            ConfigurationError: it has no functions, or another process runs it.
            AgentserverError: it could not sign in or publish its card.
        """
        self._check(concurrency)
        connection = self._connection
        identity = await asyncio.to_thread(connection.identity)
        async with connection.async_client() as client:
            with connection.state() as state:
                secrets = [identity.token, identity.tunnel_token]
                runner = self._runner = Runner(
                    self._handlers,
                    client,
                    state,
                    connection.pace(client),
                    concurrency=concurrency,
                    secrets=secrets,
                )
                try:
                    await self._publish_card(client)
                    with connection.running(runner):
                        await runner.run()
                finally:
                    self._runner = None
                    await self._close_async_client()
                    self.close()

    def _check(self, concurrency: int) -> None:
        if not 0 < concurrency <= _MOST_AT_ONCE:
            raise ConfigurationError(f"concurrency must be from 1 to {_MOST_AT_ONCE}")
        if not self._handlers.any:
            raise ConfigurationError(f"{self!r} has no functions: declare one with @agent.task")
        if self._runner is not None:
            raise ConfigurationError(f"{self!r} runs already")

    async def _publish_card(self, client: AsyncClient) -> None:
        # Publishing the same card twice does no harm.
        await client.with_options(retry="always").agents.publish_card(
            display_name=self._name,
            description=self._description,
            agent_type=self._type,
            card=self.card,
        )

    def stop(self) -> None:
        """Take no more tasks, and let `run` return when what runs is finished; from any thread.

        The second time, what runs is interrupted.
        """
        self._stop()

    def _stop(self) -> bool:
        """Do what `stop` says; whether there was something to stop."""
        runner = self._runner
        if runner is not None:
            runner.stop()
        return runner is not None

    def close(self) -> None:
        """Close the connections of `client`, which `run` does at its end.

        The next use of `client` opens new ones.
        """
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _close_async_client(self) -> None:
        if self._async_client is not None:
            await self._async_client.aclose()
            self._async_client = None

    @contextmanager
    def _reconnected(self, connection: Connection) -> Iterator[None]:
        """Use another connection until the end of the block, as `agentserver.testing` does."""
        before = self._connection, self._client, self._async_client
        self._connection, self._client, self._async_client = connection, None, None
        try:
            yield
        finally:
            self.close()
            self._connection, self._client, self._async_client = before

    # --- what it calls ----------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Its id in the workspace, by which others give it tasks."""
        return self._connection.identity().sandbox_id

    @property
    def workspace_id(self) -> str:
        """The workspace that it works in."""
        return self._connection.identity().workspace_id

    @property
    def client(self) -> Client:
        """A client that calls as this agent."""
        if self._client is None:
            self._client = self._connection.client()
        return self._client

    @property
    def async_client(self) -> AsyncClient:
        """An asynchronous client that calls as this agent."""
        if self._async_client is None:
            self._async_client = self._connection.async_client()
        return self._async_client

    def delegate(
        self,
        target: str,
        prompt: str,
        *,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
    ) -> Delegated:
        """Give a task to another agent of the workspace, in a synchronous function.

        The server knows through which agents a task has come, and refuses a circle.

        Args:
            target: the id of the other agent.
            prompt: what is to be done.
            skill: the skill that it is for.
            system_context: what else to know.
            timeout_seconds: how long it may take.
            max_turns: how many turns to take at most.
            max_budget_usd: what it should cost at most.

        Returns:
            The task, for which one can `wait`.

        Raises:
            AgentserverError: the server refuses it, or cannot be reached.
        """
        made = self.client.tasks.delegate(
            target_id=target,
            prompt=prompt,
            skill=skill,
            system_context=system_context,
            timeout_seconds=timeout_seconds,
            max_turns=max_turns,
            max_budget_usd=max_budget_usd,
            delegation_chain=chain(self.id),
        )
        return self._delegated(made.task_id)

    async def delegate_async(
        self,
        target: str,
        prompt: str,
        *,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
    ) -> Delegated:
        """Give a task to another agent of the workspace; see `delegate`."""
        made = await self.async_client.tasks.delegate(
            target_id=target,
            prompt=prompt,
            skill=skill,
            system_context=system_context,
            timeout_seconds=timeout_seconds,
            max_turns=max_turns,
            max_budget_usd=max_budget_usd,
            delegation_chain=chain(self.id),
        )
        return self._delegated(made.task_id)

    def _delegated(self, id: str) -> Delegated:
        return Delegated(id, lambda: self.client, lambda: self.async_client)
