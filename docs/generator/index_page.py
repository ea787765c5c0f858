"""The first page of the API: what applies to all of it, and a table of its operations."""

from __future__ import annotations

from collections.abc import Iterator

import curl
import wording
from examples import header_name
from layout import block, code, flat, paragraphs, table
from tag_page import method, place, request

from agentserver_contract.contract.document import Contract, Operation


def page(contract: Contract) -> str:
    """Write the page."""
    info = contract.document["info"]
    return paragraphs(
        "# HTTP API",
        f"{info['summary']} This is version {info['version']}, with {len(contract.operations)} "
        "operations.",
        info["description"],
        "## Operations { #operations }",
        *(_of_tag(contract, tag) for tag in contract.tags),
        _roles(contract),
        _placeholders(contract),
        _headers(contract),
    )


def _of_tag(contract: Contract, tag: str) -> str:
    headings = ("Operation", "SDK method", "Who may call it")
    rows = (_row(each) for each in contract.operations.values() if each.tag == tag)
    return paragraphs(f"### [{tag}]({tag}.md) {{ #{tag} }}", table("operations", headings, rows))


def _row(operation: Operation) -> tuple[str, str, str]:
    gone = " (deprecated)" if operation.is_deprecated else ""
    return (
        f"[{operation.summary}]({place(operation)}){gone}<br>{request(operation)}",
        method(operation),
        wording.role(operation),
    )


def _roles(contract: Contract) -> str:
    used = {operation.required_role for operation in contract.operations.values()}
    rows = ((code(name), text) for name, text in wording.ROLES.items() if name in used)
    return paragraphs(
        "## Roles { #roles }",
        "Each workspace role includes the permissions of the ones above it in this table. An "
        "administrator of the installation is not automatically a member of every workspace.",
        table("roles", ("Role", "Who may call"), rows),
    )


def _placeholders(contract: Contract) -> str:
    schemes = ", ".join(
        f"{code(name)}: {flat(each.get('description', ''))}"
        for name, each in contract.components("securitySchemes").items()
    )
    return paragraphs(
        "## Credentials and examples { #credentials }",
        schemes,
        f"The curl examples take the server's URL from {code(curl.SERVER)} and the value of the "
        f"session cookie from {code(curl.SESSION)}. The Python examples use this client:",
        block(
            "python",
            "from agentserver import Client\n\n"
            'client = Client("http://127.0.0.1:8080", email="...", password="...")',
        ),
    )


def _headers(contract: Contract) -> str:
    return paragraphs(
        "## Response headers { #headers }",
        table("fields", ("Header", "Value", "Description"), _header_rows(contract)),
    )


def _header_rows(contract: Contract) -> Iterator[tuple[str, str, str]]:
    for name, header in contract.components("headers").items():
        described = f"{header['description']} {wording.bounds(header['schema'])}"
        yield code(header_name(contract, name)), wording.type_of(header["schema"]), described
