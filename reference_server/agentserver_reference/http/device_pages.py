"""The page at the verification address, where a person approves or denies an agent's request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    Refusal,
    Unauthenticated,
)
from agentserver_reference.domain.sessions import opened_cookie
from agentserver_reference.domain.tokens import is_same
from agentserver_reference.http import oauth_html
from agentserver_reference.http.forms import read_form
from agentserver_reference.http.oauth import PAGE, copy_limits
from agentserver_reference.http.responses import STATUSES
from agentserver_reference.http.websocket import check_origin
from agentserver_reference.security.session import find_token
from agentserver_reference.services import auth, device_sign_in
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage.engine.query import Record

SIGN_IN = f"{PAGE}/sign-in"

_HEADERS = {
    "Content-Security-Policy": oauth_html.POLICY,
    # Not "no-referrer", with which browsers send no usable Origin along with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Respond = Callable[[Request, str], Awaitable[Response]]
_Answer = Callable[[UnitOfWork, Request], Awaitable[Response]]


def endpoints(context: Context) -> Mapping[str, Mapping[str, Respond]]:
    """Return what responds to each path, by method."""
    show = endpoint(context, _show)
    return {
        PAGE: {"GET": show, "HEAD": show, "POST": endpoint(context, _decide)},
        SIGN_IN: {"POST": endpoint(context, _sign_in)},
    }


def endpoint(context: Context, answer: _Answer) -> Respond:
    """Return what responds with a page, also to what it refuses."""

    async def respond(request: Request, _: str) -> Response:
        try:
            return await answer(UnitOfWork(context), request)
        except Refusal as error:
            response = page(
                oauth_html.message("This did not work", error.line, problem=True),
                STATUSES[type(error)],
            )
            copy_limits(error, response)
            return response

    return respond


async def _show(work: UnitOfWork, request: Request) -> Response:
    """GET: whatever comes next for this person and this code."""
    return await _next(work, find_token(request.headers), request.query_params.get("user_code", ""))


async def _next(work: UnitOfWork, session: str | None, code: str, problem: str = "") -> Response:
    account = await device_sign_in.account_of(work, session)
    if session is None or account is None:
        return ask_to_sign_in(work, place(work, SIGN_IN), {"user_code": code})
    if not code:
        return page(oauth_html.enter_code(place(work, PAGE)))
    try:
        found = await device_sign_in.find(work, session, code)
    except (NotFound, Conflict) as error:
        return _ask_again(work, error)
    hidden = {"user_code": found.code, "form_token": form_token(session)}
    return await ask_to_approve(
        work, account, PAGE, code=found.code, scopes=found.scopes, hidden=hidden, problem=problem
    )


def _ask_again(work: UnitOfWork, error: NotFound | Conflict) -> Response:
    return page(oauth_html.enter_code(place(work, PAGE), error.line), STATUSES[type(error)])


async def _decide(work: UnitOfWork, request: Request) -> Response:
    """POST: the person approves or denies."""
    session, _, form = await checked_form(work, request)
    code, workspace = form.get("user_code", ""), form.get("workspace_id", "")
    try:
        if not is_approved(form):
            await device_sign_in.deny(work, session, code)
            return page(oauth_html.message("Denied", "The agent was not let in."))
        await device_sign_in.approve(work, session, code, workspace)
    except BadRequest as error:
        return await _next(work, session, code, error.line)
    except (NotFound, Conflict) as error:
        return _ask_again(work, error)
    text = "The agent is signed in. You can close this page and go back to it."
    return page(oauth_html.message("Approved", text))


async def _sign_in(work: UnitOfWork, request: Request) -> Response:
    """POST: e-mail address and password; then back to where it was asked for them."""
    check_own_page(work, request)
    form = await read_form(request)
    code = form.get("user_code", "")
    cookie, problem = await open_session(work, form)
    if cookie is None:
        return ask_to_sign_in(work, place(work, SIGN_IN), {"user_code": code}, problem)
    query = f"?user_code={quote(code, safe='')}" if code else ""
    return RedirectResponse(place(work, PAGE) + query, 303, {"Set-Cookie": cookie})


# --- what all pages of OAuth need -----------------------------------------------------------------


def place(work: UnitOfWork, path: str) -> str:
    """Return the path of a page as browsers have it: a proxy may have removed its beginning."""
    return urlsplit(work.context.settings.public_url or "").path + path


def page(text: str, status: int = 200, headers: Mapping[str, str] = _HEADERS) -> Response:
    """Return a page, with the headers that keep it from being framed, cached or scripted."""
    return Response(text, status, headers, media_type="text/html")


def ask_to_sign_in(
    work: UnitOfWork, action: str, hidden: Mapping[str, str], problem: str = ""
) -> Response:
    """Return the form for e-mail address and password, or say where else to sign in."""
    if not work.context.settings.password_auth_enabled:
        text = "Sign in to agentserver in this browser first, and then open this page again."
        return page(oauth_html.message("Sign in", text), STATUSES[Unauthenticated])
    status = STATUSES[Unauthenticated] if problem else 200
    given = {name: value for name, value in hidden.items() if value}
    return page(oauth_html.sign_in(action, given, problem), status)


async def open_session(work: UnitOfWork, form: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the cookie of a new session, or None and what was wrong."""
    settings = work.context.settings
    if not settings.password_auth_enabled:
        return None, ""
    email, password = form.get("email", ""), form.get("password", "")
    try:
        token = await auth.open_session(work, email, password)
    except Unauthenticated:
        return None, "The e-mail address or the password is wrong."
    return opened_cookie(token, domain=settings.cookie_domain, secure=settings.serves_https), ""


