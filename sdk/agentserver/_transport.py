"""One call, from arguments to result: sign, send, retry, decode or raise.

`call_flow` makes every decision and does no I/O itself: it yields what is to be done and is sent
the outcome. Sync and async differ only in `drive` and `drive_async`.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from json.scanner import make_scanner
from math import inf, isfinite
from typing import Any, Final, Literal, NoReturn, TypeAlias, TypeVar
from urllib.parse import quote, urlencode, urljoin
from uuid import uuid4

from attrs import define, field, frozen

from . import _errors
from ._auth import Credentials
from ._cookies import session_cookies
from ._decoding import DecodeError, Decoding
from ._errors import ArgumentError, CallError, InsecureConnection, class_for
from ._limits import Phase
from ._logging import logger, shown
from ._omit import OMIT
from ._operation import REDIRECT, UNTYPED, Call, Form, Operation
from ._options import REQUEST_ID, BaseUrl, Header, Options, Origin, redirect_target
from ._response import Response
from ._retry import (
    LONGEST_WAIT,
    OUTCOME_UNKNOWN,
    READ,
    SAME_FOR_EVERY_ATTEMPT,
    Rule,
    backoff,
    http_date,
    retry_after,
    rule_for,
)
from ._secret import Secret, scrub, secrets_in

T = TypeVar("T")

_MOST_REDIRECTS: Final = 5
_LONGEST_BODY: Final = 64 * 1024
_LONGEST_TEXT: Final = 500
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD_REDIRECTS: Final = frozenset({307, 308})
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LENIENT, _STRICT = Decoding(strict=False), Decoding(strict=True)


# --- what the flow asks for, and what it is answered ----------------------------------------------


@define(eq=False, repr=False)
class Send:
    """Send one request; answered by a `Reply` or a `Failure`."""

    method: str
    url: Secret
    """Where a redirect leads may be a credential."""
    origin: Origin
    request_id: str
    headers: tuple[tuple[str, str], ...]
    """Those that the operation takes as arguments."""
    extra_headers: tuple[Header, ...]
    content: Secret | None
    cookie: Secret | None
    bearer: Secret | None
    ends: float
    """The clock's time by which the answer must be here."""


@define(eq=False, repr=False)
class Sleep:
    """Wait; answered by None."""

    seconds: float


@define(eq=False, repr=False)
class LogIn:
    """Have a session other than the stale one, logging in if need be.

    Answered by a `Secret`, or by None when time was up before the other calls' login was over.
    """

    stale: Secret | None
    ends: float


Step: TypeAlias = "Send | Sleep | LogIn"

Kind: TypeAlias = Literal[
    "connect",
    "tls",
    "proxy",
    "protocol",
    "undecodable",
    "broken",
    "connect timeout",
    "pool timeout",
    "write timeout",
    "read timeout",
]


@define(eq=False, repr=False, init=False)
class Reply:
    """An answer, complete or not. No traceback that leads to it shows its headers or its body."""

    status: int
    set_cookies: tuple[Secret, ...]
    problem: str
    """Why the body cannot be read, when it cannot and a retry would not help."""
    interrupted: Kind | None
    """What ended the answer before its body was complete."""
    _reveal: Callable[[], tuple[Mapping[str, str], bytes]]

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        set_cookies: tuple[Secret, ...],
        body: bytes,
        problem: str = "",
        interrupted: Kind | None = None,
    ) -> None:
        """Wrap the parts of an answer.

        Args:
            status: its status.
            headers: by name in lower case; without Set-Cookie.
            set_cookies: the values of its Set-Cookie headers.
            body: as far as it was received.
            problem: why the body cannot be read.
            interrupted: what ended the answer early.
        """
        self.status = status
        self.set_cookies = set_cookies
        self.problem = problem
        self.interrupted = interrupted
        # In a closure, as in a `Secret`, where nothing that walks attributes finds it.
        self._reveal = lambda: (headers, body)

    def reveal(self) -> tuple[Mapping[str, str], bytes]:
        """Return the headers and the body."""
        return self._reveal()

    def header(self, name: str) -> str | None:
        """Return a header by its name in lower case."""
        return self._reveal()[0].get(name)


