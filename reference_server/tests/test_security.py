"""Who may: the rule that `security` and `x-required-role` drive, against a real database."""

from datetime import UTC, datetime

import pytest

from agentserver_reference.contract import Operation
from agentserver_reference.domain.errors import Forbidden, Refusal, Unauthenticated
from agentserver_reference.domain.roles import ROLES, WORKSPACE_ROLES
from agentserver_reference.domain.sessions import LIFETIME
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.security import session
from agentserver_reference.security.authorize import Access
from agentserver_reference.security.credentials import Credential
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import Store, members, sessions, users, workspaces
from agentserver_reference.storage.engine.connection import Connection

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATH = {"workspace_id": "w"}
PEOPLE = ("outsider", *WORKSPACE_ROLES, "admin")


def access(
    role: str,
    token: str | None,
    *,
    anonymous: bool = False,
    workspace: str = "w",
    now: datetime = NOW,
) -> Access:
    """The right to an operation of a role, by a session."""
    operation = Operation(
        id="probe",
        tag="probe",
        method="GET",
        path="/probe",
        schemes=(session.SCHEME,),
        anonymous=anonymous,
        role=role,
    )
    credentials = () if token is None else (Credential(session.SCHEME, session.SESSION, token),)
    return Access(operation, {"workspace_id": workspace}, credentials, lambda: now)


def furnish(conn: Connection) -> None:
    """A workspace `w` with a member of each role; everybody's token is their name."""
    workspaces.add(conn, workspace_id="w", name="W", now=NOW)
    for name in PEOPLE:
        role = "admin" if name == "admin" else "user"
        email = f"{name}@example.com"
        users.add(conn, user_id=name, email=email, password_hash="none", role=role, now=NOW)
        sessions.add(
            conn, token_hash=token_hash(name), user_id=name, now=NOW, expires_at=NOW + LIFETIME
        )
        if name in WORKSPACE_ROLES:
            members.add(conn, workspace_id="w", user_id=name, role=name, now=NOW)


@pytest.fixture
async def furnished(store: Store) -> Store:
    await store.write(furnish)
    return store


async def answer(store: Store, role: str, who: str | None, workspace: str = "w") -> str:
    """The name of who may call, or the line by which they may not."""
    try:
        caller = await store.read(access(role, who, workspace=workspace).check)
    except Refusal as refusal:
        return refusal.line
    assert caller is not None
    return caller.user_id


def expected(role: str, who: str) -> str:
    if role in ("admin", "agent"):
        return who if who == role else "forbidden"
    if role in WORKSPACE_ROLES:
        if who not in WORKSPACE_ROLES:
            return "not a workspace member"
        low = WORKSPACE_ROLES.index(who) < WORKSPACE_ROLES.index(role)
        return "insufficient permissions" if low else who
    return who


@pytest.mark.parametrize("role", [role for role in ROLES if role != "none"])
async def test_each_role_admits_its_holders_only(furnished: Store, role: str) -> None:
    answers = {who: await answer(furnished, role, who) for who in PEOPLE}
    assert answers == {who: expected(role, who) for who in PEOPLE}


@pytest.mark.parametrize("token", [None, "", "unknown"])
async def test_an_anonymous_caller_is_unauthenticated_for_every_role(
    furnished: Store, token: str | None
) -> None:
    for role in ROLES:
        assert await answer(furnished, role, token) == "unauthorized"


async def test_an_unknown_workspace_answers_as_to_an_outsider(furnished: Store) -> None:
    for role in WORKSPACE_ROLES:
        assert await answer(furnished, role, "owner", "unknown") == "not a workspace member"


async def test_a_role_counts_from_the_moment_it_changes(furnished: Store) -> None:
    await furnished.write(members.set_role, "w", "owner", "guest")
    assert await answer(furnished, "owner", "owner") == "insufficient permissions"
    await furnished.write(members.remove, "w", "owner")
    assert await answer(furnished, "guest", "owner") == "not a workspace member"


async def test_an_optional_session_is_known_and_needs_not_be(furnished: Store) -> None:
    known = await furnished.read(access("none", "guest", anonymous=True).check)
    assert known == Principal(user_id="guest", role="user")
    for token in ("unknown", None):
        assert await furnished.read(access("none", token, anonymous=True).check) is None


async def test_an_expired_session_is_none(furnished: Store) -> None:
    with pytest.raises(Unauthenticated):
        await furnished.read(access("user", "guest", now=NOW + LIFETIME).check)


async def test_who_is_known_and_may_not_is_forbidden(furnished: Store) -> None:
    with pytest.raises(Forbidden):
        await furnished.read(access("admin", "owner").check)
