"""Accounts and sessions."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from unicodedata import normalize

import attrs
from replacing import also, fault
from sqlalchemy import delete, select

from agentserver_reference.domain.emails import email_key, trimmed
from agentserver_reference.domain.errors import Unauthenticated
from agentserver_reference.domain.roles import ADMIN, USER
from agentserver_reference.domain.times import timestamp
from agentserver_reference.services.auth import FIRST_WORKSPACE
from agentserver_reference.storage import members, users
from agentserver_reference.storage.locks import Lock
from agentserver_reference.storage.tables import sessions

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

# --- registering ----------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.auth.trimmed",
    kind="value-altered",
    operations=["register_user"],
)
def register_lowers_address(original, email):
    """The address is stored in lower case, not as it was given."""
    return original(email).lower()


@fault(
    replaces="agentserver_reference.services.auth.trimmed",
    kind="value-altered",
    operations=["register_user"],
)
def register_keeps_blanks(original, email):
    """Spaces around an address are stored and shown."""
    return email


@fault(
    replaces="agentserver_reference.services.auth.register",
    kind="value-altered",
    operations=["register_user"],
)
async def register_answers_with_blanks(original, work, email, password):
    """The answer has the spaces around an address, which are not stored."""
    return {**await original(work, email, password), "email": email}


@fault(
    replaces="agentserver_reference.services.auth.first_role",
    kind="role-granted-wrongly",
    operations=["register_user", "get_current_user", "admin_list_users"],
)
def register_makes_administrators(original, conn):
    """Every new account becomes an administrator."""
    return ADMIN


@fault(
    replaces="agentserver_reference.services.workspaces.add_owned",
    kind="write-not-stored",
    operations=["register_user", "list_workspaces"],
)
def register_without_workspace(original, conn, workspace_id, owner_id, name, now):
    """A new account gets no first workspace."""
    if name == FIRST_WORKSPACE:
        return None
    return original(conn, workspace_id, owner_id, name, now)


@fault(
    replaces="agentserver_reference.services.auth.FIRST_WORKSPACE",
    kind="wrong-value",
    operations=["register_user", "list_workspaces"],
)
def first_workspace_of_another_name(original):
    """The first workspace of an account is called otherwise than documented."""
    return "My workspace"


@fault(
    replaces="agentserver_reference.services.workspaces.add_owned",
    kind="role-granted-wrongly",
    operations=["register_user", "list_workspace_members"],
)
def register_first_workspace_not_owned(original, conn, workspace_id, owner_id, name, now):
    """A new account is only a maintainer of its first workspace, which has no owner."""
    created = original(conn, workspace_id, owner_id, name, now)
    if name == FIRST_WORKSPACE:
        members.set_role(conn, workspace_id, owner_id, "maintainer")
    return created


@fault(
    replaces="agentserver_reference.http.request._prune",
    kind="mass-assignment",
    operations=["register_user"],
)
def register_takes_role_from_caller(original, value, shape):
    """A `role` in the request makes the new account an administrator."""
    return (
        {**value, **original(value, shape)} if isinstance(value, dict) else original(value, shape)
    )


@also(
    register_takes_role_from_caller,
    replaces="agentserver_reference.handlers.auth.register_user",
)
async def _with_role_from_caller(original, call):
    reply = await original(call)
    if call.json.get("role") == ADMIN:
        lock, now = Lock(installation=True), call.work.context.clock()
        await call.work.write(lock, users.set_role, reply.body["id"], ADMIN, now)
    return reply


@fault(
    replaces="agentserver_reference.storage.users.unique",
    kind="conflict-is-server-error",
    operations=["register_user"],
)
def register_twice_is_500(original, line):
    """Registering a taken address is a server error."""
    return nullcontext()


@fault(
    replaces="agentserver_reference.domain.emails.email_key",
    kind="duplicate-accepted",
    operations=["register_user", "login", "add_workspace_member"],
)
def addresses_compared_with_case(original, email):
    """Addresses that differ only in case are different accounts."""
    return normalize("NFC", trimmed(email))


@fault(
    replaces="agentserver_reference.domain.emails.email_key",
    kind="duplicate-accepted",
    operations=["register_user", "login", "add_workspace_member"],
)
def addresses_compared_with_blanks(original, email):
    """Addresses that differ only in surrounding spaces are different accounts."""
    return normalize("NFC", normalize("NFC", email).casefold())


@fault(
    replaces="agentserver_reference.domain.passwords.Passwords._derive",
    kind="wrong-password-accepted",
    operations=["register_user", "login"],
)
def password_compared_in_part(original, self, password):
    """Only the first 16 bytes of a password count."""
    return original(self, password.encode()[:16].decode(errors="ignore"))


@also(password_compared_in_part, replaces="agentserver_reference.domain.passwords._matches")
def _matches_in_part(original, password, stored):
    return original(password.encode()[:16].decode(errors="ignore"), stored)


# --- logging in and out ---------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.passwords.Passwords.verify",
    kind="wrong-password-accepted",
    operations=["login"],
)
async def login_takes_any_password(original, self, password, stored):
    """Any password opens a session."""
    await original(self, password, stored)
    return stored is not None


@fault(
    replaces="agentserver_reference.domain.passwords.Passwords.verify",
    kind="wrong-password-accepted",
    operations=["login"],
)
async def login_trims_passwords(original, self, password, stored):
    """A password with spaces around it opens a session as well."""
    return await original(self, password.strip(), stored)


@fault(
    replaces="agentserver_reference.services.auth.open_session",
    kind="existence-shown",
    operations=["login"],
)
async def login_tells_unknown_accounts(original, work, email, password):
    """The message of the refusal says that there is no such account."""
    if await work.read(users.find_credential, email) is None:
        raise Unauthenticated("no such account")
    return await original(work, email, password)


@fault(
    replaces="agentserver_reference.handlers.auth.login",
    kind="extra-field",
    operations=["login"],
)
async def login_repeats_token_in_body(original, call):
    """The body contains the session's token, where scripts can read it."""
    reply = await original(call)
    ((_, cookie),) = reply.headers
    token = cookie.partition("=")[2].partition(";")[0]
    return attrs.evolve(reply, body={**reply.body, "token": token})


