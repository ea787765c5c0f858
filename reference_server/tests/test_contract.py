"""The contract as the server reads it, and the answers it holds the server to."""

import copy
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from agentserver_reference.app import BindingError, bind, handler_modules, handlers_of
from agentserver_reference.contract import (
    ContractError,
    Operation,
    compile_contract,
    load_document,
)
from agentserver_reference.http.conformance import ContractViolation, check_response
from agentserver_reference.http.explanations import explain
from agentserver_reference.security.schemes import SCHEMES

DOCUMENT = load_document()
CONTRACT = compile_contract(DOCUMENT)
CLOSED = {o.id: o for o in compile_contract(DOCUMENT, closed=True).operations}
CARRIED = {"X-Request-Id": "request", "X-Content-Type-Options": "nosniff"}
WORKSPACE = {
    "id": "w",
    "name": "Mine",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def changed(**changes: Any) -> dict[str, Any]:
    """The contract with other values in `create_workspace`."""
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/api/workspaces"]["post"].update(changes)
    return document


def text_schemas(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of free text in a request body, with its place."""
    if "$ref" in node:
        node = DOCUMENT["components"]["schemas"][node["$ref"].rpartition("/")[2]]
    types = [node.get("type")] if isinstance(node.get("type"), str) else node.get("type", [])
    if "string" in types and not {"enum", "const", "format"} & node.keys() - {"format"}:
        yield at, node
    for name, field in node.get("properties", {}).items():
        yield from text_schemas(field, f"{at}.{name}")
    for inner in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else ())):
        yield from text_schemas(inner, at)


def test_every_operation_has_one_handler_in_the_module_of_its_tag() -> None:
    bound = bind(CONTRACT, handlers_of(handler_modules()), SCHEMES)
    assert [endpoint.operation for endpoint in bound] == list(CONTRACT.operations)
    for endpoint in bound:
        assert endpoint.handler.__name__ == endpoint.operation.id


def test_an_operation_without_handler_and_a_handler_without_operation_are_named() -> None:
    module = ModuleType("agentserver_reference.handlers.workspaces")

    async def surplus(call: object) -> None: ...

    surplus.__module__ = module.__name__
    module.surplus = surplus  # type: ignore[attr-defined]
    with pytest.raises(BindingError) as refused:
        bind(CONTRACT, handlers_of([module]), SCHEMES)
    assert "auth.login: operation without a handler" in str(refused.value)
    assert "workspaces.surplus: handler without an operation" in str(refused.value)


def test_a_credential_of_no_known_kind_stops_the_start() -> None:
    contract = compile_contract(changed(security=[{"unknownKey": []}]))
    with pytest.raises(BindingError) as refused:
        bind(contract, handlers_of(handler_modules()), SCHEMES)
    assert (
        str(refused.value) == "workspaces.create_workspace: unknown kind of credential unknownKey"
    )


def test_an_unknown_role_stops_the_start() -> None:
    with pytest.raises(ContractError, match=r"^create_workspace: x-required-role 'wizard'"):
        compile_contract(changed(**{"x-required-role": "wizard"}))


def test_a_schema_that_does_not_compile_stops_the_start_by_the_operation() -> None:
    for schema in ({"type": "nonsense"}, {"$ref": "#/components/schemas/Nowhere"}):
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        with pytest.raises(ContractError, match=r"^create_workspace: "):
            compile_contract(changed(requestBody=body))


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ([], ((), True)),
        ([{"sessionCookie": []}], (("sessionCookie",), False)),
        ([{}, {"sessionCookie": []}], (("sessionCookie",), True)),
        ([{"apiKey": []}, {"sessionCookie": []}], (("apiKey", "sessionCookie"), False)),
    ],
)
def test_security_is_read_from_the_contract(
    security: list[Any], expected: tuple[tuple[str, ...], bool]
) -> None:
    contract = compile_contract(changed(security=security))
    operation = {o.id: o for o in contract.operations}["create_workspace"]
    assert (operation.schemes, operation.anonymous) == expected


def test_two_credentials_at_once_stop_the_start() -> None:
    with pytest.raises(ContractError, match=r"^create_workspace: .*two credentials at once"):
        compile_contract(changed(security=[{"apiKey": [], "sessionCookie": []}]))


def test_a_role_in_no_workspace_stops_the_start() -> None:
    with pytest.raises(ContractError, match=r"^create_workspace: requires guest, and its path"):
        compile_contract(changed(**{"x-required-role": "guest"}))


def test_every_text_that_the_server_reads_forbids_nul() -> None:
    operations = [node for item in DOCUMENT["paths"].values() for node in item.values()]
    bodies = [
        (node["operationId"], body)
        for node in operations
        if isinstance(node, dict) and (body := node.get("requestBody"))
    ]
    assert bodies
    for name, body in bodies:
        if "$ref" in body:
            body = DOCUMENT["components"]["requestBodies"][body["$ref"].rpartition("/")[2]]
        for at, schema in text_schemas(body["content"]["application/json"]["schema"], name):
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            assert not validator.is_valid("a@b\0"), f"{at} lets NUL through"


def test_an_answer_of_the_contract_keeps_its_promise() -> None:
    check_response(CLOSED["create_workspace"], JSONResponse(WORKSPACE, 201, CARRIED))
    check_response(CLOSED["create_workspace"], PlainTextResponse("unauthorized\n", 401, CARRIED))
    check_response(CLOSED["check_health"], Response(status_code=200, headers=CARRIED))


@pytest.mark.parametrize(
    ("operation", "response", "promise"),
    [
        ("create_workspace", JSONResponse(WORKSPACE, 200, CARRIED), "documented are"),
        ("create_workspace", PlainTextResponse("no\n", 500, CARRIED), "documented are"),
        ("create_workspace", PlainTextResponse("Mine", 201, CARRIED), "documented are"),
        ("create_workspace", JSONResponse(WORKSPACE, 201), "without the required header"),
        (
            "create_workspace",
            JSONResponse(WORKSPACE, 201, {**CARRIED, "X-Request-Id": "a b"}),
            "header X-Request-Id",
        ),
        ("login", JSONResponse({"status": "ok"}, 200, CARRIED), "header Set-Cookie"),
        (
            "create_workspace",
            JSONResponse({**WORKSPACE, "owner": "leaked"}, 201, CARRIED),
            "Unevaluated properties",
        ),
        (
            "list_workspaces",
            JSONResponse([WORKSPACE, {**WORKSPACE, "owner": "leaked"}], 200, CARRIED),
            "body[1]",
        ),
        ("create_workspace", JSONResponse({"id": "w"}, 201, CARRIED), "required property"),
        ("create_workspace", JSONResponse({**WORKSPACE, "name": None}, 201, CARRIED), "'name'"),
        (
            "create_workspace",
            JSONResponse({**WORKSPACE, "created_at": "2026-01-01"}, 201, CARRIED),
            "'created_at'",
        ),
        ("create_workspace", PlainTextResponse("two\nlines\n", 400, CARRIED), "match"),
        ("check_health", JSONResponse({}, 200, CARRIED), "none is documented"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_named(
    operation: str, response: Response, promise: str
) -> None:
    with pytest.raises(ContractViolation) as broken:
        check_response(CLOSED[operation], response)
    line = str(broken.value)
    assert line.startswith(f"{operation} responded with {response.status_code}"), line
    assert promise in line


@pytest.mark.parametrize("operation", CLOSED.values(), ids=lambda operation: operation.id)
def test_an_unexpected_failure_is_documented_nowhere(operation: Operation) -> None:
    assert 500 not in operation.responses


def fault(schema: dict[str, Any], value: Any) -> str:
    """What is said of a value that breaks this schema of a field."""
    body = {"properties": {"field": schema}, "required": ["field"]}
    validator = jsonschema_rs.Draft202012Validator(body, validate_formats=True)
    with pytest.raises(jsonschema_rs.ValidationError) as error:
        validator.validate({} if value is ... else {"field": value})
    return explain(error.value, {"^a@b$": "a@b"})


@pytest.mark.parametrize(
    ("schema", "value", "line"),
    [
        ({}, ..., "field: is required"),
        ({"type": "string"}, 1, "field: must be a string"),
        ({"type": ["null", "integer"]}, "1", "field: must be a whole number or null"),
        ({"enum": ["a", "b", None]}, "c", "field: must be one of a, b, null"),
        ({"const": "ok"}, "no", "field: must be ok"),
        ({"format": "date-time"}, "today", "field: must be a valid date-time"),
        ({"pattern": "^a@b$"}, "y", "field: must look like a@b"),
        ({"pattern": "^x$"}, "y", "field: must match ^x$"),
        ({"pattern": "^[^\\u0000]*$"}, "a\0", "field: must not contain NUL"),
        ({"minimum": 0}, -1, "field: must be at least 0"),
        ({"maximum": 5}, 6, "field: must be at most 5"),
        ({"exclusiveMinimum": 0}, 0, "field: must be more than 0"),
        ({"exclusiveMaximum": 5}, 5, "field: must be less than 5"),
        ({"minLength": 1}, "", "field: must have at least 1 character"),
        ({"maxLength": 2}, "abc", "field: must have at most 2 characters"),
        ({"minItems": 1}, [], "field: must have at least 1 item"),
        ({"maxItems": 1}, [1, 2], "field: must have at most 1 item"),
        ({"minProperties": 1}, {}, "field: must have at least 1 field"),
        ({"maxProperties": 0}, {"a": 1}, "field: must have at most 0 fields"),
        ({"uniqueItems": True}, [1, 1], "field: must not hold the same item twice"),
        ({"items": {"required": ["id"]}}, [{"id": 1}, {}], "field[1].id: is required"),
        ({"anyOf": [{"type": "object"}, {"type": "null"}]}, 1, "field: must be an object"),
        ({"not": {}}, 1, "field: is not valid"),
    ],
)
def test_a_broken_rule_is_said_with_its_field(
    schema: dict[str, Any], value: Any, line: str
) -> None:
    assert fault(schema, value) == line
