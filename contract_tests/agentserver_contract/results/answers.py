"""Holds every response that a run receives to the contract, in whichever way it was asked for."""

from __future__ import annotations

from collections import Counter

from agentserver_contract.contract.document import Contract
from agentserver_contract.http.messages import Exchange, Request, Response
from agentserver_contract.results.conformance import REQUEST_ID_HEADER, Conformance
from agentserver_contract.results.findings import Finding
from agentserver_contract.results.secrets import KnownSecrets

_KEPT = 20
"""Of the exchanges with the same deviation: a list of departures may explain only some of them."""
_SAME_ID = 3
"""So many responses with one generated request id are a fault, and no request that was repeated."""


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
        self._described: set[tuple[str, int, int]] = set()
        """Hashes of bodies without undocumented fields: the same is often read again."""
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
        """Check an exchange."""
        exchange = Exchange(request, response)
        for finding in self._conformance.findings_of(exchange):
            self._add(finding)
        self._check_fields(exchange)
        self._check_request_id(exchange)
        operation = self._contract.operation_at(request.method, request.path)
        for what in self._secrets.shown(operation, exchange):
            detail = f"the body has {what}"
            self._add(self._conformance.finding(operation, exchange, "secret", what, "$", detail))

    def _check_fields(self, exchange: Exchange) -> None:
        request, response = exchange.request, exchange.response
        operation = self._contract.operation_at(request.method, request.path)
        if operation is None:
            return
        body = operation.id, response.status, hash(response.body)
        if body in self._described:
            return
        found = list(self._conformance.unknown_fields(operation, exchange))
        for finding in found:
            if finding.check == "secret" or self._closed:
                self._add(finding)
            else:
                self._notes[f"{operation.id} {response.status}: {finding.detail}"] += 1
        if not found:
            self._described.add(body)

    def _check_request_id(self, exchange: Exchange) -> None:
        """Whether every response has an id of its own, but for those that the caller gave."""
        received = exchange.response.header(REQUEST_ID_HEADER)
        if received is None or exchange.request.headers.get(REQUEST_ID_HEADER) == received:
            return
        self._request_ids[received] += 1
        if self._request_ids[received] == _SAME_ID:
            request = exchange.request
            operation = self._contract.operation_at(request.method, request.path)
            detail = f"{received} identifies {_SAME_ID} requests"
            self._add(
                self._conformance.finding(
                    operation, exchange, "header", "unique", "X-Request-Id", detail
                )
            )

    def _add(self, finding: Finding) -> None:
        key = finding.operation, finding.promise
        self._found[key] += 1
        if self._found[key] <= _KEPT:
            self._findings.append(finding)
