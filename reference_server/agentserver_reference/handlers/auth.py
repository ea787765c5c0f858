"""Accounts and sessions."""

from agentserver_reference.call import Call
from agentserver_reference.domain.sessions import ended_cookie, opened_cookie
from agentserver_reference.replies import Reply
from agentserver_reference.security import session
from agentserver_reference.services import auth


async def register_user(call: Call) -> Reply:
    """POST /api/auth/register."""
    created = await auth.register(call.work, call.json["email"], call.json["password"])
    return Reply(201, created)


async def login(call: Call) -> Reply:
    """POST /api/auth/login."""
    token = await auth.open_session(call.work, call.json["email"], call.json["password"])
    settings = call.work.context.settings
    cookie = opened_cookie(token, domain=settings.cookie_domain, secure=settings.serves_https)
    return Reply(200, {"status": "ok"}, (("Set-Cookie", cookie),))


async def logout(call: Call) -> Reply:
    """POST /api/auth/logout: the session ends here too, not in the browser alone."""
    token = call.credentials.get(session.SCHEME)
    if token is not None:
        await auth.end_session(call.work, token)
    settings = call.work.context.settings
    cookie = ended_cookie(domain=settings.cookie_domain, secure=settings.serves_https)
    return Reply(200, {"status": "ok"}, (("Set-Cookie", cookie),))


async def check_session(call: Call) -> Reply:
    """GET /api/auth/check: who comes this far has a session."""
    return Reply(200, {"status": "ok"})


async def get_current_user(call: Call) -> Reply:
    """GET /api/auth/me."""
    return Reply(200, await auth.account(call.work, call.user_id))
