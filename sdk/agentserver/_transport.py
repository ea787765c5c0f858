"""One call, from arguments to result: sign, send, repeat, decode or raise.

`call_flow` holds every decision and does no input or output itself: it yields what is to be done
and is sent what came of it. `drive` and `drive_async` are all that tells sync from async.
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
from ._auth import Credentials, sessions_in
from ._errors import ArgumentError, CallError, InsecureConnection, class_for
from ._logging import logger, shown
from ._model import Decoding
from ._omit import OMIT
from ._operation import REDIRECT, Call, Operation
from ._options import BaseUrl, Options, Origin, redirect_target
from ._retry import (
    GATEWAY_LOST,
    LONGEST_WAIT,
    READ,
    SETTLED,
    Rule,
    backoff,
    retry_after,
    rule_for,
)
from ._schema import DecodeError
from ._secret import Secret, scrub, secrets_in

T = TypeVar("T")

_MOST_REDIRECTS = 5
_LONGEST_BODY = 64 * 1024
_LONGEST_MESSAGE = 500
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD_REDIRECTS = frozenset({307, 308})
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LENIENT, _STRICT = Decoding(strict=False), Decoding(strict=True)


# --- what the flow asks for, and what it is told --------------------------------------------------


@define(eq=False)
class Send:
    """Send one request; answered by a `Reply` or a `Failure`."""

    method: str
    url: str
    origin: Origin
    request_id: str
    headers: tuple[tuple[str, str], ...]
    """Those that the operation takes as arguments."""
    content: Secret | None
    cookie: Secret | None
    bearer: Secret | None
    ends: float
    """The clock's time by which the answer must be here."""


@define(eq=False)
class Sleep:
    """Wait; answered by None."""

    seconds: float


@define(eq=False)
class Session:
    """Have a session other than the stale one, logging in if need be.

    Answered by a `Secret`, or by None when others were still at it when time was up.
    """

    stale: Secret | None
    ends: float


Step: TypeAlias = "Send | Sleep | Session"


@define(eq=False)
class Reply:
    """An answer. Its repr shows no header and no body, which may hold credentials."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; without Set-Cookie."""
    set_cookies: tuple[Secret, ...]
    body: bytes = field(repr=False)


Kind: TypeAlias = Literal[
    "connect",
    "tls",
    "proxy",
    "protocol",
    "broken",
    "connect timeout",
    "pool timeout",
    "write timeout",
    "read timeout",
]


@define(eq=False)
class Failure:
    """No answer."""

    kind: Kind
    detail: str = ""


@frozen
class _Meaning:
    """What a kind of failure says."""

    words: str
    sent: bool = False
    """Whether some of the request may have reached the server."""
    repeatable: bool = True
    phase: str | None = None
    """What was waited for, when it is a timeout."""


FAILURES: Final[Mapping[Kind, _Meaning]] = {
    "connect": _Meaning("cannot connect"),
    "tls": _Meaning("cannot connect securely", repeatable=False),
    "proxy": _Meaning("the proxy refused", repeatable=False),
    "protocol": _Meaning("the request cannot be put into HTTP", repeatable=False),
    "broken": _Meaning("the connection broke before an answer came", sent=True),
    "connect timeout": _Meaning("timed out connecting", phase="connect"),
    "pool timeout": _Meaning("timed out waiting for a free connection", phase="pool"),
    "write timeout": _Meaning("timed out sending", sent=True, phase="write"),
    "read timeout": _Meaning("timed out waiting for the answer", sent=True, phase="read"),
}


@frozen
class World:
    """Time, chance and ids: what a test replaces."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] | None = None
    """None: asyncio's, which is not imported for those who never await."""
    random: Callable[[], float] | None = None
    new_id: Callable[[], str] = field(default=lambda: str(uuid4()))

    def chance(self) -> float:
        """A number from 0 up to 1."""
        if self.random is not None:
            return self.random()
        from random import random  # needed by repeats only

        return random()  # noqa: S311  # spreads repeats; no secret depends on it


# --- the two drivers ------------------------------------------------------------------------------


def drive(flow: Generator[Step, Any, T], perform: Callable[[Step], Any]) -> T:
    """Run a flow, doing what it asks for."""
    told = None
    while True:
        try:
            step = flow.send(told)
        except StopIteration as stop:
            result: T = stop.value
            return result
        told = perform(step)


async def drive_async(
    flow: Generator[Step, Any, T], perform: Callable[[Step], Awaitable[Any]]
) -> T:
    """Run a flow, awaiting what it asks for."""
    told = None
    while True:
        try:
            step = flow.send(told)
        except StopIteration as stop:
            result: T = stop.value
            return result
        told = await perform(step)