@define(eq=False, repr=False)
class Failure:
    """No answer."""

    kind: Kind
    phase: Phase
    detail: str = ""


@frozen(eq=False, repr=False)
class _Meaning:
    """What a kind of failure says."""

    words: str
    sent: bool = False
    """Whether some of the request may have reached the server."""
    retryable: bool = True
    timeout: bool = False


FAILURES: Final[Mapping[Kind, _Meaning]] = {
    "connect": _Meaning("cannot connect"),
    "tls": _Meaning("cannot connect securely", retryable=False),
    "proxy": _Meaning("the proxy refused", retryable=False),
    "protocol": _Meaning("the request cannot be put into HTTP", retryable=False),
    "undecodable": _Meaning("the answer cannot be decoded", sent=True, retryable=False),
    "broken": _Meaning("the connection broke", sent=True),
    "connect timeout": _Meaning("timed out connecting", timeout=True),
    "pool timeout": _Meaning("timed out waiting for a free connection", timeout=True),
    "write timeout": _Meaning("timed out sending the request", sent=True, timeout=True),
    "read timeout": _Meaning("timed out waiting for the answer", sent=True, timeout=True),
}


@frozen(eq=False, repr=False)
class Runtime:
    """Clocks, sleep, random numbers and ids: what a test replaces."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] | None = None
    """None: asyncio's, which is not imported by programs that never await."""
    random: Callable[[], float] | None = None
    new_id: Callable[[], str] = field(default=lambda: str(uuid4()))

    def random_number(self) -> float:
        """A number from 0 up to 1."""
        if self.random is not None:
            return self.random()
        from random import random  # needed by retries only

        return random()  # noqa: S311  # spreads retries; no secret depends on it


REAL: Final = Runtime()
"""That of all clients, outside of tests."""


# --- the two drivers ------------------------------------------------------------------------------


def drive(flow: Generator[Step, Any, T], perform: Callable[[Step], Any]) -> T:
    """Run a flow, doing what it asks for."""
    outcome = None
    while True:
        try:
            step = flow.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result
        outcome = perform(step)


async def drive_async(
    flow: Generator[Step, Any, T], perform: Callable[[Step], Awaitable[Any]]
) -> T:
    """Run a flow, awaiting what it asks for."""
    outcome = None
    while True:
        try:
            step = flow.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result
        outcome = await perform(step)


# --- the flow -------------------------------------------------------------------------------------


@frozen(eq=False, repr=False)
class Terms:
    """What a client's calls have in common."""

    base_url: BaseUrl
    allow_insecure_http: bool
    options: Options
    credentials: Credentials
    runtime: Runtime


@frozen(eq=False, repr=False)
class _Doubt:
    """Why the outcome of a write is unknown."""

    phase: str
    cause: str


