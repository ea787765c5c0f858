"""A run as a guest on somebody's server: it brings its own people, and leaves what it found."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from agentserver import AgentserverError, Client
from agentserver.models import AdminQuotaDefaultsResponse
from agentserver_contract.guard import Administrator, Guard
from agentserver_contract.people import (
    NAMES,
    SPARE,
    Account,
    CannotPrepare,
    People,
    Person,
    email_of,
    gather,
    join,
    log_in,
)
from agentserver_contract.target import Target
from agentserver_contract.wire import Request

NO_LIMIT = 0


@dataclass(frozen=True)
class Credential:
    """An administrator's: an address and a password, or a session."""

    email: str = ""
    password: str = field(default="", repr=False)
    session: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    """What the passwords of the run's own people are made from; the password when left out."""

    def password_of(self, email: str) -> str:
        """The password of one of the run's own people: the next run must know it again."""
        key = (self.secret or self.password).encode()
        return base64.urlsafe_b64encode(hmac.digest(key, email.encode(), hashlib.sha256)).decode()


@dataclass
class Visit:
    """A run's stay on a server."""

    people: People
    settle: Callable[[], None] = lambda: None
    """Gives everybody back the role and the limits that a run needs, whatever took them away."""
    left_behind: list[str] = field(default_factory=list)
    """What could not be put back, each in one line; complete when the visit has ended."""


@contextmanager
def visiting(
    target: Target, guard: Guard, door: Target, credential: Credential, *, team: int = 1
) -> Iterator[Visit]:
    """Arrive with the run's own people, and put everything back at the end, come what may.

    Args:
        target: The server, as the run reaches it.
        guard: Holds for `target`.
        door: The same server without a guard, for the administrator's own log-in.
        credential: An administrator's.
        team: Which of the teams that run at the same time this is.

    Raises:
        CannotPrepare: The credential is not an administrator's, or the people cannot be had.
    """
    administrator, opened = _administrator(door, guard, credential)
    if guard.read_only:
        try:
            yield Visit(People(target, {"admin": administrator}, _spare(credential, team)))
        finally:
            if opened:
                _log_out(door, administrator)
        return
    if not (credential.secret or credential.password):
        raise CannotPrepare(
            "with a session alone the passwords of the run's own people cannot be made again: "
            "give a secret as well"
        )
    people = _own_people(target, guard, credential, administrator, team)
    stay = _Stay(door, guard, people, administrator)
    stay.put_back()  # what a run left that could not end
    if stay.problems:
        raise CannotPrepare("; ".join(stay.problems))
    visit = Visit(people, stay.settle)
    try:
        stay.remember()
        stay.settle()
        yield visit
    finally:
        stay.put_back()
        visit.left_behind += stay.problems
        if opened:
            _log_out(door, administrator)


def _administrator(door: Target, guard: Guard, credential: Credential) -> tuple[Person, bool]:
    """Whose credential it is, and whether a session was opened for it."""
    opened = not credential.session
    try:
        if not opened:
            session = credential.session
        elif credential.email.strip().casefold() == email_of("admin"):
            # On an empty server, such as one made for a test, this account becomes administrator.
            session = join(door, "admin", credential.email, credential.password).session
        else:
            session = log_in(door, credential.email, credential.password)
        with door.client(session=session) as client:
            me = client.auth.me()
    except AgentserverError as error:
        raise CannotPrepare(f"the administrator's credential does not work: {error}") from None
    if me.role != "admin":
        raise CannotPrepare(f"{me.email} is no administrator")
    own = guard.is_own_email(me.email)
    guard.administrator = Administrator(me.id, session, own)
    if own:
        guard.own(me.id)
    return Person("admin", me.email, me.id, credential.password, session), opened


def _own_people(
    target: Target, guard: Guard, credential: Credential, administrator: Person, team: int
) -> People:
    others = [name for name in NAMES if name != "admin"]
    try:
        people = gather(target, password_of=credential.password_of, names=others, team=team)
    except CannotPrepare as error:
        raise CannotPrepare(
            f"{error} (made by a run with another secret? AGENTSERVER_CONTRACT_SECRET takes it, or "
            "the password that the administrator had then)"
        ) from None
    guard.own(*(person.id for person in people.by_name.values()))
    return replace(people, by_name={"admin": administrator, **people.by_name})