# --- the flow -------------------------------------------------------------------------------------


@frozen
class Terms:
    """What a client's calls have in common."""

    base_url: BaseUrl
    allow_insecure_http: bool
    options: Options
    credentials: Credentials
    world: World


@define(eq=False)
class _Progress:
    """One call under way: where its next request goes, and how far it has come."""

    call: Call[Any]
    terms: Terms
    rule: Rule
    scheme: str | None
    """The security scheme it is signed by."""
    request_id: str
    started: float
    ends: float
    url: str
    target: BaseUrl
    content: Secret | None
    session: Secret | None = None
    sent: int = 0
    repeats: int = 0
    redirects: int = 0
    renewed: bool = False
    in_doubt: bool = False
    """Whether an attempt may have changed something and nobody knows."""

    @property
    def at_home(self) -> bool:
        """Whether the request goes where the credentials belong, not on a redirect away."""
        return self.target.origin == self.terms.base_url.origin

    def send(self) -> Send:
        """The next request."""
        bearer = self.terms.credentials.bearer(self.scheme)
        home = self.at_home
        return Send(
            self.call.operation.method,
            self.url,
            self.target.origin,
            self.request_id,
            self.call.headers,
            self.content,
            self.session if home else None,
            bearer if home else None,
            self.ends,
        )

    def refused_session(self, reply: Reply) -> bool:
        """Whether the answer means: log in again, once."""
        return (
            reply.status == 401
            and not self.renewed
            and self.at_home
            and self.session is not None
            and self.terms.credentials.renewable
            and not self.call.operation.security_optional
        )

    def facts(self) -> dict[str, Any]:
        """The attributes that every error of the call has."""
        operation = self.call.operation
        return {
            "operation_id": operation.id,
            "method": operation.method,
            "path": operation.path,
            "request_id": self.request_id,
            "attempts": self.sent,
            "elapsed": self.terms.world.clock() - self.started,
        }

    def log(self, outcome: object) -> None:
        """The one line a call leaves."""
        if logger.isEnabledFor(logging.INFO):
            logger.info(
                "%s %s %.0f ms attempts=%d request_id=%s",
                self.call.operation.id,
                outcome,
                (self.terms.world.clock() - self.started) * 1000,
                self.sent,
                self.request_id,
            )


def call_flow(
    call: Call[T], terms: Terms, *, rule: Rule | None = None, ends: float = inf
) -> Generator[Step, Any, T]:
    """The whole of one call.

    Args:
        rule: when it may be repeated, where that is not the operation's own rule.
        ends: the clock's time at which it must be over, where that is before the deadline.

    Raises:
        AgentserverError: whatever came instead of a result.
    """
    progress = _begin(call, terms, rule, ends)
    while True:
        yield from _sign(progress)
        reply: Reply | Failure = yield progress.send()
        wait = _wait_before_repeat(reply, progress)
        _count(reply, progress)
        if wait is not None:
            progress.repeats += 1
            yield Sleep(wait)
        elif isinstance(reply, Failure):
            progress.log(reply.kind)
            raise _failed(reply, progress)
        elif reply.status in _REDIRECTS and reply.status not in call.operation.success:
            problem = _follow(reply, progress)
            if problem is not None:
                progress.log(reply.status)
                raise problem
        elif progress.refused_session(reply):
            progress.renewed = True
            yield from _log_in(progress)
        else:
            break

    progress.log(reply.status)
    if not (200 <= reply.status < 300 or reply.status in call.operation.success):
        raise _refused(reply, progress)
    if progress.at_home and reply.set_cookies:
        terms.credentials.follow(reply.set_cookies, call.body)
    result, fault = decoded(call.operation, reply, progress.url, terms.options.strict)
    if fault is not None:
        raise _errors.ResponseValidationError(
            fault.message,
            json_path=fault.path,
            status_code=reply.status,
            **_answer_facts(reply, progress),
        )
    return result  # type: ignore[return-value]  # None is T where there is no content


