"""The page of one tag: each of its operations with arguments, a call, and every response."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import curl
import sdk_call
import wording
from layout import block, boxed, code, flat, label, paragraphs, table, tabs

from agentserver_contract.contract.document import Argument, Contract, Operation, Response

HEADERS = "index.md#headers"

# Of all places that mention an operation, a search should show this one first.
FOUND_FIRST = "---\nsearch:\n  boost: {}\n---"
BOOST = {"admin": 5, "auth": 12}
"""Pages whose words, such as users and login, are on others as well; 4 for those not listed."""


def page(contract: Contract, tag: str) -> str:
    """Write the page."""
    operations = [each for each in contract.operations.values() if each.tag == tag]
    return paragraphs(
        FOUND_FIRST.format(BOOST.get(tag, 4)),
        f"# {tag.replace('_', ' ').capitalize()}",
        contract.tags[tag],
        table("operations", ("Operation", "SDK method"), map(_entry, operations)),
        *(_operation(contract, each) for each in operations),
    )


def request(operation: Operation) -> str:
    """Method and path."""
    verb = operation.method
    return f"`{verb}`{{ .verb .{verb.lower()} }} {code(operation.path)}{{ .path }}"


def method(operation: Operation) -> str:
    """The SDK's method, linked."""
    name = f"client.{operation.sdk}"
    return f"[{code(name)}](../sdk/resources.md#{name})"


def _entry(operation: Operation) -> tuple[str, str]:
    return f"[{operation.summary}](#{operation.id})<br>{request(operation)}", method(operation)


def _operation(contract: Contract, operation: Operation) -> str:
    return paragraphs(
        f"## {operation.summary} {{ #{operation.id} }}",
        boxed("endpoint", request(operation)),
        _deprecated(operation),
        operation.description,
        _facts(contract, operation),
        _calls(contract, operation),
        _arguments(contract, operation),
        _examples(operation),
        _responses(operation),
        _links(contract, operation),
    )


def _deprecated(operation: Operation) -> str:
    if not operation.is_deprecated:
        return ""
    return '!!! warning "Deprecated"\n\n    It still works, but a later version will remove it.'


def _facts(contract: Contract, operation: Operation) -> str:
    facts = {
        "Who may call it": wording.role(operation),
        "Credential": wording.credential(contract, operation),
        "operationId": code(operation.id),
        "SDK method": method(operation),
    }
    return boxed("facts", "\n".join(f"- **{name}** {text}" for name, text in facts.items()))


def _calls(contract: Contract, operation: Operation) -> str:
    return tabs(
        {
            "Sync": block("python", sdk_call.call(operation)),
            "Async": block("python", sdk_call.call(operation, asynchronous=True)),
            "curl": block("sh", curl.command(contract, operation)),
        }
    )


def _arguments(contract: Contract, operation: Operation) -> str:
    if not operation.arguments:
        return ""
    names = sdk_call.python_names(operation)
    rows = (_argument(contract, each, names[each.name]) for each in operation.arguments)
    body = f"Request body: {wording.type_of(operation.body.value)}." if operation.body else ""
    return paragraphs(
        label("Arguments"), table("fields", ("Argument", "Type", "Description"), rows), body
    )


def _argument(contract: Contract, argument: Argument, name: str) -> tuple[str, str, str]:
    in_sdk = "" if name == argument.name else f"Called {code(name)} in the SDK."
    need = "required" if argument.required else "optional"
    schema = argument.schema.value if argument.schema else {}
    return (
        f"{code(argument.name)} <small>{argument.place}, {need}</small>",
        wording.type_of(schema),
        flat(f"{argument.description} {wording.bounds(contract.resolved(schema))} {in_sdk}"),
    )


def _examples(operation: Operation) -> str:
    """The bodies of the successful responses, as JSON."""
    return paragraphs(*(_success(each) for each in operation.successes))


def _success(response: Response) -> str:
    examples = {
        title: block("json", json.dumps(value, ensure_ascii=False, indent=2))
        for media in response.content.values()
        for title, value in media.examples.items()
    }
    if not examples:
        return ""
    return paragraphs(label(f"Response {response.status}"), tabs(examples))


def _responses(operation: Operation) -> str:
    everywhere = set.intersection(*(set(each.headers) for each in operation.responses.values()))
    rows = (_response(operation, each, everywhere) for each in operation.responses.values())
    names = " and ".join(
        f"[{code(name)}]({HEADERS})" for name in operation.success.headers if name in everywhere
    )
    return paragraphs(
        label("All responses"),
        table("answers", ("Status", "In the SDK", "Meaning and body"), rows),
        f"Every response carries {names}." if names else "",
    )


def _response(
    operation: Operation, response: Response, everywhere: set[str]
) -> tuple[str, str, str]:
    own = [f"[{code(name)}]({HEADERS})" for name in response.headers if name not in everywhere]
    meaning = [
        response.description,
        *_bodies(response),
        *([f"With the header {', '.join(own)}."] if own else []),
    ]
    if not response.is_error:
        outcome = f"returns {sdk_call.returned(operation, response.status)}"
    else:
        outcome = f"raises {sdk_call.raised(response.status, response.content)}"
    kind = "bad" if response.is_error else "good"
    return f"`{response.status}`{{ .status .{kind} }}", outcome, "<br>".join(meaning)


def _bodies(response: Response) -> Iterator[str]:
    if not response.content:
        yield "No body."
    for media_type, media in response.content.items():
        text = f"{code(media_type)} {wording.type_of(media.schema.value if media.schema else {})}"
        examples = list(_shown(media.examples)) if response.is_error else []
        yield f"{text}: {', '.join(examples)}" if examples else text


def _shown(examples: Mapping[str, Any]) -> Iterator[str]:
    for title, value in examples.items():
        text = value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield code(text) if len(examples) == 1 else f"{code(text)} ({_lowered(title)})"


def _lowered(text: str) -> str:
    return f"{text[0].lower()}{text[1:]}"


def _links(contract: Contract, operation: Operation) -> str:
    links: Sequence[Mapping[str, Any]] = [
        link for response in operation.successes for link in response.links.values()
    ]
    if not links:
        return ""
    lines = (f"- [{each['description']}]({_place(contract, each)})" for each in links)
    return paragraphs(label("Related operations"), "\n".join(lines))


def _place(contract: Contract, link: Mapping[str, Any]) -> str:
    return place(contract.operations[link["operationId"]])


def place(operation: Operation) -> str:
    """Where the operation is documented, relative to another page of the API."""
    return f"{operation.tag}.md#{operation.id}"
