"""Counts how often each operation was answered with each status, and how long that took."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict

from agentserver_contract.contract.document import Contract
from agentserver_contract.http.messages import Request, Response


class StatusCounter:
    """A hook of a target that counts the statuses of its responses, and the time that they took.

    Args:
        contract: Says which operation a request is of.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._counted: Counter[tuple[str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._sent = threading.local()  # a thread waits for its response before it sends more

    def drain(self) -> Counter[tuple[str, int]]:
        """How often each `(operationId, status)` was counted since the last call."""
        counted, self._counted = self._counted, Counter()
        return counted

    def drain_seconds(self) -> dict[str, float]:
        """How many seconds the responses of each operation took since the last call."""
        seconds, self._seconds = self._seconds, defaultdict(float)
        return dict(seconds)

    def before(self, request: Request) -> None:
        """Note the time; nothing is counted before there is a response."""
        self._sent.at = time.monotonic()

    def after(self, request: Request, response: Response) -> None:
        """Count the response to a request of an operation."""
        operation = self._contract.operation_at(request.method, request.path)
        if operation is not None:
            self._counted[operation.id, response.status] += 1
            now = time.monotonic()
            self._seconds[operation.id] += now - getattr(self._sent, "at", now)
