"""Recorded exchanges with a real server, held against the contract.

A recording is a JSON Lines file; each line is one exchange: the operation, who called, the request
and the answer. What does not fit the contract comes out as findings; `departures` says which of
them are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentserver_contract.contract.document import JSON, Contract, Operation, Response
from agentserver_contract.contract.schemas import (
    lacks_kept,
    media_type,
    request_problems,
    schema_problems,
)

KINDS = ("status", "media-type", "schema", "header", "accepted", "refused")
"""What can be wrong with an exchange.

`status`: not documented; `media-type`, `schema` and `header`: the answer is not made as documented;
`accepted`: a request that the contract refuses went through; `refused`: a request that the contract
takes was answered 400.
"""

NO_CREDENTIAL = ("nobody", "bad_cookie", "ended")
"""Callers whose credential is missing, unknown to the server, or no longer good."""

WORKSPACE_ROLES = ("guest", "developer", "maintainer", "owner")
"""From least to most."""

MATRIX = "matrix:"
"""What the note begins with where an operation was tried by each kind of caller, named after it."""


class RecordingError(ValueError):
    """A recording cannot be read, or an exchange in it is not one of its operation."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as they were on the wire."""

    source: str
    """File and line."""
    operation_id: str
    who: str
    note: str
    method: str
    path: str
    content_type: str | None
    body: bytes | None
    status: int
    headers: Mapping[str, str]
    text: str
    json: Any
    """The JSON value of the answer, else None. It is whole also where a long text was cut."""

    def __str__(self) -> str:
        note = f" [{self.note}]" if self.note else ""
        body = (self.body or b"").decode("utf-8", "replace")
        sent = " ".join(filter(None, (self.method, self.path, _shorten(body))))
        return f"{self.source}: {self.who}{note} {sent} -> {self.status} {_shorten(self.text)}"


@dataclass(frozen=True)
class Finding:
    """One thing in which an exchange does not fit the contract."""

    exchange: Exchange
    kind: str
    rule: str
    """The schema keyword or the name of the rule, in short: what a departure is matched by."""
    at: str
    """JSON path in the body that the finding is about, or the name of the header."""
    detail: str

    @property
    def operation_id(self) -> str:
        return self.exchange.operation_id

    def __str__(self) -> str:
        what = f"{self.operation_id}: {self.kind} ({self.rule} at {self.at}): {self.detail}"
        return f"{what}\n    {self.exchange}"