def login_flow(login: Call[Any], wanted: Session, terms: Terms) -> Generator[Step, Any, Secret]:
    """Log in for a call that needs a session, by the contract's own operation.

    Runs under a lock: who waited for another's login takes the session that came of it. One more
    session harms nobody, so the login is repeated like a read.

    Raises:
        AgentserverError: the login failed, or its answer held no session.
    """
    credentials = terms.credentials
    found = credentials.other_than(wanted.stale)
    if found is not None:
        return found
    credentials.forget(wanted.stale)
    yield from call_flow(login, terms, rule=READ, ends=wanted.ends)
    if credentials.session is None:
        raise _errors.ResponseValidationError(
            "the answer gave no session cookie",
            operation_id=login.operation.id,
            method=login.operation.method,
            path=login.operation.path,
        )
    return credentials.session


# --- its parts ------------------------------------------------------------------------------------


def _begin(call: Call[Any], terms: Terms, rule: Rule | None, ends: float) -> _Progress:
    operation, credentials = call.operation, terms.credentials
    scheme = credentials.scheme_for(operation)
    started = terms.world.clock()
    return _Progress(
        call,
        terms,
        rule or rule_for(operation, terms.options.retry),
        scheme,
        terms.world.new_id(),
        started,
        min(ends, started + terms.options.deadline),
        terms.base_url.text + call.path + _query(call),
        terms.base_url,
        _content(call),
        credentials.session if credentials.needs_session(scheme) else None,
    )


def _sign(progress: _Progress) -> Generator[Step, Any, None]:
    """Have the credential that the next request needs, and a way safe enough for it."""
    if not progress.at_home:
        return
    terms = progress.terms
    if not (progress.target.private or terms.allow_insecure_http):
        _refuse_in_clear(progress)
    if progress.session is None and terms.credentials.needs_session(progress.scheme):
        yield from _log_in(progress)


def _log_in(progress: _Progress) -> Generator[Step, Any, None]:
    progress.session = yield Session(progress.session, progress.ends)
    if progress.session is None:
        raise _errors.TimedOut(
            "timed out waiting for another call's login", phase="login", **progress.facts()
        )


# --- the decisions --------------------------------------------------------------------------------


def _query(call: Call[Any]) -> str:
    return "?" + urlencode(call.query, quote_via=quote) if call.query else ""


def _refuse_in_clear(progress: _Progress) -> None:
    call = progress.call
    if progress.scheme is not None or any(True for _ in secrets_in(call.body)):
        raise InsecureConnection(
            f"{call.operation.id} would send a credential over plain http to another machine; "
            "use https, or allow_insecure_http=True if the way there is safe"
        )


def _wait_before_repeat(reply: Reply | Failure, progress: _Progress) -> float | None:
    """Seconds until the request is sent again; None when it is not."""
    world, rule, asked = progress.terms.world, progress.rule, None
    if isinstance(reply, Failure):
        meaning = FAILURES[reply.kind]
        again = meaning.repeatable and (rule.broken or not meaning.sent)
    else:
        asked = retry_after(reply.headers.get("retry-after"), world.now)
        again = reply.status in rule.statuses or (reply.status in rule.told and asked is not None)
    if not again or progress.repeats >= progress.terms.options.max_retries:
        return None
    wait = backoff(progress.repeats, world.chance) if asked is None else asked
    if wait > LONGEST_WAIT or world.clock() + wait >= progress.ends:
        return None
    return wait


def _count(reply: Reply | Failure, progress: _Progress) -> None:
    progress.sent += 1
    if isinstance(reply, Failure):
        lost = FAILURES[reply.kind].sent
    else:
        lost = reply.status in GATEWAY_LOST
    if lost and progress.rule.matters:
        progress.in_doubt = True
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "%s attempt %d: %s", progress.call.operation.id, progress.sent, _glimpse(reply)
        )


def _glimpse(reply: Reply | Failure) -> str:
    if isinstance(reply, Failure):
        return f"no answer ({reply.kind})"
    return f"{reply.status} {shown(reply.headers)}"


def _failed(failure: Failure, progress: _Progress) -> CallError:
    meaning = FAILURES[failure.kind]
    words = f"{meaning.words}: {failure.detail}" if failure.detail else meaning.words
    facts = progress.facts()
    if progress.in_doubt:
        return _errors.OutcomeUnknown(f"{words}; it may have been done or not", **facts)
    if meaning.phase is not None:
        return _errors.TimedOut(words, phase=meaning.phase, sent=meaning.sent, **facts)
    return _errors.ConnectionFailed(words, **facts)


