"""The server of a test: its people, what goes wrong, and what it was asked."""

from __future__ import annotations

from asyncio import wrap_future
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from http import HTTPStatus
from json import dumps, loads
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from attrs import define, field

from agentserver._client import AsyncClient, Client
from agentserver._errors import ConfigurationError
from agentserver._secret import Secret
from agentserver._transport import Runtime
from agentserver.models import WorkspaceRole

from ._calls import Call
from ._clock import Clock, whole_second
from ._faults import Answer, Rule, Rules

if TYPE_CHECKING:
    from agentserver.agent import Agent
    from agentserver.models import Sandbox, Workspace

    from ._agents import RunningAgent

T = TypeVar("T")

URL = "http://localhost"
"""What clients believe to call. Nothing listens there: their transport is the server itself."""

_ADMINISTRATOR = "admin"
_PASSWORD = "a password for tests"  # noqa: S105  # of accounts that end with their server
_CHEAPEST_PASSWORDS = "m=8,t=1,p=1"
_USUAL = Rule(None, None)


@define(eq=False, slots=False)
class Person:
    """A person with an account on a test server.

    Attributes:
        id: the id of the account.
        email: its address.
        password: its password; like the session, its repr does not show it.
    """

    _server: Server = field(repr=False)
    id: str
    email: str
    password: str = field(repr=False)
    _session: Secret | None = field(repr=False)

    @cached_property
    def client(self) -> Client:
        """A client that is logged in as this person."""
        return self._server.client(**self.credentials)

    @cached_property
    def async_client(self) -> AsyncClient:
        """An asynchronous client that is logged in as this person."""
        return self._server.async_client(**self.credentials)

    @property
    def credentials(self) -> dict[str, Any]:
        """What a client needs to be this person, a session that is open included."""
        return {"email": self.email, "password": self.password, "session": self._session}


