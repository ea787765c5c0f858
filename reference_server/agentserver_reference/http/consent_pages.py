"""The pages to which an OAuth provider elsewhere sends a browser.

The provider asks three things: which code the program shows, who is signed in, and what that person
permits. After each answer the browser goes on to the provider.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import BadRequest, Unauthenticated
from agentserver_reference.http import oauth_html
from agentserver_reference.http.device_pages import (
    account_here,
    ask_to_approve,
    ask_to_sign_in,
    check_own_page,
    checked_form,
    endpoint,
    form_token,
    is_approved,
    open_session,
    page,
    place,
)
from agentserver_reference.http.forms import MAX_BYTES, read_form
from agentserver_reference.http.oauth import PAGE
from agentserver_reference.http.request import read_bytes
from agentserver_reference.services import consent
from agentserver_reference.services.unit_of_work import UnitOfWork

VERIFY = f"{PAGE}/verify"
LOGIN = "/oauth2/login"
CONSENT = "/oauth2/consent"

Respond = Callable[[Request, str], Awaitable[Response]]


def endpoints(context: Context) -> Mapping[str, Mapping[str, Respond]]:
    """Return what responds to each path, by method."""

    def get(answer: Callable[[UnitOfWork, Request], Awaitable[Response]]) -> dict[str, Respond]:
        return {"GET": endpoint(context, answer), "HEAD": endpoint(context, answer)}

    return {
        VERIFY: {"GET": endpoint(context, _verify), "POST": endpoint(context, _verify)},
        PAGE: get(_ask_for_code) | {"POST": endpoint(context, _take_code)},
        f"{PAGE}/sign-in": {"POST": endpoint(context, _sign_in_for_code)},
        f"/api{LOGIN}": get(_log_in),
        LOGIN: get(_ask_who) | {"POST": endpoint(context, _sign_in)},
        f"/api{CONSENT}": get(_to_consent),
        CONSENT: get(_ask_what) | {"POST": endpoint(context, _answer_consent)},
    }


# --- which code -----------------------------------------------------------------------------------


async def _verify(work: UnitOfWork, request: Request) -> Response:
    shown = await consent.provider(work).verify_device(
        request.method,
        request.url.query,
        tuple(request.headers.items()),
        await read_bytes(request, MAX_BYTES),
    )
    response = Response(shown.body, shown.status)
    for name, value in shown.headers:
        response.headers.append(name, value)
    return response


async def _ask_for_code(work: UnitOfWork, request: Request) -> Response:
    given = request.query_params
    fields = {
        "device_challenge": _required(given, "device_challenge"),
        "user_code": given.get("user_code", ""),
    }
    session, _ = await account_here(work, request)
    if session is None:
        return ask_to_sign_in(work, place(work, f"{PAGE}/sign-in"), fields)
    return page(
        oauth_html.enter_code(
            place(work, PAGE),
            code=fields["user_code"],
            hidden={
                "device_challenge": fields["device_challenge"],
                "form_token": form_token(session),
            },
        )
    )


async def _sign_in_for_code(work: UnitOfWork, request: Request) -> Response:
    check_own_page(work, request)
    form = await read_form(request)
    names: tuple[str, ...] = ("device_challenge", "user_code")
    fields = {name: form[name] for name in names if name in form}
    return await _signed_in(work, form, f"{PAGE}/sign-in", PAGE, fields)


async def _take_code(work: UnitOfWork, request: Request) -> Response:
    _, _, form = await checked_form(work, request)
    challenge, code = _required(form, "device_challenge"), _required(form, "user_code")
    return _onward(await consent.provider(work).accept_device(challenge, code))


# --- who ------------------------------------------------------------------------------------------


async def _log_in(work: UnitOfWork, request: Request) -> Response:
    challenge = _required(request.query_params, "login_challenge")
    _, account = await account_here(work, request)
    user_id = None if account is None else account["id"]
    onward = await consent.log_in(work, challenge, user_id)
    if onward is None:
        onward = f"{place(work, LOGIN)}?{urlencode({'login_challenge': challenge})}"
    return RedirectResponse(onward, 302)


async def _ask_who(work: UnitOfWork, request: Request) -> Response:
    challenge = _required(request.query_params, "login_challenge")
    return ask_to_sign_in(work, place(work, LOGIN), {"login_challenge": challenge})


async def _sign_in(work: UnitOfWork, request: Request) -> Response:
    check_own_page(work, request)
    form = await read_form(request)
    fields = {"login_challenge": _required(form, "login_challenge")}
    return await _signed_in(work, form, LOGIN, f"/api{LOGIN}", fields)


async def _signed_in(
    work: UnitOfWork, form: Mapping[str, str], again: str, then: str, fields: Mapping[str, str]
) -> Response:
    cookie, problem = await open_session(work, form)
    if cookie is None:
        return ask_to_sign_in(work, place(work, again), fields, problem)
    response = _onward(f"{place(work, then)}?{urlencode(fields)}")
    response.headers["Set-Cookie"] = cookie
    return response


# --- what -----------------------------------------------------------------------------------------


async def _to_consent(work: UnitOfWork, request: Request) -> Response:
    challenge = _required(request.query_params, "consent_challenge")
    return RedirectResponse(
        f"{place(work, CONSENT)}?{urlencode({'consent_challenge': challenge})}", 302
    )


async def _ask_what(work: UnitOfWork, request: Request) -> Response:
    challenge = _required(request.query_params, "consent_challenge")
    return await _consent_page(work, request, challenge)


async def _consent_page(
    work: UnitOfWork, request: Request, challenge: str, problem: str = ""
) -> Response:
    session, account = await account_here(work, request)
    if session is None or account is None:
        raise Unauthenticated("You are not signed in any more. Open the link again.")
    asked = await consent.requested(work, challenge, account["id"])
    hidden = {"consent_challenge": challenge, "form_token": form_token(session)}
    return await ask_to_approve(
        work, account, CONSENT, scopes=asked.scopes, hidden=hidden, problem=problem
    )


async def _answer_consent(work: UnitOfWork, request: Request) -> Response:
    _, account, form = await checked_form(work, request)
    challenge = _required(form, "consent_challenge")
    try:
        if not is_approved(form):
            return _onward(await consent.refuse(work, challenge, account["id"]))
        workspace_id = form.get("workspace_id", "")
        return _onward(await consent.permit(work, challenge, account["id"], workspace_id))
    except BadRequest as error:
        return await _consent_page(work, request, challenge, error.line)


def _required(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise BadRequest(f"The address lacks {name}. Open the link again.")
    return value


def _onward(url: str) -> Response:
    """Send the browser on; not by a redirect, which the policy of our forms would forbid."""
    return page(oauth_html.onward(url))
