"""What a server should hold after the steps of a play, and the reading back that compares it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any

from agentserver import AgentserverError, CallError, Client, NotFound, PermissionDenied
from agentserver_contract.contract import Contract, Operation
from agentserver_contract.findings import LayerResult
from agentserver_contract.people import TEAM, People
from agentserver_contract.target import Target, cookie
from agentserver_contract.wire import HIDDEN, Answer, Request, scrubbed

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

_SECRET_ARGUMENTS = frozenset({"password", "api_key"})
_SHORTEST_SECRET = 9
"""Of a key as long as this only a part is ever shown; a shorter one may stand in other words."""


PlannedCall = tuple[str | Client, tuple[Any, ...], dict[str, Any]]
"""Who calls, and with what."""

PlacedCall = tuple[str | Client, str, tuple[Any, ...], dict[str, Any]]
"""The same with the operation's place in the SDK."""


class Broken(Exception):
    """A server did something else than the model says."""

    def __init__(self, place: str, promise: str, came: object) -> None:
        super().__init__(promise)
        self.place = place
        self.promise = promise
        self.came = came

    @property
    def answer(self) -> Answer | None:
        """What was answered, where that is at hand: the SDK shows it of errors alone."""
        if isinstance(self.came, CallError) and self.came.status_code is not None:
            headers = {name: (value,) for name, value in self.came.headers.items()}
            return Answer(self.came.status_code, headers, (self.came.body or "").encode())
        return self.came if isinstance(self.came, Answer) else None

    @property
    def told(self) -> str:
        """What came, for people."""
        return self.came.as_text() if isinstance(self.came, Answer) else scrubbed(str(self.came))


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
        self.first_defaults: dict[str, int] = {}
        self.first_quotas: dict[str, dict[str, int | None] | None] = {}
        self.elsewhere: dict[str, list[str]] = {}
        self.owned_elsewhere: dict[str, int] = {}

    def look_around(self) -> None:
        """Learn what is there from before, which stays. Raises Broken."""
        self.defaults = dict(self._must("admin", "admin.quota_defaults.get").to_dict())
        self.first_defaults = dict(self.defaults)
        for name in CAST:
            kept = self._must("admin", "admin.users.quota.get", self.ids[name]).overrides
            self.quotas[name] = None if kept is None else {"max_workspaces": kept.max_workspaces}
            self.roles[name] = self._must(name, "auth.me").role.value
            self.elsewhere[name] = [each.id for each in self._must(name, "workspaces.list")]
            quota = self._must(name, "workspaces.get_creation_quota")
            self.owned_elsewhere[name] = quota.current
        self.first_quotas = dict(self.quotas)
        self.check_beginning()

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

    # --- reading back ---------------------------------------------------------------------------

    def check(self) -> None:
        """Read everything back, as everybody. Raises Broken at the first difference."""
        for room in self.rooms.values():
            self._check_access(room)
            self.check_room(room)
        for name in CAST:
            self._check_list(name)
            self.check_quota(name)
        self._check_administration()

    def check_beginning(self) -> None:
        """What is somebody's from before is theirs. Raises Broken."""
        for name, found in self.elsewhere.items():
            for workspace_id in found:
                place = "workspaces.members.list"
                members = [each.user_id for each in self._must(name, place, workspace_id)]
                place = "workspaces.list"
                self._expect(place, "a member is one", True, self.ids[name] in members)

    def _check_access(self, room: Room) -> None:
        place = "workspaces.get"
        for name in CAST:
            seen = self.outcome(self.clients[name], place, room.id)
            if name not in room.members:
                self._expect(place, "only a member may", PermissionDenied, type(seen), of=name)
                continue
            if isinstance(seen, AgentserverError):
                raise Broken(place, "every member may", f"{name}: {seen}")
            self._check_identity(place, room, seen)

    def _check_identity(self, place: str, room: Room, seen: Any) -> None:
        """What every view of a workspace shows alike."""
        self._expect(place, "the id", room.id, seen.id)
        self._expect(place, "the name is kept", room.name, seen.name)
        self._expect(place, "created_at stays", room.created_at, seen.created_at)
        self._stamped(place, room.renamed, seen.updated_at)

    def check_room(self, room: Room) -> None:
        """Read back what is in a workspace. Raises Broken."""
        place = "workspaces.members.list"
        seen = [
            (each.user_id, each.email, each.picture, each.role.value)
            for each in self._read(room, place, "guest")
        ]
        expected = [
            (self.ids[name], self.people[name].email, None, role)
            for name, role in room.members.items()
        ]
        self._expect(place, "members are listed in the order of joining", expected, seen)
        self._check_config(room)
        place = "workspaces.get_defaults"
        limits = self._read(room, place, "developer")
        shown = ("max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout", "max_sandboxes")
        for name in shown:
            self._expect(place, f"{name} in force", self.in_force(room, name), limits[name])
        self._expect(place, "there is no sandbox", 0, limits["current_sandboxes"])
        place = "workspaces.get_llm_quota"
        seen = self._read(room, place, "developer")
        self._expect(place, "nobody has asked a model anything", 0, seen["today_request_count"])
        part = seen["workspace_quota"]
        self._check_overrides(place, room.llm_quota, room.llm_limited, part)
        self._expect(place, "whose quota", room.id, part["workspace_id"] if part else room.id)
        place = "admin.workspaces.llm_quota.get"
        above = self._must("admin", place, room.id).to_dict()
        self._expect(place, "administrators see what members see", seen, above)
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
        rows = self._must(name, place)
        own = [room.id for room in self.rooms.values() if name in room.members]
        expected, seen = [*self.elsewhere[name], *own], [row.id for row in rows]
        self._expect(place, "one's own workspaces, oldest first", expected, seen, of=name)
        for row in rows[len(self.elsewhere[name]) :]:
            self._check_identity(place, self.rooms[row.id], row)

    def check_quota(self, name: str) -> None:
        """Read somebody's quota back, in its layers and as it holds. Raises Broken."""
        place = "workspaces.get_creation_quota"
        quota = self._must(name, place)
        self._expect(place, "how many one owns", self.owns(name), quota.current, of=name)
        override = (self.quotas[name] or {}).get("max_workspaces")
        maximum = self.defaults["max_workspaces_per_user"] if override is None else override
        self._expect(place, "how many one may own", maximum, quota.max, of=name)
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
            self._check_identity(place, room, row)
            limit = self.in_force(room, "max_sandboxes")
            self._expect(place, "the limit", limit, row.max_sandboxes)
            self._expect(place, "there is no sandbox", 0, row.sandbox_count)
            first = room.holding("owner")[0]
            owner = (self.ids[first], self.people[first].email, None, None)
            came = row.owner and (row.owner.id, row.owner.email, row.owner.name, row.owner.picture)
            self._expect(place, "its owner who came first", owner, came)
        place = "admin.users.list"
        everybody = self._must("admin", place)
        ages = [each.created_at for each in everybody]
        self._expect(place, "the oldest first", sorted(ages), ages)
        users = [each for each in everybody if each.id in self.ids.values()]
        self._expect(place, "each account once", len(self.ids), len(users))
        seen = {each.id: each for each in users}
        for name, role in self.roles.items():
            row = seen[self.ids[name]]
            account = (self.people[name].email, None, role)
            shown = (row.email, row.name, row.role)
            self._expect(place, "an account with its role", account, shown, of=name)
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
            self._expect(
                place, f"who is no {role} may not", PermissionDenied, type(seen), of=stranger
            )
        reader = readers[self._turn % len(readers)]
        seen = self.outcome(self.clients[reader], place, room.id)
        if isinstance(seen, AgentserverError):
            raise Broken(place, f"who is {role} or above may", f"{room.members[reader]}: {seen}")
        return seen if isinstance(seen, Sequence) else seen.to_dict()

    def _must(self, who: str, place: str, *args: Any) -> Any:
        seen = self.outcome(self.clients[who], place, *args)
        if isinstance(seen, AgentserverError):
            raise Broken(place, "whoever may read this can", f"{who}: {seen}")
        return seen

    def _stamped(self, place: str, stamp: Stamp, seen: datetime) -> None:
        if not stamp.fits(seen, strictly=self.tick is not None):
            promise = "updated_at moves with a write, and stands still otherwise"
            raise Broken(place, promise, f"{seen}, after {stamp.now or stamp.before}")

    def _expect(
        self, place: str, promise: str, expected: object, seen: object, *, of: str = ""
    ) -> None:
        if seen != expected:
            whose = f"{of}: " if of else ""
            raise Broken(place, promise, f"{whose}expected {_shown(expected)}, got {_shown(seen)}")

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
    shown = ", ".join([*map(_shown, args), *(f"{k}={_shown(v)}" for k, v in given.items())])
    return f"{who if isinstance(who, str) else 'client'}.{place}({shown})"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
