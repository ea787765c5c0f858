"""No change breaks callers unnoticed: the contract against the last release, and planted breaks."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentserver_contract.contract.breaking import breaking_changes, main
from agentserver_contract.contract.document import Contract, load
from agentserver_contract.contract.source import parse

CHECKOUT = Path(__file__).parents[2]
BASELINE = CHECKOUT / "contract_tests" / "baseline" / "openapi.yaml"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(CHECKOUT / "openapi.yaml")


def git(checkout: Path, *arguments: str) -> str | None:
    """What git prints, None when there is no git, no repository or no such thing."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=checkout, capture_output=True, text=True, encoding="utf-8"
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def released(checkout: Path) -> tuple[str, Contract]:
    """The contract of the last tag, or before there is one the committed baseline.

    Until the first tag, a change of the contract on purpose is copied over the baseline.
    """
    tag = (git(checkout, "describe", "--tags", "--abbrev=0") or "").strip()
    text = git(checkout, "show", f"{tag}:openapi.yaml") if tag else None
    return (tag, Contract(parse(text))) if text else ("the baseline", load(BASELINE))


def test_contract_breaks_nothing_that_was_released(contract: Contract) -> None:
    name, old = released(CHECKOUT)
    changes = list(breaking_changes(old, contract))
    assert not changes, f"since {name}:\n" + "\n".join(map(str, changes))


def test_last_tag_is_what_counts_as_released(tmp_path: Path) -> None:
    if git(tmp_path, "init", "--quiet") is None:
        pytest.skip("git is not installed")
    contract = tmp_path / "openapi.yaml"
    assert released(tmp_path)[0] == "the baseline"
    for version in ("1", "2"):
        contract.write_text(json.dumps({**SMALL, "info": {"version": version}}), encoding="utf-8")
        git(tmp_path, "add", "openapi.yaml")
        who = ("-c", "user.name=tester", "-c", "user.email=tester@example.com")
        git(tmp_path, *who, "-c", "commit.gpgsign=false", "commit", "--quiet", "-m", version)
        git(tmp_path, "tag", f"v{version}")
    contract.write_text(json.dumps({**SMALL, "info": {"version": "3"}}), encoding="utf-8")
    tag, old = released(tmp_path)
    assert (tag, old.document["info"]["version"]) == ("v2", "2")


def test_contract_breaks_nothing_of_itself(contract: Contract) -> None:
    assert not list(breaking_changes(contract, contract))


# A small contract with one of everything, and one change after another planted in it.

STRING = {"type": "string", "maxLength": 9}

THING = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": {"type": "string", "maxLength": 9},
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 9,
            "pattern": "^a",
            "x-max-bytes": 9,
        },
        "size": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 9},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "tags": {
            "type": "array",
            "minItems": 0,
            "maxItems": 9,
            "items": {"$ref": "#/components/schemas/Tag"},
        },
        "owner": {"anyOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "null"}]},
        "both": {"allOf": [{"$ref": "#/components/schemas/Owner"}]},
        "note": {"type": ["string", "null"], "maxLength": 9},
        "ok": {"const": "yes"},
        "parent": {"$ref": "#/components/schemas/Node"},
    },
}

SMALL: Document = {
    "openapi": "3.1.0",
    "info": {"title": "small", "version": "1"},
    "paths": {
        "/things/{thing_id}": {
            "parameters": [
                {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}},
            ],
            "put": {
                "operationId": "set_thing",
                "x-sdk": "things.set",
                "x-required-role": "developer",
                "security": [{"cookie": []}, {"bearer": []}],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Sent"}},
                    },
                },
                "responses": {
                    "200": {
                        "headers": {"X-Request-Id": {"required": True, "schema": STRING}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Shown"}},
                            "text/plain": {"schema": {"type": "string"}},
                        },
                    },
                    "404": {"content": {"text/plain": {"schema": {"type": "string"}}}},
                },
            },
        },
        "/health": {
            "get": {
                "operationId": "check",
                "x-sdk": "health.check",
                "x-required-role": "none",
                "security": [],
                "responses": {"200": {}},
            },
        },
    },
    "components": {
        "schemas": {
            "Sent": THING,
            "Shown": copy.deepcopy(THING),
            "Tag": {"type": "string", "maxLength": 9},
            "Owner": {"type": "object", "required": ["id"], "properties": {"id": STRING}},
            "Node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/components/schemas/Node"}},
            },
        }
    },
}  # fmt: skip

PUT = ("paths", "/things/{thing_id}", "put")
SENT = ("components", "schemas", "Sent")
SHOWN = ("components", "schemas", "Shown")
OK = (*PUT, "responses", "200")


def at(document: Document, *names: str) -> Any:
    for name in names:
        document = document[name]
    return document


