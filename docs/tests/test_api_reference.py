"""The generated pages are complete, and the calls on them work."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import curl
import httpx
import index_page
import pytest
import sdk_call
import tag_page
import yaml
from pages import DEPARTURES, RELEASE, pages

import agentserver
from agentserver._errors import class_for
from agentserver_contract.contract.document import JSON, load

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8080"
CREDENTIALS = {"session": "cookie", "token": "token"}

CONTRACT = load(ROOT / "openapi.yaml")
PAGES = pages(ROOT)
OPERATIONS = list(CONTRACT.operations.values())
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)


def section(operation) -> str:
    """The section of an operation on the page of its tag."""
    text = PAGES[f"api/{operation.tag}.md"]
    _, found, rest = text.partition(f"{{ #{operation.id} }}\n")
    assert found, f"{operation.id} has no anchor on the page of {operation.tag}"
    return rest.partition("\n## ")[0]


def shown(operation, language: str) -> list[str]:
    """An operation's code blocks in a language."""
    blocks = re.findall(rf"```{language}\n(.*?)```", section(operation), re.DOTALL)
    return [re.sub(r"(?m)^    ", "", each).strip() for each in blocks]


class Recorder(httpx.MockTransport):
    """Responds with the contract's example, and records the requests."""

    def __init__(self, operation):
        self.sent = []
        super().__init__(lambda request: self.answer(operation.success, request))

    def answer(self, success, request):
        self.sent.append(request)
        media = success.content.get(JSON)
        if media is None:
            location = {"Location": URL} if success.status == 302 else {}
            return httpx.Response(success.status, headers=location)
        return httpx.Response(success.status, json=next(iter(media.examples.values())))


def as_sent(request: httpx.Request):
    return (
        request.method,
        str(request.url),
        request.headers.get("Cookie"),
        request.headers.get("Authorization"),
        json.loads(request.content) if request.content else None,
    )


def by_sdk(operation):
    code = shown(operation, "python")[0]
    recorder = Recorder(operation)
    with agentserver.Client(URL, **CREDENTIALS, transport=recorder, strict=True) as client:
        eval(code, {"client": client})  # noqa: S307
    return as_sent(recorder.sent[-1])


@every_operation
def test_an_operation_is_found_by_its_id_and_by_its_path(operation):
    text = section(operation)
    assert f"`{operation.id}`" in text
    assert f"`{operation.path}`" in text
    place = f"({operation.tag}.md#{operation.id})"
    assert place in PAGES["api/index.md"]


@every_operation
def test_the_call_in_python_is_one_that_the_sdk_sends(operation):
    method, url, _, _, body = by_sdk(operation)
    assert method == operation.method
    assert "{" not in url
    assert body == operation.body_example


@every_operation
def test_the_call_to_be_awaited_sends_the_same(operation):
    code = shown(operation, "python")[1]
    recorder = Recorder(operation)

    async def call():
        client = agentserver.AsyncClient(URL, **CREDENTIALS, transport=recorder, strict=True)
        async with client:
            await eval(code.removeprefix("await "), {"client": client})  # noqa: S307

    asyncio.run(call())
    assert code.startswith("await ")
    assert as_sent(recorder.sent[-1]) == by_sdk(operation)


@every_operation
def test_the_curl_command_sends_what_the_sdk_sends(operation):
    (command,) = shown(operation, "sh")
    for variable, value in (
        (curl.SERVER, URL),
        (curl.SESSION, CREDENTIALS["session"]),
        (curl.TOKEN, CREDENTIALS["token"]),
    ):
        command = command.replace(variable, value)
    words = shlex.split(command)
    (url,) = (word for word in words if word.startswith(URL))
    options = dict(pairwise(words))
    bearer = "Authorization: "
    authorization = next((word for word in words if word.startswith(bearer)), "")
    body = options.get("--json")
    sent = (
        options.get("--request", "GET"),
        url,
        options.get("--cookie"),
        authorization.removeprefix(bearer) or None,
        json.loads(body) if body else None,
    )
    assert sent == by_sdk(operation)


