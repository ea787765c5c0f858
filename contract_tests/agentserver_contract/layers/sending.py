"""The requests of a layer: sent, counted, and turned into findings where the answer is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.fixtures.settling import read_settled
from agentserver_contract.http.messages import Exchange, Request, Response
from agentserver_contract.results.findings import Finding, LayerResult


@dataclass(frozen=True)
class Sender:
    """Sends the requests of a layer.

    Args:
        context: The server, and what is tried on it.
        result: What is counted in, and what findings are added to.
    """

    context: Context
    result: LayerResult

    def operation(self, sdk_method: str) -> Operation | None:
        """The operation of an SDK method; None where it is not tried in this run."""
        return next((each for each in self.context.operations if each.sdk == sdk_method), None)

    def send(self, operation: Operation, request: Request) -> Exchange:
        """Send a request of an operation, and count it.

        Raises:
            Blocked: The guard does not let it out.
        """
        self.result.cases[operation.id] += 1
        exchange = Exchange(request, self.context.target.send(request))
        self.result.succeeded[operation.id] += exchange.response.succeeded
        return exchange

    def send_until_settled(self, read: Operation, request: Request) -> Exchange:
        """Read something, once more for as long as it is about to change by itself."""
        sent: list[Exchange] = []

        def send(again: Request) -> Response:
            sent.append(self.send(read, again))
            return sent[-1].response

        read_settled(self.context.contract, send, request)
        return sent[-1]

    def found(
        self,
        operation: Operation,
        promise: str,
        *,
        expected: object,
        actual: object,
        check: str,
        exchange: Exchange | None = None,
        steps: str = "",
        tried: Operation | None = None,
    ) -> None:
        """Add a finding.

        Args:
            operation: The operation at fault.
            promise: What is promised, in one line.
            expected: What the contract has the server answer.
            actual: What is wrong with its answer.
            check: The name of the check.
            exchange: The request and the answer that show it.
            steps: What was done before, where that matters.
            tried: The operation that was tried, where that is another one.
        """
        detail = f"expected {expected}, got {actual}" + (f"\nafter {steps}" if steps else "")
        finding = Finding(
            layer=self.result.layer,
            operation=operation.id,
            promise=promise,
            contract=operation.pointer,
            detail=detail,
            check=check,
            tried=tried.id if tried is not None else "",
        )
        if exchange is not None:
            base_url = self.context.target.base_url
            finding = finding.with_exchange(exchange.request, exchange.response, base_url)
        self.result.add(finding)


def body_of(exchange: Exchange) -> Any:
    """The JSON body of an answer; None where it has none, or one that is not JSON."""
    return exchange.response.json_or_none()


def fields_of(exchange: Exchange) -> Mapping[str, Any]:
    """The JSON object of an answer; empty where it has none."""
    body = body_of(exchange)
    return body if isinstance(body, dict) else {}


def rows_of(exchange: Exchange) -> list[Mapping[str, Any]]:
    """The objects in the JSON array of an answer; empty where it has none."""
    body = body_of(exchange)
    return [row for row in body if isinstance(row, dict)] if isinstance(body, list) else []