def put(*names: str, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        at(document, *names[:-1])[names[-1]] = copy.deepcopy(value)

    return change


def drop(*names: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        del at(document, *names[:-1])[names[-1]]

    return change


def rename_path_parameter(document: Document) -> None:
    document["paths"]["/things/{id}"] = item = document["paths"].pop("/things/{thing_id}")
    item["parameters"][0]["name"] = "id"


def field(
    schema: tuple[str, ...], name: str, keyword: str, value: Any
) -> Callable[[Document], None]:
    return put(*schema, "properties", name, keyword, value=value)


LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}}
PAGE = {**LIMIT, "name": "page"}

BREAKS: list[tuple[str, Callable[[Document], None]]] = [
    ("operation-removed", drop(*PUT)),
    ("operation-removed", drop("paths", "/health")),
    ("operation-id-changed", put(*PUT, "operationId", value="put_thing")),
    ("sdk-moved", put(*PUT, "x-sdk", value="things.put")),
    ("path-parameter-renamed", rename_path_parameter),
    ("security-tightened", put(*PUT, "security", value=[{"cookie": []}])),
    ("security-tightened", put(*PUT, "security", value=[{"cookie": [], "bearer": []}])),
    ("security-tightened", put("paths", "/health", "get", "security", value=[{"cookie": []}])),
    ("role-raised", put(*PUT, "x-required-role", value="owner")),
    ("role-raised", put(*PUT, "x-required-role", value="admin")),
    ("parameter-removed", put(*PUT, "parameters", value=[])),
    ("parameter-required", put(*PUT, "parameters", value=[{**LIMIT, "required": True}])),
    ("parameter-required", put(*PUT, "parameters", value=[LIMIT, {**PAGE, "required": True}])),
    ("request-bound", put(*PUT, "parameters", value=[
        {**LIMIT, "schema": {"type": "integer", "maximum": 8}}])),
    ("body-required", put(*PUT, "requestBody", "required", value=True)),
    ("body-removed", drop(*PUT, "requestBody")),
    ("request-field-required", put(*SENT, "required", value=["name", "size"])),
    ("request-field-removed", drop(*SENT, "properties", "note")),
    ("request-retyped", field(SENT, "note", "type", "string")),
    ("request-retyped", field(SENT, "size", "type", "string")),
    ("request-enum", field(SENT, "kind", "enum", ["a"])),
    ("request-enum", field(SENT, "note", "enum", ["a"])),
    ("request-enum", field(SENT, "ok", "const", "no")),
    ("request-bound", field(SENT, "size", "minimum", 1)),
    ("request-bound", field(SENT, "size", "maximum", 8)),
    ("request-bound", field(SENT, "name", "maxLength", 8)),
    ("request-bound", field(SENT, "name", "minLength", 2)),
    ("request-bound", field(SENT, "name", "x-max-bytes", 8)),
    ("request-bound", field(SENT, "tags", "maxItems", 8)),
    ("request-bound", field(SENT, "tags", "uniqueItems", True)),
    ("request-bound", field(SENT, "tags", "items", {"type": "string", "maxLength": 8})),
    ("request-bound", put(*SENT, "additionalProperties", value={"type": "string", "maxLength": 8})),
    ("request-pattern", field(SENT, "name", "pattern", "^b")),
    ("request-format", field(SENT, "note", "format", "date-time")),
    ("request-closed", put(*SENT, "additionalProperties", value=False)),
    ("request-retyped", field(SENT, "owner", "anyOf", [{"$ref": "#/components/schemas/Owner"}])),
    ("request-alternatives", field(SENT, "both", "allOf", [STRING, STRING])),
    ("status-removed", drop(*PUT, "responses", "404")),
    ("success-added", put(*PUT, "responses", "202", value={})),
    ("header-removed", drop(*OK, "headers", "X-Request-Id")),
    ("header-removed", put(*OK, "headers", "X-Request-Id", "required", value=False)),
    ("media-type-removed", drop(*OK, "content", "text/plain")),
    ("response-field-removed", drop(*SHOWN, "properties", "size")),
    ("response-field-optional", put(*SHOWN, "required", value=[])),
    ("response-retyped", field(SHOWN, "name", "type", ["string", "null"])),
    ("response-retyped", field(SHOWN, "size", "type", "number")),
    ("response-enum", field(SHOWN, "kind", "enum", ["a", "b", "c"])),
    ("response-enum", drop(*SHOWN, "properties", "kind", "enum")),
    ("response-bound", field(SHOWN, "size", "maximum", 10)),
    ("response-bound", drop(*SHOWN, "properties", "size", "minimum")),
    ("response-bound", field(SHOWN, "name", "minLength", 0)),
    ("response-pattern", drop(*SHOWN, "properties", "name", "pattern")),
    ("response-format", field(SHOWN, "size", "format", "int64")),
    ("response-items", drop(*SHOWN, "properties", "tags", "items")),
    ("response-retyped", field(SHOWN, "owner", "anyOf", [
        {"$ref": "#/components/schemas/Owner"}, {"type": "null"}, {"type": "string"}])),
    ("response-alternatives", drop(*SHOWN, "properties", "owner", "anyOf")),
    ("response-field-optional", put("components", "schemas", "Owner", "required", value=[])),
]  # fmt: skip

