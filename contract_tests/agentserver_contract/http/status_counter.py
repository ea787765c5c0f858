"""Counts how often each operation was answered with each status."""

from __future__ import annotations

from collections import Counter

from agentserver_contract.contract.document import Contract
from agentserver_contract.http.messages import Request, Response


class StatusCounter:
    """A hook of a target that counts the statuses of its responses."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._counted: Counter[tuple[str, int]] = Counter()

    def drain(self) -> Counter[tuple[str, int]]:
        """How often each `(operationId, status)` was counted since the last call."""
        counted, self._counted = self._counted, Counter()
        return counted

    def before(self, request: Request) -> None:
        """Nothing is counted before there is a response."""

    def after(self, request: Request, response: Response) -> None:
        """Count the response to a request of an operation."""
        operation = self._contract.operation_at(request.method, request.path)
        if operation is not None:
            self._counted[operation.id, response.status] += 1
