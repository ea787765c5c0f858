"""The SDK's transport when something goes wrong between it and the server.

Each operation is called once for real. Then the same call is made again and again, by both clients,
while a transport in this process lets attempts fail and answers the others with what the server
said: the server sees nothing of it. What the SDK then has to do follows from the contract alone, by
whether the operation reads, may be repeated, writes, or takes something away.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any

from agentserver import (
    AgentserverError,
    AsyncClient,
    Client,
    ConnectionFailed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ResponseValidationError,
    ServiceUnavailable,
    TimedOut,
)
from agentserver._transport import Runtime
from agentserver_contract.context import Context
from agentserver_contract.contract.document import JSON, Operation
from agentserver_contract.data.tables import is_exception
from agentserver_contract.fixtures.callers import NoCaller, credential_for
from agentserver_contract.fixtures.examples import Examples, NoExample, prepare_examples
from agentserver_contract.fixtures.workspaces import team_with
from agentserver_contract.http.credentials import Credentials
from agentserver_contract.http.differential import Outcome, response_divergences
from agentserver_contract.http.faulty_transport import (
    Clock,
    Effect,
    EndlessRetries,
    FaultyTransport,
    answered,
    cut,
    deflated,
    error,
    forwarded,
    gzipped,
    half_gzipped,
    late,
    lost,
    not_gzipped,
    refused,
)
from agentserver_contract.http.guard import Blocked
from agentserver_contract.http.messages import Exchange, Request, Response, scrubbed
from agentserver_contract.http.sdk_calls import Expression, Inexpressible, express, method_of
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "transport"
_OWNER = "owner"
_RETRIES = 2
_TIMEOUT_SECONDS = 5.0
_DEADLINE_SECONDS = 60.0
_ASKED_SECONDS = 7.0
# As long as the SDK waits where there is time. A deadline is never short: the event loop counts it
# in real seconds, and a busy machine may stop for some of them.
_LONG_SECONDS = 55.0
_TOO_LONG_SECONDS = 3600.0
# The shortest wait before the first retry, and the longest one before any.
_BACKOFF_SECONDS = (0.25, 8.0)


class Kind(Enum):
    """What it means to send a request of an operation twice."""

    READ = "reads"
    """Nothing: it changes nothing."""
    IDEMPOTENT = "may be repeated"
    """The same as sending it once."""
    WRITE = "writes"
    """It may be done twice."""
    CONSUMING = "takes something away"
    """What the first response contained is gone."""


def kind_of(operation: Operation) -> Kind:
    """The kind of an operation, by its method, by whether it consumes, and by whether the SDK makes
    up a key by which the server knows a request again."""
    if operation.consumes:
        return Kind.CONSUMING
    if operation.method in ("GET", "HEAD"):
        return Kind.READ
    has_key = any(
        each.name.lower() == "idempotency-key" and not each.required
        for each in operation.parameters_in("header")
    )
    is_idempotent = has_key or operation.method in ("PUT", "DELETE")
    return Kind.IDEMPOTENT if is_idempotent else Kind.WRITE


@dataclass(frozen=True)
class Expected:
    """What the SDK has to do with one call."""

    requests: int
    raises: type[AgentserverError] | None = None
    """The error; None for the result."""
    wait: tuple[float, float] = _BACKOFF_SECONDS
    """The least and the most seconds before each request but the first."""
    retry_after: float | None = None
    """The attribute of the error."""

    def __str__(self) -> str:
        raised = self.raises.__name__ if self.raises is not None else "the result"
        if self.retry_after is not None:
            raised += f" with retry_after={self.retry_after:g}"
        return f"{_requests(self.requests)}, then {raised}"


@dataclass(frozen=True)
class Trial:
    """Something that goes wrong, and what the SDK has to do then."""

    name: str
    effects: tuple[Effect, ...]
    """What becomes of each attempt."""
    expected: Mapping[Kind, Expected]
    needs_body: bool = False
    """Whether it only happens to a response with a body."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the client that differ from the usual ones."""


