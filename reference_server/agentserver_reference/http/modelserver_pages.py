"""Where a browser comes back from the model server, and what it is shown then.

With the built-in model server also the page that the browser is sent to first, and the endpoints by
which another server can use this one as its model server.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import NotFound, Refusal, Unauthenticated
from agentserver_reference.domain.model_apis import ROUTES, ModelRoute, api_of
from agentserver_reference.domain.modelserver import CALLBACK
from agentserver_reference.gateways.models.protocol import ModelRequest
from agentserver_reference.gateways.modelserver import BUILT_IN
from agentserver_reference.http import oauth_html
from agentserver_reference.http.device_pages import account_here, endpoint, page, place
from agentserver_reference.http.forms import read_form
from agentserver_reference.http.model_api import MAX_BYTES
from agentserver_reference.http.oauth import address
from agentserver_reference.http.request import read_bytes
from agentserver_reference.http.responses import refusal
from agentserver_reference.http.streams import pass_through
from agentserver_reference.services import modelserver
from agentserver_reference.services.unit_of_work import UnitOfWork

RESULT = "/workspaces/{workspace_id}"
_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

Respond = Callable[[Request, str], Awaitable[Response]]


def endpoints(context: Context) -> dict[str, Mapping[str, Respond]]:
    """Return what responds to each path, by method."""
    show = endpoint(context, _show)
    served: dict[str, Mapping[str, Respond]] = {
        CALLBACK: {"GET": _plain(context, _complete)},
        RESULT: {"GET": show, "HEAD": show},
    }
    if context.settings.modelserver_auth_url == BUILT_IN:
        served |= _of_issuer(context)
    return served


def _plain(
    context: Context, answer: Callable[[UnitOfWork, Request], Awaitable[Response]]
) -> Respond:
    """Return what responds to a refusal with a line of text."""

    async def respond(request: Request, _: str) -> Response:
        try:
            return await answer(UnitOfWork(context), request)
        except Refusal as error:
            return refusal(error)

    return respond


async def _complete(work: UnitOfWork, request: Request) -> Response:
    """GET: complete the connection, and go on to the page that shows the outcome."""
    _, account = await account_here(work, request)
    if account is None:
        raise Unauthenticated("unauthorized")
    outcome = await modelserver.complete(work, account["id"], request.query_params)
    result = {"modelserver": "connected"}
    if outcome.message:
        result = {"modelserver": "error", "message": outcome.message}
    query = urlencode({"tab": "settings", **result})
    path = RESULT.format(workspace_id=quote(outcome.workspace_id, safe=""))
    return RedirectResponse(f"{place(work, path)}?{query}", 302, _NO_STORE)


async def _show(work: UnitOfWork, request: Request) -> Response:
    """GET: say how a connection has ended. Anybody can write such an address, but no other text."""
    outcome = request.query_params.get("modelserver")
    if outcome == "connected":
        text = "The workspace is connected to the model server. You can close this page."
        return page(oauth_html.message("Connected", text))
    if outcome != "error":
        raise NotFound("not found")
    given = request.query_params.get("message", "")
    reason = next((each for each in modelserver.FAILURES if given.startswith(each)), "")
    text = f"The workspace was not connected{reason and f': {reason}'}. Try again."
    return page(oauth_html.message("Not connected", text, problem=True))


# --- the built-in model server --------------------------------------------------------------------


def _of_issuer(context: Context) -> dict[str, Mapping[str, Respond]]:
    from agentserver_reference.gateways.modelserver.embedded import PAGE, BuiltInModelServer

    built_in = context.modelserver
    if not isinstance(built_in, BuiltInModelServer):
        raise TypeError("the model server is not the built-in one")
    issuer = built_in.issuer

    async def authorize(_: UnitOfWork, request: Request) -> Response:
        given = context.settings.modelserver_redirect_uri
        callback = given or f"{address(context, request)}{CALLBACK}"
        answer = issuer.authorize(request.query_params, callback)
        headers = _NO_STORE | ({"Location": answer.location} if answer.location else {})
        return Response(answer.body, answer.status, headers, media_type="application/json")

    async def token(_: UnitOfWork, request: Request) -> Response:
        answer = issuer.token(await read_form(request))
        return Response(answer.body, answer.status, _NO_STORE, media_type="application/json")

    async def introspect(_: UnitOfWork, request: Request) -> Response:
        form = await read_form(request)
        return _json(issuer.introspect(form.get("token", "")))

    def check_token(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not issuer.is_active(given):
            raise Unauthenticated("unauthorized")

    async def models(_: UnitOfWork, request: Request) -> Response:
        check_token(request)
        return _json(issuer.models())

    def model(path: str, route: ModelRoute) -> Respond:
        async def respond(_: UnitOfWork, request: Request) -> Response:
            check_token(request)
            sent = ModelRequest(
                api=api_of(route, request.headers),
                method=request.method,
                path=path,
                query=request.url.query,
                headers=tuple(request.headers.items()),
                body=await read_bytes(request, MAX_BYTES),
            )
            return pass_through(await context.models.built_in.send(sent))

        return _plain(context, respond)

    return {
        **{
            f"/modelserver{path}": {route.method: model(path, route)}
            for path, route in ROUTES.items()
        },
        PAGE: {"GET": _plain(context, authorize)},
        "/modelserver/token": {"POST": _plain(context, token)},
        "/modelserver/introspect": {"POST": _plain(context, introspect)},
        "/modelserver/v1/models": {"GET": _plain(context, models)},
    }


def _json(body: object) -> Response:
    return Response(json.dumps(body), 200, _NO_STORE, media_type="application/json")
