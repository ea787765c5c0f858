"""What the suite knows of single operations is in data/<tag>.toml, each with its reason."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import agentserver_contract
from agentserver_contract.contract.document import Contract
from agentserver_contract.data.tables import DataError, by_tag, exceptions, read, tables

PACKAGE = Path(agentserver_contract.__file__).parent
ENTRY = "reason = 'because'"


def test_every_tag_has_a_file_and_names_its_own_operations(contract: Contract) -> None:
    tags = {operation.tag for operation in contract.operations.values()}
    assert by_tag().keys() == tags | {"all"}
    for tag in tags:
        of_tag = {each.id for each in contract.operations.values() if each.tag == tag}
        strangers = by_tag()[tag].operations - of_tag
        assert not strangers, f"{tag}.toml names operations of other tags: {sorted(strangers)}"
    assert not by_tag()["all"].operations, "what names an operation is in the file of its tag"


def test_waivers_and_conflicts_are_about_what_the_contract_documents(contract: Contract) -> None:
    for waiver in tables().waivers:
        documented = {
            status
            for operation in contract.operations.values()
            if not waiver.operations or operation.id in waiver.operations
            for status in operation.responses
        }
        assert waiver.status <= documented, waiver.name
    for conflict in tables().conflicts:
        operation = contract.operations[conflict.operation]
        assert conflict.status in operation.responses, conflict.name
        fields = {field.name for field in operation.fields}
        assert {*conflict.body, *filter(None, [conflict.leaves_out])} <= fields, conflict.name


def test_fields_of_exceptions_and_examples_are_fields_of_their_operations(
    contract: Contract,
) -> None:
    for exemption in (*exceptions("field-names-thing"), *exceptions("keeps-field-at-times")):
        for name in exemption.operations:
            assert exemption.field in {field.name for field in contract.operations[name].fields}
    for exemption in exceptions("limits-field"):
        for name in exemption.operations:
            assert exemption.field in {field.name for field in contract.operations[name].fields}
    for exemption in exceptions("keeps-field"):
        for name in exemption.operations:
            fields = {field.name: field.required for field in contract.operations[name].fields}
            assert fields.get(exemption.field) is False, f"{name}: {exemption.field}"
    for example in tables().examples:
        fields = {field.name for field in contract.operations[example.operation].fields}
        assert example.body.keys() <= fields, example.operation


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """The texts in a module with their lines; comments and the names of functions are none."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.STRING:
            yield token.start[0], token.string


def test_no_code_names_an_operation(contract: Contract) -> None:
    """Another operation changes no layer, only data/<tag>.toml and model/<tag>.py."""
    words = [name for name in contract.operations if "_" in name]
    named = re.compile(rf"\b({'|'.join(words)})\b")
    assert all(named.search(f"of {name}.") for name in words)
    alone = {f'"{name}"' for name in contract.operations}
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "model"
        for line, text in strings(path)
        if named.search(text) or text in alone
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[waivers]]\nname = 'w'\noperations = '*'\nstatus = [405]", "reason is missing"),
        (f"[[waivers]]\nname = 'w'\noperations = '*'\nstatus = []\n{ENTRY}", "status"),
        (f"[[waivers]]\nname = 'w'\nstatus = [405]\n{ENTRY}", "operations"),
        (
            "[[waivers]]\nname = 'w'\noperations = '*'\nstatus = [405]\nwhen = 'sometimes'\n"
            + ENTRY,
            "when must be one of",
        ),
        (f"[[callers]]\noperations = ['a']\nrequired_role = 'king'\n{ENTRY}", "required_role"),
        (f"[[callers]]\noperations = 'a'\nrequired_role = 'user'\n{ENTRY}", "a list"),
        (f"[[exceptions]]\nkind = 'odd'\noperations = ['a']\n{ENTRY}", "kind must be one of"),
        (
            "[[conflicts]]\nname = 'c'\noperation = 'a'\nstatus = 409\nstate = 'odd'\n" + ENTRY,
            "state must be one of",
        ),
        (f"[[examples]]\noperation = 'a'\n{ENTRY}", "body"),
        (f"[[others]]\n{ENTRY}", "unknown tables: others"),
        ("[[callers", "tag.toml: "),
    ],
)
def test_entry_with_a_mistake_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(DataError, match=r"^tag\.toml: ") as caught:
        read(text, "tag.toml")
    assert message in str(caught.value)
