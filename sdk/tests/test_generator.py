"""The generator: it writes what is committed, and what it does not know stops it by name."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / "sdk/generator"
TEMPLATES = GENERATOR / "templates"
GENERATED = Path("sdk/agentserver/_generated")


@dataclass
class Done:
    status: int
    stdout: str
    stderr: str


Generate = Callable[..., Done]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Generate:
    """The command, run inside this process, where what it imports is imported once."""
    monkeypatch.syspath_prepend(str(GENERATOR))
    command = import_module("generate").main

    def run(*arguments: object) -> Done:
        status = command([str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    return run


def test_committed_tree_is_what_the_generator_writes() -> None:
    done = subprocess.run(
        [sys.executable, str(GENERATOR / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_a_changed_template_shows_in_the_check(generate: Generate, tmp_path: Path) -> None:
    changed = shutil.copytree(TEMPLATES, tmp_path / "templates")
    template = changed / "endpoint_module.py.jinja"
    text = template.read_text(encoding="utf-8")
    assert "Make a call" in text
    template.write_text(text.replace("Make a call", "Make one call"), encoding="utf-8")
    done = generate("--check", "--templates", changed)
    assert done.status == 1
    assert f"{GENERATED}/api/auth/login.py: differs" in done.stderr
    assert '+    """Make one call of the operation ready to send."""' in done.stderr


def test_missing_surplus_and_edited_files_show_in_the_check_and_are_put_right(
    generate: Generate, tmp_path: Path
) -> None:
    source = tmp_path / "openapi.yaml"
    source.write_text(json.dumps(EVERYTHING), encoding="utf-8")
    here = ("--contract", source, "--output", tmp_path)
    assert generate(*here).status == 0
    package = tmp_path / GENERATED
    edited, stray = package / "api/shelves/add_book.py", package / "api/shelves/stray.py"
    original = edited.read_text(encoding="utf-8")
    edited.write_text(f"{original}\n# edited by hand\n", encoding="utf-8")
    stray.write_text("", encoding="utf-8")
    (package / "models/book.py").unlink()
    done = generate("--check", *here)
    assert done.status == 1
    assert f"{GENERATED}/api/shelves/add_book.py: differs" in done.stderr
    assert f"{GENERATED}/api/shelves/stray.py: surplus" in done.stderr
    assert f"{GENERATED}/models/book.py: missing" in done.stderr
    assert generate(*here).status == 0
    assert edited.read_text(encoding="utf-8") == original
    assert not stray.exists()
    assert generate("--check", *here).status == 0


def test_templates_differ_from_the_pinned_generators_own_and_say_why() -> None:
    upstream = distribution("openapi-python-client")
    theirs = Path(str(upstream.locate_file("openapi_python_client/templates")))
    ours = sorted(TEMPLATES.rglob("*.jinja"))
    assert ours
    for path in ours:
        name = path.relative_to(TEMPLATES)
        head, _, rest = path.read_text(encoding="utf-8").partition("\n")
        if not (theirs / name).exists():
            assert re.fullmatch(r"\{# Ours: .+\. #\}", head), name
            continue
        origin = rf"\{{# From openapi-python-client {re.escape(upstream.version)}, "
        assert re.fullmatch(rf"{origin}(changed|rewritten): .+\. #\}}", head), name
        assert rest != (theirs / name).read_text(encoding="utf-8"), f"{name} is not needed"


def test_json_copy_keeps_times_as_text(generate: Generate, tmp_path: Path) -> None:
    source = tmp_path / "openapi.yaml"
    text = json.dumps({**EVERYTHING, "x-since": "SINCE"})
    source.write_text(text.replace('"SINCE"', "2026-11-23T10:00:00Z"), encoding="utf-8")
    assert generate("--contract", source, "--output", tmp_path).status == 0
    copy = tmp_path / "reference_server/agentserver_reference/openapi.json"
    document = json.loads(copy.read_text(encoding="utf-8"))
    assert document == {**EVERYTHING, "x-since": "2026-11-23T10:00:00Z"}


# --- a contract with everything -------------------------------------------------------------------


def path_parameter(name: str, **more: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, **more}


ERROR = {"description": "No.", "content": {"text/plain": {"schema": {"type": "string"}}}}
EVERYTHING: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "everything", "version": "1"},
    "security": [{"sessionCookie": []}],
    "paths": {
        "/shelves/{shelf_id}/books/{trace_id}": {
            "get": {
                "operationId": "search_books",
                "x-sdk": "shelves.books.search",
                "x-required-role": "user",
                "x-consumes": True,
                "deprecated": True,
                "tags": ["shelves"],
                "summary": "Search",
                "description": 'Says """quoted""" and \\ too.',
                "parameters": [
                    path_parameter("trace_id", **{"x-unescaped": ":@"}),
                    path_parameter("shelf_id"),
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {
                        "name": "since",
                        "in": "query",
                        "schema": {"type": "string", "format": "date-time"},
                    },
                    {
                        "name": "tag",
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "string"}},
                    },
                    {
                        "name": "isOpen",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "boolean"},
                    },
                ],
                "responses": {
                    "200": {
                        "description": "Found.",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "maxItems": 2,
                                    "items": {"$ref": "#/components/schemas/Book"},
                                }
                            }
                        },
                    },
                    "401": ERROR,
                },
            },
            "post": {
                "operationId": "add_book",
                "x-sdk": "shelves.books.add",
                "x-required-role": "user",
                "tags": ["shelves"],
                "summary": "Add",
                "description": "Adds.",
                "security": [{"bearerToken": []}, {"sessionCookie": []}, {}],
                "parameters": [
                    path_parameter("shelf_id"),
                    path_parameter("trace_id"),
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/BookRequest"}}
                    }
                },
                "responses": {"204": {"description": "Added."}, "401": ERROR},
            },
        }
    },
    "components": {
        "securitySchemes": {
            "sessionCookie": {"type": "apiKey", "in": "cookie", "name": "agentserver-token"},
            "bearerToken": {"type": "http", "scheme": "bearer"},
        },
        "schemas": {
            "Binding": {"type": "string", "enum": ["hard-cover", "paper"]},
            "Book": {
                "type": "object",
                "additionalProperties": False,
                "required": ["class", "max", "labels"],
                "properties": {
                    "class": {"type": "string"},
                    "max": {"type": ["integer", "null"]},
                    "labels": {"type": "object", "additionalProperties": {"type": "boolean"}},
                    "coverBinding": {
                        "anyOf": [{"$ref": "#/components/schemas/Binding"}, {"type": "null"}]
                    },
                    "sequel": {"$ref": "#/components/schemas/Book"},
                    "pages": {"type": ["integer", "null"]},
                    "lent_at": {"type": "string", "format": "date-time"},
                    "read_at": {
                        "type": "array",
                        "items": {"type": "string", "format": "date-time"},
                    },
                    "bindings": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/Binding"},
                    },
                    "words": {"type": ["array", "null"], "items": {"type": "string"}},
                    "prequels": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/Book"},
                    },
                },
            },
            "BookRequest": {
                "type": "object",
                "properties": {
                    "from": {"type": "string"},
                    "book": {"$ref": "#/components/schemas/Book"},
                    "pin": {"type": ["string", "null"], "format": "password"},
                },
            },
        },
    },
}

# Runs where the package's generated part is that of the contract with everything.
TRIAL = """
import asyncio, warnings
from datetime import UTC, datetime
from agentserver._generated.resources import AsyncResources, Resources
from agentserver._decoding import DecodeError, Decoding
from agentserver._omit import OMIT
from agentserver.models import Binding, Book, BookDict