def read(path: Path) -> Iterator[Exchange]:
    """The exchanges of a recording, in order.

    Raises RecordingError for a line that is no exchange.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            source = f"{path.name}:{number}"
            try:
                yield _exchange(source, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RecordingError(f"{source}: not an exchange: {error!r}") from None


def findings(contract: Contract, exchange: Exchange) -> Iterator[Finding]:
    """Everything in which an exchange does not fit the contract.

    Raises RecordingError when the contract lacks the operation, or the call is not one of it.
    """
    operation = contract.operations.get(exchange.operation_id)
    if operation is None:
        raise RecordingError(f"{exchange.source}: the contract has no {exchange.operation_id}")
    if exchange.method != operation.method or not operation.path_pattern.fullmatch(exchange.path):
        raise RecordingError(
            f"{exchange.source}: {exchange.method} {exchange.path} is no call of {operation}"
        )
    response = operation.responses.get(exchange.status)
    if response is None:
        detail = f"{exchange.status} is not among the documented {sorted(operation.responses)}"
        yield Finding(exchange, "status", str(exchange.status), "$", detail)
    else:
        yield from _answer_findings(contract, exchange, response)
    yield from _header_findings(contract, exchange, operation, response)
    yield from _request_findings(contract, exchange, operation)


def _answer_findings(
    contract: Contract, exchange: Exchange, response: Response
) -> Iterator[Finding]:
    """Media type and body of a documented answer."""
    came = media_type(exchange.headers.get("content-type"))
    documented_types: set[str | None] = set(response.content) or {None}
    if came not in documented_types:
        documented = ", ".join(response.content) or "none"
        detail = f"Content-Type is {came or 'missing'} where the contract has {documented}"
        yield Finding(exchange, "media-type", came or "none", "Content-Type", detail)
        return
    schema = response.schema(came)
    if schema is None:
        if not response.content and exchange.text:
            yield Finding(
                exchange, "schema", "no content", "$", "a body where the contract has none"
            )
        return
    value: Any = exchange.text
    if came == JSON:
        try:
            value = json.loads(exchange.text) if exchange.json is None else exchange.json
        except ValueError as error:
            yield Finding(exchange, "schema", "not JSON", "$", f"the body is not JSON: {error}")
            return
    for problem in schema_problems(contract, schema, value):
        yield Finding(exchange, "schema", problem.rule, problem.at, problem.message)


def _header_findings(
    contract: Contract, exchange: Exchange, operation: Operation, response: Response | None
) -> Iterator[Finding]:
    """Headers that were promised for this answer and are missing or of another form."""
    for name, header in (response.headers if response else {}).items():
        value = exchange.headers.get(name.lower())
        if value is None:
            if header.required:
                yield Finding(
                    exchange, "header", "missing", name, f"{name} is promised and missing"
                )
        elif header.schema is not None:
            for problem in schema_problems(contract, header.schema, value):
                yield Finding(exchange, "header", problem.rule, name, problem.message)


def _request_findings(
    contract: Contract, exchange: Exchange, operation: Operation
) -> Iterator[Finding]:
    """The answer against what was sent."""
    succeeded = 200 <= exchange.status < 300
    if succeeded and operation.is_secured and exchange.who in NO_CREDENTIAL:
        yield Finding(
            exchange, "accepted", "no credential", "$", f"{exchange.who} may not call this"
        )
    caller = exchange.note.removeprefix(MATRIX) if exchange.note.startswith(MATRIX) else None
    if caller and succeeded and not _may(caller, operation.required_role):
        detail = f"needs the role {operation.required_role}, {caller} was served"
        yield Finding(exchange, "accepted", "role", "$", detail)
    problems = request_problems(contract, operation, exchange.body, exchange.content_type)
    if problems and (succeeded or _was_read(exchange, operation)):
        for problem in problems:
            yield Finding(exchange, "accepted", problem.rule, problem.at, problem.message)
    elif (
        not problems
        and exchange.status == 400
        and not lacks_kept(exchange.operation_id, json.loads(exchange.body or b"{}"))
    ):
        said = exchange.text.strip()
        yield Finding(exchange, "refused", "valid", "$", f"the request fits the contract: {said}")


def _may(caller: str, required: str | None) -> bool:
    """Whether a caller of the table of roles may call what needs a role; no wrong no is given."""
    if required == "admin":
        return caller == "admin"
    if required in WORKSPACE_ROLES:
        return caller in WORKSPACE_ROLES[WORKSPACE_ROLES.index(required) :]
    return True


def _was_read(exchange: Exchange, operation: Operation) -> bool:
    """Whether this refusal comes after the check of the body, in the order that the contract gives.

    Identity and role are checked before the body, so 401 and 403 mostly say nothing of it; state
    (404, 409) and quota (403 in JSON) are checked after it, and so is what an operation without
    security calls a wrong credential.
    """
    if exchange.status == 401:
        return not operation.is_secured
    if exchange.status == 403:
        return media_type(exchange.headers.get("content-type")) == JSON
    return exchange.status in (404, 409, 410)


def _exchange(source: str, line: Mapping[str, Any]) -> Exchange:
    request, response = line["request"], line["response"]
    note = str(line["note"])
    body: bytes | None = None
    if request["raw"] is not None:
        body = str(request["raw"]).encode("utf-8", "surrogatepass")
    elif request["json"] is not None:
        body = json.dumps(request["json"]).encode()
    return Exchange(
        source=source,
        operation_id=line["operation_id"],
        who=line["who"],
        note=note,
        method=request["method"],
        path=request["path"],
        content_type=_content_type(note, body),
        body=body,
        status=int(response["status"]),
        headers={name.lower(): str(value) for name, value in response["headers"].items()},
        text=response["text"],
        json=response["json"],
    )


def _content_type(note: str, body: bytes | None) -> str | None:
    """What the request called its body; recordings keep no headers, so the note tells."""
    if body is None:
        return None
    return "text/plain" if note.endswith("text/plain") else JSON


def _shorten(text: str, limit: int = 160) -> str:
    line = text.strip().replace("\n", "\\n")
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
