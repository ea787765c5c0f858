"""The first page, `GET /`: what this server is, and where to go."""

from __future__ import annotations

from html import escape

from agentserver_reference.settings import Settings
from agentserver_reference.storage import sqlite_path
from agentserver_reference.version import installed_version

_STYLE = """
:root { color-scheme: light dark; --ink: #16202c; --paper: #ffffff; --faint: #55606e;
  --link: #0b57a4; --code: #eef2f6; --line: #d4dbe3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --paper: #12171d; --faint: #a3afbd;
  --link: #8cc4ff; --code: #1d252e; --line: #354150; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
a { color: var(--link); }
a:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
li { margin: .25rem 0; }
code, pre { font: .9rem/1.5 ui-monospace, monospace; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .4rem;
  padding: .8rem 1rem; overflow-x: auto; margin: 0; }
"""


def page(*, address: str, settings: Settings, contract_version: str, has_console: bool) -> str:
    """Return the page.

    Arguments:
        address: the one that the request was sent to.
        settings: the server's settings.
        contract_version: of the API that the contract describes.
        has_console: whether `/docs` is served.
    """
    url = escape(settings.public_url or address)
    # Relative where no address is configured: a proxy may have removed a prefix from the path.
    start = f"{url}/" if settings.public_url else ""
    places = [
        ("docs", "API console", "every operation, to read about and to try out"),
        ("openapi.json", "openapi.json", "the contract, an OpenAPI 3.1 document"),
        ("healthz", "healthz", "answers 200 without a body while the server is up"),
    ]
    links = "\n".join(
        f'<li><a href="{start}{path}">{name}</a>: {text}</li>'
        for path, name, text in places
        if has_console or path != "docs"
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>agentserver reference server</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>agentserver reference server</h1>
<p>This server implements the HTTP API of agentserver, for development and tests.</p>
<dl>
<dt>Version</dt><dd>{escape(installed_version())}</dd>
<dt>API version</dt><dd>{escape(contract_version)}</dd>
<dt>Database</dt><dd>{_database(settings)}</dd>
<dt>Address</dt><dd><code>{url}</code></dd>
</dl>
<h2>Where to go</h2>
<ul>
{links}
</ul>
<h2>Call it from Python</h2>
<pre tabindex="0" aria-label="Python code"><code>from agentserver import Client

with Client("{url}", email="ada@example.com", password="...") as client:
    print(client.workspaces.list())</code></pre>
</main>
</body>
</html>
"""


def _database(settings: Settings) -> str:
    """Return the kind of the database, but not where it is: anyone can read this page."""
    if settings.is_postgresql:
        return "PostgreSQL"
    if sqlite_path(settings.resolved_database_url) is None:
        return "in memory: everything is gone when the server stops"
    return "a SQLite file"