def _follow(reply: Reply, progress: _Progress) -> CallError | None:
    """Turn to where a redirect leads; or tell why not."""
    location = reply.headers.get("location")
    found = redirect_target(progress.url, location) if location else None
    reads = progress.call.operation.method in ("GET", "HEAD")
    if found is None:
        problem = "a redirect to no place that can be called"
    elif progress.redirects >= _MOST_REDIRECTS:
        problem = f"more than {_MOST_REDIRECTS} redirects"
    elif not reads and reply.status not in _SAME_METHOD_REDIRECTS:
        problem = "a redirect that would turn a write into a read"
    elif not reads and found[1].origin != progress.target.origin:
        problem = "a redirect of a write to another origin"
    else:
        progress.url, progress.target = found
        progress.redirects += 1
        return None
    return _errors.RedirectRefused(
        problem, status_code=reply.status, **_answer_facts(reply, progress)
    )


def _answer_facts(reply: Reply, progress: _Progress) -> dict[str, Any]:
    facts = progress.facts()
    theirs = reply.headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(theirs):
        facts["request_id"] = theirs
    facts["headers"] = shown(reply.headers)
    return facts


def _refused(reply: Reply, progress: _Progress) -> CallError:
    """The error for an answer that is none of the successes."""
    text = scrub(reply.body.decode("utf-8", "replace"), _secrets_at_hand(reply, progress))
    media_type = _media_type(reply)
    said = _error_object(text) if _is_json(media_type) else {}
    code = said.get("error")
    facts = _answer_facts(reply, progress) | {
        "status_code": reply.status,
        "code": code if isinstance(code, str) else None,
        "body": text.encode()[:_LONGEST_BODY].decode("utf-8", "ignore"),
        "retry_after": retry_after(reply.headers.get("retry-after"), progress.terms.world.now),
    }
    message = _message(media_type, text, said)
    if progress.in_doubt and progress.repeats and reply.status not in SETTLED:
        return _errors.OutcomeUnknown(
            f"{message}; an earlier attempt may have been done or not", **facts
        )
    quota = said.get("quota")
    if reply.status == 403 and code == "quota_exceeded" and isinstance(quota, dict):
        return _errors.QuotaExceeded(
            message, current=_whole(quota.get("current")), max=_whole(quota.get("max")), **facts
        )
    return class_for(reply.status)(message, **facts)


def _secrets_at_hand(reply: Reply, progress: _Progress) -> list[Secret]:
    """What the request carried and the answer gave: what an answer could repeat."""
    signed_by = [progress.session, progress.terms.credentials.bearer(progress.scheme)]
    return [
        *filter(None, signed_by),
        *secrets_in(progress.call.body),
        *sessions_in(reply.set_cookies),
    ]


def _message(media_type: str, text: str, said: dict[str, Any]) -> str:
    """The server's words as one line: of a JSON error by its fields, of a text as it is."""
    if media_type.endswith("html"):
        return "the answer is a web page, not one of this API"
    for name in ("message", "error"):
        if isinstance(said.get(name), str):
            return _one_line(said[name])
    return _one_line(text)


def _one_line(text: str) -> str:
    line = _UNPRINTABLE.sub(" ", text[: 2 * _LONGEST_MESSAGE]).strip()
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# --- JSON -----------------------------------------------------------------------------------------


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError


def _content(call: Call[Any]) -> Secret | None:
    """The body as JSON text.

    Raises:
        ArgumentError: JSON has no form for an argument.
    """
    if call.body is OMIT:
        return None
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
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


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

    Nothing is raised from here: the parser's and the decoders' frames hold the answer, which may
    be a credential made just now, and no error of ours may lead to them.
    """
    if strict and reply.status not in operation.success:
        due = " or ".join(map(str, operation.success))
        return None, DecodeError("$", f"is a {reply.status}, not the {due} promised")
    decode = operation.decoder(reply.status)
    if decode is REDIRECT:
        address = reply.headers.get("location")
        if not address:
            return None, DecodeError("$", "has no Location")
        return urljoin(url, address), None  # type: ignore[return-value]  # T is str here
    if decode is None:
        media_type = _media_type(reply)
        if media_type.endswith("html") or (strict and reply.body):
            return None, DecodeError("$", f"has content ({media_type or 'untyped'}), none is due")
        return None, None
    if not reply.body:
        return None, DecodeError("$", "has no content")
    if reply.headers.get("content-type") != "application/json":
        media_type = _media_type(reply)
        if not _is_json(media_type):
            return None, DecodeError("$", f"is {media_type or 'of no stated type'}, not JSON")
    try:
        parsed = _parsed(reply.body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return None, DecodeError("$", f"is no JSON that can be read ({type(error).__name__})")
    try:
        return decode(parsed, _STRICT if strict else _LENIENT), None
    except DecodeError as problem:
        return None, DecodeError(problem.path, problem.message)
