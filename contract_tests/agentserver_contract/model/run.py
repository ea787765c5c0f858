"""The people on a server: what they do through the SDK, and what should be there then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from agentserver import AgentserverError, Client
from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.fixtures.accounts import People
from agentserver_contract.http.messages import HIDDEN, Answer, Request
from agentserver_contract.http.target import Target, cookie
from agentserver_contract.model.state import CAST, DEFAULT_OF, Broken, Room, Stamp
from agentserver_contract.results.findings import LayerResult

_SECRET_ARGUMENTS = frozenset({"password", "api_key"})
_SHORTEST_SECRET = 9
"""Of a key as long as this only a part is ever shown; a shorter one may stand in other words."""

PlannedCall = tuple[str | Client, tuple[Any, ...], dict[str, Any]]
"""Who calls, and with what."""

PlacedCall = tuple[str | Client, str, tuple[Any, ...], dict[str, Any]]
"""The same with the operation's place in the SDK."""


@dataclass
class Play:
    """The people on a server, what they have done, and what should be there now."""

    target: Target
    people: People
    contract: Contract
    result: LayerResult
    allow_global: bool
    tick: Callable[[], None] | None
    """Turns the server's clock on, where it can be had, so that every write has its own time."""
    defaults: dict[str, int] = field(default_factory=dict)
    """The installation's limits."""
    rooms: dict[str, Room] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    quotas: dict[str, dict[str, int | None] | None] = field(default_factory=dict)
    limited: dict[str, Stamp] = field(default_factory=lambda: {name: Stamp() for name in CAST})
    roles: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    """The steps so far, as calls of the SDK."""
    last: str = ""
    """Which operation was called last, by its place in the SDK."""
    turn: int = 0
    """Who reads next, where people take turns."""

    def __post_init__(self) -> None:
        names = (*CAST, "admin", "newcomer")
        self.ids = {name: people_id(self.people, name) for name in names}
        self.clients = {
            name: self.target.client(session=self.people[name].session).with_options(strict=True)
            for name in names
        }
        self._operations: dict[str, Operation] = {
            str(operation.raw.get("x-sdk")): operation
            for operation in self.contract.operations.values()
        }
        self.first_defaults: dict[str, int] = {}
        self.first_quotas: dict[str, dict[str, int | None] | None] = {}
        self.elsewhere: dict[str, list[str]] = {}
        self.owned_elsewhere: dict[str, int] = {}

    # --- acting ---------------------------------------------------------------------------------

    def call(
        self,
        who: str | Client,
        place: str,
        *args: Any,
        refused: type[AgentserverError] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Make one call of the SDK, and hold its outcome to what is expected.

        Args:
            who: A person's name, or a client.
            place: Where the operation stands in the SDK.
            args: Of the call.
            refused: The error that must come; none when left out.
            kwargs: Of the call.

        Raises:
            Broken: Something else came.
        """
        if self.tick is not None:
            self.tick()
        self.log.append(_shown_call(who, place, args, kwargs))
        came = self.outcome(self._client(who), place, *args, **kwargs)
        expected = "a result" if refused is None else refused.__name__
        if refused is None and isinstance(came, AgentserverError):
            raise Broken(place, f"this call is answered with {expected}", came)
        if refused is not None and type(came) is not refused:
            raise Broken(place, f"this call is refused with {expected}", came)
        return came

    def at_once(self, place: str, calls: Sequence[PlannedCall]) -> list[Any]:
        """Make calls of one operation at the same time; their results and errors, in order."""
        return self.all_at_once([(who, place, args, kwargs) for who, args, kwargs in calls])

    def all_at_once(self, calls: Sequence[PlacedCall]) -> list[Any]:
        """Make calls of any operations at the same time; their results and errors, in order."""
        if self.tick is not None:
            self.tick()
        self.log.append(f"at once: {'; '.join(_shown_call(*call) for call in calls)}")
        with ThreadPoolExecutor(len(calls)) as threads:
            waiting = [
                threads.submit(self.outcome, self._client(who), place, *args, **kwargs)
                for who, place, args, kwargs in calls
            ]
            return [each.result() for each in waiting]

    def raw(
        self,
        place: str,
        who: str | None,
        target: str,
        body: bytes | None = None,
        *,
        method: str = "",
        headers: Mapping[str, str] | None = None,
        status: int,
    ) -> Answer:
        """Send a request that the SDK would not make, and hold its answer's status to `status`.

        Args:
            place: Where the operation that it is about stands in the SDK.
            who: Whose session it carries.
            target: The raw path.
            body: What is sent as JSON, unless `headers` say otherwise.
            method: Another method than the operation's.
            headers: In lower case; one that is empty is left out.
            status: What must come.

        Raises:
            Broken: Another status came.
        """
        if self.tick is not None:
            self.tick()
        operation = self.operation(place)
        sent = {} if who is None else cookie(self.people[who].session)
        sent |= {"content-type": "application/json"} if body is not None else {}
        sent = {name: value for name, value in {**sent, **(headers or {})}.items() if value}
        request = Request(method or operation.method, target, sent, body)
        self.log.append(request.as_curl("$URL"))
        self.result.cases[operation.id] += 1
        answer = self.target.send(request)
        if answer.status != status:
            raise Broken(place, f"this request is answered with {status}", answer)
        self.result.succeeded[operation.id] += 200 <= status < 300
        return answer

    def outcome(self, client: Client, place: str, *args: Any, **kwargs: Any) -> Any:
        """The result of a call, or the error that came instead; any of them will do."""
        operation, self.last = self._operations[place].id, place
        self.result.cases[operation] += 1
        try:
            came = reduce(getattr, place.split("."), client)(*args, **kwargs)  # type: ignore[operator]
        except AgentserverError as error:
            return error
        self.result.succeeded[operation] += 1
        self._check_secrets(place, came)
        return came

    def _client(self, who: str | Client) -> Client:
        return self.clients[who] if isinstance(who, str) else who

    def operation(self, place: str) -> Operation:
        """The operation at a place in the SDK."""
        return self._operations[place]

    def _check_secrets(self, place: str, came: Any) -> None:
        """No answer holds a password, or a key that somebody has set."""
        secrets = {self.people[name].password for name in self.clients}
        secrets |= {room.config.api_key for room in self.rooms.values() if room.config}
        rows = came if isinstance(came, Sequence) else [came]
        text = json.dumps([row.to_dict() for row in rows if row is not None], ensure_ascii=False)
        if any(len(secret) >= _SHORTEST_SECRET and secret in text for secret in secrets):
            raise Broken(place, "no answer holds a password or a key", f"{len(text)} characters")

    @property
    def known(self) -> set[str]:
        """Ids of every workspace of this play, those that are gone too."""
        return {*self.rooms, *self.gone}

    def owns(self, name: str) -> int:
        """How many workspaces somebody owns, of this play and others."""
        here = sum(room.members.get(name) == "owner" for room in self.rooms.values())
        return self.owned_elsewhere[name] + here

    def in_force(self, room: Room, name: str) -> int:
        """A limit as it holds for a workspace."""
        override = (room.overrides or {}).get(name)
        return self.defaults[DEFAULT_OF.get(name, name)] if override is None else override

    # --- ending ---------------------------------------------------------------------------------

    def end(self) -> None:
        """Put back what the play has changed, as far as the server lets it."""
        for step in self._steps_back():
            try:
                step()
            except AgentserverError:
                continue  # a server with a fault may refuse what it should not
        for client in self.clients.values():
            client.close()

    def _steps_back(self) -> Iterator[Callable[[], object]]:
        administrator = self.clients["admin"].admin
        for room in list(self.rooms.values()):
            for name in room.holding("owner"):
                yield lambda name=name, room=room: self.clients[name].workspaces.delete(room.id)  # type: ignore[misc]
        for name, quota in self.first_quotas.items():
            if quota == self.quotas[name]:
                continue
            if quota is None:
                yield lambda name=name: administrator.users.quota.delete(self.ids[name])  # type: ignore[misc]
            else:
                yield lambda name=name, quota=quota: administrator.users.quota.set(  # type: ignore[misc]
                    self.ids[name], **quota
                )
        for name, role in self.roles.items():
            if role == "admin":
                yield lambda name=name: administrator.users.set_role(self.ids[name], role="user")  # type: ignore[misc]
        if self.defaults != self.first_defaults:
            yield lambda: administrator.quota_defaults.set(**self.first_defaults)


def people_id(people: People, name: str) -> str:
    """Somebody's id."""
    return people[name].id


def _shown_call(
    who: str | Client, place: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> str:
    """A call as people would write it, without its secrets."""
    given = {name: HIDDEN if name in _SECRET_ARGUMENTS else value for name, value in kwargs.items()}
    inside = ", ".join([*map(shown, args), *(f"{k}={shown(v)}" for k, v in given.items())])
    return f"{who if isinstance(who, str) else 'client'}.{place}({inside})"


def shown(value: object) -> str:
    """A value for people, not too much of it."""
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