KEEPS: dict[str, Callable[[Document], None]] = {
    "another operation": put("paths", "/things", value={
        "get": {"operationId": "list", "responses": {"200": {}}}}),
    "an optional parameter": put(*PUT, "parameters", value=[LIMIT, PAGE]),
    "an optional field to send": field(SENT, "size", "x", 1),
    "a new field to send": put(*SENT, "properties", "more", value=STRING),
    "a new field that comes": put(*SHOWN, "properties", "more", value=STRING),
    "a field that always comes": put(*SHOWN, "required", value=["name", "size"]),
    "a field that may be left out": put(*SENT, "required", value=[]),
    "a new error": put(*PUT, "responses", "409", value={}),
    "another header": put(*OK, "headers", "X-More", value={"schema": {"type": "string"}}),
    "another credential": put(*PUT, "security", value=[
        {"cookie": []}, {"bearer": []}, {"basic": []}]),
    "no credential needed": put(*PUT, "security", value=[{}]),
    "a lower role": put(*PUT, "x-required-role", value="guest"),
    "more values to send": field(SENT, "kind", "enum", ["a", "b", "c"]),
    "fewer values that come": field(SHOWN, "kind", "enum", ["a"]),
    "wider bounds to send": field(SENT, "size", "maximum", 10),
    "narrower bounds that come": field(SHOWN, "size", "maximum", 8),
    "null may be sent": field(SENT, "name", "type", ["string", "null"]),
    "null no longer comes": field(SHOWN, "note", "type", "string"),
    "lists of anything may be sent": drop(*SENT, "properties", "tags", "items"),
    "no pattern to send": drop(*SENT, "properties", "name", "pattern"),
    "another alternative to send": field(SENT, "owner", "anyOf", [
        {"$ref": "#/components/schemas/Owner"}, {"type": "null"}, {"type": "string"}]),
    "one alternative fewer comes": field(SHOWN, "owner", "anyOf", [
        {"$ref": "#/components/schemas/Owner"}]),
    "other words": put(*PUT, "description", value="Better said."),
    "deprecation": put(*PUT, "deprecated", value=True),
}  # fmt: skip


NEUTRAL = {
    "an optional field to send",
    "a new error",
    "other words",
    "deprecation",
}
"""Harmless in both directions; all others are breaks when they are taken back."""


def changed(change: Callable[[Document], None]) -> Contract:
    document = copy.deepcopy(SMALL)
    change(document)
    return Contract(document)


@pytest.mark.parametrize(
    ("rule", "change"),
    [pytest.param(rule, change, id=f"{rule}-{n}") for n, (rule, change) in enumerate(BREAKS)],
)
def test_planted_break_is_found(rule: str, change: Callable[[Document], None]) -> None:
    changes = list(breaking_changes(Contract(SMALL), changed(change)))
    assert rule in {found.rule for found in changes}, f"found only {changes}"
    expected = "check (GET /health)" if "health" in str(changes[0].operation) else "set_thing"
    assert all(found.operation.startswith(expected) for found in changes)


@pytest.mark.parametrize("name", KEEPS)
def test_harmless_change_breaks_nothing(name: str) -> None:
    changes = list(breaking_changes(Contract(SMALL), changed(KEEPS[name])))
    assert not changes, "\n".join(map(str, changes))


@pytest.mark.parametrize("name", [name for name in KEEPS if name not in NEUTRAL])
def test_harmless_change_taken_back_is_a_break(name: str) -> None:
    assert list(breaking_changes(changed(KEEPS[name]), Contract(SMALL)))


def test_break_planted_in_the_contract_is_found(contract: Contract) -> None:
    """What the test against the last release compares, with one required field more."""
    document = json.loads(json.dumps(contract.document))
    document["components"]["schemas"]["WorkspaceCreateRequest"]["required"].append("region")
    changes = list(breaking_changes(contract, Contract(document)))
    assert [(change.rule, change.at) for change in changes] == [
        ("request-field-required", "request body $.region")
    ]
    assert "create_workspace (POST /api/workspaces)" in str(changes[0])


def test_command_prints_changes_and_tells_them_by_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps(SMALL), encoding="utf-8")
    new.write_text(json.dumps(changed(drop("paths", "/health")).document), encoding="utf-8")

    assert main([str(old), str(old)]) == 0
    assert capsys.readouterr().out == "nothing breaks\n"
    assert main([str(old), str(new)]) == 1
    assert "check (GET /health): operation: is gone [operation-removed]" in capsys.readouterr().out
    assert main([str(old), str(new), "--format", "json"]) == 1
    (change,) = json.loads(capsys.readouterr().out)
    assert change["rule"] == "operation-removed"
    assert main([str(old), str(tmp_path / "absent.json")]) == 2
    assert "absent.json: cannot be read" in capsys.readouterr().err


def test_command_runs_as_a_module() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "agentserver_contract.contract.breaking",
            str(BASELINE),
            str(BASELINE),
        ],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "nothing breaks\n"), done.stderr
