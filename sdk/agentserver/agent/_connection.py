"""How an agent reaches its server: its identity, its clients, its folder and its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol, TypedDict

from attrs import define, field

from agentserver import _auth
from agentserver._client import AsyncClient, Client
from agentserver._errors import ConfigurationError, NotFound, Unauthenticated
from agentserver._logging import logger
from agentserver._options import Timeout, Verify
from agentserver._secret import Secret

from ._credentials import Identity, Place, system_store
from ._run import Pace, Runner
from ._sign_in import AgentType, Show, register
from ._state import Folder, State

_NO_TASK: Final = "none"
"""Asking for it is the cheapest way to learn whether a credential is accepted."""


class ConnectOptions(TypedDict, total=False):
    """How the server is reached: arguments of `Client` by the same names."""

    timeout: float | Timeout
    proxy: str | Secret
    verify: Verify
    extra_headers: Mapping[str, str | Secret]
    allow_insecure_http: bool


class Connection(Protocol):
    """What an agent needs of the world; a test server has one of its own."""

    def identity(self) -> Identity:
        """Who the agent is; it is registered if it is not yet, or not any more."""
        ...

    def client(self) -> Client:
        """A client that calls as the agent."""
        ...

    def async_client(self) -> AsyncClient:
        """The same for asyncio."""
        ...

    def state(self) -> AbstractContextManager[State]:
        """Where things are kept during one run."""
        ...

    def pace(self, client: AsyncClient) -> Pace:
        """The time in which the agent lives, which is that of its client."""
        ...

    def running(self, runner: Runner) -> AbstractContextManager[object]:
        """Is entered for the time of one run."""
        ...


@define(eq=False)
class ServerConnection:
    """A server that is reached by its URL."""

    server: str
    name: str
    type: AgentType
    workspace_id: str | None
    folder: Path | None
    """Where everything of this agent is kept; None for the system's place."""
    show: Show = field(repr=False)
    options: dict[str, Any] = field(repr=False)
    _identity: Identity | None = field(default=None, init=False)
    _place: Place | None = field(default=None, init=False)

    @classmethod
    def to(cls, url: str | None, **settings: Any) -> ServerConnection:
        """Check where the server is.

        Raises:
            ConfigurationError: there is no URL, or it is none.
        """
        return cls(_auth.base_url(Secret.of(url)).text, **settings)

    def identity(self) -> Identity:
        """See `Connection`."""
        if self._identity is None:
            self._identity = self._known() or self._register()
        return self._identity

    def _known(self) -> Identity | None:
        """The credentials of an earlier registration, if they still work."""
        self._place = self._find()
        found = None if self._place is None else self._place.load()
        if found is None:
            return None
        if found.server != self.server:
            raise ConfigurationError(
                f"the credentials in {self.folder} are for {found.server}, and sent nowhere else"
            )
        try:
            with Client(self.server, token=found.token, **self.options) as client:
                client.tasks.get_as_agent(_NO_TASK)
        except NotFound:
            return found
        except Unauthenticated:
            logger.info("the credentials of %s are no longer valid", self.name)
            return None
        return found

    def _find(self) -> Place | None:
        if self.folder is not None:
            return Place(self.folder)
        return system_store().find(self.server, self.name, self.workspace_id)

    def _register(self) -> Identity:
        made = register(self.server, self.name, self.type, self.show, self.options)
        if self.workspace_id not in (None, made.workspace_id):
            raise ConfigurationError(
                f"the agent was approved for workspace {made.workspace_id}, "
                f"and not for {self.workspace_id}"
            )
        if self.folder is None:
            self._place = system_store().place(self.server, self.name, made.workspace_id)
        assert self._place is not None  # noqa: S101  # a folder of one's own is a place
        self._place.save(made)
        return made

    def client(self) -> Client:
        """See `Connection`."""
        return Client(self.server, token=self.identity().token, **self.options)

    def async_client(self) -> AsyncClient:
        """See `Connection`."""
        return AsyncClient(self.server, token=self.identity().token, **self.options)

    @contextmanager
    def state(self) -> Iterator[State]:
        """See `Connection`."""
        self.identity()
        assert self._place is not None  # noqa: S101  # as `identity` has set it
        folder = Folder(self._place.folder)
        with folder.used_alone():
            yield folder

    def pace(self, client: AsyncClient) -> Pace:
        """See `Connection`."""
        runtime = client._shared.runtime
        return Pace(runtime.clock, chance=runtime.random_number)

    def running(self, runner: Runner) -> AbstractContextManager[object]:
        """See `Connection`."""
        return nullcontext()

    def forget(self) -> None:
        """Have the next `identity` look again."""
        self._identity = None
