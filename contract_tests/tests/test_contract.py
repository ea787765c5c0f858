"""The contract keeps its own rules, and each rule is seen to catch what it is for."""

from __future__ import annotations

import copy
import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from agentserver_contract.contract.document import JSON, Contract, Located, load
from agentserver_contract.contract.rules import RULES
from agentserver_contract.contract.source import ContractError, parse

CHECKOUT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(CHECKOUT / "openapi.yaml")


def test_contract_is_valid_openapi_3_1(contract: Contract) -> None:
    errors = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in OpenAPIV31SpecValidator(contract.document).iter_errors()
    ]
    assert str(contract.document["openapi"]).startswith("3.1.")
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("name", RULES)
def test_contract_keeps_the_rule(contract: Contract, name: str) -> None:
    violations = list(RULES[name](contract))
    assert not violations, f"{RULES[name].__doc__}\n" + "\n".join(map(str, violations))


@pytest.mark.parametrize("name", RULES)
def test_rule_allows_every_kind_of_operation(name: str) -> None:
    violations = list(RULES[name](load(DATA / "every_kind.yaml")))
    assert not violations, f"{RULES[name].__doc__}\n" + "\n".join(map(str, violations))


def test_contract_and_known_operations_agree(contract: Contract) -> None:
    """Names, methods, paths and types are those that the documentation of agentserver gives."""
    with (DATA / "operations.tsv").open(encoding="utf-8") as lines:
        known = {row["operation_id"]: row for row in csv.DictReader(lines, delimiter="\t")}
    wrong = []
    for operation in contract.operations.values():
        row = known.get(operation.id)
        if row is None:
            wrong.append(f"{operation}: no operation of agentserver has this name")
            continue
        success = operation.success.status
        answer = operation.responses[success].schema(JSON)
        found = {
            "method": operation.method,
            "path": operation.path,
            "request": type_name(operation.body),
            "status": str(success),
            "answer": type_name(answer),
        }
        wrong += [
            f"{operation}: {key} is {value}, documented is {row[key]}"
            for key, value in found.items()
            if value != row[key]
        ]
    assert not wrong, "\n".join(wrong)


def test_documented_types_have_their_documented_fields(contract: Contract) -> None:
    documented = json.loads((DATA / "documented_types.json").read_text(encoding="utf-8"))
    wrong, seen = [], 0
    for name, schema in contract.schemas.items():
        if name not in documented:
            continue
        seen += 1
        fields = schema.get("properties", {})
        if list(fields) != list(documented[name]):
            wrong.append(f"{name}: has {list(fields)}, documented are {list(documented[name])}")
        for field, inner in documented[name].items():
            if inner and f'"#/components/schemas/{inner}"' not in json.dumps(fields.get(field)):
                wrong.append(f"{name}.{field}: is no {inner}")
    assert not wrong, "\n".join(wrong)
    assert seen, "the contract has none of the documented types"


def type_name(schema: Located | None) -> str:
    """`Workspace`, `[Workspace]` or `-`, as the list of operations writes it."""
    if schema is None:
        return "-"
    if schema.value.get("type") == "array":
        return f"[{type_name(schema.child('items'))}]"
    return str(schema.value.get("$ref", "an unnamed schema")).rpartition("/")[2]


# Each plant breaks one rule in a copy of the contract.

CREATE = ("paths", "/api/workspaces", "post")
READ = ("paths", "/api/workspaces/{workspace_id}", "get")
TURN = ("paths", "/api/turns", "post")
REQUEST_NAME = ("components", "schemas", "WorkspaceCreateRequest", "properties", "name")


def at(document: Document, *names: str) -> Any:
    for name in names:
        document = document[name]
    return document


def put(*names: str, value: Any) -> Callable[[Document], None]:
    def plant(document: Document) -> None:
        at(document, *names[:-1])[names[-1]] = copy.deepcopy(value)

    return plant


def drop(*names: str) -> Callable[[Document], None]:
    def plant(document: Document) -> None:
        del at(document, *names[:-1])[names[-1]]

    return plant


def rename_parameter(document: Document) -> None:
    document["paths"] = {
        path.replace("{workspace_id}", "{wid}"): item for path, item in document["paths"].items()
    }
    document["components"]["parameters"]["workspace_id"]["name"] = "wid"


def take_away_producers(document: Document) -> None:
    """Leaves one read by id, with nothing that gives the id."""
    path = "/api/workspaces/{workspace_id}"
    read = {
        key: value for key, value in document["paths"][path].items() if key in ("get", "parameters")
    }
    document["paths"] = {path: read}


TEXT_200 = {
    "description": "x",
    "headers": {},
    "content": {"text/plain": {"schema": {"type": "string"}, "example": "x"}},
}

