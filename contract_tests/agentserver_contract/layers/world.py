"""What a server should hold after the steps of a play, and the reading back that compares it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any

from agentserver import AgentserverError, Client, NotFound, PermissionDenied
from agentserver_contract.contract import Contract, Operation
from agentserver_contract.findings import LayerResult
from agentserver_contract.people import TEAM, People
from agentserver_contract.target import Target, cookie
from agentserver_contract.wire import Answer, Request

CAST = (*TEAM, "colleague", "outsider")
"""Whose view of everything is read back; the administrator sees it from above."""

ROLES = ("guest", "developer", "maintainer", "owner")
"""From least to most."""

LIMITS = (
    "max_sandboxes",
    "max_sandbox_cpu",
    "max_sandbox_memory",
    "max_idle_timeout",
    "max_total_cpu",
    "max_total_memory",
    "max_drive_size",
)
"""What an administrator can override for a workspace."""

_DEFAULT_OF = {
    "max_sandboxes": "max_sandboxes_per_workspace",
    "max_total_cpu": "ws_max_total_cpu",
    "max_total_memory": "ws_max_total_memory",
    "max_drive_size": "max_workspace_drive_size",
}
"""The installation's name for a limit, where it is another."""


PlannedCall = tuple[str, tuple[Any, ...], dict[str, Any]]
"""Who calls, and with what."""


class Broken(Exception):
    """A server did something else than the model says."""

    def __init__(self, place: str, promise: str, came: object) -> None:
        super().__init__(promise)
        self.place = place
        self.promise = promise
        self.came = came


@dataclass
class Stamp:
    """A time that moves with every write and stands still otherwise."""

    now: datetime | None = None
    before: datetime | None = None

    def moves(self) -> None:
        """Say that a write has happened."""
        self.before, self.now = self.now or self.before, None

    def fits(self, seen: datetime, *, strictly: bool) -> bool:
        """Whether a time that was read is possible; it is what must be read from then on."""
        if self.now is not None:
            return seen == self.now
        self.now = seen
        if self.before is None:
            return True
        return seen > self.before if strictly else seen >= self.before


@dataclass
class Config:
    """A workspace's own language-model endpoint."""

    base_url: str
    api_key: str
    models: list[dict[str, str]]

    @property
    def masked(self) -> str:
        """How its key is shown."""
        key = self.api_key
        return "****" if len(key.encode()) <= 8 else f"{key[:3]}...{key[-4:]}"


