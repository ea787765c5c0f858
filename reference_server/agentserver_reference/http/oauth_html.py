"""The pages on which a person signs an agent in: forms that work without JavaScript."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape

from agentserver_reference.domain.oauth import CLIENT_NAME, CODE_LENGTH, SCOPES

_STYLE = """
:root { color-scheme: light dark; --ink: #16202c; --paper: #ffffff; --faint: #55606e;
  --link: #0b57a4; --on-link: #ffffff; --code: #eef2f6; --line: #7c8896; --bad: #a3171b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --paper: #12171d; --faint: #a3afbd;
  --link: #8cc4ff; --on-link: #10161c; --code: #1d252e; --line: #7d8b9b; --bad: #ff9a94; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 32rem; margin: 0 auto; padding: 2.5rem 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
p, ul { margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin: 1rem 0 .25rem; }
input, select, button { font: inherit; width: 100%; min-height: 2.75rem; padding: .5rem .75rem;
  border: 1px solid var(--line); border-radius: .4rem; background: var(--paper);
  color: var(--ink); }
button { font-weight: 600; margin-top: 1rem; cursor: pointer; }
button.main { background: var(--link); border-color: var(--link); color: var(--on-link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.code { font: 600 1.5rem/1.3 ui-monospace, monospace; letter-spacing: .08em;
  background: var(--code); padding: .5rem .75rem; border-radius: .4rem; }
.problem { color: var(--bad); font-weight: 600; }
.faint { color: var(--faint); }
"""

_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()


POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of these pages: one style, no script, nothing of other hosts."""


def enter_code(
    action: str, problem: str = "", *, code: str = "", hidden: Mapping[str, str] | None = None
) -> str:
    """Ask for the code that the program shows.

    Arguments:
        action: where the form leads.
        problem: what was wrong before.
        code: what is filled in.
        hidden: further fields; with them, the form is a POST.
    """
    method = "get" if hidden is None else "post"
    return _page(
        "Sign an agent in",
        f"""{_problem(problem)}<p>Enter the code that the program shows.</p>
<form method="{method}" action="{escape(action)}">{_hidden(hidden or {})}
<label for="user_code">Code</label>
<input id="user_code" name="user_code" required autofocus maxlength="{4 * CODE_LENGTH}"
 autocomplete="off" autocapitalize="characters" spellcheck="false"
 value="{escape(code)}"{_invalid(problem)}>
<button class="main">Continue</button>
</form>""",
    )


def sign_in(action: str, hidden: Mapping[str, str], problem: str = "") -> str:
    """Ask for an account's e-mail address and password."""
    return _page(
        "Sign in",
        f"""{_problem(problem)}<p>Sign in to agentserver to go on.</p>
<form method="post" action="{escape(action)}">{_hidden(hidden)}
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" required autofocus
 autocomplete="username"{_invalid(problem)}>
<label for="password">Password</label>
<input id="password" name="password" type="password" required
 autocomplete="current-password"{_invalid(problem)}>
<button class="main">Sign in</button>
</form>""",
    )


def approve(
    action: str,
    *,
    code: str,
    scopes: Sequence[str],
    email: str,
    workspaces: Iterable[Mapping[str, str]],
    hidden: Mapping[str, str],
    problem: str = "",
) -> str:
    """Ask whether an agent may be let into a workspace, and into which.

    Arguments:
        action: where the form leads.
        code: the code that the program shows; empty where it was compared before.
        scopes: what the program asks for.
        email: of the person who is signed in.
        workspaces: those to choose from, each with `id` and `name`.
        hidden: further fields.
        problem: what was wrong before.
    """
    options = "\n".join(
        f'<option value="{escape(each["id"])}">{escape(each["name"])}</option>'
        for each in workspaces
    )
    asked = "\n".join(f"<li>{escape(SCOPES.get(each, each))}</li>" for each in scopes)
    shown = (
        f"<p>Go on only if you have started it yourself, and it shows this code:</p>\n"
        f'<p class="code">{escape(code)}</p>'
        if code
        else ""
    )
    return _page(
        "Let an agent in?",
        f"""{_problem(problem)}<p>{escape(CLIENT_NAME)} asks to be signed in as
<strong>{escape(email)}</strong>.</p>
{shown}
<p>It will be able to:</p>
<ul>
{asked}
</ul>
<form method="post" action="{escape(action)}">{_hidden(hidden)}
<label for="workspace_id">Workspace</label>
<select id="workspace_id" name="workspace_id" required autofocus>
{options}
</select>
<button class="main" name="decision" value="approve">Approve</button>
<button name="decision" value="deny" formnovalidate>Deny</button>
</form>""",
    )


def onward(url: str) -> str:
    """Send the browser on to another page."""
    return _page(
        "Going on",
        f'<p><a href="{escape(url)}">Continue</a></p>',
        f'\n<meta http-equiv="refresh" content="0; url={escape(url)}">',
    )


def message(title: str, text: str, *, problem: bool = False) -> str:
    """Say one thing."""
    said = _problem(text) if problem else f'<p role="status">{escape(text)}</p>'
    return _page(title, said)


def _problem(text: str) -> str:
    return f'<p class="problem" id="problem" role="alert">{escape(text)}</p>\n' if text else ""


def _invalid(problem: str) -> str:
    return ' aria-invalid="true" aria-describedby="problem"' if problem else ""


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'\n<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def _page(title: str, body: str, head: str = "") -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · agentserver</title>
<link rel="icon" href="data:,">{head}
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
