"""The generated tree: each operation is one method, synchronous and not, and all of it is lazy."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentserver import AsyncClient, Client, ServiceUnavailable, models
from agentserver._errors import ArgumentError, class_for
from agentserver._generated.resources import AsyncResources, Resources
from agentserver._omit import OMIT
from agentserver._operation import Call
from agentserver._secret import Secret
from agentserver.pagination import AsyncCursorPager, AsyncPager, CursorPager, Pager

ROOT = Path(__file__).parents[2]
CONTRACT = json.loads(
    (ROOT / "reference_server/agentserver_reference/openapi.json").read_text(encoding="utf-8")
)


class Recorder(Resources):
    """Returns the call instead of sending it."""

    def _call(self, call: Call[Any]) -> Any:
        return call


class AsyncRecorder(AsyncResources):
    """Returns the call instead of sending it."""

    async def _call(self, call: Call[Any]) -> Any:
        return call


def call_of(result: Any) -> Call[Any]:
    """The call that a recorder returned, which is in the pager of a list that comes in pages."""
    is_pager = isinstance(result, Pager | AsyncPager | CursorPager | AsyncCursorPager)
    found: Call[Any] = result.answer if is_pager else result
    return found


def follow(node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = CONTRACT
        for part in node["$ref"].split("/")[1:]:
            target = target[part]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def operations() -> dict[str, tuple[str, str, dict[str, Any], list[Any]]]:
    return {
        raw["operationId"]: (method.upper(), path, raw, item.get("parameters", []))
        for path, item in CONTRACT["paths"].items()
        for method, raw in item.items()
        if isinstance(raw, dict) and "operationId" in raw
    }


OPERATIONS = operations()


def parameters_of(operation: str) -> list[Mapping[str, Any]]:
    _, _, raw, shared = OPERATIONS[operation]
    return [follow(each) for each in (*shared, *raw.get("parameters", []))]


def required_query(operation: str) -> dict[str, Any]:
    """The query arguments that a call cannot leave out."""
    wanted = [each for each in parameters_of(operation) if each["in"] == "query"]
    return {each["name"]: each["example"] for each in wanted if each.get("required")}


def arguments(operation: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Path arguments and body of the operation's own example."""
    raw = OPERATIONS[operation][2]
    path = {
        each["name"]: each["example"] for each in parameters_of(operation) if each["in"] == "path"
    }
    body = follow(raw.get("requestBody", {})).get("content", {}).get("application/json", {})
    return path, body.get("example", {})


def python(name: str) -> str:
    """What a field is called as an argument."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that send a body."""
    return {python(name): value for name, value in body.items()}


@pytest.fixture(autouse=True)
def always_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The `Idempotency-Key` that a call makes up."""
    monkeypatch.setattr("uuid.uuid4", lambda: "0b9e2a54-9f0e-4b3f-8d0b-1f5c7a1e6d20")


def method(root: object, operation: str) -> Any:
    found: Any = root
    for name in OPERATIONS[operation][2]["x-sdk"].split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
def test_call_carries_what_the_contract_says_of_the_operation(operation: str) -> None:
    verb, path, raw, _ = OPERATIONS[operation]
    named, body = arguments(operation)
    query = required_query(operation)
    call = call_of(method(Recorder(), operation)(*named.values(), **query, **given(body)))
    said = call.operation
    assert (said.id, said.method, said.path) == (operation, verb, path)
    assert call.path == path.format(**named)
    assert dict(call.query) == query
    successes = [status for status in raw["responses"] if status[0] in "23"]
    assert [*map(str, said.success)] == successes
    assert sorted(said.errors) == sorted(
        int(status) for status in raw["responses"] if status[0] in "45"
    )
    requirements = raw["security"]
    assert said.security == tuple(name for each in requirements for name in each)
    assert said.security_optional is (len(requirements) > 1 and {} in requirements)
    assert said.consumes is raw.get("x-consumes", False)
    for status, decode in said.success.items():
        has_result = status >= 300 or "content" in follow(raw["responses"][str(status)])
        assert (decode is None) is not has_result
    sent = call.body
    if "requestBody" in raw:
        revealed = {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in sent.items()
        }
        assert revealed == body
    else:
        assert sent is OMIT


AWAITED = " It may be a coroutine function."


def _words(function: Callable[..., object]) -> str:
    return " ".join((function.__doc__ or "").split())


def _called(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter, without the await of what a function that is given returns."""
    annotation = str(parameter.annotation).replace("Awaitable[object] | object", "object")
    return parameter.replace(annotation=annotation)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_async_method_makes_the_same_call_from_the_same_arguments(operation: str) -> None:
    path, body = arguments(operation)
    path |= required_query(operation)
    synchronous, asynchronous = method(Recorder(), operation), method(AsyncRecorder(), operation)
    assert inspect.iscoroutinefunction(asynchronous)
    one, other = inspect.signature(synchronous), inspect.signature(asynchronous)
    assert [*one.parameters.values()] == [_called(each) for each in other.parameters.values()]
    assert one.return_annotation == other.return_annotation.removeprefix("Async")
    assert _words(synchronous) == _words(asynchronous).replace(AWAITED, "")
    sent = asyncio.run(asynchronous(**path, **given(body)))
    assert call_of(sent) == call_of(synchronous(**path, **given(body)))