@dataclass
class Room:
    """A workspace."""

    id: str
    name: str
    created_at: datetime
    renamed: Stamp
    members: dict[str, str]
    """Roles by name, in the order of joining."""
    config: Config | None = None
    configured: Stamp = field(default_factory=Stamp)
    overrides: dict[str, int | None] | None = None
    overridden: Stamp = field(default_factory=Stamp)
    llm_quota: dict[str, int | None] | None = None
    llm_limited: Stamp = field(default_factory=Stamp)

    def holding(self, *roles: str) -> list[str]:
        """Who has one of these roles."""
        return [name for name, role in self.members.items() if role in roles]


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
    rooms: dict[str, Room] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    quotas: dict[str, dict[str, int | None] | None] = field(default_factory=dict)
    limited: dict[str, Stamp] = field(default_factory=lambda: {name: Stamp() for name in CAST})
    roles: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    """The steps so far, as calls of the SDK."""
    _turn: int = 0

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
        administrator = self.clients["admin"].admin
        self.defaults: dict[str, int] = dict(administrator.quota_defaults.get().to_dict())
        self.first_defaults = dict(self.defaults)
        for name in CAST:
            kept = administrator.users.quota.get(self.ids[name]).overrides
            self.quotas[name] = None if kept is None else {"max_workspaces": kept.max_workspaces}
        self.first_quotas = dict(self.quotas)
        self.roles = {name: self.clients[name].auth.me().role.value for name in CAST}
        self.owned_elsewhere = {
            name: self.clients[name].workspaces.get_creation_quota().current for name in CAST
        }

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
        client = self.clients[who] if isinstance(who, str) else who
        shown = ", ".join([*map(_shown, args), *(f"{k}={_shown(v)}" for k, v in kwargs.items())])
        self.log.append(f"{who if isinstance(who, str) else 'client'}.{place}({shown})")
        came = self.outcome(client, place, *args, **kwargs)
        expected = "a result" if refused is None else refused.__name__
        if refused is None and isinstance(came, AgentserverError):
            raise Broken(place, f"this call is answered with {expected}", came)
        if refused is not None and type(came) is not refused:
            raise Broken(place, f"this call is refused with {expected}", came)
        return came

    def at_once(
        self, place: str, calls: Sequence[tuple[str, tuple[Any, ...], dict[str, Any]]]
    ) -> list[Any]:
        """Make calls of one operation at the same time; their results and errors, in order."""
        if self.tick is not None:
            self.tick()
        self.log.append(f"at once, {place}: {[(who, _shown(kwargs)) for who, _, kwargs in calls]}")
        with ThreadPoolExecutor(len(calls)) as threads:
            waiting = [
                threads.submit(self.outcome, self.clients[who], place, *args, **kwargs)
                for who, args, kwargs in calls
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
            raise Broken(place, f"this request is answered with {status}", answer.as_text())
        self.result.succeeded[operation.id] += 200 <= status < 300
        return answer

    def outcome(self, client: Client, place: str, *args: Any, **kwargs: Any) -> Any:
        """The result of a call, or the error that came instead; any of them will do."""
        operation = self._operations[place].id
        self.result.cases[operation] += 1
        try:
            came = reduce(getattr, place.split("."), client)(*args, **kwargs)  # type: ignore[operator]
        except AgentserverError as error:
            return error
        self.result.succeeded[operation] += 1
        return came

    def operation(self, place: str) -> Operation:
        """The operation at a place in the SDK."""
        return self._operations[place]

    # --- reading back ---------------------------------------------------------------------------

    def check(self) -> None:
        """Read everything back, as everybody. Raises Broken at the first difference."""
        for room in self.rooms.values():
            self._check_access(room)
            self.check_room(room)
        for name in CAST:
            self._check_list(name)
        self._turn += 1
        self.check_quota(CAST[self._turn % len(CAST)])
        self._check_administration()

    def _check_access(self, room: Room) -> None:
        for name in CAST:
            seen = self.outcome(self.clients[name], "workspaces.get", room.id)
            if name not in room.members:
                self._expect("workspaces.get", f"{name} is no member", PermissionDenied, type(seen))
                continue
            if isinstance(seen, AgentserverError):
                raise Broken("workspaces.get", f"{name} is a member", seen)
            self._expect("workspaces.get", "the name is kept", room.name, seen.name)
            self._expect("workspaces.get", "created_at stays", room.created_at, seen.created_at)
            self._stamped("workspaces.get", room.renamed, seen.updated_at)

    def check_room(self, room: Room) -> None:
        """Read back what is in a workspace. Raises Broken."""
        place = "workspaces.members.list"
        seen = [(each.user_id, each.role.value) for each in self._read(room, place, "guest")]
        expected = [(self.ids[name], role) for name, role in room.members.items()]
        self._expect(place, "members are listed in the order of joining", expected, seen)
        self._check_config(room)
        place = "workspaces.get_defaults"
        limits = self._read(room, place, "developer")
        shown = ("max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout", "max_sandboxes")
        for name in shown:
            self._expect(place, f"{name} in force", self.in_force(room, name), limits[name])
        self._expect(place, "there is no sandbox", 0, limits["current_sandboxes"])
        place = "workspaces.get_llm_quota"
        part = self._read(room, place, "developer")["workspace_quota"]
        self._check_overrides(place, room.llm_quota, room.llm_limited, part)
        place = "admin.workspaces.quota.get"
        quota = self.outcome(self.clients["admin"], place, room.id)
        if isinstance(quota, AgentserverError):
            raise Broken(place, "the workspace is known", quota)
        whole = quota.to_dict()
        for name in LIMITS:
            expected_default = self.defaults[_DEFAULT_OF.get(name, name)]
            self._expect(place, f"default of {name}", expected_default, whole["defaults"][name])
        self._check_overrides(place, room.overrides, room.overridden, whole["overrides"])

    def _check_config(self, room: Room) -> None:
        place = "workspaces.llm_config.get"
        seen = self._read(room, place, "maintainer")
        if room.config is None:
            nothing = {"configured": False, "base_url": "", "api_key": "", "updated_at": None}
            self._expect(place, "nothing is configured", nothing, seen)
            return
        expected = {
            "configured": True,
            "base_url": room.config.base_url,
            "api_key": room.config.masked,
            "models": room.config.models,
        }
        shown = {name: value for name, value in seen.items() if name != "updated_at"}
        self._expect(place, "the configuration, its key masked", expected, shown)
        self._stamped(place, room.configured, datetime.fromisoformat(seen["updated_at"]))

    def _check_overrides(
        self, place: str, expected: Mapping[str, int | None] | None, stamp: Stamp, seen: Any
    ) -> None:
        if expected is None or seen is None:
            self._expect(place, "whether there is an override", expected, seen)
            return
        shown = {name: seen.get(name) for name in expected}
        self._expect(place, "the override", dict(expected), shown)
        self._stamped(place, stamp, datetime.fromisoformat(seen["updated_at"]))

    def _check_list(self, name: str) -> None:
        place = "workspaces.list"
        seen = [each.id for each in self._must(name, place) if each.id in self.known]
        expected = [room.id for room in self.rooms.values() if name in room.members]
        self._expect(place, f"{name}'s own workspaces, oldest first", expected, seen)

    def check_quota(self, name: str) -> None:
        """Read somebody's quota back, in its layers and as it holds. Raises Broken."""
        place = "workspaces.get_creation_quota"
        quota = self._must(name, place)
        self._expect(place, f"what {name} owns", self.owns(name), quota.current)
        override = (self.quotas[name] or {}).get("max_workspaces")
        maximum = self.defaults["max_workspaces_per_user"] if override is None else override
        self._expect(place, f"what {name} may own", maximum, quota.max)
        place = "admin.users.quota.get"
        whole = self._must("admin", place, self.ids[name]).to_dict()
        default = {"max_workspaces_per_user": self.defaults["max_workspaces_per_user"]}
        self._expect(place, "the default", default, whole["defaults"])
        self._check_overrides(place, self.quotas[name], self.limited[name], whole["overrides"])

    def _check_administration(self) -> None:
        place = "admin.workspaces.list"
        rows = [row for row in self._must("admin", place) if row.id in self.known]
        self._expect(place, "each workspace once", list(self.rooms), [row.id for row in rows])
        for row in rows:
            room = self.rooms[row.id]
            self._expect(place, "the name", room.name, row.name)
            self._expect(place, "created_at", room.created_at, row.created_at)
            self._expect(
                place, "the limit", self.in_force(room, "max_sandboxes"), row.max_sandboxes
            )
            owners = [self.ids[name] for name in room.holding("owner")]
            self._expect(place, "its owner who came first", owners[0], row.owner and row.owner.id)
        place = "admin.users.list"
        everybody = self._must("admin", place)
        ages = [each.created_at for each in everybody]
        self._expect(place, "the oldest first", sorted(ages), ages)
        users = [each for each in everybody if each.id in self.ids.values()]
        self._expect(place, "each account once", len(self.ids), len(users))
        seen = {each.id: each.role.value for each in users}
        for name, role in self.roles.items():
            self._expect(place, f"{name}'s role", role, seen.get(self.ids[name]))
        place = "admin.quota_defaults.get"
        self._expect(place, "the defaults", self.defaults, self._must("admin", place).to_dict())
        for gone in self.gone[-1:]:
            self._expect_gone(gone)

    def _expect_gone(self, workspace_id: str) -> None:
        for name in CAST:
            seen = self.outcome(self.clients[name], "workspaces.get", workspace_id)
            self._expect("workspaces.get", "what was deleted is gone", PermissionDenied, type(seen))
        for place in ("admin.workspaces.quota.get", "admin.workspaces.llm_quota.get"):
            seen = self.outcome(self.clients["admin"], place, workspace_id)
            self._expect(place, "what was deleted is gone", NotFound, type(seen))

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
        return self.defaults[_DEFAULT_OF.get(name, name)] if override is None else override

    def _read(self, room: Room, place: str, role: str) -> Any:
        """An answer as JSON, read by one of those who may; one of the others is refused it.

        People take turns from one reading to the next: all at once would be slow.
        """
        enough = ROLES[ROLES.index(role) :]
        readers = room.holding(*enough)
        others = [name for name in CAST if name not in readers]
        self._turn += 1
        if others:
            stranger = others[self._turn % len(others)]
            seen = self.outcome(self.clients[stranger], place, room.id)
            self._expect(place, f"{stranger} may not read this", PermissionDenied, type(seen))
        reader = readers[self._turn % len(readers)]
        seen = self.outcome(self.clients[reader], place, room.id)
        if isinstance(seen, AgentserverError):
            raise Broken(place, f"{reader}, {room.members[reader]}, may read this", seen)
        return seen if isinstance(seen, Sequence) else seen.to_dict()

    def _must(self, who: str, place: str, *args: Any) -> Any:
        seen = self.outcome(self.clients[who], place, *args)
        if isinstance(seen, AgentserverError):
            raise Broken(place, f"{who} may read this", seen)
        return seen

    def _stamped(self, place: str, stamp: Stamp, seen: datetime) -> None:
        if not stamp.fits(seen, strictly=self.tick is not None):
            promise = "updated_at moves with a write, and stands still otherwise"
            raise Broken(place, promise, f"{seen}, after {stamp.now or stamp.before}")

    def _expect(self, place: str, promise: str, expected: object, seen: object) -> None:
        if seen != expected:
            raise Broken(place, promise, f"expected {_shown(expected)}, got {_shown(seen)}")

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


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
