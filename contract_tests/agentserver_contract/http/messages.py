"""HTTP messages in the one form that the suite uses, and conversions from other libraries' forms.

Reports show messages without the secrets in them.
"""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import requests
import urllib3
from requests.adapters import HTTPAdapter

from agentserver_contract.contract.document import JSON
from agentserver_contract.contract.schemas import media_type as media_type_of

if TYPE_CHECKING:
    from schemathesis import Case
    from schemathesis import Response as SchemathesisResponse
    from schemathesis.engine.recorder import Request as RecorderRequest

SESSION_COOKIE = "agentserver-token"
HIDDEN = "***"
TOKEN_FIELDS = frozenset({"secret", "token", "proxy_token", "tunnel_token"})
"""Fields of answers that hold a new token."""
SECRET_FIELDS = frozenset(
    {
        *("password", "api_key", "config", "bot_token", "access_token", "recovery_key"),
        *TOKEN_FIELDS,
    }
)
"""Fields of JSON bodies whose values are hidden."""

_SESSION = re.compile(rf"({SESSION_COOKIE}=)[^;\s'\"]+")
_BEARER = re.compile(r"(Bearer )\S+", re.IGNORECASE)
_SECRET_FIELD = re.compile(rf'("(?:{"|".join(sorted(SECRET_FIELDS))})"\s*:\s*)"(?:[^"\\]|\\.)*"')
_LONGEST_BODY = 600
# Of the bytes on a connection, which are no longer what a body is once it has been read.
_OF_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
# Set by every client, and the same on every request: not worth a line in a report.
_UNINTERESTING = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}
)


@lru_cache(maxsize=4096)
def _url(text: str) -> httpx.URL:
    """A URL, which costs httpx more to parse than to send: what is read again, is read often."""
    return httpx.URL(text)