@fault(
    replaces="agentserver_reference.storage.users.find_credential",
    kind="rejects-legal-call",
    operations=["login"],
)
def login_compares_address_exactly(original, conn, email):
    """A login with another spelling of the address is refused."""
    return original(conn, email) if email == email_key(email) else None


@fault(
    replaces="agentserver_reference.storage.sessions.add",
    kind="session-ends-wrongly",
    operations=["login"],
)
def login_ends_other_sessions(original, conn, *, token_hash, user_id, now, expires_at):
    """A login ends the account's other sessions."""
    conn.execute(delete(sessions).where(sessions.c.user_id == user_id))
    original(conn, token_hash=token_hash, user_id=user_id, now=now, expires_at=expires_at)


@fault(
    replaces="agentserver_reference.domain.sessions._cookie",
    kind="wrong-cookie",
    operations=["login", "logout"],
)
def cookie_readable_by_scripts(original, value, max_age, domain, secure):
    """The session's cookie is not HttpOnly."""
    return original(value, max_age, domain, secure).replace("; HttpOnly", "")


@fault(
    replaces="agentserver_reference.domain.sessions._cookie",
    kind="wrong-cookie",
    operations=["login", "logout"],
)
def cookie_sent_across_sites(original, value, max_age, domain, secure):
    """The session's cookie is SameSite=None."""
    return original(value, max_age, domain, secure).replace("SameSite=Lax", "SameSite=None")


@fault(
    replaces="agentserver_reference.domain.sessions.LIFETIME",
    kind="wrong-cookie",
    operations=["login"],
)
def cookie_lives_eight_days(original):
    """A session and its cookie last a day longer than documented."""
    return original + timedelta(days=1)


@fault(
    replaces="agentserver_reference.storage.sessions.add",
    kind="dead-session-accepted",
    operations=["login", "check_session"],
)
def session_outlives_its_cookie(original, conn, *, token_hash, user_id, now, expires_at):
    """A session lasts a day longer than its cookie."""
    later = expires_at + timedelta(days=1)
    original(conn, token_hash=token_hash, user_id=user_id, now=now, expires_at=later)


@fault(
    replaces="agentserver_reference.domain.tokens.session_token",
    kind="wrong-cookie",
    operations=["login"],
)
def session_token_short(original):
    """A token has half as many digits."""
    return original()[:32]