def _spare(credential: Credential, team: int) -> Account:
    email = email_of(SPARE, team)
    return Account(email, credential.password_of(email))


@dataclass
class _Stay:
    """What is changed for a run, and put back after it; each step whether or not another fails."""

    door: Target
    guard: Guard
    people: People
    administrator: Person
    problems: list[str] = field(default_factory=list)
    _defaults: AdminQuotaDefaultsResponse | None = None

    def remember(self) -> None:
        """Note what concerns everybody, where the run may change it."""
        if self.guard.allow_global:
            with self._as_administrator() as client:
                self._defaults = client.admin.quota_defaults.get()

    def settle(self) -> None:
        """Let everybody make as many workspaces as a run needs, and nobody administer."""
        self._accounts()
        with self._as_administrator() as client:
            for person in self._own():
                client.admin.users.quota.set(person.id, max_workspaces=NO_LIMIT)

    def put_back(self) -> None:
        """Undo whatever a run has done, this one or one that could not end."""
        for step in (self._role_of_administrator, self._settings, self._workspaces, self._accounts):
            self._tried(step)

    def _role_of_administrator(self) -> None:
        with self._as_administrator() as client:
            if client.auth.me().role == "admin":
                return
        for person in self._own():
            with self._as(person) as client:
                if client.auth.me().role == "admin":
                    client.admin.users.set_role(self.administrator.id, role="admin")
                    return
        self.problems.append(f"{self.administrator.email} is no administrator any more")

    def _settings(self) -> None:
        if self._defaults is None:
            return
        with self._as_administrator() as client:
            now = client.admin.quota_defaults.get().to_dict()
            before = self._defaults.to_dict()
            # What nobody ever set stays so: a setting that was sent once can never be unset.
            if changed := {name: value for name, value in before.items() if now[name] != value}:
                client.admin.quota_defaults.set(**changed)

    def _workspaces(self) -> None:
        for person in self._own():
            self._tried(partial(self._workspaces_of, person))
        with suppress(CannotPrepare):  # mostly nobody has registered it
            spare = self.people.spare
            session = log_in(self.door, spare.email, spare.password)
            with self.door.client(session=session) as client:
                me = client.auth.me()
                self.guard.own(me.id)
            self._workspaces_of(Person(SPARE, me.email, me.id, spare.password, session))

    def _workspaces_of(self, person: Person) -> None:
        with self._as(person) as client:
            for workspace in client.workspaces.list():
                members = client.workspaces.members.list(workspace.id)
                owns = any(m.user_id == person.id and m.role == "owner" for m in members)
                if owns and all(self.guard.owns(member.user_id) for member in members):
                    client.workspaces.delete(workspace.id)

    def _accounts(self) -> None:
        with self._as_administrator() as client:
            administrators = {user.id for user in client.admin.users.list() if user.role == "admin"}
            for person in self._own():
                if person.id in administrators - {self.administrator.id}:
                    client.admin.users.set_role(person.id, role="user")
                client.admin.users.quota.delete(person.id)

    def _own(self) -> list[Person]:
        return [each for each in self.people.by_name.values() if self.guard.owns(each.id)]

    def _as(self, person: Person) -> Client:
        # A run may have ended the session that it began with.
        if person.id == self.administrator.id:
            return self._as_administrator()
        return self.door.client(session=log_in(self.door, person.email, person.password))

    def _as_administrator(self) -> Client:
        return self.door.client(session=self.administrator.session)

    def _tried(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (AgentserverError, CannotPrepare) as error:
            self.problems.append(str(error))


def _log_out(door: Target, person: Person) -> None:
    cookie = {"cookie": f"agentserver-token={person.session}"}
    door.send(Request("POST", "/api/auth/logout", cookie))
