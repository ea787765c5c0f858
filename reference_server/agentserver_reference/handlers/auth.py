"""Accounts and sessions."""

from datetime import datetime

from agentserver_reference.call import Call, Reply
from agentserver_reference.domain.emails import trimmed
from agentserver_reference.domain.errors import Unauthenticated
from agentserver_reference.domain.roles import ADMIN, OWNER, USER
from agentserver_reference.domain.sessions import LIFETIME, ended_cookie, opened_cookie
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.storage import members, sessions, users, workspaces
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.schema import lock_installation

FIRST_WORKSPACE = "Default workspace"


async def register_user(call: Call) -> Reply:
    """POST /api/auth/register: an account with a password, and a first workspace that it owns."""
    email = trimmed(call.json["email"])
    password_hash = await call.services.passwords.hash(call.json["password"])
    user_id, workspace_id = call.services.ids(), call.services.ids()
    await call.write(_register, user_id, workspace_id, email, password_hash, call.services.clock())
    return Reply(201, {"id": user_id, "email": email})


def _register(
    conn: Connection,
    user_id: str,
    workspace_id: str,
    email: str,
    password_hash: str,
    now: datetime,
) -> None:
    lock_installation(conn)  # so that of many who are first at once, one is
    role = USER if users.exist(conn) else ADMIN
    users.add(conn, user_id=user_id, email=email, password_hash=password_hash, role=role, now=now)
    workspaces.add(conn, workspace_id=workspace_id, name=FIRST_WORKSPACE, now=now)
    members.add(conn, workspace_id=workspace_id, user_id=user_id, role=OWNER, now=now)


async def login(call: Call) -> Reply:
    """POST /api/auth/login: a session for the right e-mail address and password."""
    passwords, password = call.services.passwords, call.json["password"]
    account = await call.read(users.find_credential, call.json["email"])
    kept = account["password_hash"] if account else None
    if not await passwords.verify(password, kept) or not account:
        raise Unauthenticated("invalid credentials")
    outdated = passwords.outdated(account["password_hash"])
    renewed = await passwords.hash(password) if outdated else None
    token = call.services.tokens()
    await call.write(_open_session, account["id"], token, renewed, call.services.clock())
    cookie = opened_cookie(
        token,
        domain=call.services.settings.cookie_domain,
        secure=call.services.settings.serves_https,
    )
    return Reply(200, {"status": "ok"}, (("Set-Cookie", cookie),))


def _open_session(
    conn: Connection, user_id: str, token: str, renewed_hash: str | None, now: datetime
) -> None:
    if renewed_hash is not None:
        users.set_password_hash(conn, user_id, renewed_hash)
    sessions.add(
        conn,
        token_hash=token_hash(token),
        user_id=user_id,
        now=now,
        expires_at=now + LIFETIME,
    )


async def logout(call: Call) -> Reply:
    """POST /api/auth/logout: the session ends here too, not in the browser alone."""
    if call.session_token is not None:
        await call.write(sessions.end, token_hash(call.session_token))
    cookie = ended_cookie(
        domain=call.services.settings.cookie_domain,
        secure=call.services.settings.serves_https,
    )
    return Reply(200, {"status": "ok"}, (("Set-Cookie", cookie),))


async def check_session(call: Call) -> Reply:
    """GET /api/auth/check: who comes this far has a session."""
    return Reply(200, {"status": "ok"})


async def get_current_user(call: Call) -> Reply:
    """GET /api/auth/me: the caller's account."""
    account = await call.read(users.find, call.user_id)
    if account is None:
        raise Unauthenticated("unauthorized")
    # What an outside login left empty is as good as unknown.
    unset = {field: account[field] or None for field in ("name", "picture")}
    return Reply(200, account | unset)
