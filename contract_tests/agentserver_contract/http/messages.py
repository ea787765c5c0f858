"""One request and its answer as they are on the wire, and as a report shows them: no secrets."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SESSION_COOKIE = "agentserver-token"
HIDDEN = "***"

_SESSION = re.compile(rf"({SESSION_COOKIE}=)[^;\s'\"]+")
_BEARER = re.compile(r"(Bearer )\S+", re.IGNORECASE)
_SECRET_FIELD = re.compile(r'("(?:password|api_key)"\s*:\s*)"(?:[^"\\]|\\.)*"')
_LONGEST_BODY = 600
# Set by whoever sends, and the same on every request: not worth a line in a report.
_UNINTERESTING = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}
)


@dataclass(frozen=True)
class Request:
    """What was sent. Header names are in lower case; `target` is the raw path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @property
    def path(self) -> str:
        """The raw path, still percent-encoded."""
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        """The raw query, still percent-encoded."""
        return urlsplit(self.target).query

    @property
    def session(self) -> str | None:
        """The session that the cookie carries; None when there is none."""
        for part in self.headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == SESSION_COOKIE:
                return value
        return None

    def as_curl(self, base_url: str) -> str:
        """A shell command that sends the same, with its secrets hidden."""
        words = ["curl", "-i", "-X", self.method]
        for name, value in self.headers.items():
            if name not in _UNINTERESTING:
                words += ["-H", f"{name}: {value}"]
        if self.body:
            words += ["--data-raw", _shortened(self.body)]
        words.append(f"{base_url}{self.target}")
        return scrubbed(shlex.join(words))


@dataclass(frozen=True)
class Answer:
    """What came. Header names are in lower case, each with all its values."""

    status: int
    headers: Mapping[str, tuple[str, ...]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next(iter(self.headers.get(name, ())), None)

    @property
    def media_type(self) -> str | None:
        """The bare media type in lower case."""
        content_type = self.header("content-type")
        return content_type.partition(";")[0].strip().lower() if content_type else None

    @property
    def session(self) -> str | None:
        """The session that the answer opens; None when it opens none."""
        for cookie in self.headers.get("set-cookie", ()):
            name, _, rest = cookie.partition("=")
            if name == SESSION_COOKIE:
                return rest.partition(";")[0] or None
        return None

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is none."""
        return json.loads(self.body)

    def as_text(self) -> str:
        """Status, interesting headers and the start of the body, with secrets hidden."""
        lines = [str(self.status)]
        for name in ("content-type", "allow", "set-cookie", "x-request-id"):
            lines += [f"{name}: {value}" for value in self.headers.get(name, ())]
        if self.body:
            lines.append(_shortened(self.body))
        return scrubbed("\n".join(lines))


def scrubbed(text: str) -> str:
    """The text without the session, bearer tokens, passwords and keys in it."""
    text = _SESSION.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    return _SECRET_FIELD.sub(rf'\1"{HIDDEN}"', text)


def _shortened(body: bytes) -> str:
    text = body.decode("utf-8", "backslashreplace")
    if len(text) <= _LONGEST_BODY:
        return text
    return f"{text[:_LONGEST_BODY]}... ({len(body)} bytes)"
