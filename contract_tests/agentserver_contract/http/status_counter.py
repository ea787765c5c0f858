"""Counts which operation was answered with which status, whoever asked."""

from __future__ import annotations

from collections import Counter

from agentserver_contract.contract.document import Contract
from agentserver_contract.http.messages import Answer, Request


class Tally:
    """Watches a target, and gives what was counted since it was last asked."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._counted: Counter[tuple[str, int]] = Counter()

    def taken(self) -> Counter[tuple[str, int]]:
        """How often each `(operationId, status)` came; counting starts anew."""
        counted, self._counted = self._counted, Counter()
        return counted

    def before(self, request: Request) -> None:
        """Nothing is counted before the answer is there."""

    def after(self, request: Request, answer: Answer) -> None:
        """Count an answer to a request that is one of an operation."""
        operation = self._contract.operation_at(request.method, request.path)
        if operation is not None:
            self._counted[operation.id, answer.status] += 1