def form_token(session: str) -> str:
    """Return what a form must contain to be of a page that was shown in this session."""
    return sha256(b"form of the session " + session.encode("utf-8", "surrogatepass")).hexdigest()


def check_own_page(work: UnitOfWork, request: Request) -> None:
    """Reject a form that another site sends.

    Raises Forbidden.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This form was sent by another site.")
    check_origin(request.headers, work.context.settings.public_url)


async def ask_to_approve(
    work: UnitOfWork,
    account: Record,
    path: str,
    *,
    code: str = "",
    scopes: Sequence[str],
    hidden: Mapping[str, str],
    problem: str,
) -> Response:
    """Return the form by which an account lets an agent in, which is sent to `path`.

    Raises Forbidden if it may let no agent in anywhere.
    """
    email, workspaces = account["email"], await device_sign_in.workspaces_of(work, account["id"])
    if not workspaces:
        raise Forbidden(
            f"{email} is in no workspace as a developer or above, and so cannot let an agent in."
        )
    shown = oauth_html.approve(
        place(work, path),
        code=code,
        scopes=scopes,
        email=email,
        workspaces=workspaces,
        hidden=hidden,
        problem=problem,
    )
    return page(shown, STATUSES[BadRequest] if problem else 200)


def is_approved(form: Mapping[str, str]) -> bool:
    """Return what the person has decided. Raises BadRequest for neither."""
    decision = form.get("decision")
    if decision not in ("approve", "deny"):
        raise BadRequest("Choose whether to approve or to deny.")
    return decision == "approve"


async def account_here(
    work: UnitOfWork, request: Request
) -> tuple[str, Record] | tuple[None, None]:
    """Return the session and the account that is signed in, if one is."""
    session = find_token(request.headers)
    account = await device_sign_in.account_of(work, session)
    return (None, None) if session is None or account is None else (session, account)


async def checked_form(work: UnitOfWork, request: Request) -> tuple[str, Record, dict[str, str]]:
    """Return the session, its account, and the fields of a form that its page has sent.

    Raises:
        Forbidden: another site has sent it, or it is of another session.
        Unauthenticated: the browser is not signed in.
    """
    check_own_page(work, request)
    session, account = await account_here(work, request)
    if session is None or account is None:
        raise Unauthenticated("You are not signed in any more. Open the link again.")
    form = await read_form(request)
    if not is_same(form_token(session), form.pop("form_token", "")):
        raise Forbidden("This form is of another sign-in. Open the link again.")
    return session, account, form