@define(eq=False, repr=False)
class _CallState:
    """One call under way: where its next request goes, and what happened so far."""

    call: Call[Any]
    terms: Terms
    rule: Rule
    scheme: str | None
    """The security scheme it is signed by."""
    request_id: str
    started: float
    ends: float
    url: Secret
    target: BaseUrl
    content: Secret | None
    session: Secret | None = None
    attempts: int = 0
    retries: int = 0
    redirects: int = 0
    renewed: bool = False
    doubt: _Doubt | None = None
    """Set when an attempt may have changed something."""

    @property
    def same_origin(self) -> bool:
        """Whether the request goes where the credentials belong, not on a redirect elsewhere."""
        return self.target.origin == self.terms.base_url.origin

    def request(self) -> Send:
        """The next request."""
        bearer = self.terms.credentials.bearer(self.scheme)
        signed = self.same_origin
        return Send(
            self.call.operation.method,
            self.url,
            self.target.origin,
            self.request_id,
            self.call.headers,
            self.terms.options.extra_headers if signed else (),
            self.content,
            self.session if signed else None,
            bearer if signed else None,
            self.ends,
        )

    def session_refused(self, reply: Reply) -> bool:
        """Whether the answer means: log in again, once."""
        return (
            reply.status == 401
            and not self.renewed
            and self.same_origin
            and self.session is not None
            and self.terms.credentials.renewable
            and not self.call.operation.security_optional
        )

    def server_time(self, reply: Reply) -> float:
        """The Unix time at the server, else here."""
        at_server = http_date(reply.header("date") or "")
        return self.terms.runtime.now() if at_server is None else at_server

    def scrub(self, text: str, reply: Reply) -> str:
        """A text of the server without what the request carried and the answer gave."""
        signed_by = [self.session, self.terms.credentials.bearer(self.scheme)]
        extra = [each.value for each in self.terms.options.extra_headers if each.is_credential]
        given = [cookie.value for cookie in session_cookies(reply.set_cookies, 0.0)]
        in_body = secrets_in(self.call.body)
        return scrub(text, [*filter(None, signed_by), *extra, *in_body, *given])

    def facts(self) -> dict[str, Any]:
        """The attributes that every error of the call has."""
        operation = self.call.operation
        return {
            "operation_id": operation.id,
            "method": operation.method,
            "path": operation.path,
            "request_id": self.request_id,
            "attempts": self.attempts,
            "elapsed": self.terms.runtime.clock() - self.started,
        }

    def log(self, outcome: object) -> None:
        """The one line that a call leaves in the log."""
        if logger.isEnabledFor(logging.INFO):
            logger.info(
                "%s %s %.0f ms attempts=%d request_id=%s",
                self.call.operation.id,
                outcome,
                (self.terms.runtime.clock() - self.started) * 1000,
                self.attempts,
                self.request_id,
            )


def call_flow(
    call: Call[T],
    terms: Terms,
    *,
    raw: bool = False,
    rule: Rule | None = None,
    ends: float = inf,
) -> Generator[Step, Any, T]:
    """The whole of one call.

    Args:
        call: what to send.
        terms: the client's part in it.
        raw: whether the result is a `Response`, which is then what T means to the caller.
        rule: when it is sent again, where that is not the operation's own rule.
        ends: the clock's time at which it must be over, where that is before the deadline.

    Raises:
        AgentserverError: there is no result.
    """
    state = _begin(call, terms, rule, ends)
    while True:
        yield from _sign(state)
        reply: Reply | Failure = yield state.request()
        wait = _wait_before_retry(reply, state)
        _record(reply, state)
        if wait is not None:
            state.retries += 1
            yield Sleep(wait)
        elif isinstance(reply, Failure):
            state.log(reply.kind)
            raise _failed(reply, state)
        elif reply.status in _REDIRECTS and reply.status not in call.operation.success:
            problem = _follow(reply, state)
            if problem is not None:
                state.log(reply.status)
                raise problem
        elif state.session_refused(reply):
            state.renewed = True
            yield from _log_in(state)
        else:
            break

    state.log(reply.status)
    if not (200 <= reply.status < 300 or reply.status in call.operation.success):
        raise _refused(reply, state)
    if state.same_origin and reply.set_cookies:
        _accept_cookies(reply, state)
    if reply.interrupted or reply.problem:
        raise _unreadable(reply, state)
    result, fault = decoded(call.operation, reply, state.url.reveal(), terms.options.strict)
    if fault is not None:
        raise _errors.ResponseValidationError(
            _one_line(state.scrub(fault.message, reply)),
            json_path=_one_line(state.scrub(fault.path, reply)),
            status_code=reply.status,
            **_answer_facts(reply, state),
        )
    if raw:
        return _response(result, reply, state)  # type: ignore[return-value]  # see `raw`
    return result  # type: ignore[return-value]  # None is T where there is no content


