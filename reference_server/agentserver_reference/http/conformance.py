"""Validation of responses against the contract: status, media type, headers and body."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from starlette.responses import Response

from agentserver_reference.contract import JSON, DocumentedResponse, Operation
from agentserver_reference.http.streams import StreamedResponse


class ContractViolation(AssertionError):
    """A response violates the contract. This is an error of the server, never of the caller."""


def check_response(operation: Operation, response: Response) -> None:
    """Validate a response against the operation's documented responses.

    Raises:
        ContractViolation: naming the operation and the violation.
    """
    where = f"{operation.id} responded with {response.status_code}"
    documented = operation.responses.get(response.status_code)
    if documented is None:
        raise ContractViolation(f"{where}; documented are {sorted(operation.responses)}")
    _check_headers(where, documented, response)
    _check_body(where, documented, response)


def _check_headers(where: str, documented: DocumentedResponse, response: Response) -> None:
    for name, header in documented.headers.items():
        value = response.headers.get(name)
        if value is not None:
            _check(f"{where}, header {name}", header.validator(), value)
        elif header.required:
            raise ContractViolation(f"{where} without the required header {name}")


def _check_body(where: str, documented: DocumentedResponse, response: Response) -> None:
    given = response.headers.get("content-type")
    if not documented.content:
        if given is not None or isinstance(response, StreamedResponse) or response.body:
            raise ContractViolation(f"{where} with a body ({given}); none is documented")
        return
    media_type = (given or "").partition(";")[0]
    validator = documented.content.get(media_type)
    if validator is None:
        raise ContractViolation(
            f"{where} as {given!r}; documented are {sorted(documented.content)}"
        )
    if isinstance(response, StreamedResponse):
        return  # the body does not exist yet
    body = bytes(response.body)
    value = json.loads(body) if media_type == JSON else body.decode()
    _check(where, validator(), value)


def _check(where: str, validator: jsonschema_rs.Validator, value: Any) -> None:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        path = "".join(f"[{part!r}]" for part in error.instance_path)
        raise ContractViolation(f"{where}, body{path}: {error.message}") from None