class Client(Resources):
    def _call(self, call): return call

class AsyncClient(AsyncResources):
    async def _call(self, call): return call

books = Client().shelves.books
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    here = "trial"
    call = books.search("a/b", "x:y@z/", is_open=False, tag=["p q", "r"], limit=0,
                        since=datetime(2026, 11, 23, tzinfo=UTC))
    async def search():
        return await AsyncClient().shelves.books.search("a", "b", is_open=True)
    asyncio.run(search())
assert [w.category for w in caught] == [DeprecationWarning] * 2, caught
assert {w.filename for w in caught} == {__file__}, [w.filename for w in caught]
assert "client.shelves.books.search" in str(caught[0].message)
assert call.path == "/shelves/a%2Fb/books/x:y@z%2F", call.path
assert call.query == (("limit", "0"), ("since", "2026-11-23T00:00:00Z"), ("tag", "p q"),
                      ("tag", "r"), ("isOpen", "false")), call.query
assert call.operation.consumes and not call.operation.idempotent and not call.operation.safe
assert call.operation.security == ("sessionCookie",)
assert 'Says \"\"\"quoted\"\"\" and \\\\ too.' in Client.shelves.fget(Client()).books.search.__doc__

(book,) = call.operation.decoder(200)(
    [{"class": "A", "max": None, "labels": {"new": True}, "coverBinding": "spiral",
      "sequel": {"class": "B", "max": 2, "labels": {}}}], Decoding())