@dataclass(frozen=True)
class Request:
    """A request. Header names are in lower case; `target` is the raw path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None

    @classmethod
    def from_httpx(cls, request: httpx.Request) -> Request:
        """A request of httpx, whose body has been read."""
        target = request.url.raw_path.decode("ascii")
        return cls(request.method, target, dict(request.headers.items()), request.content or None)

    @classmethod
    def from_requests(cls, prepared: requests.PreparedRequest) -> Request:
        """A request that `requests` has prepared, and Schemathesis with it."""
        body: Any = prepared.body
        headers = {name.lower(): str(value) for name, value in prepared.headers.items()}
        content = body.encode() if isinstance(body, str) else body
        return cls(str(prepared.method), str(prepared.path_url), headers, content or None)

    @classmethod
    def from_case(cls, case: Case[Any], base_url: str) -> Request:
        """The request that a case of Schemathesis would send."""
        arguments: dict[str, Any] = case.as_transport_kwargs(base_url=base_url)
        return cls.from_requests(requests.Request(**arguments).prepare())

    @classmethod
    def from_recorder(cls, recorded: RecorderRequest, base_url: str) -> Request:
        """A request as the recorder of Schemathesis's engine keeps it."""
        headers = {name.lower(): values[0] for name, values in recorded.headers.items()}
        target = recorded.uri.removeprefix(base_url)
        return cls(recorded.method, target, headers, recorded.body or None)

    def with_query(self, parameters: str) -> Request:
        """The same with more parameters in its query, which are written as they are sent."""
        joined = "&" if "?" in self.target else "?"
        return replace(self, target=f"{self.target}{joined}{parameters}")

    def to_httpx(self, base_url: str, timeouts: Mapping[str, float | None]) -> httpx.Request:
        """The same as httpx has it; in chunks where a header says so."""
        is_chunked = self.headers.get("transfer-encoding") == "chunked"
        return httpx.Request(
            self.method,
            _url(f"{base_url}{self.target}"),
            headers=[
                (name.encode(), value.encode("latin-1")) for name, value in self.headers.items()
            ],
            content=iter([self.body or b""]) if is_chunked else self.body,
            extensions={"timeout": dict(timeouts)},
        )

    @cached_property
    def path(self) -> str:
        """The raw path, still percent-encoded."""
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        """The raw query, still percent-encoded."""
        return urlsplit(self.target).query

    @property
    def session(self) -> str | None:
        """The session in the cookie; None without one."""
        for part in self.headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == SESSION_COOKIE:
                return value
        return None

    @property
    def bearer(self) -> str | None:
        """The token in the header Authorization; None without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

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
class Response:
    """A response. Header names are in lower case, each with all its values."""

    status: int
    headers: Mapping[str, tuple[str, ...]]
    body: bytes = b""

    @classmethod
    def from_httpx(cls, response: httpx.Response) -> Response:
        """A response of httpx, whose body has been read."""
        headers = grouped(response.headers.multi_items())
        return cls(response.status_code, headers, response.content)

    @classmethod
    def from_requests(cls, response: requests.Response) -> Response:
        """A response of `requests`; of a stream of events only the beginning without a body."""
        headers = grouped(response.raw.headers.items())
        endless = response.headers.get("content-type", "").startswith("text/event-stream")
        return cls(response.status_code, headers, b"" if endless else response.content or b"")

    @classmethod
    def from_schemathesis(cls, response: SchemathesisResponse) -> Response:
        """A response as Schemathesis keeps it."""
        headers = {name.lower(): tuple(values) for name, values in response.headers.items()}
        return cls(response.status_code, headers, response.content or b"")

    def to_httpx(self, request: httpx.Request) -> httpx.Response:
        """The same as httpx has it, as the response to `request`."""
        return httpx.Response(
            self.status,
            headers=[(name, each) for name, values in self._of_body() for each in values],
            content=self.body,
            request=request,
        )

    def to_requests(self, prepared: requests.PreparedRequest) -> requests.Response:
        """The same as `requests` has it, as the response to `prepared`."""
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(self.body),
            status=self.status,
            headers={name: ", ".join(values) for name, values in self._of_body()},
            preload_content=False,
            request_method=prepared.method,
        )
        return HTTPAdapter().build_response(prepared, raw)

    def _of_body(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The headers that still hold where the body is already decoded."""
        return ((name, each) for name, each in self.headers.items() if name not in _OF_TRANSFER)

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next(iter(self.headers.get(name, ())), None)

    @property
    def succeeded(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str | None:
        """The bare media type in lower case."""
        return media_type_of(self.header("content-type"))

    @property
    def session(self) -> str | None:
        """The session that the response opens; None when it opens none."""
        for each in self.headers.get("set-cookie", ()):
            name, _, rest = each.partition("=")
            if name == SESSION_COOKIE:
                return rest.partition(";")[0] or None
        return None

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body)

    def json_or_none(self) -> Any:
        """The body as JSON; None where it is said to be something else, or is no JSON."""
        if self.media_type != JSON:
            return None
        try:
            return self.json()
        except ValueError:
            return None

    def as_text(self) -> str:
        """Status, interesting headers and the beginning of the body, with secrets hidden."""
        lines = [str(self.status)]
        for name in ("content-type", "allow", "set-cookie", "x-request-id"):
            lines += [f"{name}: {value}" for value in self.headers.get(name, ())]
        if self.body:
            lines.append(_shortened(self.body))
        return scrubbed("\n".join(lines))


@dataclass(frozen=True)
class Exchange:
    """A request and its response."""

    request: Request
    response: Response


def cookie(session: str) -> dict[str, str]:
    """The header that carries a session."""
    return {"cookie": f"{SESSION_COOKIE}={session}"}


def bearer(token: str) -> dict[str, str]:
    """The header that carries a bearer token."""
    return {"authorization": f"Bearer {token}"}


def scrubbed(text: str) -> str:
    """The text without the sessions, bearer tokens, passwords and keys in it."""
    text = _SESSION.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    return _SECRET_FIELD.sub(rf'\1"{HIDDEN}"', text)


def grouped(headers: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Headers by name in lower case, each with all its values in order."""
    grouped: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        grouped[name.lower()] = (*grouped.get(name.lower(), ()), value)
    return grouped


def _shortened(body: bytes) -> str:
    text = body.decode("utf-8", "backslashreplace")
    if len(text) <= _LONGEST_BODY:
        return text
    return f"{text[:_LONGEST_BODY]}... ({len(body)} bytes)"
