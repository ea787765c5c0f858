"""The rules that the contract itself must follow, one function for each."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from agentserver_contract.contract.document import JSON, TEXT, Contract, Located, Operation
from agentserver_contract.contract.roles import REQUIRED_ROLES, WORKSPACE_ROLES
from agentserver_contract.contract.schemas import schema_problems

FORMATS = ("date-time", "password", "int32", "int64", "double", "uri", "uuid", "byte", "binary")
REDIRECTS = (302, 303, 307)
"""The redirects that an operation may promise as its success."""
SELF_BOUNDED = ("date-time", "uuid")
"""Formats of a string that bound its length by themselves."""
PROMISED_HEADERS = ("X-Request-Id", "X-Content-Type-Options")


@dataclass(frozen=True)
class Violation:
    """A place in the contract that breaks a rule."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


Rule = Callable[[Contract], Iterator[Violation]]
RULES: dict[str, Rule] = {}


def _rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


@_rule
def every_operation_has_a_name_of_its_own(contract: Contract) -> Iterator[Violation]:
    """operationId and x-sdk are given, well formed and unique."""
    raw = list(_raw_operations(contract))
    for key, form in (
        ("operationId", r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
        ("x-sdk", r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+"),
    ):
        names = Counter(operation.get(key) for _, operation in raw)
        for where, operation in raw:
            name = operation.get(key)
            if not isinstance(name, str) or not re.fullmatch(form, name):
                yield Violation(where, f"{key} {name!r} is missing or not of the form {form}")
            elif names[name] > 1:
                yield Violation(where, f"{key} {name} belongs to {names[name]} operations")


@_rule
def no_sdk_method_is_also_a_resource(contract: Contract) -> Iterator[Violation]:
    """`a.b` cannot be called where `a.b.c` hangs off it."""
    places = {operation.sdk: operation for operation in contract.operations.values()}
    for place, operation in places.items():
        for other in places:
            if other.startswith(f"{place}."):
                yield Violation(
                    str(operation), f"x-sdk {place} is a method, and {other} needs a resource"
                )


@_rule
def every_operation_says_who_may(contract: Contract) -> Iterator[Violation]:
    """x-required-role is of the closed set and agrees with `security`."""
    for operation in contract.operations.values():
        role = operation.required_role
        if role not in REQUIRED_ROLES:
            yield Violation(
                str(operation), f"x-required-role {role!r} is none of {', '.join(REQUIRED_ROLES)}"
            )
        elif (role == "none") == operation.is_secured:
            needed = "needs a credential" if operation.is_secured else "lets anybody in"
            yield Violation(str(operation), f"x-required-role is {role}, but `security` {needed}")
        schemes = contract.document.get("components", {}).get("securitySchemes", {})
        for scheme in frozenset[str]().union(*operation.security) - set(schemes):
            yield Violation(str(operation), f"security names the unknown scheme {scheme}")


@_rule
def every_operation_is_described(contract: Contract) -> Iterator[Violation]:
    """A summary, a description and one known tag."""
    tags = {tag["name"] for tag in contract.document.get("tags", [])}
    for operation in contract.operations.values():
        for key in ("summary", "description"):
            if not str(operation.raw.get(key) or "").strip():
                yield Violation(str(operation), f"{key} is missing")
        used = operation.raw.get("tags") or []
        if len(used) != 1 or not set(used) <= tags:
            yield Violation(str(operation), f"tags {used} are not one of {sorted(tags)}")


@_rule
def everything_named_is_described(contract: Contract) -> Iterator[Violation]:
    """Schemas, their fields, parameters, headers and responses have a description."""
    for name, schema in contract.schemas.items():
        where = f"schema {name}"
        if not schema.get("description"):
            yield Violation(where, "description is missing")
        for field, inner in schema.get("properties", {}).items():
            if not inner.get("description"):
                yield Violation(f"{where}.{field}", "description is missing")
    components = contract.document.get("components", {})
    for kind in ("parameters", "headers", "responses", "securitySchemes"):
        for name, item in components.get(kind, {}).items():
            if not item.get("description"):
                yield Violation(f"{kind} {name}", "description is missing")


@_rule
def refusals_are_documented(contract: Contract) -> Iterator[Violation]:
    """401 where a credential is needed, 403 where a role is; 400, 413, 415 where a body is read.

    Only an agent has an agent's token, so that no caller with a valid one lacks that role.
    """
    for operation in contract.operations.values():
        due = set()
        if operation.is_secured:
            due.add(401)
        if operation.required_role not in ("none", "user", "agent", None):
            due.add(403)
        if operation.body is not None:
            due |= {400, 413, 415}
        if operation.parameters_in("query"):
            due.add(400)
        for status in sorted(due - set(operation.responses)):
            yield Violation(str(operation), f"{status} is not documented")


@_rule
def statuses_are_explicit(contract: Contract) -> Iterator[Violation]:
    """Statuses are numbers, and no failure is promised. Success is 2xx, or else one redirect."""
    for where, operation in _raw_operations(contract):
        statuses = [str(status) for status in operation.get("responses", {})]
        for status in statuses:
            if not re.fullmatch(r"[1-5]\d\d", status):
                yield Violation(where, f"response {status} is no status")
            elif status == "500":
                yield Violation(where, "500 is documented: an unexpected failure is never promised")
        successes = [status for status in statuses if status.startswith("2")]
        redirects = [status for status in statuses if status.startswith("3")]
        if not successes and not redirects:
            yield Violation(where, "no success is documented")
        elif len(redirects) > 1 or (successes and redirects):
            yield Violation(where, "a redirect is documented beside another success")
        for status in set(redirects) - set(map(str, REDIRECTS)):
            yield Violation(where, f"{status} is no redirect that can be a success")


@_rule
def errors_are_text(contract: Contract) -> Iterator[Violation]:
    """Errors are text/plain; a 403 may be JSON beside it, where a quota is counted."""
    for operation in contract.operations.values():
        for status, response in operation.responses.items():
            if status < 400:
                continue
            media = set(response.content)
            allowed = ({TEXT}, {TEXT, JSON}) if status == 403 else ({TEXT},)
            if media not in allowed:
                found = ", ".join(sorted(media)) or "nothing"
                yield Violation(str(operation), f"{status} is {found}, not {TEXT}")


@_rule
def media_types_are_real(contract: Contract) -> Iterator[Violation]:
    """No wildcard; a success is JSON with a schema or has no content; a request is JSON."""
    for piece in contract.walk():
        if isinstance(piece.value.get("content"), Mapping):
            for media_type, media in piece.value["content"].items():
                if "*" in media_type:
                    yield Violation(f"#{piece.pointer}", f"{media_type} is no media type")
                elif not media.get("schema"):
                    yield Violation(f"#{piece.pointer}", f"{media_type} has no schema")
    for operation in contract.operations.values():
        for status, response in operation.responses.items():
            if status < 300 and set(response.content) not in ({JSON}, set()):
                yield Violation(
                    str(operation), f"{status} is {', '.join(response.content)}, not {JSON}"
                )
            if status == 204 and response.content:
                yield Violation(str(operation), "204 has content")
        if "requestBody" in operation.raw and operation.body is None:
            yield Violation(str(operation), f"the request body is not {JSON}")


@_rule
def every_response_has_its_headers(contract: Contract) -> Iterator[Violation]:
    """X-Request-Id and X-Content-Type-Options always, Allow with 405, Location with a redirect."""
    for operation in contract.operations.values():
        for status, response in operation.responses.items():
            due = "Allow" if status == 405 else "Location" if status in REDIRECTS else None
            for name in (*PROMISED_HEADERS, *([due] if due else [])):
                header = response.headers.get(name)
                if header is None or not header.required:
                    yield Violation(str(operation), f"{status} does not promise {name}")


@_rule
def schemas_are_valid(contract: Contract) -> Iterator[Violation]:
    """Every schema is JSON Schema 2020-12, compiles, and names formats and fields that exist."""
    for where, schema in _schemas(contract):
        try:
            jsonschema_rs.meta.validate({**schema.value, "$schema": _DIALECT})
            contract.validator(schema)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            yield Violation(where, f"is no JSON Schema: {str(error).splitlines()[0]}")
            continue
        for piece in contract.schema_walk(schema):
            value, place = piece.value, f"{where} at #{piece.pointer}"
            if "format" in value and value["format"] not in FORMATS:
                yield Violation(place, f"format {value['format']} is unknown")
            for name in value.get("required", []):
                if name not in value.get("properties", {}):
                    yield Violation(place, f"requires {name}, which it does not describe")
            for keyword in ("nullable", "x-nullable"):
                if keyword in value:
                    yield Violation(place, f"{keyword} is no JSON Schema: say type [..., 'null']")


@_rule
def requests_have_no_defaults(contract: Contract) -> Iterator[Violation]:
    """Clients would send a default as if the caller had given it."""
    for where, schema in _request_schemas(contract):
        if "default" in schema.value:
            yield Violation(where, f"default {schema.value['default']!r}")


@_rule
def requests_are_bounded(contract: Contract) -> Iterator[Violation]:
    """Every string, array and number in a request has bounds, so that both sides are tried."""
    for where, schema in _request_schemas(contract):
        value = schema.value
        types = value.get("type", [])
        types = [types] if isinstance(types, str) else types
        if "enum" in value or "const" in value:
            continue
        for name in types:
            due = _BOUNDS.get(name, ())
            if name == "string" and value.get("format") in SELF_BOUNDED:
                due = ()
            for keyword in due:
                if keyword not in value:
                    yield Violation(where, f"a {name} without {keyword}")


@_rule
def texts_sent_contain_no_nul(contract: Contract) -> Iterator[Violation]:
    """No text of a request body may contain NUL, which databases and fuzzers cannot handle."""
    for operation in contract.operations.values():
        for piece in contract.schema_walk(operation.body) if operation.body else ():
            kinds = piece.value.get("type", [])
            text = "string" in ([kinds] if isinstance(kinds, str) else kinds)
            if text and contract.validator(piece).is_valid(_with_nul(piece.value)):
                yield Violation(f"{operation} request body at #{piece.pointer}", "may contain NUL")


@_rule
def alternatives_are_distinguishable(contract: Contract) -> Iterator[Violation]:
    """oneOf needs a field that is a different constant in each alternative."""
    for where, schema in _schemas(contract):
        for piece in contract.schema_walk(schema):
            if "oneOf" not in piece.value:
                continue
            tags = []
            for index in range(len(piece.value["oneOf"])):
                alternative = contract.follow(piece.child("oneOf", index)).value
                fields = alternative.get("properties", {}).items()
                tags.append({name for name, field in fields if "const" in field})
            if not tags or not set.intersection(*tags):
                yield Violation(
                    f"{where} at #{piece.pointer}", "oneOf without a constant field in each"
                )


@_rule
def path_parameters_name_the_thing(contract: Contract) -> Iterator[Violation]:
    """`workspace_id`, never `id` or `wid`; the template and the list of parameters agree."""
    for operation in contract.operations.values():
        declared = {parameter.name: parameter for parameter in operation.parameters_in("path")}
        for name in set(operation.path_parameters) ^ set(declared):
            yield Violation(str(operation), f"{name} is only in the path or only in the parameters")
        for name, parameter in declared.items():
            if not re.fullmatch(r"[a-z]+(_[a-z]+)*_id|kind", name):
                yield Violation(str(operation), f"path parameter {name} does not name its thing")
            if not parameter.required:
                yield Violation(str(operation), f"path parameter {name} is not required")


@_rule
def path_parameters_are_linked(contract: Contract) -> Iterator[Violation]:
    """Some response gives a value for every path parameter, by a link or one that is inferred."""
    from schemathesis import openapi
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi.stateful import collect_transitions

    schema = openapi.from_dict(copy.deepcopy(dict(contract.document)))
    schema.analysis.inject_links()
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    linked = {
        label: {parameter.name for link in transitions.incoming for parameter in link.parameters}
        for label, transitions in collect_transitions(operations).operations.items()
    }
    for operation in contract.operations.values():
        for name in operation.path_parameters:
            if name not in linked.get(f"{operation.method} {operation.path}", ()):
                yield Violation(str(operation), f"no response gives a value for {name}")


@_rule
def a_workspace_field_is_required(contract: Contract) -> Iterator[Violation]:
    """x-workspace-field names a required field, where a role in a workspace is needed."""
    for operation in contract.operations.values():
        if "x-workspace-field" not in operation.raw:
            continue
        name = operation.workspace_field
        given = (*operation.fields, *operation.parameters_in("query"))
        required = {each.name for each in given if each.required}
        if name not in required or operation.required_role not in WORKSPACE_ROLES:
            yield Violation(
                str(operation), f"x-workspace-field {name!r} is not required in its body or query"
            )


@_rule
def consuming_reads_are_marked(contract: Contract) -> Iterator[Violation]:
    """x-consumes is only given for GET, and is true."""
    for operation in contract.operations.values():
        mark = operation.raw.get("x-consumes", True)
        if "x-consumes" in operation.raw and (mark is not True or operation.method != "GET"):
            yield Violation(str(operation), f"x-consumes {mark!r} on {operation.method}")


@_rule
def every_body_has_an_example(contract: Contract) -> Iterator[Violation]:
    """Requests, responses and parameters have an example."""
    for operation in contract.operations.values():
        bodies = [f"response {status}" for status in operation.responses]
        places = [
            contract.locate(operation.pointer).child("responses", b.split()[1]) for b in bodies
        ]
        if "requestBody" in operation.raw:
            bodies.append("request body")
            places.append(contract.locate(operation.pointer).child("requestBody"))
        for body, place in zip(bodies, map(contract.follow, places), strict=True):
            for media_type, media in place.value.get("content", {}).items():
                if "example" not in media and not media.get("examples"):
                    yield Violation(str(operation), f"{body} has no example of {media_type}")
        for parameter in operation.parameters:
            if "example" not in parameter.piece.value and not parameter.piece.value.get("examples"):
                yield Violation(str(operation), f"parameter {parameter.name} has no example")


@_rule
def examples_are_valid(contract: Contract) -> Iterator[Violation]:
    """Every example matches its schema."""
    for piece in contract.walk():
        for schema, at, value in _examples(contract, piece):
            for problem in schema_problems(contract, schema, value):
                yield Violation(f"#{piece.pointer}/{at}", f"{problem.at}: {problem.message}")


def _with_nul(schema: Mapping[str, Any]) -> str:
    """A text like its example, with a NUL at the end."""
    examples = schema.get("examples") or ["x" * schema.get("minLength", 0)]
    return f"{examples[0]}\0"


_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {
    "string": ("maxLength",),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "array": ("maxItems", "items"),
}


def _raw_operations(contract: Contract) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Operations as they are in the file, also those without a name."""
    for path, item in contract.document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, Mapping) and "responses" in operation:
                yield f"{method.upper()} {path}", operation


def _schemas(contract: Contract) -> Iterator[tuple[str, Located]]:
    """The named schemas, and those of operations."""
    for name in contract.schemas:
        yield f"schema {name}", contract.locate("/components/schemas").child(name)
    for operation in contract.operations.values():
        yield from _schemas_of(operation)


def _schemas_of(operation: Operation) -> Iterator[tuple[str, Located]]:
    yield from _request_schemas_of(operation)
    for status, response in operation.responses.items():
        for media_type, media in response.content.items():
            if media.schema is not None:
                yield f"{operation} {status} {media_type}", media.schema
        for name, header in response.headers.items():
            if header.schema is not None:
                yield f"{operation} {status} header {name}", header.schema


def _request_schemas_of(operation: Operation) -> Iterator[tuple[str, Located]]:
    if operation.body is not None:
        yield f"{operation} request body", operation.body
    for parameter in operation.parameters:
        if parameter.schema is not None:
            yield f"{operation} parameter {parameter.name}", parameter.schema


def _request_schemas(contract: Contract) -> Iterator[tuple[str, Located]]:
    """Every schema, down to the innermost, that applies to a value in a request."""
    for operation in contract.operations.values():
        for where, schema in _request_schemas_of(operation):
            for piece in contract.schema_walk(schema):
                yield f"{where} at #{piece.pointer}", piece


def _examples(contract: Contract, piece: Located) -> Iterator[tuple[Located, str, Any]]:
    """Examples at one place: of a media type, parameter or header, or inside a schema."""
    value = piece.value
    if isinstance(value.get("schema"), Mapping):
        schema = piece.child("schema")
        if "example" in value:
            yield schema, "example", value["example"]
        for name in value.get("examples", {}):
            example = contract.follow(piece.child("examples", name)).value
            yield schema, f"examples/{name}", example.get("value")
    elif isinstance(value.get("examples"), list) and "type" in value:
        for index, example in enumerate(value["examples"]):
            yield piece, f"examples/{index}", example