assert (book.class_, book.max, book.labels) == ("A", None, {"new": True})
assert book.cover_binding == "spiral"
assert isinstance(book.cover_binding, Binding) and isinstance(book.sequel, Book)

def spread(value):
    if isinstance(value, Book):
        return type(value), [spread(getattr(value, each.attribute)) for each in value.FIELDS]
    return (list, list(map(spread, value))) if isinstance(value, list) else (type(value), value)

time = "2026-11-23T10:00:00Z"
nested = {"class": "B", "max": 2.0, "labels": {"new": True}, "lent_at": time, "pages": 3.0,
          "read_at": [time, 5], "bindings": ["paper", "spiral", None], "words": ["a", 1]}
book = Book._read({**nested, "prequels": [nested, "none"], "sequel": nested})
assert (book.max, book.pages, type(book.pages)) == (2, 3, int)
assert book.lent_at == book.read_at[0] == datetime(2026, 11, 23, 10, tzinfo=UTC)
assert book.read_at[1] == 5 and book.words == ["a", 1] and book.prequels[1] == "none"
assert type(book.bindings[0]) is type(book.bindings[1]) is Binding and book.bindings[2] is None
assert book.sequel == book.prequels[0] == Book.from_dict(nested)
for name in (each.name for each in Book.FIELDS):
    for odd in (None, 1, 1.0, 1.5, True, "", "x", time, [], {}, [[]], [{}], [None], nested):
        value = {**nested, name: odd}
        assert spread(Book._read(value)) == spread(Book._read_by_table(value)), value
deep = {}
for _ in range(100):
    deep = {"sequel": deep}
assert Book._read(deep).to_dict() == deep, "each level is read once, or this never ends"

for wrong, path in (
    ([{"class": "A", "max": None, "labels": {}, "extra": 1}], "$[0].extra"),
    ([{"class": "A", "max": None, "labels": {"n": 1}}], "$[0].labels.n"),
    ([{"class": "A", "max": None, "labels": {}, "sequel": {}}], "$[0].sequel.class"),
    ([{"class": "A", "max": 1, "labels": {}}] * 3, "$"),
):
    try:
        call.operation.decoder(200)(wrong, Decoding(strict=True))
    except DecodeError as error:
        assert error.path == path, error
    else:
        raise AssertionError(f"{wrong} was taken")