def _always(expected: Expected) -> Mapping[Kind, Expected]:
    return dict.fromkeys(Kind, expected)


def _by_kind(
    read: Expected, idempotent: Expected, write: Expected, consuming: Expected | None = None
) -> Mapping[Kind, Expected]:
    return dict(zip(Kind, (read, idempotent, write, consuming or write), strict=True))


def _busy(status: int, raised: type[AgentserverError]) -> Iterator[Trial]:
    """The server cannot answer now; only Retry-After says that it has done nothing."""
    asked = (_ASKED_SECONDS, _ASKED_SECONDS)
    again = Expected(2, wait=asked)
    given_up = Expected(_RETRIES + 1, raised, asked, retry_after=_ASKED_SECONDS)
    at_once = Expected(1, raised, retry_after=_ASKED_SECONDS)
    for as_date, form in ((False, "in seconds"), (True, "as a date of a slow clock")):
        yield Trial(
            f"{status} with Retry-After {form}",
            (error(status, retry_after=_ASKED_SECONDS, as_date=as_date), answered),
            _by_kind(again, again, again, at_once),
        )
    yield Trial(
        f"{status} with Retry-After every time",
        (error(status, retry_after=_ASKED_SECONDS),),
        _by_kind(given_up, given_up, given_up, at_once),
    )
    yield Trial(
        f"{status} with a Retry-After of an hour",
        (error(status, retry_after=_TOO_LONG_SECONDS), answered),
        _always(Expected(1, raised, retry_after=_TOO_LONG_SECONDS)),
        options={"deadline": 2 * _TOO_LONG_SECONDS},
    )
    yield Trial(
        f"{status} with a Retry-After beyond the deadline",
        (error(status, retry_after=_LONG_SECONDS), answered),
        _always(Expected(1, raised, retry_after=_LONG_SECONDS)),
        options={"deadline": _LONG_SECONDS - 1},
    )
    yield Trial(
        f"{status} without Retry-After",
        (error(status), answered),
        _by_kind(Expected(2), Expected(2), Expected(1, raised)),
    )


_UNKNOWN = Expected(1, OutcomeUnknown)
_UNREADABLE = _always(Expected(1, ResponseValidationError))

TRIALS = (
    Trial("the connection is refused once", (refused, answered), _always(Expected(2))),
    Trial(
        "the connection is refused every time",
        (refused,),
        _always(Expected(_RETRIES + 1, ConnectionFailed)),
    ),
    Trial(
        "the response is lost once",
        (lost, answered),
        _by_kind(Expected(2), Expected(2), _UNKNOWN),
    ),
    Trial(
        "the response is lost every time",
        (lost,),
        _by_kind(
            Expected(_RETRIES + 1, ConnectionFailed),
            Expected(_RETRIES + 1, OutcomeUnknown),
            _UNKNOWN,
        ),
    ),
    Trial(
        "the response is lost, and the retry is answered 404",
        (lost, error(404)),
        _by_kind(Expected(2, NotFound), Expected(2, OutcomeUnknown), _UNKNOWN),
    ),
    Trial(
        "the response is late once",
        (late, answered),
        _by_kind(Expected(2), Expected(2), _UNKNOWN),
    ),
    Trial(
        "the response is late every time",
        (late,),
        _by_kind(
            Expected(_RETRIES + 1, TimedOut), Expected(_RETRIES + 1, OutcomeUnknown), _UNKNOWN
        ),
    ),
    Trial(
        "the response is later than the deadline",
        (late,),
        _by_kind(Expected(1, TimedOut), _UNKNOWN, _UNKNOWN),
        options={"timeout": 2 * _DEADLINE_SECONDS},
    ),
    Trial(
        "the response is cut off once",
        (cut, answered),
        _by_kind(Expected(2), Expected(2), Expected(1, ResponseValidationError)),
        needs_body=True,
    ),
    Trial(
        "the response is cut off every time",
        (cut,),
        _by_kind(
            Expected(_RETRIES + 1, ConnectionFailed),
            Expected(_RETRIES + 1, ResponseValidationError),
            Expected(1, ResponseValidationError),
        ),
        needs_body=True,
    ),
    Trial("the body is compressed by gzip", (gzipped,), _always(Expected(1)), needs_body=True),
    Trial(
        "the body is compressed by deflate, which was not asked for",
        (deflated, answered),
        _UNREADABLE,
        needs_body=True,
    ),
    Trial(
        "the body is plain, and called gzip",
        (not_gzipped, answered),
        _UNREADABLE,
        needs_body=True,
    ),
    Trial(
        "the compressed body ends too early",
        (half_gzipped, answered),
        _UNREADABLE,
        needs_body=True,
    ),
    *_busy(429, RateLimited),
    *_busy(503, ServiceUnavailable),
)