def login_flow(login: Call[Any], wanted: LogIn, terms: Terms) -> Generator[Step, Any, Secret]:
    """Log in for a call that needs a session, by the contract's own operation.

    Runs under a lock: a call that waited for another's login takes its session. One more session
    does no harm, so the login is retried like a read.

    Raises:
        AgentserverError: the login failed, or its answer contained no session.
    """
    credentials = terms.credentials
    found = credentials.other_than(wanted.stale)
    if found is not None:
        return found
    credentials.forget(wanted.stale)
    yield from call_flow(login, terms, rule=READ, ends=wanted.ends)
    session = credentials.session
    if session is None:
        raise _errors.ResponseValidationError(
            "the answer gave no session cookie",
            operation_id=login.operation.id,
            method=login.operation.method,
            path=login.operation.path,
        )
    return session


# --- its parts ------------------------------------------------------------------------------------


def _begin(call: Call[Any], terms: Terms, rule: Rule | None, ends: float) -> _CallState:
    operation, credentials = call.operation, terms.credentials
    scheme = credentials.scheme_for(operation)
    started = terms.runtime.clock()
    return _CallState(
        call,
        terms,
        rule or rule_for(operation, terms.options.retry),
        scheme,
        _request_id(terms),
        started,
        min(ends, started + terms.options.deadline),
        Secret(terms.base_url.text + call.path + _query(call)),
        terms.base_url,
        _content(call),
        credentials.session if credentials.needs_session(scheme) else None,
    )


def _request_id(terms: Terms) -> str:
    """The caller's own id, or a new one."""
    own = (
        each.value.reveal()
        for each in terms.options.extra_headers
        if each.name.lower() == "x-request-id"
    )
    return next(own, None) or terms.runtime.new_id()


def _sign(state: _CallState) -> Generator[Step, Any, None]:
    """Have the credential that the next request needs, and a connection safe enough for it."""
    if not state.same_origin:
        return
    terms = state.terms
    if not (state.target.private or terms.allow_insecure_http):
        _refuse_insecure(state)
    if state.session is None and terms.credentials.needs_session(state.scheme):
        yield from _log_in(state)


def _log_in(state: _CallState) -> Generator[Step, Any, None]:
    state.session = yield LogIn(state.session, state.ends)
    if state.session is None:
        raise _errors.TimedOut(
            "timed out waiting for another call's login", phase="login", **state.facts()
        )


def _response(result: T, reply: Reply, state: _CallState) -> Response[T]:
    headers, _ = reply.reveal()
    facts = _answer_facts(reply, state)
    return Response(
        result,
        reply.status,
        dict(headers),
        facts["request_id"],
        state.attempts,
        facts["elapsed"],
    )


# --- the decisions --------------------------------------------------------------------------------


def _query(call: Call[Any]) -> str:
    return "?" + urlencode(call.query, quote_via=quote) if call.query else ""


def _refuse_insecure(state: _CallState) -> None:
    call = state.call
    if (
        state.scheme is not None
        or any(each.is_credential for each in state.terms.options.extra_headers)
        or any(True for _ in secrets_in(call.body))
    ):
        raise InsecureConnection(
            f"{call.operation.id} would send a credential over plain http to another machine; "
            "use https, or allow_insecure_http=True if the way there is safe"
        )


def _wait_before_retry(reply: Reply | Failure, state: _CallState) -> float | None:
    """Seconds until the request is sent again; None when it is not."""
    runtime, rule, asked = state.terms.runtime, state.rule, None
    if isinstance(reply, Failure):
        meaning = FAILURES[reply.kind]
        again = meaning.retryable and (rule.after_connection_error or not meaning.sent)
    elif reply.interrupted is not None and 200 <= reply.status < 300:
        again = rule.after_connection_error
    else:
        asked = retry_after(reply.header("retry-after"), reply.header("date"), runtime.now)
        again = reply.status in rule.statuses or (
            asked is not None and reply.status in rule.statuses_with_retry_after
        )
    if not again or state.retries >= state.terms.options.max_retries:
        return None
    wait = backoff(state.retries, runtime.random_number) if asked is None else asked
    if wait > LONGEST_WAIT or runtime.clock() + wait >= state.ends:
        return None
    return wait