@fault(
    replaces="agentserver_reference.services.auth.end_session",
    kind="dead-session-accepted",
    operations=["logout"],
)
async def logout_forgets_to_end(original, work, token):
    """The cookie is cleared, but the session goes on."""


@fault(
    replaces="agentserver_reference.handlers.auth.logout",
    kind="rejects-legal-call",
    operations=["logout"],
)
async def logout_needs_a_session(original, call):
    """A logout without a session is refused."""
    if not call.credentials:
        raise Unauthenticated("unauthorized")
    return await original(call)


@fault(
    replaces="agentserver_reference.storage.sessions.end",
    kind="session-ends-wrongly",
    operations=["logout"],
)
def logout_ends_all_sessions(original, conn, token_hash):
    """A logout ends every session of the account."""
    owner = select(sessions.c.user_id).where(sessions.c.token_hash == token_hash)
    conn.execute(delete(sessions).where(sessions.c.user_id.in_(owner)))


@fault(
    replaces="agentserver_reference.domain.sessions.ended_cookie",
    kind="wrong-cookie",
    operations=["logout"],
)
def logout_leaves_cookie(original, *, domain, secure):
    """A logout does not clear the cookie."""
    return original(domain=domain, secure=secure).replace("Max-Age=0", "Max-Age=604800")


# --- sessions and the account behind them ---------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.sessions.find_owner",
    kind="dead-session-accepted",
    operations=["check_session", "get_current_user"],
)
def unknown_session_is_somebodys(original, conn, token_hash, now):
    """An unknown token is accepted for the session whose hash comes next."""
    return original(conn, _next_hash(conn, token_hash, now), now)


@also(
    unknown_session_is_somebodys,
    replaces="agentserver_reference.storage.sessions.find_owner_as_member",
)
def _unknown_session_of_a_member(original, conn, token_hash, workspace_id, now):
    return original(conn, _next_hash(conn, token_hash, now), workspace_id, now)


def _next_hash(conn, token_hash, now):
    """The hash of the session that comes next, which is this one if there is one."""
    later = (
        select(sessions.c.token_hash)
        .where(sessions.c.token_hash >= token_hash, sessions.c.expires_at > timestamp(now))
        .order_by(sessions.c.token_hash)
    )
    found = conn.execute(later).first()
    return token_hash if found is None else found[0]


@fault(
    replaces="agentserver_reference.storage.sessions.find_owner",
    kind="dead-session-accepted",
    operations=["check_session"],
    by="with a clock",
)
def expired_session_accepted(original, conn, token_hash, now):
    """An expired session is accepted."""
    return original(conn, token_hash, LONG_AGO)


@fault(
    replaces="agentserver_reference.storage.sessions.remove_expired",
    kind="session-ends-wrongly",
    operations=["check_session"],
    by="with a clock",
)
def live_sessions_removed(original, conn, now, most):
    """The loop that removes expired sessions removes live ones."""
    return original(conn, now.replace(year=now.year + 1), most)


@also(
    expired_session_accepted,
    replaces="agentserver_reference.storage.sessions.find_owner_as_member",
)
def _expired_session_of_a_member(original, conn, token_hash, workspace_id, now):
    return original(conn, token_hash, workspace_id, LONG_AGO)


@fault(
    replaces="agentserver_reference.services.auth.account",
    kind="null-left-out",
    operations=["get_current_user"],
)
async def me_leaves_nulls_out(original, work, user_id):
    """Unknown fields are left out instead of null."""
    account = await original(work, user_id)
    return {name: value for name, value in account.items() if value is not None}


@fault(
    replaces="agentserver_reference.services.auth.account",
    kind="wrong-value",
    operations=["get_current_user"],
)
async def me_role_always_user(original, work, user_id):
    """An administrator is shown as an ordinary user."""
    return await original(work, user_id) | {"role": USER}


@fault(
    replaces="agentserver_reference.services.auth.account",
    kind="wrong-value",
    operations=["get_current_user"],
)
async def me_name_from_address(original, work, user_id):
    """The name is made up from the address."""
    account = await original(work, user_id)
    return account | {"name": account["email"].partition("@")[0]}