PLANTS: dict[str, list[Callable[[Document], None]]] = {
    "every_operation_has_a_name_of_its_own": [
        drop(*CREATE, "operationId"),
        put(*CREATE, "operationId", value="get_workspace"),
        put(*CREATE, "operationId", value="createWorkspace"),
        drop(*CREATE, "x-sdk"),
        put(*CREATE, "x-sdk", value="workspaces.get"),
        put(*CREATE, "x-sdk", value="create"),
    ],
    "no_sdk_method_is_also_a_resource": [put(*CREATE, "x-sdk", value="workspaces.get.create")],
    "every_operation_says_who_may": [
        drop(*CREATE, "x-required-role"),
        put(*CREATE, "x-required-role", value="root"),
        put(*CREATE, "x-required-role", value="none"),
        put(*CREATE, "security", value=[]),
        put(*CREATE, "security", value=[{"basic": []}]),
    ],
    "every_operation_is_described": [
        drop(*CREATE, "summary"),
        put(*CREATE, "description", value=" "),
        put(*CREATE, "tags", value=["misc"]),
    ],
    "everything_named_is_described": [
        drop("components", "schemas", "Workspace", "description"),
        drop(*REQUEST_NAME, "description"),
        drop("components", "parameters", "workspace_id", "description"),
    ],
    "refusals_are_documented": [
        drop(*READ, "responses", "401"),
        drop(*READ, "responses", "403"),
        *(drop(*CREATE, "responses", status) for status in ("400", "413", "415")),
    ],
    "statuses_are_explicit": [
        put(*READ, "responses", "default", value=TEXT_200),
        put(*READ, "responses", "500", value=TEXT_200),
        put(*READ, "responses", "302", value=TEXT_200),
        put(*READ, "responses", "600", value=TEXT_200),
        drop(*READ, "responses", "200"),
    ],
    "errors_are_text": [
        put("components", "responses", "Unauthorized", "content", value={JSON: {"schema": {}}}),
        put("components", "responses", "EmailTaken", "content", value={}),
    ],
    "media_types_are_real": [
        put(*READ, "responses", "200", "content", value={"*/*": {"schema": {"type": "string"}}}),
        put(*READ, "responses", "200", "content", value={JSON: {}}),
        put(*READ, "responses", "200", value=TEXT_200),
        put(
            *CREATE, "requestBody", "content", value={"text/plain": {"schema": {"type": "string"}}}
        ),
    ],
    "every_response_has_its_headers": [
        drop(*READ, "responses", "200", "headers", "X-Request-Id"),
        put("components", "headers", "X-Content-Type-Options", "required", value=False),
    ],
    "schemas_are_valid": [
        put(*REQUEST_NAME, "type", value="text"),
        put(*REQUEST_NAME, "pattern", value="["),
        put(*REQUEST_NAME, "format", value="datetime"),
        put(*REQUEST_NAME, "nullable", value=True),
        put("components", "schemas", "Workspace", "required", value=["owner"]),
    ],
    "requests_have_no_defaults": [put(*REQUEST_NAME, "default", value="New Workspace")],
    "requests_are_bounded": [
        drop(*REQUEST_NAME, "maxLength"),
        put(*REQUEST_NAME, value={"type": "integer", "minimum": 0}),
        put(*REQUEST_NAME, value={"type": "array", "items": {"type": "boolean"}}),
        put(*REQUEST_NAME, value={"type": ["string", "null"]}),
        drop("components", "schemas", "Id", "maxLength"),
    ],
    "texts_sent_contain_no_nul": [
        drop(*REQUEST_NAME, "pattern"),
        drop("components", "schemas", "LLMModel", "properties", "id", "pattern"),
    ],
    "alternatives_are_distinguishable": [
        put(*REQUEST_NAME, value={"oneOf": [{"type": "object"}, {"type": "object"}]})
    ],
    "path_parameters_name_the_thing": [
        rename_parameter,
        drop("components", "parameters", "workspace_id", "required"),
        put("components", "parameters", "workspace_id", "name", value="sandbox_id"),
    ],
    "path_parameters_are_linked": [take_away_producers],
    "consuming_reads_are_marked": [
        put(*CREATE, "x-consumes", value=True),
        put(*READ, "x-consumes", value=False),
    ],
    "a_workspace_field_is_required": [
        put(*TURN, "x-workspace-field", value="threadId"),
        put(*TURN, "x-required-role", value="user"),
    ],
    "every_body_has_an_example": [
        drop(*READ, "responses", "200", "content", JSON, "example"),
        drop(*CREATE, "requestBody", "content", JSON, "example"),
        drop("components", "parameters", "workspace_id", "example"),
    ],
    "examples_are_valid": [
        put(*READ, "responses", "200", "content", JSON, "example", value={"id": 5}),
        put(*CREATE, "requestBody", "content", JSON, "example", value={"name": ""}),
        put("components", "parameters", "workspace_id", "example", value=""),
        put(*REQUEST_NAME, "examples", value=["x" * 256]),
    ],
}


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        pytest.param(name, plant, id=f"{name}-{n}")
        for name in PLANTS
        for n, plant in enumerate(PLANTS[name])
    ],
)
def test_rule_catches_what_is_planted(
    contract: Contract, name: str, plant: Callable[[Document], None]
) -> None:
    document = json.loads(json.dumps(contract.document))
    plant(document)
    assert list(RULES[name](Contract(document))), f"{name} saw nothing: {RULES[name].__doc__}"


def test_every_rule_has_a_plant() -> None:
    assert set(PLANTS) == set(RULES)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("true", True),
        ("12", 12),
        ("1e3", 1000.0),
        ("", None),
    ],
)
def test_yaml_means_what_the_same_words_mean_in_json(written: str, value: object) -> None:
    document = parse(f"openapi: 3.1.0\npaths: {{}}\nx-value: {written}\n")
    assert document["x-value"] == value


def test_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(ContractError, match="paths stands twice"):
        parse("openapi: 3.1.0\npaths: {}\npaths: {}\n")


def test_reading_the_contract_loads_nothing_that_sends_or_fuzzes() -> None:
    """The generators read it too, in environments that have no more than they need."""
    read = (
        "import sys, agentserver_contract.contract.document as d, pathlib;"
        f"d.load(pathlib.Path({str(CHECKOUT / 'openapi.yaml')!r})).operations;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", read], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"agentserver", "httpx", "hypothesis", "requests", "schemathesis"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("absent.yaml", None, "cannot be read"),
        ("broken.yaml", "a: [", "not YAML"),
        ("broken.json", "{", "not JSON"),
        ("other.json", "[]", "no `paths`"),
    ],
)
def test_unreadable_contract_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load(path)
    assert said in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