CREDENTIALS = {"session": "0" * 64, "token": "0" * 32}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_both_clients_send_the_same_request(operation: str) -> None:
    path, body = arguments(operation)
    query = required_query(operation)
    sent: list[tuple[str, bytes, bytes, dict[str, str]]] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        headers = {k: v for k, v in request.headers.items() if k != "x-request-id"}
        sent.append((request.method, request.url.raw_path, request.content, headers))
        return httpx.Response(503, text="not now\n")

    transport = httpx.MockTransport(refuse)
    with (
        Client("http://127.0.0.1", **CREDENTIALS, transport=transport, max_retries=0) as client,
        pytest.raises(ServiceUnavailable, match="not now"),
    ):
        method(client, operation)(**path, **query, **given(body))

    async def call() -> None:
        async with AsyncClient(
            "http://127.0.0.1", **CREDENTIALS, transport=transport, max_retries=0
        ) as client:
            with pytest.raises(ServiceUnavailable, match="not now"):
                await method(client, operation)(**path, **query, **given(body))

    asyncio.run(call())
    assert len(sent) == 2
    assert sent[0] == sent[1]
    verb, template, _, _ = OPERATIONS[operation]
    target = str(httpx.URL(template.format(**path), params=query or None))
    assert sent[0][:2] == (verb, target.encode())
    assert json.loads(sent[0][2] or "null") == (body or None)


POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_path_arguments_go_by_position_and_optional_ones_are_left_out(operation: str) -> None:
    _, _, raw, _ = OPERATIONS[operation]
    named, _ = arguments(operation)
    parameters = inspect.signature(method(Recorder(), operation)).parameters
    by_position = [each.name for each in parameters.values() if each.kind in POSITIONAL]
    assert by_position == list(named)
    content = follow(raw.get("requestBody", {})).get("content", {})
    schema = follow(content.get("application/json", {}).get("schema", {}))
    required = set(schema.get("required", []))
    for name in schema.get("properties", {}):
        default = parameters[python(name)].default
        assert default is (inspect.Parameter.empty if name in required else OMIT), name
    for name in set(schema.get("properties", {})) - required:
        _, body = arguments(operation)
        body = {key: value for key, value in body.items() if key != name}
        assert name not in call_of(method(Recorder(), operation)(**named, **given(body))).body


@pytest.mark.parametrize("operation", OPERATIONS)
def test_docstrings_say_what_the_contract_says(operation: str) -> None:
    verb, path, raw, _ = OPERATIONS[operation]
    docstring = " ".join(inspect.getdoc(method(Recorder(), operation)).split())  # type: ignore[union-attr]
    for text in (raw["summary"], raw["description"]):
        assert " ".join(text.split()) in docstring
    assert f"`{verb} {path}`" in docstring
    assert f"`{operation}`" in docstring
    for status, response in raw["responses"].items():
        if status[0] in "45":
            assert f"{class_for(int(status)).__name__}: Status {status}:" in docstring
            assert " ".join(follow(response)["description"].split()) in docstring
    named, body = arguments(operation)
    for name in (*named, *given(body)):
        assert f" {name}: " in docstring


@pytest.mark.parametrize("operation", OPERATIONS)
def test_secret_argument_is_wrapped_before_anything_else_sees_it(operation: str) -> None:
    path, body = arguments(operation)
    content = follow(OPERATIONS[operation][2].get("requestBody", {})).get("content", {})
    schema = follow(content.get("application/json", {}).get("schema", {}))
    secrets = {
        name
        for name, field in schema.get("properties", {}).items()
        if follow(field).get("format") == "password" or follow(field).get("writeOnly")
    }
    path |= required_query(operation)
    call = call_of(method(Recorder(), operation)(**path, **given(body)))
    wrapped = set() if call.body is OMIT else {k for k, v in call.body.items() if type(v) is Secret}
    assert wrapped == secrets & set(body)
    for name in secrets & set(body):
        assert body[name] not in repr(call)
        with pytest.raises(ArgumentError, match=f"^{name}: must be a str, not bytes$") as raised:
            method(Recorder(), operation)(**path, **given({**body, name: b"hunter2-bytes"}))
        frames = raised.traceback[1:]  # the first is this test
        assert not any("hunter2" in repr(frame.frame.f_locals) for frame in frames)


def test_tree_has_a_method_for_every_operation_and_no_other() -> None:
    def walk(node: object, path: str) -> list[str]:
        found = []
        for name in dir(type(node)):
            if name.startswith("_"):
                continue
            if isinstance(inspect.getattr_static(type(node), name), property):
                found += walk(getattr(node, name), f"{path}{name}.")
            else:
                found.append(f"{path}{name}")
        return found

    placed = [raw["x-sdk"] for _, _, raw, _ in OPERATIONS.values()]
    for _, _, raw, _ in OPERATIONS.values():
        if "field" in raw.get("x-sdk-wait", {}):
            placed.append(f"{raw['x-sdk'].rpartition('.')[0]}.wait")
        if "x-sdk-iterator" in raw:
            placed.append(f"{raw['x-sdk'].rpartition('.')[0]}.{raw['x-sdk-iterator']}")
    placed.sort()
    assert sorted(walk(Recorder(), "")) == placed
    assert sorted(walk(AsyncRecorder(), "")) == placed


