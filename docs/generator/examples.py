"""Examples and names that stand elsewhere in the contract than where a page wants them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentserver_contract.contract.document import Contract, MediaType

SCHEMAS = "#/components/schemas/"


def example_of(contract: Contract, name: str) -> Any:
    """An example of a schema, from a body that is one of it or a list of it; None without."""
    for media in _bodies(contract):
        schema = media.schema.value if media.schema else {}
        for example in media.examples.values():
            if schema.get("$ref") == f"{SCHEMAS}{name}":
                return example
            if schema.get("items", {}).get("$ref") == f"{SCHEMAS}{name}":
                return example[0]
    return None


def header_name(contract: Contract, component: str) -> str:
    """What a header is called in a response, which the name of its component need not be."""
    for operation in contract.operations.values():
        for response in operation.responses.values():
            for name, header in response.headers.items():
                if header.piece.pointer == f"/components/headers/{component}":
                    return name
    return component


def _bodies(contract: Contract) -> Iterator[MediaType]:
    """Everything that is sent: requests first, then responses."""
    operations = contract.operations.values()
    for operation in operations:
        if operation.request_body is not None:
            yield from operation.request_body.content.values()
    for operation in operations:
        for response in operation.responses.values():
            yield from response.content.values()
