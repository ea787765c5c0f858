"""Holds every response that a run receives to the contract, in whichever way it was asked for."""

from __future__ import annotations

from collections import Counter

from agentserver_contract.contract.document import TEXT, Contract, Operation
from agentserver_contract.http.messages import Exchange, Request, Response
from agentserver_contract.results.conformance import REQUEST_ID_HEADER, Conformance
from agentserver_contract.results.findings import Finding
from agentserver_contract.results.secrets import KnownSecrets

_KEPT = 20
"""Of the exchanges with the same deviation: a list of departures may explain only some of them."""
_SAME_ID = 3
"""So many responses with one generated request id are a fault, and no request that was repeated."""

_FAILED = 500
_OF_OTHER_PROTOCOLS = ("/api/oauth2/", "/v1/", "/api/auth/modelserver/", "/modelserver/")
"""Where paths begin that are served and are no part of the contract: OAuth, calls of models,
and where a browser comes back from a model server."""


class AnswerChecks:
    """A hook of a target that checks its exchanges, and keeps what does not fit the contract.

    What is found belongs to the operation that answered, which need not be the one that is tried.

    Args:
        contract: The contract.
        base_url: The server, for the commands that findings show.
        closed: Whether an undocumented field is a finding, and no note.
    """

    def __init__(self, contract: Contract, base_url: str = "", *, closed: bool = False) -> None:
        self._contract = contract
        self._conformance = Conformance(contract, base_url)
        self._secrets = KnownSecrets(contract)
        self._closed = closed
        self._findings: list[Finding] = []
        self._notes: Counter[str] = Counter()
        self._found: Counter[tuple[str, str]] = Counter()
        self._right_bodies: set[tuple[str, int, str | None, int]] = set()
        """By operation, status, media type and hash: the same is often read again."""
        self._request_ids: Counter[str] = Counter()

    def drain(self) -> list[Finding]:
        """What was found since the last call."""
        found, self._findings = self._findings, []
        return found

    def drain_notes(self) -> Counter[str]:
        """What was noted since the last call."""
        noted, self._notes = self._notes, Counter()
        return noted

    def before(self, request: Request) -> None:
        """Nothing is checked before there is a response."""

    def after(self, request: Request, response: Response) -> None:
        """Check an exchange; of another protocol, only whether the server itself failed."""
        exchange = Exchange(request, response)
        if request.path.startswith(_OF_OTHER_PROTOCOLS):
            if response.status == _FAILED and response.media_type == TEXT:
                detail = "the server failed, and says so itself: what it passes on is JSON"
                self._add(self._conformance.finding(None, exchange, "status", "500", "$", detail))
            return
        operation = self._contract.operation_at(request.method, request.path)
        if operation is None:
            self._add(*self._conformance.findings_without_operation(exchange))
        else:
            self._check(operation, exchange)
        self._check_request_id(operation, exchange)
        for what in self._secrets.shown(operation, exchange):
            detail = f"the body has {what}"
            self._add(self._conformance.finding(operation, exchange, "secret", what, "$", detail))

    def _check(self, operation: Operation, exchange: Exchange) -> None:
        response = exchange.response
        body = operation.id, response.status, response.media_type, hash(response.body)
        checks_body = body not in self._right_bodies
        found = list(self._conformance.findings(operation, exchange, checks_body=checks_body))
        if checks_body:
            unknown = list(self._conformance.unknown_fields(operation, exchange))
            if not (found or unknown):
                self._right_bodies.add(body)
            for finding in unknown:
                if finding.check == "secret" or self._closed:
                    found.append(finding)
                else:
                    self._notes[f"{operation.id} {response.status}: {finding.detail}"] += 1
        self._add(*found)

    def _check_request_id(self, operation: Operation | None, exchange: Exchange) -> None:
        """Whether every response has an id of its own, but for those that the caller gave."""
        received = exchange.response.header(REQUEST_ID_HEADER)
        if received is None or exchange.request.headers.get(REQUEST_ID_HEADER) == received:
            return
        self._request_ids[received] += 1
        if self._request_ids[received] == _SAME_ID:
            detail = f"{received} identifies {_SAME_ID} requests"
            self._add(
                self._conformance.finding(
                    operation, exchange, "header", "unique", "X-Request-Id", detail
                )
            )

    def _add(self, *findings: Finding) -> None:
        for finding in findings:
            key = finding.operation, finding.promise
            self._found[key] += 1
            if self._found[key] <= _KEPT:
                self._findings.append(finding)
