"""Exchanges recorded with a real server, checked against the contract.

A recording is a JSON Lines file; each line is one exchange: the operation, the caller, the request
and the response. `departures` says which of the findings are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.contract.roles import may_call
from agentserver_contract.http.messages import Exchange, Request, Response
from agentserver_contract.results.conformance import Conformance
from agentserver_contract.results.findings import Finding

NO_CREDENTIAL = ("nobody", "bad_cookie", "ended")
"""The recordings' names of callers whose credential is missing, unknown, or no longer valid."""

MATRIX = "matrix:"
"""What the note begins with where an operation was tried by each kind of caller, named after it."""

OTHER_AGENTS = ("other_agent", "other_workspace_agent")
"""The recordings' names of agents other than the one that a request is about, by its path."""


class RecordingError(ValueError):
    """A recording cannot be read, or an exchange in it is not one of its operation."""


@dataclass(frozen=True)
class Recorded:
    """One recorded exchange."""

    exchange: Exchange
    source: str
    """File and line."""
    operation_id: str
    caller: str
    """By the name that the recording gives: a role, or one of NO_CREDENTIAL."""
    note: str = ""

    @property
    def origin(self) -> str:
        """Where it is from: file, line, caller and note."""
        note = f" [{self.note}]" if self.note else ""
        return f"{self.source}: {self.caller}{note}"

    def __str__(self) -> str:
        request, response = self.exchange.request, self.exchange.response
        return f"{self.origin}: {request.method} {request.target} -> {response.as_text()}"


def read(path: Path) -> Iterator[Recorded]:
    """The exchanges of a recording, in order.

    Raises:
        RecordingError: A line is not an exchange.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            source = f"{path.name}:{number}"
            try:
                yield _recorded(source, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RecordingError(f"{source}: not an exchange: {error!r}") from None


def findings(contract: Contract, recorded: Recorded) -> Iterator[Finding]:
    """Everything in which a recorded exchange does not fit the contract.

    Raises:
        RecordingError: The contract lacks the operation, or the request is not one of it.
    """
    operation = contract.operations.get(recorded.operation_id)
    if operation is None:
        raise RecordingError(f"{recorded.source}: the contract has no {recorded.operation_id}")
    request = recorded.exchange.request
    if request.method != operation.method or not operation.path_pattern.fullmatch(request.path):
        raise RecordingError(
            f"{recorded.source}: {request.method} {request.path} is no call of {operation}"
        )
    for finding in _findings(Conformance(contract), operation, recorded):
        yield replace(finding, sent=f"{recorded.origin}: {finding.sent}")


def _findings(
    conformance: Conformance, operation: Operation, recorded: Recorded
) -> Iterator[Finding]:
    exchange = recorded.exchange
    yield from conformance.findings(operation, exchange)
    if not exchange.response.succeeded:
        return
    if operation.is_secured and recorded.caller in NO_CREDENTIAL:
        detail = f"{recorded.caller} may not call this"
        yield conformance.finding(operation, exchange, "accepted", "no credential", "$", detail)
    role = operation.required_role or "none"
    if recorded.note.startswith(MATRIX) and recorded.caller not in NO_CREDENTIAL:
        caller = recorded.note.removeprefix(MATRIX)
        if caller in OTHER_AGENTS and not operation.parameters_in("path"):
            return  # about the caller alone
        if caller not in may_call(role):
            detail = f"needs the role {role}, {caller} was served"
            yield conformance.finding(operation, exchange, "accepted", "role", "$", detail)


def _recorded(source: str, line: Mapping[str, Any]) -> Recorded:
    sent, received = line["request"], line["response"]
    note = str(line["note"])
    body: bytes | None = None
    if sent["raw"] is not None:
        body = str(sent["raw"]).encode("utf-8", "surrogatepass")
    elif sent["json"] is not None:
        body = json.dumps(sent["json"]).encode()
    headers = {} if body is None else {"content-type": _content_type(note)}
    return Recorded(
        Exchange(
            Request(sent["method"], _target(sent["path"], sent["query"]), headers, body),
            Response(
                int(received["status"]),
                {name.lower(): (str(value),) for name, value in received["headers"].items()},
                _body(received["text"], received["json"]),
            ),
        ),
        source=source,
        operation_id=line["operation_id"],
        caller=line["who"],
        note=note,
    )


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _body(text: str, value: Any) -> bytes:
    """The body of a response: recordings cut a long text, but keep its JSON value whole."""
    try:
        is_whole = value is None or json.loads(text) == value
    except ValueError:
        is_whole = False
    return text.encode() if is_whole else json.dumps(value).encode()


def _content_type(note: str) -> str:
    """What the request called its body; recordings keep no request headers, so the note tells."""
    return "text/plain" if note.endswith("text/plain") else JSON
