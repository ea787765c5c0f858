"""Everything in which a single exchange does not fit the contract."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agentserver_contract.contract.closed import FieldCheck
from agentserver_contract.contract.document import (
    JSON,
    TEXT,
    Contract,
    Header,
    Located,
    Operation,
)
from agentserver_contract.contract.document import Response as Documented
from agentserver_contract.contract.rules import PROMISED_HEADERS
from agentserver_contract.contract.schemas import (
    REQUEST_ID,
    refusal_of_body,
    request_problems,
    schema_problems,
)
from agentserver_contract.data.tables import depends_on_state
from agentserver_contract.http.messages import SESSION_COOKIE, Exchange, Response
from agentserver_contract.results.findings import Finding
from agentserver_contract.results.rows import promises_rows, row_problems
from agentserver_contract.results.secrets import looks_secret

LAYER = "exchange"
"""The layer of these findings, in whichever layer the exchange took place."""

CHECKS = {
    "status": "the status is documented",
    "media-type": "the body has a documented media type",
    "schema": "the body fits its schema",
    "header": "every promised header is there, in its form",
    "length": "the body is as long as Content-Length says, and is missing where there is none",
    "rows": "a list has the rows that were asked for",
    "field": "every field is documented",
    "secret": "no secret is shown",
    "accepted": "what the contract refuses is refused",
    "refused": "a body is refused where the contract refuses it, and with its status",
}
"""The promise of each check."""

REQUEST_ID_HEADER = "x-request-id"
_EVENTS = "text/event-stream"
_OF_EVERY_OPERATION = (408, 431, 503)
"""What a server answers before it knows the operation: none documents it by itself."""
_METHODS_OF_SERVERS = frozenset({"HEAD", "OPTIONS"})
"""The methods that a server may answer by itself, and lists in Allow then."""
_NO_BODY = (204, 304)
HTML = "text/html"
_REFUSED_BODIES = (400, 422)
_REFUSED_BY_PROXIES = (400, 405, 414, 431, 501)


@dataclass(frozen=True)
class Conformance:
    """Checks exchanges against the contract.

    Args:
        contract: The contract.
        base_url: The server that the exchanges were with, for the commands that findings show.
    """

    contract: Contract
    base_url: str = ""

    def findings(
        self, operation: Operation, exchange: Exchange, *, checks_body: bool = True
    ) -> Iterator[Finding]:
        """Everything in which an exchange of an operation does not fit the contract.

        Args:
            operation: The operation of the request.
            exchange: The request and its response.
            checks_body: Whether the body is checked; not where the same was found right before.
        """
        status = exchange.response.status
        documented = operation.responses.get(status)
        if documented is None and status in _OF_EVERY_OPERATION:
            yield from self._headers(operation, exchange, self._general_headers)
            yield from self._error_text(operation, exchange)
        elif documented is None:
            detail = f"{status} is not among the documented {sorted(operation.responses)}"
            yield self.finding(operation, exchange, "status", str(status), "$", detail)
        else:
            if checks_body:
                yield from self._body(operation, exchange, documented)
            yield from self._rows(operation, exchange)
            yield from self._headers(operation, exchange, documented.headers)
        yield from self._session_cookie(operation, exchange)
        yield from self._length(operation, exchange)
        yield from self._request(operation, exchange)

    def unknown_fields(self, operation: Operation, exchange: Exchange) -> Iterator[Finding]:
        """The fields of a response that the contract does not describe.

        Those that look like a secret break a promise of every contract; others may be those of a
        newer server.
        """
        response = exchange.response
        documented = operation.responses.get(response.status)
        schema = documented.schema(response.media_type) if documented is not None else None
        value = response.json_or_none()
        if schema is None or value is None:
            return
        for field in self._fields.unknown_fields(schema, value):
            check = "secret" if looks_secret(field.name, field.value) else "field"
            detail = f"{field.at} is not documented"
            yield self.finding(operation, exchange, check, "undocumented", field.at, detail)

    def finding(
        self,
        operation: Operation | None,
        exchange: Exchange,
        check: str,
        rule: str,
        at: str,
        detail: str,
    ) -> Finding:
        """A finding on an exchange, made by one of CHECKS."""
        is_of_request = check in ("accepted", "refused")
        pointer = "/info/description" if operation is None else operation.pointer
        return Finding(
            layer=LAYER,
            operation="" if operation is None else operation.id,
            promise=f"{CHECKS[check]} ({exchange.response.status}: {rule} at {at})",
            contract=pointer + ("" if is_of_request or operation is None else "/responses"),
            detail=detail,
            check=check,
            rule=rule,
            at=at,
        ).with_exchange(exchange.request, exchange.response, self.base_url)

    @cached_property
    def _fields(self) -> FieldCheck:
        return FieldCheck(self.contract)

    @cached_property
    def _general_headers(self) -> dict[str, Header]:
        """The headers of every response."""
        return {name: self._header(name) for name in PROMISED_HEADERS}

    def _header(self, name: str) -> Header:
        piece = self.contract.locate(f"/components/headers/{name}")
        return Header(True, piece.child("schema"), piece)

    def findings_without_operation(self, exchange: Exchange) -> Iterator[Finding]:
        """An unknown path, a method that the path lacks, or a request that could not be read."""
        request, response = exchange.request, exchange.response
        if is_of_proxy(response):
            return
        known = self.contract.operations_at(request.path)
        operation = known[0] if known else None
        headers = dict(self._general_headers)
        if response.status == 405:
            headers["Allow"] = self._header("Allow")
        yield from self._headers(operation, exchange, headers)
        yield from self._length(operation, exchange)
        if response.status == 405 and known and "allow" in response.headers:
            yield from self._allowed(known, exchange)
        if response.status >= 400 and request.method != "HEAD":
            yield from self._error_text(operation, exchange)

    def _allowed(self, known: list[Operation], exchange: Exchange) -> Iterator[Finding]:
        """Whether Allow names the methods of the path."""
        values = ",".join(exchange.response.headers.get("allow", ()))
        named = {name.strip() for name in values.split(",")} - _METHODS_OF_SERVERS
        methods = {operation.method for operation in known}
        if named - {""} != methods:
            detail = f"Allow is {values!r} where the path takes {', '.join(sorted(methods))}"
            yield self.finding(known[0], exchange, "header", "methods", "Allow", detail)

    def _error_text(self, operation: Operation | None, exchange: Exchange) -> Iterator[Finding]:
        """Whether an error is one line of text."""
        media_type = exchange.response.media_type
        if media_type != TEXT:
            detail = f"Content-Type is {media_type or 'missing'}, not {TEXT}"
            rule = media_type or "none"
            yield self.finding(operation, exchange, "media-type", rule, "Content-Type", detail)
            return
        schema = self.contract.locate("/components/schemas/Error")
        yield from self._text(operation, exchange, schema)

    def _body(
        self, operation: Operation, exchange: Exchange, documented: Documented
    ) -> Iterator[Finding]:
        """The media type and the body of a documented response."""
        response = exchange.response
        media_type = response.media_type
        allowed: set[str | None] = set(documented.content) or {None}
        if media_type not in allowed:
            known = ", ".join(documented.content) or "none"
            detail = f"Content-Type is {media_type or 'missing'} where the contract has {known}"
            rule = media_type or "none"
            yield self.finding(operation, exchange, "media-type", rule, "Content-Type", detail)
            return
        schema = documented.schema(media_type)
        if schema is None:
            if not documented.content and response.body and response.status not in _NO_BODY:
                detail = "a body where the contract has none"
                yield self.finding(operation, exchange, "schema", "no content", "$", detail)
        elif media_type == JSON:
            yield from self._json(operation, exchange, schema)
        elif media_type == TEXT:
            yield from self._text(operation, exchange, schema)
        elif media_type != _EVENTS:  # events are read one by one
            problems = schema_problems(self.contract, schema, response.text)
            for problem in problems:
                yield self.finding(
                    operation, exchange, "schema", problem.rule, problem.at, problem.message
                )

    def _json(self, operation: Operation, exchange: Exchange, schema: Located) -> Iterator[Finding]:
        yield from self._charset(operation, exchange, required=False)
        try:
            value: Any = exchange.response.json()
        except ValueError as error:
            detail = f"the body is not JSON: {error}"
            yield self.finding(operation, exchange, "schema", "not JSON", "$", detail)
            return
        for problem in schema_problems(self.contract, schema, value):
            yield self.finding(
                operation, exchange, "schema", problem.rule, problem.at, problem.message
            )

    def _rows(self, operation: Operation, exchange: Exchange) -> Iterator[Finding]:
        """Whether a list has the rows that were asked for, which no schema of them says."""
        response = exchange.response
        if not response.succeeded or not promises_rows(operation):
            return
        value = response.json_or_none()
        if value is None:
            return  # which is a finding already
        for problem in row_problems(self.contract, operation, exchange.request, value):
            yield self.finding(
                operation, exchange, "rows", problem.rule, problem.at, problem.message
            )

    def _text(
        self, operation: Operation | None, exchange: Exchange, schema: Located
    ) -> Iterator[Finding]:
        yield from self._charset(operation, exchange, required=True)
        for problem in schema_problems(self.contract, schema, exchange.response.text):
            yield self.finding(
                operation, exchange, "schema", problem.rule, problem.at, problem.message
            )

    def _charset(
        self, operation: Operation | None, exchange: Exchange, *, required: bool
    ) -> Iterator[Finding]:
        """Text says that it is UTF-8, and is; JSON is UTF-8 and need not say so."""
        response = exchange.response
        charset = _charset_of(response)
        if charset != "utf-8" and (required or charset is not None):
            detail = f"the charset is {charset or 'missing'}, not utf-8"
            rule = f"charset {charset}"
            yield self.finding(operation, exchange, "media-type", rule, "Content-Type", detail)
        try:
            response.body.decode("utf-8")
        except UnicodeDecodeError:
            detail = "the body is not UTF-8"
            yield self.finding(operation, exchange, "schema", "not UTF-8", "$", detail)

    def _headers(
        self,
        operation: Operation | None,
        exchange: Exchange,
        headers: Mapping[str, Header],
    ) -> Iterator[Finding]:
        """Promised headers that are missing or of another form."""
        for name, header in headers.items():
            values = _own_values(name, exchange.response)
            if not values and header.required:
                detail = f"{name} is promised and missing"
                yield self.finding(operation, exchange, "header", "missing", name, detail)
            for value, schema in ((value, header.schema) for value in values):
                problems = schema_problems(self.contract, schema, value) if schema else ()
                for problem in problems:
                    yield self.finding(
                        operation, exchange, "header", problem.rule, name, problem.message
                    )
        yield from self._request_id(operation, exchange)

    def _request_id(self, operation: Operation | None, exchange: Exchange) -> Iterator[Finding]:
        """Whether the caller's own request id is repeated."""
        sent = exchange.request.headers.get(REQUEST_ID_HEADER, "")
        received = exchange.response.header(REQUEST_ID_HEADER)
        if REQUEST_ID.fullmatch(sent) and received is not None and received != sent:
            detail = f"the request has {sent}, the response {received}"
            yield self.finding(operation, exchange, "header", "repeated", "X-Request-Id", detail)

    def _session_cookie(self, operation: Operation, exchange: Exchange) -> Iterator[Finding]:
        """Whether a session is opened or ended where the contract says nothing of it."""
        documented = operation.responses.get(exchange.response.status)
        known = {name.lower() for name in documented.headers} if documented is not None else set()
        if "set-cookie" not in known and _own_values("set-cookie", exchange.response):
            detail = f"the cookie {SESSION_COOKIE} is set where the contract has no Set-Cookie"
            yield self.finding(operation, exchange, "header", "undocumented", "Set-Cookie", detail)

    def _length(self, operation: Operation | None, exchange: Exchange) -> Iterator[Finding]:
        """Whether the body is as long as announced, and missing where there cannot be one."""
        response = exchange.response
        announced = response.header("content-length")
        if exchange.request.method == "HEAD" or response.status in _NO_BODY:
            if response.body:
                detail = f"a body of {len(response.body)} bytes where there cannot be one"
                yield self.finding(operation, exchange, "length", "no body", "$", detail)
            return
        is_changed = "content-encoding" in response.headers or response.media_type == _EVENTS
        if announced is not None and not is_changed and announced != str(len(response.body)):
            detail = f"Content-Length is {announced}, the body has {len(response.body)} bytes"
            yield self.finding(operation, exchange, "length", "length", "Content-Length", detail)

    def _request(self, operation: Operation, exchange: Exchange) -> Iterator[Finding]:
        """The response, beside what was sent."""
        request, response = exchange.request, exchange.response
        content_type = request.headers.get("content-type")
        problems = request_problems(self.contract, operation, request.body, content_type)
        if problems and (response.succeeded or _was_read(operation, exchange)):
            for problem in problems:
                yield self.finding(
                    operation, exchange, "accepted", problem.rule, problem.at, problem.message
                )
        elif problems and response.status in _REFUSED_BODIES and 422 in operation.responses:
            expected = refusal_of_body(operation, problems)
            if response.status != expected:
                detail = f"{problems[0].message}: refused with {expected}, not {response.status}"
                yield self.finding(operation, exchange, "refused", str(expected), "$", detail)
        elif (
            not problems
            and response.status in _REFUSED_BODIES
            and operation.body is not None
            and not _has_parameters(operation, exchange)
            and not depends_on_state(operation.id, json.loads(request.body or b"{}"))
        ):
            detail = f"the request fits the contract: {response.text.strip()}"
            yield self.finding(operation, exchange, "refused", "valid", "$", detail)


