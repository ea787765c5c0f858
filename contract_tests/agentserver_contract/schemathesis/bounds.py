"""Bounds that no JSON Schema can say, kept where Schemathesis would break them unawares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentserver_contract.contract.document import Contract

if TYPE_CHECKING:
    from schemathesis import Case


def fit_bytes(contract: Contract, case: Case[Any]) -> None:
    """Cut texts of a valid body to their `x-max-bytes` of UTF-8: Schemathesis counts characters.

    A format of its own for them would do harm: every other text would then be taken for invalid.
    """
    invalid = case.meta is None or case.meta.generation.mode.is_negative
    operation = contract.operations[case.operation.definition.raw["operationId"]]
    if invalid or operation.body is None or not isinstance(case.body, dict):
        return
    fitted = dict(case.body)
    for name, schema in contract.follow(operation.body).value.get("properties", {}).items():
        limit, text = schema.get("x-max-bytes"), fitted.get(name)
        if limit is not None and isinstance(text, str):
            fitted[name] = text.encode("utf-8")[:limit].decode("utf-8", "ignore")
    if fitted != case.body:
        case.body = fitted
