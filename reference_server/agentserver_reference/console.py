"""The API console at /docs: Swagger UI from a package, without files from other hosts."""

from __future__ import annotations

import json
import mimetypes
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.http.dispatch import Page

PACKAGE = "mkdocs_swagger_ui_tag"
"""Contains the files of Swagger UI 5; its Python code is not used."""

# Swagger UI needs inline styles, and data: URLs for its icons.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""It keeps the browser from sending requests to other hosts."""

FILES = {
    "swagger-ui.css": "stylesheets/swagger-ui.css",
    "swagger-ui-bundle.js": "javascripts/swagger-ui-bundle.js",
}

INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>agentserver API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="console"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#console",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
});
"""


def pages(document: dict[str, Any]) -> dict[str, Page]:
    """Return the pages by path: the contract, and the console if its package is installed."""
    contract = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    served = {"/openapi.json": Page(lambda _: Response(contract, media_type="application/json"))}
    folder = find_files()
    if folder is None:
        return served

    def asset(path: dict[str, str]) -> Response:
        name = path["name"]
        if name == "start.js":
            return _page(START, "text/javascript")
        if name not in FILES:
            raise NotFound("not found")
        media_type = mimetypes.guess_type(name)[0]
        return FileResponse(folder / FILES[name], media_type=media_type, headers=_HEADERS)

    return served | {
        "/docs": Page(lambda _: _page(INDEX, "text/html")),
        "/docs/{name}": Page(asset),
    }


_HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}


def _page(text: str, media_type: str) -> Response:
    return Response(text, media_type=media_type, headers=_HEADERS)


def find_files() -> Path | None:
    """Return the folder of Swagger UI, or None if the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "swagger-ui"