def test_every_model_can_be_had_from_the_public_module() -> None:
    assert models.__all__
    for name in models.__all__:
        assert getattr(models, name).__name__ == name
    assert set(models.__all__) <= set(dir(models))
    with pytest.raises(AttributeError, match="Nonsense"):
        models.Nonsense  # noqa: B018


def test_models_and_resources_are_imported_only_when_used() -> None:
    script = """
import sys
import agentserver.models
from agentserver._generated.resources import Resources
def loaded(part):
    return sorted(n for n in sys.modules if n.startswith(f"agentserver._generated.{part}."))
assert loaded("models") == loaded("resources") == loaded("api") == [], sys.modules
class Client(Resources):
    def _call(self, call): return call
Client().workspaces
assert loaded("resources") == ["agentserver._generated.resources.workspaces"], loaded("resources")
assert loaded("models") == [], loaded("models")
agentserver.models.Workspace
assert loaded("models") == ["agentserver._generated.models.workspace"], loaded("models")
assert not [n for n in sys.modules if n.partition(".")[0] == "httpx"]
"""
    run(script)


def test_a_call_imports_the_operations_of_its_tag_and_the_models_of_its_answer() -> None:
    run("""
import sys
import httpx
from agentserver import Client
workspace = {"id": "a", "name": "b", "created_at": "2026-11-23T10:00:00Z",
             "updated_at": "2026-11-23T10:00:00Z"}
answer = httpx.MockTransport(lambda request: httpx.Response(200, json=workspace))
client = Client("https://agents.example", session="s", transport=answer)
assert client.workspaces.get("a").name == "b"
loaded = {name for name in sys.modules if name.startswith("agentserver.")}
generated = {n.removeprefix("agentserver._generated.") for n in loaded if "._generated." in n}
operations = {name for name in generated if name.startswith("api.")}
assert operations and {name.split(".")[1] for name in operations} == {"workspaces"}, operations
rest = {"api", "models", "models.workspace", "resources", "resources.workspaces"}
assert generated - operations == rest, generated
seldom = {"_completing", "_device", "_login", "_paging", "_taking", "pagination", "waiting"}
assert not loaded & {f"agentserver.{name}" for name in seldom}, loaded
""")


def test_each_resource_brings_the_operations_of_its_own_tags_and_no_other_resource() -> None:
    tags: dict[str, set[str]] = {}
    for _, _, raw, _ in OPERATIONS.values():
        tags.setdefault(raw["x-sdk"].rpartition(".")[0], set()).update(raw["tags"])
    expected = {}
    for place in tags:
        parts = place.split(".")
        way = [parts[:count] for count in range(1, len(parts) + 1)]
        on_the_way = set[str]().union(*(tags.get(".".join(each), set()) for each in way))
        expected[place] = {"_".join(each) for each in way}, on_the_way
    run(f"""
import sys
from agentserver._generated.resources import Resources
class Client(Resources):
    def _call(self, call): return call
def loaded(part):
    names = (n.removeprefix("agentserver._generated.") for n in sys.modules)
    return {{n.split(".")[1] for n in names if n.startswith(f"{{part}}.")}}
for place, (resources, tags) in {expected!r}.items():
    for name in [name for name in sys.modules if name.startswith("agentserver._generated.")]:
        del sys.modules[name]
    found = Client()
    for name in place.split("."):
        found = getattr(found, name)
    assert loaded("resources") == resources, (place, loaded("resources"))
    assert loaded("api") == tags, (place, loaded("api"))
    assert loaded("models") == set(), (place, loaded("models"))
""")


def test_threads_that_use_resources_and_models_first_at_the_same_time_find_the_same() -> None:
    places = sorted({raw["x-sdk"].rpartition(".")[0] for _, _, raw, _ in OPERATIONS.values()})
    run(f"""
import sys
from threading import Barrier, Thread
import agentserver
sys.setswitchinterval(1e-6)
places, names = {places!r}, {sorted(models.__all__)!r}
barrier, found = Barrier(8), []
def use(order):
    barrier.wait()
    client = agentserver.Client("https://agents.example", session="s")
    classes = {{}}
    for place in places[::order]:
        node = client
        for name in place.split("."):
            node = getattr(node, name)
        classes[place] = type(node)
    classes |= {{name: getattr(agentserver.models, name) for name in names[::order]}}
    found.append(classes)
threads = [Thread(target=use, args=(order,)) for order in (1, -1) * 4]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 8, "a thread failed"
assert all(each == found[0] for each in found)
""")


def run(script: str) -> None:
    """Run a script in a fresh interpreter, in which nothing is imported yet."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
