"""The page of the Go package's types: where each of them is in contract, server and SDK."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tag_page
import wording
from layout import code, paragraphs, table
from sdk_call import MODELS

from agentserver import models
from agentserver_contract.contract.document import Contract, Operation

DATA = Path(__file__).with_name("go_types.toml")
SERVER = "agentserver_reference"

# The page names nearly every schema, but who searches for one wants the schema itself.
FOUND_LAST = "---\nhide: [toc]\nsearch:\n  boost: 0.5\n---"


@dataclass(frozen=True)
class Place:
    """Where a type is, as the data says."""

    contract: Sequence[str]
    """Names of schemas and of operations."""
    server: Sequence[str]
    """Modules, or names in them, below the server's package."""
    note: str = ""


def places() -> Mapping[str, Place]:
    """The place of each type, in the order of the Go package's index."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    return {name: Place(**{"contract": [name], **data["places"][name]}) for name in data["types"]}


def page(contract: Contract) -> str:
    """Write the page."""
    return paragraphs(
        FOUND_LAST,
        "# Types of the Go server",
        "These are the types that the Go package `server` of agentserver v0.64.12 exports, and "
        "where to find each of them here. The body of a request is no class in the SDK: its fields "
        f"are the arguments of a method. Names of the server are below `{SERVER}`.",
        table(
            "fields places",
            ("Go type", "Contract", "Server", "SDK"),
            (_row(contract, name, each) for name, each in places().items()),
        ),
    )


def operations_of(contract: Contract, name: str) -> Iterator[Operation]:
    """The operation of this id, or those whose body is of this schema."""
    for operation in contract.operations.values():
        body = operation.body.value if operation.body else {}
        if name in (operation.id, body.get("$ref", "").rpartition("/")[2]):
            yield operation


def in_sdk(contract: Contract, name: str) -> Iterator[str]:
    """The model of a schema or, where it has none, the methods that take its fields; linked."""
    if name in dir(models):
        yield f"[{code(name)}]({MODELS}{name})"
    else:
        yield from map(tag_page.method, operations_of(contract, name))


def _row(contract: Contract, name: str, found: Place) -> tuple[str, str, str, str]:
    return (
        "<br>".join([code(name), *([f"<small>{found.note}</small>"] if found.note else [])]),
        _cell(_in_contract(contract, each) for each in found.contract),
        _cell(map(code, found.server)),
        _cell(link for each in found.contract for link in in_sdk(contract, each)),
    )


def _in_contract(contract: Contract, name: str) -> str:
    if name in contract.schemas:
        return wording.link(name)
    return f"[{code(name)}]({tag_page.place(contract.operations[name])})"


def _cell(lines: Iterator[str]) -> str:
    return "<br>".join(lines) or "none"