def _record(reply: Reply | Failure, state: _CallState) -> None:
    """Count an attempt, and keep what it leaves open."""
    state.attempts += 1
    if state.rule.has_side_effects:
        if isinstance(reply, Failure):
            if FAILURES[reply.kind].sent:
                state.doubt = _Doubt(reply.phase, FAILURES[reply.kind].words)
        elif reply.status in OUTCOME_UNKNOWN:
            state.doubt = _Doubt("answer", f"status {reply.status}")
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "%s attempt %d: %s", state.call.operation.id, state.attempts, _summary(reply, state)
        )


def _summary(reply: Reply | Failure, state: _CallState) -> str:
    if isinstance(reply, Failure):
        return f"no answer ({reply.kind})"
    return f"{reply.status} {_shown_headers(reply, state)}"


def _shown_headers(reply: Reply, state: _CallState) -> dict[str, str]:
    found = shown(reply.reveal()[0])
    return {name: _one_line(state.scrub(value, reply)) for name, value in found.items()}


def _failed(failure: Failure, state: _CallState) -> CallError:
    meaning = FAILURES[failure.kind]
    words = f"{meaning.words}: {failure.detail}" if failure.detail else meaning.words
    facts = state.facts()
    if failure.kind == "undecodable":
        return _errors.ResponseValidationError(words, **facts)
    if state.doubt is not None:
        return _outcome_unknown(words, state, facts)
    if meaning.timeout:
        return _errors.TimedOut(words, phase=failure.phase, sent=meaning.sent, **facts)
    return _errors.ConnectionFailed(words, **facts)


def _outcome_unknown(words: str, state: _CallState, facts: dict[str, Any]) -> CallError:
    doubt = state.doubt
    assert doubt is not None  # noqa: S101
    earlier = "" if doubt.cause in words else f" (an earlier attempt: {doubt.cause})"
    return _errors.OutcomeUnknown(
        f"{words}{earlier}; it may have been done or not",
        phase=doubt.phase,
        cause=doubt.cause,
        **facts,
    )


def _unreadable(reply: Reply, state: _CallState) -> CallError:
    """The error for a success whose body could not be read to its end, or not at all."""
    facts: dict[str, Any] = _answer_facts(reply, state) | {"status_code": reply.status}
    if reply.interrupted is None:
        return _errors.ResponseValidationError(
            f"the answer's body cannot be read: {reply.problem}", **facts
        )
    meaning = FAILURES[reply.interrupted]
    words = f"{meaning.words}, in the middle of its body"
    if state.rule.has_side_effects:  # done: only a class that says so keeps it from being repeated
        return _errors.ResponseValidationError(words, **facts)
    if meaning.timeout:
        return _errors.TimedOut(words, phase="read", sent=True, **facts)
    return _errors.ConnectionFailed(words, **facts)


def _accept_cookies(reply: Reply, state: _CallState) -> None:
    if not reply.set_cookies:
        return
    cookies = session_cookies(reply.set_cookies, state.server_time(reply))
    state.terms.credentials.accept(
        [cookie for cookie in cookies if cookie.is_for(state.terms.base_url)], state.call.body
    )


