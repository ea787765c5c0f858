"""Traces, which group the language-model requests of one piece of work."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import attrs

TRACE_ID = re.compile(r"[A-Za-z0-9._~:@$&+,;=-]{1,200}")

_SESSIONS = (
    ("x-opencode-session", "opencode"),
    ("x-session-id", "opencode"),
    ("x-claude-code-session-id", "claudecode"),
)
"""Headers in which agents name their session, and how traces made from them are marked."""


@attrs.frozen
class Trace:
    """What a request says about its trace."""

    id: str
    source: str
    """`header`, `opencode` or `claudecode` for where the id is from, `auto` if it is a new one."""


def trace_of(headers: Mapping[str, str], header: str, prefix: str, ids: Callable[[], str]) -> Trace:
    """Return the trace of a request. A value that is no trace id is ignored.

    Arguments:
        headers: those of the request, by names in lower case.
        header: the name of the one that holds a trace id as it is.
        prefix: begins the ids that are made here.
        ids: returns a new id.
    """
    named = [(headers.get(header.lower()), "header")]
    named += [
        (f"{prefix}{headers[name]}", source) for name, source in _SESSIONS if headers.get(name)
    ]
    for value, source in named:
        if value and TRACE_ID.fullmatch(value):
            return Trace(value, source)
    return Trace(prefix + ids(), "auto")
