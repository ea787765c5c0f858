"""Everything in which a single exchange does not fit the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.contract.document import Response as Documented
from agentserver_contract.contract.schemas import request_problems, schema_problems
from agentserver_contract.data.tables import lacks_kept_field
from agentserver_contract.http.messages import Exchange
from agentserver_contract.results.findings import Finding

LAYER = "exchange"
"""The layer of these findings, in whichever layer the exchange took place."""

CHECKS = {
    "status": "the status is documented",
    "media-type": "the body has a documented media type",
    "schema": "the body fits its schema",
    "header": "every promised header is there, in its form",
    "accepted": "what the contract refuses is refused",
    "refused": "what the contract allows is not answered 400",
}
"""The promise of each check."""


@dataclass(frozen=True)
class Conformance:
    """Checks exchanges against the contract.

    Args:
        contract: The contract.
        base_url: The server that the exchanges were with, for the commands that findings show.
    """

    contract: Contract
    base_url: str = ""

    def findings(self, operation: Operation, exchange: Exchange) -> Iterator[Finding]:
        """Everything in which an exchange of an operation does not fit the contract."""
        status = exchange.response.status
        documented = operation.responses.get(status)
        if documented is None:
            detail = f"{status} is not among the documented {sorted(operation.responses)}"
            yield self.finding(operation, exchange, "status", str(status), "$", detail)
        else:
            yield from self._body(operation, exchange, documented)
            yield from self._headers(operation, exchange, documented)
        yield from self._request(operation, exchange)

    def finding(
        self,
        operation: Operation,
        exchange: Exchange,
        check: str,
        rule: str,
        at: str,
        detail: str,
    ) -> Finding:
        """A finding on an exchange, made by one of CHECKS."""
        request = check in ("accepted", "refused")
        return Finding(
            layer=LAYER,
            operation=operation.id,
            promise=f"{CHECKS[check]} ({rule} at {at})",
            contract=operation.pointer + ("" if request else "/responses"),
            detail=detail,
            check=check,
            rule=rule,
            at=at,
        ).with_exchange(exchange.request, exchange.response, self.base_url)

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
            if not documented.content and response.body:
                detail = "a body where the contract has none"
                yield self.finding(operation, exchange, "schema", "no content", "$", detail)
            return
        value: Any = response.text
        if media_type == JSON:
            try:
                value = response.json()
            except ValueError as error:
                detail = f"the body is not JSON: {error}"
                yield self.finding(operation, exchange, "schema", "not JSON", "$", detail)
                return
        for problem in schema_problems(self.contract, schema, value):
            yield self.finding(
                operation, exchange, "schema", problem.rule, problem.at, problem.message
            )

    def _headers(
        self, operation: Operation, exchange: Exchange, documented: Documented
    ) -> Iterator[Finding]:
        """Promised headers that are missing or of another form."""
        for name, header in documented.headers.items():
            value = exchange.response.header(name.lower())
            if value is None:
                if header.required:
                    detail = f"{name} is promised and missing"
                    yield self.finding(operation, exchange, "header", "missing", name, detail)
            elif header.schema is not None:
                for problem in schema_problems(self.contract, header.schema, value):
                    yield self.finding(
                        operation, exchange, "header", problem.rule, name, problem.message
                    )

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
        elif (
            not problems
            and response.status == 400
            and not lacks_kept_field(operation.id, json.loads(request.body or b"{}"))
        ):
            detail = f"the request fits the contract: {response.text.strip()}"
            yield self.finding(operation, exchange, "refused", "valid", "$", detail)


def _was_read(operation: Operation, exchange: Exchange) -> bool:
    """Whether a refusal comes after the check of the body, in the order that the contract gives.

    Identity and role are checked before the body, so 401 and 403 mostly say nothing about it; state
    (404, 409) and quota (403 in JSON) are checked after it, and so is what an operation without
    security calls a wrong credential.
    """
    response = exchange.response
    if response.status == 401:
        return not operation.is_secured
    if response.status == 403:
        return response.media_type == JSON
    return response.status in (404, 409, 410)