def _own_values(name: str, response: Response) -> Iterable[str]:
    """The values of a header; of cookies only the session's, as others may come from a proxy."""
    values = response.headers.get(name.lower(), ())
    if name.lower() != "set-cookie":
        return values
    return [value for value in values if value.startswith(f"{SESSION_COOKIE}=")]


def is_of_proxy(response: Response) -> bool:
    """Whether a proxy in front has refused a request that it does not pass on."""
    return (
        response.status in _REFUSED_BY_PROXIES
        and response.media_type in (HTML, None)
        and REQUEST_ID_HEADER not in response.headers
    )


def _charset_of(response: Response) -> str | None:
    for parameter in (response.header("content-type") or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return None


def _has_parameters(operation: Operation, exchange: Exchange) -> bool:
    """Whether something beside the body could be wrong with a request."""
    return bool(exchange.request.query) or bool(operation.parameters_in("header"))


def _was_read(operation: Operation, exchange: Exchange) -> bool:
    """Whether a refusal comes after the check of the body, in the order that the contract gives.

    Identity and role are checked before the body, so 401 and 403 mostly say nothing about it; state
    (404, 409) and quota (403 in JSON) are checked after it, and so is what an operation without
    security calls a wrong credential. Where the role is that in the workspace of an unknown thing,
    404 belongs to the role.
    """
    response = exchange.response
    if response.status == 401:
        return not operation.is_secured
    if response.status == 403:
        return response.media_type == JSON or operation.workspace_in == "body"
    if response.status == 404:
        return not operation.role_is_of_thing
    return response.status in (409, 410)