def run(context: Context) -> LayerResult:
    """Let every call of every operation go wrong in every way."""
    result = context.new_result(NAME)
    with asyncio.Runner() as runner:
        layer = _Transport(context, result, runner)
        # What administers comes last, as it changes the limits that the other calls depend on.
        for operation in sorted(context.operations, key=_administers):
            layer.try_operation(operation)
    return result


@dataclass(frozen=True)
class _Call:
    """A call that works, and what the server answers to it."""

    operation: Operation
    expression: Expression
    exchange: Exchange

    @property
    def has_body(self) -> bool:
        """Whether the response has a body."""
        return bool(self.exchange.response.body)


@dataclass(frozen=True)
class _Observed:
    """What the SDK did with a call."""

    requests: list[Request]
    waits: list[float]
    seconds: float
    value: Any = None
    error: Exception | None = None

    def __str__(self) -> str:
        done = f"a {type(self.value).__name__}" if self.value is not None else "nothing"
        if self.error is not None:
            done = f"{type(self.error).__name__}: {self.error}"
        waits = f" {', '.join(f'{wait:g} s' for wait in self.waits)} apart" if self.waits else ""
        return f"{_requests(len(self.requests))}{waits}, then {done}"


class _Transport:
    def __init__(self, context: Context, result: LayerResult, runner: asyncio.Runner) -> None:
        self.context = context
        self.result = result
        self.clients: Mapping[str, Callable[..., _Observed]] = {
            "Client": self._observe,
            "AsyncClient": self._observe_async,
        }
        self._runner = runner
        self._signatures = Client(context.target.base_url, allow_insecure_http=True)
        self._shared = context.examples or self._examples()

    def try_operation(self, operation: Operation) -> None:
        """Make one call for real, and the same call under every fault."""
        try:
            call = self._call(operation)
        except (Inexpressible, NoExample, NoCaller) as reason:
            self.result.not_run[operation.id] = str(reason)
            return
        for trial in TRIALS:
            if trial.needs_body and not call.has_body:
                continue
            self.result.cases[operation.id] += 1
            for client, observe in self.clients.items():
                observed = observe(call, trial.effects, trial.options)
                problems = list(self._problems(call, trial, observed))
                if problems:
                    self._found(call, trial, client, observed, problems)
                    break  # both clients have the same rules

    # --- the call ---------------------------------------------------------------------------------

    def _call(self, operation: Operation) -> _Call:
        """A call with a response that says that it was done.

        It is the server's own, except where a call could not be undone or the server does not let
        it succeed: there the contract's example stands in.

        Raises:
            Inexpressible: The SDK cannot make the call.
            NoExample: The contract has no example of it.
            NoCaller: No account of the run may make it.
        """
        credential = credential_for(self.context.contract, operation, self.context.accounts)
        request = self._examples_for(operation).request(operation, credential)
        contract, method = self.context.contract, method_of(self._signatures, operation)
        expression = express(contract, operation, request, method)
        response = None
        if not any(is_exception(name, operation.id) for name in _IRREVERSIBLE):
            response = self._answer(operation, expression, request)
        if response is None:
            self.result.notes["responses taken from the contract's examples"] += 1
            response = _documented(operation)
        return _Call(operation, expression, Exchange(request, response))

    def _answer(
        self, operation: Operation, expression: Expression, request: Request
    ) -> Response | None:
        """What the server answers to the SDK; None where that is no success as documented."""
        responses: list[Response] = []
        effects = (forwarded(self.context.target, responses),)
        nothing = Exchange(request, Response(0, {}))
        try:
            observed = self._observe(_Call(operation, expression, nothing), effects, {})
        except Blocked:
            return None
        if observed.error is not None or not operation.is_success(responses[-1].status):
            return None
        return responses[-1]

    def _examples_for(self, operation: Operation) -> Examples:
        """A write in a workspace gets one of its own, so that no call meets what another left."""
        writes = operation.path_parameters and not (operation.is_read or _administers(operation))
        if not writes or self.context.examples is not None:
            return self._shared
        with suppress(AgentserverError):  # of a server that refuses, the contract's examples do
            return self._examples(only=(operation,))
        return self._shared

    def _examples(self, only: Iterable[Operation] | None = None) -> Examples:
        accounts = self.context.accounts
        return prepare_examples(
            self.context.contract,
            accounts,
            owner=_OWNER,
            members=team_with("guest"),
            caller=accounts[_OWNER],
            only=only,
        )

    # --- the clients ------------------------------------------------------------------------------

    def _observe(
        self, call: _Call, effects: tuple[Effect, ...], options: Mapping[str, Any]
    ) -> _Observed:
        clock, transport = self._prepared(call, effects)

        def made() -> Any:
            settings, limits = self._settings(call, clock, options)
            with Client(self.context.target.base_url, transport=transport, **settings) as client:
                return method_of(client, call.operation)(**call.expression.arguments, **limits)

        return _observed(made, clock, transport)

    def _observe_async(
        self, call: _Call, effects: tuple[Effect, ...], options: Mapping[str, Any]
    ) -> _Observed:
        clock, transport = self._prepared(call, effects)

        async def made() -> Any:
            settings, limits = self._settings(call, clock, options)
            url, arguments = self.context.target.base_url, {**call.expression.arguments, **limits}
            async with AsyncClient(url, transport=transport, **settings) as client:
                return await method_of(client, call.operation)(**arguments)

        return _observed(lambda: self._runner.run(made()), clock, transport)

    def _prepared(self, call: _Call, effects: tuple[Effect, ...]) -> tuple[Clock, FaultyTransport]:
        clock = Clock()
        return clock, FaultyTransport(call.exchange.response, effects, clock)

    def _settings(
        self, call: _Call, clock: Clock, options: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The settings of the client, and the limits of the call: an operation may have its own."""
        given = Credentials.of(call.exchange.request)
        runtime = Runtime(
            clock=clock,
            now=clock.wall_time,
            sleep=clock.sleep,
            sleep_async=clock.sleep_async,
            random=lambda: 0.5,
        )
        usual = {
            "session": given.session,
            "token": given.token,
            "max_retries": _RETRIES,
            "strict": True,
            "allow_insecure_http": True,  # decided by the caller who gave the URL
            "_runtime": runtime,
        }
        limits = {"timeout": _TIMEOUT_SECONDS, "deadline": _DEADLINE_SECONDS}
        given_limits = {name: options.get(name, limit) for name, limit in limits.items()}
        others = {name: value for name, value in options.items() if name not in limits}
        return {**usual, **others}, given_limits

    # --- the verdict ------------------------------------------------------------------------------

    def _problems(self, call: _Call, trial: Trial, observed: _Observed) -> Iterator[str]:
        """Everything that the SDK did otherwise than it has to."""
        expected = trial.expected[kind_of(call.operation)]
        if len(observed.requests) != expected.requests:
            yield f"{_requests(len(observed.requests))} instead of {expected.requests}"
        yield from _different_requests(observed.requests)
        if expected.raises is not None:
            yield from _wrong_error(expected, observed)
        elif observed.error is not None:
            yield "an error instead of the result"
        else:
            outcome = Outcome(observed.requests[-1], observed.value)
            response = call.exchange.response
            contract = self.context.contract
            base_url = self.context.target.base_url
            yield from map(
                str,
                response_divergences(
                    contract, call.operation, response, outcome, base_url=base_url
                ),
            )
        least, most = expected.wait
        for wait in observed.waits:
            if not least <= wait <= most:
                yield f"a wait of {wait:g} s, where it has to be {_seconds(least, most)}"
        if len(observed.waits) < len(observed.requests) - 1:
            yield "a request was sent again without waiting"
        deadline = trial.options.get("deadline", _DEADLINE_SECONDS)
        if observed.seconds > deadline:
            yield f"{observed.seconds:g} s, beyond the deadline of {deadline:g} s"

    def _found(
        self, call: _Call, trial: Trial, client: str, observed: _Observed, problems: list[str]
    ) -> None:
        operation, request = call.operation, call.exchange.request
        kind = kind_of(operation)
        detail = (
            f"sent: {request.method} {request.target}, by {client}.{operation.sdk}\n"
            f"expected of an operation that {kind.value}: {trial.expected[kind]}\n"
            f"the SDK: {observed}\n" + "\n".join(f"wrong: {problem}" for problem in problems)
        )
        self.result.add(
            Finding(
                layer=NAME,
                operation=operation.id,
                promise=f"the SDK copes when {trial.name}",
                contract=operation.pointer,
                detail=scrubbed(detail),
                check=trial.name,
            ).with_exchange(request, call.exchange.response, self.context.target.base_url)
        )


_IRREVERSIBLE = ("creates-account", "ends-session")
"""Exceptions of the tables for calls that leave something behind for good."""


def _administers(operation: Operation) -> bool:
    return operation.required_role == "admin"


def _documented(operation: Operation) -> Response:
    """The contract's example of the first success.

    Raises:
        NoExample: There is none.
    """
    success = operation.success
    headers = {
        name.lower(): (str(header.piece.value["example"]),)
        for name, header in success.headers.items()
        if "example" in header.piece.value
    }
    if not success.content:
        return Response(success.status, headers)
    media = success.content.get(JSON)
    if media is None or not media.examples:
        raise NoExample(f"{operation}: {success.status} has no example")
    body = json.dumps(next(iter(media.examples.values()))).encode()
    return Response(success.status, {**headers, "content-type": (JSON,)}, body)


def _observed(call: Callable[[], Any], clock: Clock, transport: FaultyTransport) -> _Observed:
    started = clock.now
    value, problem = None, None
    try:
        value = call()
    except (AgentserverError, EndlessRetries) as raised:
        problem = raised
    return _Observed(transport.requests, clock.waits, clock.now - started, value, problem)


def _wrong_error(expected: Expected, observed: _Observed) -> Iterator[str]:
    raised, error_class = observed.error, expected.raises
    assert error_class is not None  # noqa: S101 - it is what this is about
    if not isinstance(raised, error_class):
        yield f"no {error_class.__name__}"
        return
    attempts = getattr(raised, "attempts", None)
    if attempts != len(observed.requests):
        yield f"the error says attempts={attempts}"
    given = getattr(raised, "retry_after", None)
    if given != expected.retry_after:
        yield f"the error says retry_after={given}"


def _different_requests(requests: Iterable[Request]) -> Iterator[str]:
    """Where a retry is not the same request."""
    for first, other in pairwise(requests):
        for name in ("method", "target", "body"):
            if getattr(other, name) != getattr(first, name):
                yield f"a retry with another {name}"
        for name in sorted(first.headers.keys() | other.headers.keys()):
            if other.headers.get(name) != first.headers.get(name):
                yield f"a retry with another header {name}"


def _requests(count: int) -> str:
    return f"{count} request{'s' if count != 1 else ''}"


def _seconds(least: float, most: float) -> str:
    return f"{least:g} s" if least == most else f"between {least:g} and {most:g} s"