add = books.add("s", "t")
assert add.body is OMIT, "an optional body of which nothing is given is not sent"
assert add.operation.security == ("bearerToken", "sessionCookie")
assert add.operation.security_optional
add = books.add("s", "t", from_="x", book=Book(class_="C", max=1, labels={}), pin=None)
whole = {"from": "x", "book": {"class": "C", "max": 1, "labels": {}}, "pin": None}
assert add.body == whole, add.body
assert books.add("s", "t", book={"class": "D"}).body == {"book": {"class": "D"}}
assert BookDict.__required_keys__ == {"class", "max", "labels"}, BookDict.__required_keys__
assert "pages" in BookDict.__optional_keys__
assert books.add("s", "t", pin="1234").body["pin"].reveal() == "1234"
"""


def test_everything_a_contract_can_say_becomes_calls_and_models(
    generate: Generate, tmp_path: Path
) -> None:
    by_hand = shutil.ignore_patterns("_generated", "__pycache__")
    shutil.copytree(ROOT / "sdk/agentserver", tmp_path / "sdk/agentserver", ignore=by_hand)
    source = tmp_path / "openapi.yaml"
    source.write_text(json.dumps(EVERYTHING), encoding="utf-8")
    done = generate("--contract", source, "--output", tmp_path)
    assert done.status == 0, done.stderr
    script = tmp_path / "trial.py"
    script.write_text(TRIAL, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "sdk")},
    )
    assert ran.returncode == 0, ran.stderr


GET = ("paths", "/shelves/{shelf_id}/books/{trace_id}", "get")
BOOK = ("components", "schemas", "Book", "properties")


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ((*BOOK, "max"), {"type": "integer", "multipleOf": 2}, "multipleOf"),
        ((*BOOK, "max"), {"type": "string", "format": "ipv4"}, "format ipv4"),
        ((*BOOK, "max"), {"type": ["integer", "string"]}, "integer"),
        ((*BOOK, "max"), {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "anyOf of 2 types"),
        ((*BOOK, "max"), {"type": "string", "enum": ["a"]}, "components/schemas"),
        ((*BOOK, "max"), {"type": "object", "properties": {"a": {}}}, "components/schemas"),
        ((*GET, "parameters", 2, "in"), "cookie", "parameters in cookie"),
        (
            (*GET, "parameters", 2),
            {"name": "Accept", "in": "header", "schema": {"type": "string"}},
            "Accept cannot be a parameter",
        ),
        (
            ("components", "securitySchemes", "bearerToken", "scheme"),
            "basic",
            "bearerToken: a credential is",
        ),
        (
            ("components", "securitySchemes", "sessionCookie"),
            {"type": "http", "scheme": "bearer"},
            "sessionCookie: a credential is",
        ),
        ((*GET, "security"), [{"sessionCookie": [], "bearerToken": []}], "search_books"),
        ((*GET, "x-sdk"), "shelves.books.add", "add"),
        ((*GET, "x-sdk-wait"), {"read": "add_book", "id": "id"}, "add_book cannot be waited for"),
        ((*GET, "x-sdk-wait"), {"ask": "nobody"}, "nobody is not about the same"),
        (
            (*GET, "x-sdk-wait"),
            {"ask": "search_books", "state": "title", "until": "x", "expired": [], "dead_ends": []},
            "title is never x",
        ),
        ((*GET, "responses"), {"401": ERROR}, "no status of success"),
        ((*GET, "responses", "200", "content"), {"text/html": {"schema": {}}}, "text/html"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_the_generator_does_not_know_stops_it_by_name(
    generate: Generate, tmp_path: Path, place: tuple[Any, ...], value: Any, said: str
) -> None:
    contract: Any = deepcopy(EVERYTHING)
    node = contract
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    source, output = tmp_path / "openapi.yaml", tmp_path / "output"
    source.write_text(json.dumps(contract), encoding="utf-8")
    done = generate("--contract", source, "--output", output)
    assert done.status == 1, done.stdout
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1, "one clear line"
    assert not output.exists(), "nothing is written"


def test_what_is_created_and_waited_for_has_an_id_in_the_answer(
    generate: Generate, tmp_path: Path
) -> None:
    copy = ROOT / "reference_server/agentserver_reference/openapi.json"
    contract = json.loads(copy.read_text(encoding="utf-8"))
    creation = contract["paths"]["/api/workspaces/{workspace_id}/tasks"]["post"]
    creation["x-sdk-wait"]["id"] = "id"
    source = tmp_path / "openapi.yaml"
    source.write_text(json.dumps(contract), encoding="utf-8")
    done = generate("--contract", source, "--output", tmp_path / "output")
    assert done.status == 1, done.stdout
    assert "create_workspace_task: x-sdk-wait: the answer does not always have id" in done.stderr


def test_contract_that_cannot_be_read_is_refused_by_name(
    generate: Generate, tmp_path: Path
) -> None:
    done = generate("--contract", tmp_path / "none.yaml")
    assert done.status == 1
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.stderr
