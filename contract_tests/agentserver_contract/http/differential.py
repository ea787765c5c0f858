"""Compares what is sent to a server with what the SDK sends for the same call.

The SDK's request never leaves the process. A transport catches it and returns the response that the
server gave to the other one, so that decoding is compared as well, and nothing happens twice.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin

import httpx

import agentserver
from agentserver import (
    AgentserverError,
    AsyncClient,
    Client,
    MissingCredential,
    ResponseValidationError,
    StatusError,
)
from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.contract.schemas import REQUEST_ID, media_type, schema_problems
from agentserver_contract.http.credentials import Credentials
from agentserver_contract.http.messages import Exchange, Request, Response, scrubbed
from agentserver_contract.http.parameters import UnreadableParameter, header_values, query_values
from agentserver_contract.http.sdk_calls import (
    Expression,
    Inexpressible,
    express,
    method_of,
    whole_answer,
)

NAME = "differential"

# Which class is raised for a status is a promise of the SDK, so it is written down here a second
# time, by hand.
ERROR_CLASSES: Mapping[int, type[StatusError]] = {
    400: agentserver.BadRequest,
    401: agentserver.Unauthenticated,
    403: agentserver.PermissionDenied,
    404: agentserver.NotFound,
    405: agentserver.MethodNotAllowed,
    409: agentserver.Conflict,
    410: agentserver.Gone,
    413: agentserver.PayloadTooLarge,
    415: agentserver.UnsupportedMediaType,
    422: agentserver.UnprocessableEntity,
    429: agentserver.RateLimited,
    500: agentserver.InternalServerError,
    501: agentserver.NotSupported,
    502: agentserver.BadGateway,
    503: agentserver.ServiceUnavailable,
}

_ID_HEADER = "x-request-id"
_BASE_URL = "http://127.0.0.1"
ASYNC_SHARE = 4
"""The asynchronous client is tried as well in one of so many cases."""


@dataclass(frozen=True)
class Divergence:
    """One difference between the SDK and the wire."""

    kind: str
    """What differs: `path`, `body`, `credential`, `result`, `error class`, ..."""
    wire: Any
    sdk: Any

    def __str__(self) -> str:
        return scrubbed(f"{self.kind}: on the wire {_shown(self.wire)}, SDK {_shown(self.sdk)}")


@dataclass(frozen=True)
class Outcome:
    """What the SDK did with a call: the request that it sent, and what it returned or raised."""

    request: Request | None
    value: Any = None
    error: Exception | None = None


class Differential:
    """Compares exchanges one by one, and counts the verdicts.

    Use it as a context manager: it keeps an event loop for the asynchronous client.

    Args:
        contract: The contract.
        async_share: The asynchronous client is tried as well in one of so many cases.
    """

    def __init__(self, contract: Contract, *, async_share: int = ASYNC_SHARE) -> None:
        self.contract = contract
        self._async_share = async_share
        self.verdicts: Counter[tuple[str, str]] = Counter()
        """How often each was given, by whether the request was valid: `("valid", "same")`, ..."""
        self._signatures = Client(_BASE_URL)  # sends nothing
        self._runner = asyncio.Runner()
        self._compared = 0

    def __enter__(self) -> Differential:
        self._runner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.__exit__(kind, error, traceback)

    def compare(self, operation: Operation, exchange: Exchange, *, valid: bool) -> list[Divergence]:
        """Make the same call through the SDK; an empty list means that both agree.

        A valid request must be expressible, must be sent as it was, and its response must be
        decoded to what it says. Any other request may be refused by the SDK before it sends
        anything; if it does send, it must send the same, and never silently something else.
        """
        name = "valid" if valid else "invalid"
        try:
            expression = express(
                self.contract, operation, exchange.request, method_of(self._signatures, operation)
            )
        except Inexpressible as reason:
            self.verdicts[name, f"not expressible: {reason}"] += 1
            return [Divergence("call", "a valid request", f"{reason}")] if valid else []
        if expression.unknown_fields:
            self.verdicts[name, "unknown fields left out"] += 1
        self._compared += 1
        drivers: list[_Driver] = [self._call]
        if self._compared % self._async_share == 0:
            drivers.append(self._call_async)
        divergences: list[Divergence] = []
        for driver in drivers:
            outcome = driver(operation, expression, exchange)
            divergences += self._divergences(operation, expression, exchange, outcome, valid)
            verdict = self._verdict(outcome, divergences)
            self.verdicts[name, verdict] += 1
        return divergences

    def decoding_error(
        self, operation: Operation, exchange: Exchange, *, strict: bool
    ) -> str | None:
        """What a client raises that cannot decode the response; None when it can.

        Raises:
            Inexpressible: The SDK cannot send the request at all.
        """
        method = method_of(self._signatures, operation)
        expression = express(self.contract, operation, exchange.request, method)
        error = self._call(operation, expression, exchange, strict=strict).error
        is_error = exchange.response.status >= 400
        decoded = isinstance(error, StatusError) if is_error else error is None
        return None if decoded else _shown(error)

    def _verdict(self, outcome: Outcome, divergences: Sequence[Divergence]) -> str:
        if divergences:
            return "different"
        if outcome.request is None:
            return f"refused by the SDK: {type(outcome.error).__name__}"
        return "same"

    def _divergences(
        self,
        operation: Operation,
        expression: Expression,
        exchange: Exchange,
        outcome: Outcome,
        valid: bool,
    ) -> list[Divergence]:
        if outcome.request is None:
            if self._lacks_credential(operation, exchange.request):
                valid = valid and not isinstance(outcome.error, MissingCredential)
            refusal = Divergence("call", "a valid request", f"refused: {outcome.error!r}")
            return [refusal] if valid else []
        return [
            *request_divergences(
                self.contract, operation, expression, exchange.request, outcome.request
            ),
            *response_divergences(self.contract, operation, exchange.response, outcome),
        ]

    def _lacks_credential(self, operation: Operation, request: Request) -> bool:
        """Whether a request carries no credential that the operation takes, although it must."""
        chosen = Credentials.of(request).chosen_for(self.contract, operation)
        return operation.is_secured and chosen == Credentials()

    def _call_async(
        self, operation: Operation, expression: Expression, exchange: Exchange
    ) -> Outcome:
        async def call() -> Any:
            settings = self._settings(operation, exchange.request)
            async with AsyncClient(_BASE_URL, **settings, transport=capture) as client:
                return await method_of(client, operation)(**expression.arguments)

        capture = _Capture(exchange.response)
        return _outcome(capture, lambda: self._runner.run(call()))

    def _call(
        self,
        operation: Operation,
        expression: Expression,
        exchange: Exchange,
        *,
        strict: bool = True,
    ) -> Outcome:
        def call() -> Any:
            settings = {**self._settings(operation, exchange.request), "strict": strict}
            with Client(_BASE_URL, **settings, transport=capture) as client:
                return method_of(client, operation)(**expression.arguments)

        capture = _Capture(exchange.response)
        return _outcome(capture, call)

    def _settings(self, operation: Operation, request: Request) -> dict[str, Any]:
        """Those of a client that makes the call with the credentials of the request."""
        given = Credentials.of(request).with_spare(self.contract, operation)
        return {**_OPTIONS, "session": given.session, "token": given.token}


_Driver = Callable[[Operation, Expression, Exchange], Outcome]
# One attempt, and strict: a response that breaks the contract must not slip through.
_OPTIONS: Mapping[str, Any] = {"max_retries": 0, "strict": True}


def _outcome(capture: _Capture, call: Callable[[], Any]) -> Outcome:
    try:
        value = call()
    except (AgentserverError, TypeError) as error:
        # TypeError is Python's own refusal of a call without a required argument.
        return Outcome(capture.request, error=error)
    return Outcome(capture.request, value)


class _Capture(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Keeps the request, and returns the response that the other one got."""

    def __init__(self, response: Response) -> None:
        self.request: Request | None = None
        self._response = response

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.request = Request.from_httpx(request)
        return self._response.to_httpx(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self.handle_request(request)


def request_divergences(
    contract: Contract, operation: Operation, expression: Expression, wire: Request, sdk: Request
) -> Iterator[Divergence]:
    """Everything in which the two requests differ in meaning."""
    pairs: list[tuple[str, Any, Any]] = [
        ("method", wire.method, sdk.method),
        ("path", _segments(wire.path), _segments(sdk.path)),
        ("query", *(_query(contract, operation, each) for each in (wire, sdk))),
        ("body", expression.body, _json_body(sdk)),
    ]
    sent_headers, said_headers = (_headers(contract, operation, each) for each in (wire, sdk))
    for parameter in operation.parameters_in("header"):
        name = parameter.name
        if name.lower() == "idempotency-key" and sent_headers.get(name) is None:
            continue  # the SDK makes one up
        pairs.append((f"header {name}", sent_headers.get(name), said_headers.get(name)))
    if expression.body is not None:
        pairs.append(("content type", JSON, media_type(sdk.headers.get("content-type"))))
    pairs.append(("request id", True, bool(REQUEST_ID.fullmatch(sdk.headers.get(_ID_HEADER, "")))))
    for kind, sent, said in pairs:
        if not same_json(sent, said):
            yield Divergence(kind, sent, said)
    wanted = Credentials.of(wire).chosen_for(contract, operation)
    given = Credentials.of(sdk)
    if wanted != given:
        same_kinds = str(wanted) == str(given)
        yield Divergence("credential", str(wanted), "another one" if same_kinds else str(given))


def _query(contract: Contract, operation: Operation, request: Request) -> Any:
    """The query's values; the raw query where the contract gives it no meaning."""
    try:
        return query_values(contract, operation, request.query)
    except UnreadableParameter:
        return request.query


def _headers(contract: Contract, operation: Operation, request: Request) -> Mapping[str, Any]:
    """The values of header parameters, by name; raw where the contract gives them no meaning."""
    try:
        return header_values(contract, operation, request.headers)
    except UnreadableParameter:
        names = [parameter.name for parameter in operation.parameters_in("header")]
        return {name: request.headers.get(name.lower()) for name in names}


def response_divergences(
    contract: Contract,
    operation: Operation,
    response: Response,
    outcome: Outcome,
    *,
    base_url: str = _BASE_URL,
) -> Iterator[Divergence]:
    """Everything in which the SDK's result differs from what the response says."""
    documented = operation.responses.get(response.status)
    if documented is None:
        return  # a fault of the server, and another check's to report
    if response.status >= 400:
        yield from _error_divergences(response, outcome.error)
        return
    if response.status >= 300:
        yield from _redirect_divergences(response, outcome, base_url)
        return
    schema = documented.schema(JSON)
    if schema is None:
        if outcome.error is not None or outcome.value is not None:
            yield Divergence("result", "no content", outcome.error or outcome.value)
        return
    try:
        wire = response.json()
        broken = any(schema_problems(contract, schema, wire))
    except ValueError:
        wire, broken = response.body, True
    if broken:
        if not isinstance(outcome.error, ResponseValidationError):
            yield Divergence(
                "result", "breaks the contract", "accepted, although decoding is strict"
            )
    elif outcome.error is not None:
        yield Divergence("result", wire, outcome.error)
    else:
        value = whole_answer(outcome.value)
        if not same_json(wire, _plain(value)):
            yield Divergence("result", wire, _plain(value))
        yield from _attribute_divergences(wire, value, "$")


def _redirect_divergences(
    response: Response, outcome: Outcome, base_url: str
) -> Iterator[Divergence]:
    """A redirect that is documented is not followed: its address is the result."""
    location = response.header("location")
    if location is None:
        if not isinstance(outcome.error, ResponseValidationError):
            yield Divergence("result", "a redirect without Location", outcome.error or "accepted")
        return
    assert outcome.request is not None  # noqa: S101 - there is a response to it
    address = urljoin(f"{base_url}{outcome.request.target}", location)
    if outcome.error is not None or outcome.value != address:
        yield Divergence("result", address, outcome.error or outcome.value)


def _error_divergences(response: Response, error: Exception | None) -> Iterator[Divergence]:
    wanted = ERROR_CLASSES[response.status]
    quota = response.status == 403 and response.media_type == JSON
    if quota:
        wanted = agentserver.QuotaExceeded
    if not isinstance(error, wanted):
        yield Divergence("error class", wanted.__name__, error)
        return
    if error.status_code != response.status:
        yield Divergence("error status", response.status, error.status_code)
    text = response.json()["message"] if quota else response.body.decode("utf-8").rstrip("\n")
    if error.message != text:
        yield Divergence("error message", text, error.message)
    given = response.header(_ID_HEADER)
    if given and error.request_id != given:
        yield Divergence("error request id", given, error.request_id)
    if isinstance(error, agentserver.QuotaExceeded):
        limits = {"current": error.current, "max": error.max}
        if not same_json(response.json()["quota"], limits):
            yield Divergence("quota", response.json()["quota"], limits)


def _attribute_divergences(wire: Any, value: Any, at: str) -> Iterator[Divergence]:
    """Where an attribute of the result does not have the value of the response."""
    if isinstance(wire, list) and isinstance(value, Sequence):
        for index, (item, decoded) in enumerate(zip(wire, value, strict=True)):
            yield from _attribute_divergences(item, decoded, f"{at}[{index}]")
    elif isinstance(wire, dict) and hasattr(value, "to_dict"):
        for name, item in wire.items():
            found = _attribute(value, name)
            yield from _attribute_divergences(item, found, f"{at}.{name}")
    elif isinstance(value, datetime) and isinstance(wire, str):
        if _time(wire) != value:
            yield Divergence(f"attribute {at}", wire, value)
    elif not same_json(wire, value):
        yield Divergence(f"attribute {at}", wire, value)


def _time(text: str) -> datetime | None:
    """A time of RFC 3339, in any case; a leap second is the second before it."""
    text = text.upper()
    with suppress(ValueError):
        return datetime.fromisoformat(f"{text[:17]}59{text[19:]}" if text[17:19] == "60" else text)
    return None


_MISSING = object()


def _attribute(model: Any, name: str) -> Any:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    for candidate in (name, f"{name}_", snake):
        found = getattr(model, candidate, _MISSING)
        if found is not _MISSING:
            return found
    return model.additional_properties.get(name, _MISSING)


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; 1, 1.0 and true are three values."""
    if isinstance(left, str) and isinstance(right, str):
        return str(left) == str(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            same_json(item, right[name]) for name, item in left.items()
        )
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same_json, left, right))
    return type(left) is type(right) and bool(left == right)


def _plain(value: Any) -> Any:
    """A result of the SDK as JSON."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _segments(path: str) -> list[bytes]:
    """A path by meaning: `%7E` and `~` are the same, `%2F` and `/` are not."""
    return [unquote_to_bytes(segment) for segment in path.split("/")]


def _json_body(request: Request) -> Any:
    if not request.body:
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        return request.body


def _shown(value: Any) -> str:
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"[:300]
    try:
        return json.dumps(value, ensure_ascii=False)[:300]
    except (TypeError, ValueError):
        return repr(value)[:300]
