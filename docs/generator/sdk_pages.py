"""The pages of the SDK's resources and models: a directive for each, in the contract's order."""

from __future__ import annotations

import json
from typing import Any

import sdk_call
from layout import code, paragraphs
from tag_page import place

from agentserver import models as models_of_sdk
from agentserver_contract.contract.document import Contract, Operation

SHOWN = ["!^_", "!^(FIELDS|CLOSED)$"]
"""Which members of a model are for its reader."""


def resources(contract: Contract) -> str:
    """Every method, under the resource that has it."""
    by_resource: dict[str, list[Operation]] = {}
    for operation in contract.operations.values():
        by_resource.setdefault(operation.sdk.rpartition(".")[0], []).append(operation)
    return paragraphs(
        "# Resources",
        "The methods of a client, grouped by resource. An `AsyncClient` has the same methods; "
        "await them: `await client.workspaces.list()`. Arguments after `*` are keyword-only. Every "
        "method also takes the [options for one call](../guides/calls.md#options-for-one-call) and "
        "exists under `client.with_raw_response` too.",
        *(_resource(name, operations) for name, operations in by_resource.items()),
    )


def models() -> str:
    """Every model and enum of the SDK."""
    return paragraphs(
        "# Models",
        "What methods return. Models are immutable; create one with keyword arguments or with "
        "`from_dict`. Their attributes are the fields of the API's [schemas](../api/schemas.md); "
        "fields that the contract does not list are kept in `additional_properties`. Import models "
        "from `agentserver.models`. A class whose name ends in `Dict` types the dictionaries that "
        "arguments accept instead of a model.",
        directive("agentserver.Page"),
        directive("agentserver.pagination.Pager", inherited_members=True),
        directive("agentserver.pagination.AsyncPager", inherited_members=True),
        directive("agentserver.pagination.CursorPager", inherited_members=True),
        directive("agentserver.pagination.AsyncCursorPager", inherited_members=True),
        directive("agentserver._model.Model", filters=SHOWN),
        "## Models and enums { #models }",
        *map(_model, dir(models_of_sdk)),
    )


def directive(path: str, *, level: int = 2, **options: Any) -> str:
    """Ask mkdocstrings for the reference of something."""
    given = {"heading_level": level, **options}
    lines = [f"{name}: {json.dumps(value)}" for name, value in given.items()]
    return "\n      ".join([f"::: {path}\n    options:", *lines])


def anchor(name: str) -> str:
    """Give the following section a short anchor, in addition to its full path."""
    return f"[](){{ #{name} }}"


def _model(name: str) -> str:
    # `agentserver.models` passes everything on, which a reader of the source cannot follow.
    found = directive(
        f"agentserver._generated.models.{name}",
        level=3,
        filters=[*SHOWN, "!^additional_properties$"],
        separate_signature=False,
        show_labels=False,
    )
    return f"{anchor(f'agentserver.models.{name}')}\n{found}"


def _resource(name: str, operations: list[Operation]) -> str:
    return paragraphs(f"## client.{name} {{ #client.{name} }}", *map(_method, operations))


def _method(operation: Operation) -> str:
    name = f"client.{operation.sdk}"
    return paragraphs(
        anchor(name),
        directive(
            sdk_call.path_of(operation),
            level=3,
            heading=name,
            toc_label=operation.sdk.rpartition(".")[2],
        ),
        f"[Examples and all responses of {code(operation.id)}](../api/{place(operation)})",
    )