class Server:
    """The reference server in this process, with an empty database in memory.

    It keeps every rule of the real one. Use it in a ``with`` statement; under pytest, the fixture
    `agentserver_server` does. Its first account is `admin`, an administrator.
    """

    def __init__(self, *, now: datetime | None = None, **settings: Any) -> None:
        """Set up a server; it starts with the ``with`` statement.

        Args:
            now: the time at which its clock stands, aware; the present by default.
            settings: those of the reference server by their names, for example
                ``public_url="https://agents.example.com"``.

        Raises:
            ConfigurationError: the extra ``server`` is not installed.
        """
        try:
            from agentserver_reference.app import create_app
            from agentserver_reference.contract import load_contract
            from agentserver_reference.settings import Settings
        except ImportError as error:
            raise ConfigurationError(
                f"agentserver.testing needs the reference server, and {error.name} is not "
                "installed: install agentserver with the extra 'server'"
            ) from None
        given = {"database_url": "sqlite://", "password_cost": _CHEAPEST_PASSWORDS} | settings
        self.clock = Clock(self._run, now or whole_second())
        self._contract = load_contract()
        self._operations = _methods(self._contract.document)
        self._app = create_app(
            Settings.from_environment({}, **given),
            clock=self.clock.now,
            wait=self.clock.wait,
            contract=self._contract,
        )
        self._asgi = httpx.ASGITransport(self._app)
        self._people: dict[str, Person] = {}
        self._calls: list[Call] = []
        self._rules = Rules()
        self._opened = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._portal = opened.enter_context(start_blocking_portal())
            lifespan = self._app.router.lifespan_context(self._app)
            opened.enter_context(self._portal.wrap_async_context_manager(lifespan))
            self._opened = opened.pop_all()
        self.person(_ADMINISTRATOR)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()
        self._portal = None

    def __repr__(self) -> str:
        return f"Server(people={[*self._people]}, calls={len(self._calls)})"

    # --- who uses it ------------------------------------------------------------------------------

    @property
    def admin(self) -> Person:
        """The administrator."""
        return self.person(_ADMINISTRATOR)

    def person(self, name: str = "user") -> Person:
        """A person with an account, which is registered when the name is first used.

        Args:
            name: an e-mail address, or what is before the ``@`` of one at ``example.com``.
        """
        email = name if "@" in name else f"{name}@example.com"
        if email not in self._people:
            with self._silent_client() as client:
                account = client.auth.register(email=email, password=_PASSWORD)
                client.auth.login(email=email, password=_PASSWORD)
                session = client._shared.credentials.session
            self._people[email] = Person(self, account.id, email, _PASSWORD, session)
        return self._people[email]

    def workspace(
        self,
        name: str = "Workspace",
        *,
        owner: Person | None = None,
        members: Mapping[Person, WorkspaceRole | str] | None = None,
    ) -> Workspace:
        """Create a workspace.

        Args:
            name: its name.
            owner: whose it is; ``person()``, who `agentserver_client` is, by default.
            members: who else is in it, with the role of each.
        """
        with self._silent_client(**(owner or self.person()).credentials) as client:
            workspace = client.workspaces.create(name=name)
            for member, role in (members or {}).items():
                client.workspaces.members.add(
                    workspace.id, email=member.email, role=WorkspaceRole(role)
                )
        return workspace

    def sandbox(
        self,
        name: str = "Sandbox",
        *,
        workspace: Workspace | None = None,
        owner: Person | None = None,
        status: Literal["running", "paused"] = "running",
        **given: Any,
    ) -> Sandbox:
        """Create a sandbox that is running, or paused.

        Where changes of sandboxes take time (the setting ``sandbox_seconds``), the clock is turned
        on by as much.

        Args:
            name: its name.
            workspace: where; the default workspace of its owner, who must be in it.
            owner: who creates it; ``person()``, who `agentserver_client` is, by default.
            status: the state in which it is.
            given: what else `client.sandboxes.create` takes, such as ``type`` or ``idle_timeout``.

        Raises:
            ValueError: the status is another one.
        """
        if status not in ("running", "paused"):
            raise ValueError("status must be running or paused")
        with self._silent_client(**(owner or self.person()).credentials) as client:
            home = workspace or client.workspaces.list()[0]
            sandbox = client.sandboxes.create(home.id, name=name, wait=True, **given)
            if status == "paused":
                client.sandboxes.pause(sandbox.id)
                sandbox = client.sandboxes.get(sandbox.id)
                if sandbox.status != status:  # a wait would turn the clock on, if only a little
                    sandbox = client.sandboxes.wait(sandbox.id, until=status)
        return sandbox

    def client(self, **options: Any) -> Client:
        """A client of this server, without credentials unless they are given.

        Args:
            options: those of `Client`.
        """
        return self._client(Client, self.transport, **options)

    def async_client(self, **options: Any) -> AsyncClient:
        """An asynchronous client of this server, usable in any event loop.

        Args:
            options: those of `AsyncClient`.
        """
        return self._client(AsyncClient, self.async_transport, **options)

    def _silent_client(self, **options: Any) -> Client:
        """A client whose calls are not logged, and to which nothing happens."""
        return self._client(Client, _Transport(self, is_logged=False), **options)

    def _client(self, kind: Callable[..., T], transport: object, **options: Any) -> T:
        runtime = Runtime(
            clock=self.clock.seconds,
            now=self.clock.seconds,
            sleep=self.clock.advance,
            sleep_async=self._sleep,
        )
        return kind(URL, transport=transport, _runtime=runtime, **options)

    # --- agents -----------------------------------------------------------------------------------

    def agent(
        self, agent: Agent, *, workspace: Workspace | None = None, owner: Person | None = None
    ) -> RunningAgent:
        """Have an agent of yours work on this server, instead of on the one it was made for.

        It is registered without anybody's approval, and works in the ``with`` statement, on the
        server's clock: what it waits for comes when the clock is turned on. Time stands still while
        its functions work.

        Args:
            agent: the agent; it need not be signed in.
            workspace: where it works; a new one by default.
            owner: who has registered it, and gives it tasks; ``person()`` by default.
        """
        from ._agents import RunningAgent, register

        owner = owner or self.person()
        place = workspace or self.workspace(owner=owner)
        return RunningAgent(self, agent, register(self, owner.id, place.id, agent), owner.client)

    def client_of_agent(self, runtime: Runtime, token: Secret) -> Client:
        """A client for an agent, which waits for the clock instead of turning it on."""
        return Client(URL, transport=self.transport, _runtime=runtime, token=token)

    def async_client_of_agent(self, runtime: Runtime, token: Secret) -> AsyncClient:
        """The same for asyncio."""
        return AsyncClient(URL, transport=self.async_transport, _runtime=runtime, token=token)

    @property
    def context(self) -> Any:
        """What the calls and workers of the server share."""
        return self._app.state.context

    @property
    def transport(self) -> httpx.BaseTransport:
        """What a `Client` or ``httpx.Client`` of your own sends through to this server."""
        return _Transport(self)

    @property
    def async_transport(self) -> httpx.AsyncBaseTransport:
        """What an `AsyncClient` or ``httpx.AsyncClient`` of your own sends through."""
        return _AsyncTransport(self)

    # --- what it was asked ------------------------------------------------------------------------

    def calls(self, operation: str | None = None) -> list[Call]:
        """What clients have sent so far, without what `person`, `workspace` and `sandbox` needed.

        Args:
            operation: only calls of this method of the SDK, as in ``workspaces.create``.

        Raises:
            ValueError: the SDK has no such method.
        """
        wanted = self._checked(operation)
        return [call for call in self._calls if wanted in (None, call.operation)]

    # --- what goes wrong --------------------------------------------------------------------------

    def fail(
        self,
        status: int,
        operation: str | None = None,
        *,
        message: str = "",
        retry_after: float | None = None,
        times: int | None = 1,
    ) -> None:
        """Refuse calls, or let the server fail, without doing anything.

        Args:
            status: the HTTP status, 400 or above.
            operation: only calls of this method of the SDK, as in ``workspaces.create``.
            message: the text of the error; that of the status by default.
            retry_after: seconds for the header ``Retry-After``.
            times: how many calls; None for all from now on.

        Raises:
            ValueError: an argument is not as described.
        """
        if not 400 <= status <= 599:
            raise ValueError("status must be from 400 to 599")
        text = message or HTTPStatus(status).phrase.lower()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if retry_after is not None:
            headers["Retry-After"] = f"{retry_after:g}"
        self._add(operation, times, answer=Answer(status, headers, f"{text}\n".encode()))

    def respond(
        self,
        operation: str,
        json: Any = None,
        *,
        status: int = 200,
        times: int | None = None,
        check: bool = True,
    ) -> None:
        """Answer calls with something of your own, such as an answer recorded elsewhere.

        Args:
            operation: calls of this method of the SDK, as in ``workspaces.get``.
            json: the body.
            status: the HTTP status.
            times: how many calls; None for all from now on.
            check: whether the answer must be one that the contract allows.

        Raises:
            ValueError: an argument is not as described, or the answer breaks the contract.
        """
        answer = Answer(status)
        if json is not None:
            answer = Answer(status, {"Content-Type": "application/json"}, dumps(json).encode())
        self._checked(operation)
        if check:
            self._check(operation, answer)
        self._add(operation, times, answer=answer)

    def delay(self, seconds: float, operation: str | None = None, *, times: int | None = 1) -> None:
        """Answer calls late: the clock is turned on, so that the test does not wait.

        A client whose time limit is shorter raises `TimedOut` or `OutcomeUnknown`; what was asked
        for is done all the same.

        Args:
            seconds: how long the answer takes.
            operation: only calls of this method of the SDK, as in ``workspaces.create``.
            times: how many calls; None for all from now on.

        Raises:
            ValueError: an argument is not as described.
        """
        if not seconds > 0:
            raise ValueError("seconds must be above 0")
        self._add(operation, times, delay=seconds)

    def drop_answer(self, operation: str | None = None, *, times: int | None = 1) -> None:
        """Break the connection before the answer, after the server has done what was asked for.

        Args:
            operation: only calls of this method of the SDK, as in ``workspaces.create``.
            times: how many calls; None for all from now on.

        Raises:
            ValueError: an argument is not as described.
        """
        self._add(operation, times, drops=True)

    def work_as_usual(self) -> None:
        """Forget everything that `fail`, `respond`, `delay` and `drop_answer` have set up."""
        self._rules.clear()

    def _add(self, operation: str | None, times: int | None, **effects: Any) -> None:
        self._rules.add(Rule(self._checked(operation), times, **effects))

    def _checked(self, operation: str | None) -> str | None:
        if operation is None or operation in self._operations.values():
            return operation
        near = get_close_matches(operation, self._operations.values(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{operation!r} is no method of the SDK{hint}")

    def _check(self, name: str, answer: Answer) -> None:
        from starlette.responses import Response

        from agentserver_reference.http.conformance import ContractViolation, check_response

        (operation,) = (
            each for each in self._contract.operations if self._operations[each.id] == name
        )
        response = Response(answer.content, answer.status, answer.headers_for("any"))
        try:
            check_response(operation, response)
        except ContractViolation as error:
            raise ValueError(f"{error} (check=False sends it all the same)") from None

    # --- one call ---------------------------------------------------------------------------------

    async def exchange(self, request: httpx.Request, *, is_logged: bool) -> httpx.Response:
        """Answer one request, in the server's event loop."""
        if not is_logged:
            return await self._answer(request)
        operation = self._operation(request)
        rule = self._rules.met_by(operation) or _USUAL
        status: int | None = None
        try:
            if rule.answer is None:
                response = await self._answer(request)
            else:
                response = rule.answer.to(request)
            if rule.delay:
                await self._be_late(request, rule.delay)
            if rule.drops:
                raise httpx.ReadError("the test server dropped the answer", request=request)
            status = response.status_code
            return response
        finally:
            self._calls.append(
                Call(
                    operation,
                    request.method,
                    request.url.raw_path.decode("ascii"),
                    _json(request.content),
                    status,
                    self.clock.now(),
                )
            )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._asgi.handle_async_request(request)
        return httpx.Response(
            response.status_code, headers=response.headers, content=await response.aread()
        )

    def _operation(self, request: httpx.Request) -> str:
        from agentserver_reference.domain.errors import Refusal

        dispatcher: Any = self._app.router.default
        try:
            target, _ = dispatcher.router.find(
                request.method, request.url.raw_path.partition(b"?")[0]
            )
        except Refusal:
            return ""
        operation = getattr(target, "operation", None)
        return self._operations.get(operation.id, "") if operation is not None else ""

    async def _be_late(self, request: httpx.Request, seconds: float) -> None:
        limits = request.extensions.get("timeout") or {}
        left = getattr(limits, "left", lambda: inf)  # an httpx client of the test's own has none
        limit = min(limits.get("read") or inf, left())
        await self.clock.pass_time_in_call(min(seconds, limit))
        if seconds > limit:
            raise httpx.ReadTimeout("the test server answered too late", request=request)

    # --- its event loop ---------------------------------------------------------------------------

    @property
    def portal(self) -> BlockingPortal:
        """The way into the event loop of the server."""
        if self._portal is None:
            raise RuntimeError("the test server is not running: use it in a with statement")
        return self._portal

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self.portal.call(_awaited, work)

    async def _sleep(self, seconds: float) -> None:
        await wrap_future(self.portal.start_task_soon(self.clock.pass_time, seconds))


async def _awaited(work: Coroutine[Any, Any, None]) -> None:
    await work


class _Transport(httpx.BaseTransport):
    def __init__(self, server: Server, *, is_logged: bool = True) -> None:
        self._server = server
        self._is_logged = is_logged

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        portal = self._server.portal
        return portal.call(lambda: self._server.exchange(request, is_logged=self._is_logged))


class _AsyncTransport(httpx.AsyncBaseTransport):
    def __init__(self, server: Server) -> None:
        self._server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        portal = self._server.portal
        return await wrap_future(
            portal.start_task_soon(lambda: self._server.exchange(request, is_logged=True))
        )


def _json(content: bytes) -> Any:
    try:
        return loads(content) if content else None
    except ValueError:
        return None


def _methods(document: Mapping[str, Any]) -> dict[str, str]:
    """The method of the SDK by operationId."""
    return {
        operation["operationId"]: operation["x-sdk"]
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, Mapping) and "x-sdk" in operation
    }
