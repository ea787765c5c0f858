"""The pages for browsers: `/` says what this server is, `/docs` is the API console.

The console is Swagger UI from a package, and a form to sign in. Nothing is loaded from other hosts.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from agentserver_reference.console import front
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.http.dispatch import Page
from agentserver_reference.settings import Settings

PACKAGE = "mkdocs_swagger_ui_tag"
"""Contains the files of Swagger UI 5; its Python code is not used."""

# Swagger UI needs inline styles, and data: URLs for its icons.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""It keeps the browser from sending requests to other hosts."""

OF_PACKAGE = {
    "swagger-ui.css": "stylesheets/swagger-ui.css",
    "swagger-ui-bundle.js": "javascripts/swagger-ui-bundle.js",
}
OWN = {"console.css": "text/css", "console.js": "text/javascript"}
_HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}


def pages(
    document: dict[str, Any], settings: Settings, sandboxes: Mapping[str, str]
) -> dict[str, Page]:
    """Return the pages by path: the first page, the contract, and the console if it is installed.

    The console needs `PACKAGE`. With a public URL, the contract names it as its server.

    Arguments:
        document: the contract.
        settings: the server's settings.
        sandboxes: how each type of sandbox runs, which the console says.
    """
    if settings.public_url:
        server = {"url": settings.public_url, "description": "This server."}
        document = {**document, "servers": [server]}
    folder = find_files()

    @cache
    def contract() -> str:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    def first(request: Request, path: dict[str, str]) -> Response:
        text = front.page(
            address=str(request.base_url).rstrip("/"),
            settings=settings,
            contract_version=document["info"]["version"],
            has_console=folder is not None,
        )
        return _page(text, "text/html")

    served = {
        "/": Page(first),
        "/openapi.json": Page(lambda *_: Response(contract(), media_type="application/json")),
    }
    if folder is None:
        return served

    rows = "\n".join(
        f"<dt>{escape(type_)}</dt><dd>{escape(how)}</dd>" for type_, how in sandboxes.items()
    )
    page_of_console = _own("console.html").replace("<!-- sandboxes -->", rows)

    def asset(request: Request, path: dict[str, str]) -> Response:
        name = path["name"]
        if name in OWN:
            return _page(_own(name), OWN[name])
        if name not in OF_PACKAGE:
            raise NotFound("not found")
        media_type = mimetypes.guess_type(name)[0]
        return FileResponse(folder / OF_PACKAGE[name], media_type=media_type, headers=_HEADERS)

    return served | {
        "/docs": Page(lambda *_: _page(page_of_console, "text/html")),
        "/docs/{name}": Page(asset),
    }


def _own(name: str) -> str:
    return (files("agentserver_reference") / "console" / name).read_text("utf-8")


def _page(text: str, media_type: str) -> Response:
    return Response(text, media_type=media_type, headers=_HEADERS)


def find_files() -> Path | None:
    """Return the folder of Swagger UI, or None if the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "swagger-ui"