def _follow(reply: Reply, state: _CallState) -> CallError | None:
    """Follow a redirect, or return the error that says why not."""
    target = _redirect_target(reply, state)
    reads = state.call.operation.method in ("GET", "HEAD")
    if target is None:
        problem = "a redirect to an address that cannot be called"
    elif state.redirects >= _MOST_REDIRECTS:
        problem = f"more than {_MOST_REDIRECTS} redirects"
    elif not reads and reply.status not in _SAME_METHOD_REDIRECTS:
        problem = "a redirect that would turn a write into a read"
    elif not reads and target[1].origin != state.target.origin:
        problem = "a redirect of a write to another origin"
    else:
        state.url, state.target = target
        state.redirects += 1
        return None
    return _errors.RedirectRefused(problem, status_code=reply.status, **_answer_facts(reply, state))


def _redirect_target(reply: Reply, state: _CallState) -> tuple[Secret, BaseUrl] | None:
    location = _location(reply)
    found = redirect_target(state.url.reveal(), location) if location else None
    return None if found is None else (Secret(found[0]), found[1])


def _location(reply: Reply) -> str:
    raw = (reply.header("location") or "").encode("latin-1", "replace")
    try:
        return raw.decode()  # a host that is not ASCII can only have been written in UTF-8
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _answer_facts(reply: Reply, state: _CallState) -> dict[str, Any]:
    facts = state.facts()
    theirs = state.scrub(reply.header("x-request-id") or "", reply)
    if REQUEST_ID.fullmatch(theirs):
        facts["request_id"] = theirs
    facts["headers"] = _shown_headers(reply, state)
    return facts


def _refused(reply: Reply, state: _CallState) -> CallError:
    """The error for an answer that is not a success."""
    text = state.scrub(reply.reveal()[1].decode("utf-8", "replace"), reply)
    media_type = _media_type(reply)
    fields = _error_object(text) if _is_json(media_type) else {}
    code = fields.get("error")
    runtime = state.terms.runtime
    facts = _answer_facts(reply, state) | {
        "status_code": reply.status,
        "code": _one_line(code) if isinstance(code, str) else None,
        "body": text.encode("utf-8", "surrogatepass")[:_LONGEST_BODY].decode("utf-8", "ignore"),
        "retry_after": retry_after(reply.header("retry-after"), reply.header("date"), runtime.now),
    }
    message = _message(reply, media_type, text, fields)
    if state.doubt and state.retries and reply.status not in SAME_FOR_EVERY_ATTEMPT:
        return _outcome_unknown(message, state, facts)
    quota = fields.get("quota")
    if reply.status == 403 and code == "quota_exceeded" and isinstance(quota, dict):
        return _errors.QuotaExceeded(
            message, current=_whole(quota.get("current")), max=_whole(quota.get("max")), **facts
        )
    return class_for(reply.status)(message, **facts)


def _message(reply: Reply, media_type: str, text: str, fields: dict[str, Any]) -> str:
    """The server's words as one line: of a JSON error by its fields, of a text as it is."""
    if reply.interrupted is not None:
        return f"{FAILURES[reply.interrupted].words}, in the middle of its body"
    if reply.problem:
        return f"the answer's body cannot be read: {reply.problem}"
    if media_type.endswith("html"):
        return "the answer is a web page, not one of this API"
    for name in ("message", "error", "detail", "title"):
        words = _words(fields.get(name))
        if words:
            return _one_line(words)
    return _one_line(text)


