"""Whether an answer keeps the contract: status, media type, headers and body, nothing besides."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from starlette.responses import Response

from agentserver_reference.contract import JSON, Answer, Operation
from agentserver_reference.http.streams import StreamedResponse


class ContractViolation(AssertionError):
    """An answer that the contract does not know. A fault of the server, never of the caller."""


def check_answer(operation: Operation, response: Response) -> None:
    """Compare an answer, as it is about to be sent, with the operation's documented ones.

    Raises:
        ContractViolation: naming the operation, the answer and the promise.
    """
    where = f"{operation.id} answered {response.status_code}"
    answer = operation.answers.get(response.status_code)
    if answer is None:
        raise ContractViolation(f"{where}; documented are {sorted(operation.answers)}")
    _check_headers(where, answer, response)
    _check_body(where, answer, response)


def _check_headers(where: str, answer: Answer, response: Response) -> None:
    for name, header in answer.headers.items():
        value = response.headers.get(name)
        if value is not None:
            _check(f"{where}, header {name}", header.validator, value)
        elif header.required:
            raise ContractViolation(f"{where} without the promised header {name}")


def _check_body(where: str, answer: Answer, response: Response) -> None:
    given = response.headers.get("content-type")
    if not answer.content:
        if given is not None or isinstance(response, StreamedResponse) or response.body:
            raise ContractViolation(f"{where} with a body ({given}); none is documented")
        return
    media_type = (given or "").partition(";")[0]
    validator = answer.content.get(media_type)
    if validator is None:
        raise ContractViolation(f"{where} as {given!r}; documented are {sorted(answer.content)}")
    if isinstance(response, StreamedResponse):
        return  # there is no body yet
    body = bytes(response.body)
    value = json.loads(body) if media_type == JSON else body.decode()
    _check(where, validator, value)


def _check(where: str, validator: jsonschema_rs.Validator, value: Any) -> None:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        path = "".join(f"[{part!r}]" for part in error.instance_path)
        raise ContractViolation(f"{where}, body{path}: {error.message}") from None