@every_operation
def test_every_argument_stands_with_its_description(operation):
    text = section(operation)
    for argument in operation.arguments:
        assert f"| `{argument.name}` <small>{argument.place}" in text
        assert " ".join(argument.description.split()) in text


@every_operation
def test_every_answer_stands_with_what_the_sdk_makes_of_it(operation):
    rows = dict(re.findall(r"^\| `(\d{3})`(.*)$", section(operation), re.MULTILINE))
    assert list(map(int, rows)) == [*operation.responses]
    for answer in operation.responses.values():
        row = rows[str(answer.status)]
        assert " ".join(answer.description.split()) in row
        assert all(media_type in row for media_type in answer.content)
        if answer.is_error:
            assert f"agentserver.{class_for(answer.status).__name__})" in row


@every_operation
def test_every_successful_answer_is_shown_as_json(operation):
    wanted = [
        value
        for answer in operation.successes
        for media in answer.content.values()
        for value in media.examples.values()
    ]
    assert [json.loads(each) for each in shown(operation, "json")] == wanted


def test_a_deprecated_operation_says_so():
    aged = load(ROOT / "openapi.yaml")
    aged.operations = {
        name: replace(each, raw={**each.raw, "deprecated": name == "create_workspace"})
        for name, each in CONTRACT.operations.items()
    }
    _, _, section = tag_page.page(aged, "workspaces").partition("{ #create_workspace }")
    assert '!!! warning "Deprecated"' in section.partition("\n## ")[0]
    assert index_page.page(aged).count("(deprecated)") == 1


def test_a_reached_quota_has_an_error_of_its_own():
    assert "#agentserver.QuotaExceeded" in section(CONTRACT.operations["create_workspace"])


def test_every_schema_has_an_anchor_and_all_its_fields():
    for name, schema in CONTRACT.schemas.items():
        _, found, rest = PAGES["api/schemas.md"].partition(f"{{ #{name} }}\n")
        assert found, name
        fields = re.findall(r"^\| `(\w+)` <small>", rest.partition("\n## ")[0], re.MULTILINE)
        assert fields == list(schema.get("properties", {}))


def test_every_departure_stands_under_its_section_with_its_reason():
    text = PAGES["api/departures.md"]
    source = ROOT / DEPARTURES / f"{RELEASE}.toml"
    for name, fact in tomllib.loads(source.read_text(encoding="utf-8")).items():
        assert text.count(f"{{ #{name} }}") == 1
        assert " ".join(fact["answers"].split()) in text
        assert " ".join(fact["why"].split()) in text
    assert text.index("## ") < text.index("| `")


def test_every_page_is_in_the_navigation():
    config = yaml.safe_load((ROOT / "docs/mkdocs.yml").read_text(encoding="utf-8"))
    missing = set(PAGES) - set(_leaves(config["nav"]))
    assert not missing, f"docs/mkdocs.yml: nav lacks {', '.join(sorted(missing))}"


def _leaves(node):
    if isinstance(node, str):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if not isinstance(node, str):
            yield from _leaves(child)


def test_every_public_name_is_in_the_reference_of_the_sdk():
    written = [path.read_text("utf-8") for path in (ROOT / "docs/pages/sdk").glob("*.md")]
    made = [text for path, text in PAGES.items() if path.startswith("sdk/")]
    text = "\n".join([*written, *made])
    for name in agentserver.__all__:
        entry = rf"^::: agentserver\.{name}$|#agentserver\.{name} }}"
        assert re.search(entry, text, re.MULTILINE), name
    for name in dir(agentserver.models):
        assert f"#agentserver.models.{name} }}" in text


def test_every_method_is_in_the_reference_of_the_sdk():
    for operation in OPERATIONS:
        assert f"::: {sdk_call.path_of(operation)}\n" in PAGES["sdk/resources.md"]
        assert f"(../api/{operation.tag}.md#{operation.id})" in PAGES["sdk/resources.md"]


def test_the_same_data_makes_the_same_pages():
    assert pages(ROOT) == PAGES