def _words(value: object) -> str:
    """What one field of an error says: a text, or the text inside what frameworks put there."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = next((value[name] for name in ("message", "detail", "msg") if name in value), "")
    return value if isinstance(value, str) else ""


def _one_line(text: str) -> str:
    line = _UNPRINTABLE.sub(" ", text[: 2 * _LONGEST_TEXT]).strip()
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# --- JSON -----------------------------------------------------------------------------------------


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError


def _form_text(fields: Form) -> Secret:
    return Secret(
        urlencode(
            [
                (name, value.reveal() if isinstance(value, Secret) else value)
                for name, value in fields.items()
            ]
        )
    )


def _content(call: Call[Any]) -> Secret | None:
    """The body as text: JSON, or a form.

    Raises:
        ArgumentError: JSON has no form for an argument.
    """
    if call.body is OMIT:
        return None
    if isinstance(call.body, Form):
        return _form_text(call.body)
    text = _json_text(call.body)
    if text is None:
        raise ArgumentError(f"{_culprit(call.body)}: JSON has no form for this value")
    return text


def _json_text(body: Any) -> Secret | None:
    try:
        return Secret(json.dumps(body, default=_reveal, allow_nan=False, separators=(",", ":")))
    except (TypeError, ValueError, RecursionError):
        return None


def _culprit(body: Any) -> str:
    fields = body.items() if isinstance(body, dict) else ()
    return next((str(name) for name, value in fields if _json_text(value) is None), "body")


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        _refuse("a number too large")
    return value


_JSON = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
# What `_JSON.decode` itself calls; typeshed gives it another argument than the library does.
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_JSON)  # type: ignore[arg-type]


def _parsed(text: str) -> Any:
    """Do what `_JSON.decode` does, at half its cost where the text is short."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:  # white space comes first, or no value
        return _JSON.decode(text)
    return value if end == len(text) or text[end:] == "\n" else _JSON.decode(text)


def _media_type(reply: Reply) -> str:
    return (reply.header("content-type") or "").partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _error_object(text: str) -> dict[str, Any]:
    try:
        found = _parsed(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def decoded(
    operation: Operation[T], reply: Reply, url: str, strict: bool
) -> tuple[T | None, DecodeError | None]:
    """The result, or what is wrong with the answer.

    Nothing is raised from here: the frames of the parser and the decoders contain the answer,
    which may be a new credential, and no error of the SDK may lead to them.
    """
    if strict and reply.status not in operation.success:
        documented = " or ".join(map(str, operation.success))
        return None, DecodeError("$", f"has status {reply.status}, not {documented}")
    decode, (headers, body) = operation.decoder(reply.status), reply.reveal()
    if decode is REDIRECT:
        return _redirect_address(reply, url)  # type: ignore[return-value]  # T is str here
    if decode is UNTYPED:
        return _any_content(reply)
    media_type = headers.get("content-type", "")
    if media_type != "application/json":  # as it is most often
        media_type = _media_type(reply)
    if decode is None:
        if media_type.endswith("html") or (strict and body):
            return None, DecodeError(
                "$", f"has content ({media_type or 'untyped'}), but must have none"
            )
        return None, None
    if not body:
        return None, DecodeError("$", "has no content")
    if media_type != "application/json" and not _is_json(media_type):
        return None, DecodeError("$", f"is {media_type or 'of no media type'}, not JSON")
    parsed, fault = _parsed_body(body)
    if fault is not None:
        return None, fault
    try:
        return decode(parsed, _STRICT if strict else _LENIENT), None
    except DecodeError as problem:
        return None, DecodeError(problem.path, problem.message)
    except RecursionError:
        return None, DecodeError("$", "is nested too deeply")


def _parsed_body(body: bytes) -> tuple[Any, DecodeError | None]:
    try:
        return _parsed(body.decode("utf-8")), None
    except (ValueError, RecursionError) as error:
        return None, DecodeError("$", f"is not valid JSON ({type(error).__name__})")


def _any_content(reply: Reply) -> tuple[Any, DecodeError | None]:
    """The content by its media type: parsed JSON, text, or bytes; None for none."""
    media_type, (_, body) = _media_type(reply), reply.reveal()
    if not body:
        return None, None
    if _is_json(media_type):
        return _parsed_body(body)
    return body.decode("utf-8", "replace") if media_type.startswith("text/") else body, None


def _redirect_address(reply: Reply, url: str) -> tuple[str | None, DecodeError | None]:
    location = _location(reply)
    if not location:
        return None, DecodeError("$", "has no Location")
    try:
        return urljoin(url, location), None
    except ValueError:
        return None, DecodeError("$", "has a Location that is no address")
