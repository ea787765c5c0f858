"""What bodies may hold: faults in how their values are read, stored and shown are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from answer_middleware import AnswersChanged
from answers import Answer
from catalogue import find
from faulty import run_on, served
from planting import planted
from servers import prepare_accounts
from wrapping import Seen, answering, rewriting

from agentserver_contract.contract.document import JSON, Contract
from agentserver_contract.contract.schemas import request_problems
from agentserver_contract.fixtures.agreement import disagreements
from agentserver_contract.fixtures.examples import prepare_examples
from agentserver_contract.fixtures.workspaces import team_with
from agentserver_contract.http.target import Target
from agentserver_contract.layers import values
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.secrets import is_unlikely
from agentserver_contract.variants.values import TEXTS, variants

RENAME, CREATE, MEMBERS = "rename_workspace", "create_workspace", "add_workspace_member"
CONFIG, QUOTA = "set_workspace_llm_config", "admin_set_workspace_quota"


@pytest.mark.parametrize("name", [RENAME, CONFIG, QUOTA, MEMBERS])
def test_values_are_right_and_wrong_in_every_field(name: str, contract: Contract) -> None:
    operation = contract.operations[name]
    assert operation.body is not None
    tried: dict[str, set[bool]] = {}
    for variant in variants(contract, operation.body, operation.body_example, seed=1):
        wrong = bool(request_problems(contract, operation, variant.body, JSON))
        tried.setdefault(str(variant.place), set()).add(wrong)
    assert tried.keys() >= {f"$.{field.name}" for field in operation.fields}
    for place, verdicts in tried.items():
        assert True in verdicts, f"nothing wrong is tried at {place}"


def with_fields(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Seen], Seen]:
    """Writes arrive with other fields than were sent."""

    def changed(sent: Seen) -> Seen:
        if sent.method not in ("POST", "PUT", "PATCH") or "/auth/" in sent.path:
            return sent
        try:
            body = json.loads(sent.body)
        except ValueError:
            return sent
        if not isinstance(body, dict):
            return sent
        return replace(sent, body=json.dumps(change(body)).encode())

    return changed


def folded(fields: dict[str, Any]) -> dict[str, Any]:
    name = fields.get("name")
    return {**fields, "name": name.casefold().upper()} if isinstance(name, str) else fields


def cut_to_bytes(fields: dict[str, Any]) -> dict[str, Any]:
    name = fields.get("name")
    if not isinstance(name, str) or len(name) > 255:
        return fields
    cut = name.encode("utf-8", "replace")[:255].decode("utf-8", "ignore")
    return {**fields, "name": cut or name}


def role_in_any_case(fields: dict[str, Any]) -> dict[str, Any]:
    role = fields.get("role")
    return {**fields, "role": role.strip().lower()} if isinstance(role, str) else fields


def invented_name(fields: dict[str, Any]) -> dict[str, Any]:
    return {"name": "New Workspace", **fields}


def limit_of_none(fields: dict[str, Any]) -> dict[str, Any]:
    largest = 2**31 - 1
    return {name: largest - 1 if value == largest else value for name, value in fields.items()}


@pytest.mark.parametrize(
    ("change", "operation", "found"),
    [
        (folded, RENAME, "is shown by the answer as it was sent"),
        (cut_to_bytes, RENAME, "is shown by the answer as it was sent"),
        (invented_name, CREATE, "is refused"),
        (role_in_any_case, MEMBERS, "is refused"),
        (limit_of_none, QUOTA, "is shown by the admin as it was sent"),
    ],
    ids=["another case", "cut to bytes", "an invented name", "a role in any case", "a lower limit"],
)
def test_value_that_is_changed_or_invented_is_found(
    tmp_path: Path,
    contract: Contract,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    operation: str,
    found: str,
) -> None:
    result = run_on(
        values.run, tmp_path, contract, rewriting(with_fields(change)), frozenset({operation})
    )
    assert found in {finding.check for finding in result.findings}, findings_text(result.findings)
    assert {finding.operation for finding in result.findings} == {operation}


def test_length_that_is_counted_in_bytes_is_found(tmp_path: Path, contract: Contract) -> None:
    def answer(sent: Seen) -> tuple[int, str] | None:
        if sent.method != "PATCH":
            return None
        try:
            name = json.loads(sent.body)["name"]
            too_long = len(name.encode()) > 255 >= len(name)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return (400, "name: too long") if too_long else None

    result = run_on(values.run, tmp_path, contract, answering(answer), frozenset({RENAME}))
    assert {finding.check for finding in result.findings} == {"is taken"}
    assert any("two bytes" in finding.promise for finding in result.findings)


@pytest.mark.parametrize(
    ("fault", "operation"),
    [
        ("cards-with-rounded-numbers", "upsert_agent_card"),
        ("metadata-without-null", "create_sandbox"),
    ],
)
def test_json_that_is_kept_otherwise_than_it_was_sent_is_found(
    tmp_path: Path, contract: Contract, fault: str, operation: str
) -> None:
    with planted(find(fault)):
        result = run_on(values.run, tmp_path, contract, lambda app: app, frozenset({operation}))
    assert {finding.operation for finding in result.findings} == {operation}
    assert all("as it was sent" in finding.promise for finding in result.findings)


def test_body_without_its_length_that_is_refused_is_found(
    tmp_path: Path, contract: Contract
) -> None:
    def answer(sent: Seen) -> tuple[int, str] | None:
        is_chunked = sent.method == "PATCH" and "content-length" not in sent.headers
        return (400, "no length") if is_chunked else None

    result = run_on(values.run, tmp_path, contract, answering(answer), frozenset({RENAME}))
    assert [finding.promise for finding in result.findings] == [
        "a body in which the body is sent in chunks is taken"
    ]


def test_reading_that_shows_another_member_something_else_is_found(
    tmp_path: Path, contract: Contract
) -> None:
    def wrap(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            nonlocal reads
            if scope["type"] == "http" and scope["method"] == "GET":
                reads += scope["path"].count("/") == 3
            await app(scope, receive, send)

        return AnswersChanged(wrapped, stale, contract, "get_workspace")

    reads = 0

    def stale(answer: Answer) -> Answer:
        if answer.status != 200 or reads % 2:
            return answer
        changed = Answer(answer.status, list(answer.headers), answer.body)
        changed.set_body(answer.body.replace(b'"name":"', b'"name":"Old '))
        return changed

    result = run_on(values.run, tmp_path, contract, wrap, frozenset({RENAME}))
    found = {(each.check, each.operation, each.tried) for each in result.findings}
    assert ("is read alike", "get_workspace", RENAME) in found, findings_text(result.findings)


def test_thing_that_cannot_be_read_after_it_was_written_is_found(
    tmp_path: Path, contract: Contract
) -> None:
    renamed = set[str]()

    def answer(sent: Seen) -> tuple[int, str] | None:
        if sent.method == "PATCH" and b"\\u00df" in sent.body.lower():
            renamed.add(sent.path)
        return (404, "no such workspace") if sent.method == "GET" and sent.path in renamed else None

    result = run_on(values.run, tmp_path, contract, answering(answer), frozenset({RENAME}))
    assert "can then be read by the owner" in {finding.check for finding in result.findings}, (
        findings_text(result.findings)
    )


@pytest.mark.parametrize(
    ("operation", "answer", "found"),
    [
        (MEMBERS, MEMBERS, "is answered as it is read"),
        (RENAME, "list_workspaces", "agreement"),
        (CREATE, "admin_list_workspaces", "agreement"),
    ],
)
def test_thing_that_is_shown_in_two_ways_is_found(
    tmp_path: Path, contract: Contract, operation: str, answer: str, found: str
) -> None:
    def changed(shown: Answer) -> Answer:
        other = Answer(shown.status, list(shown.headers), shown.body)
        if shown.status in (200, 201):
            other.set_body(
                shown.body.replace(b'"role":"developer"', b'"role":"guest"')
                .replace(b'"Renamed workspace"', b'"Former"')
                .replace(b'"My workspace"', b'"Former"')
            )
        return other

    result = run_on(
        *(values.run, tmp_path, contract),
        lambda app: AnswersChanged(app, changed, contract, answer),
        frozenset({operation}),
    )
    assert found in {finding.check for finding in result.findings}, findings_text(result.findings)
    assert {finding.operation for finding in result.findings} == {operation}


def test_list_of_the_administrator_that_differs_is_found(
    tmp_path: Path, contract: Contract
) -> None:
    def stale(answer: Answer) -> Answer:
        changed = Answer(answer.status, list(answer.headers), answer.body)
        if answer.status == 200:
            # The name before the last change.
            changed.set_body(answer.body.replace(b"Contract workspace", b"Former workspace"))
        return changed

    def wrap(app: Any) -> Any:
        return AnswersChanged(app, stale, contract, "admin_list_workspaces")

    with served(tmp_path, wrap) as url, Target(url) as target:
        accounts = prepare_accounts(target)
        examples = prepare_examples(
            contract, accounts, owner="owner", members=team_with("guest"), caller=accounts["owner"]
        )
        (line,) = disagreements(accounts, examples)
    assert "Contract workspace of owner" in line
    assert "admin_list_workspaces" in line


def test_no_text_that_is_tried_everywhere_is_taken_for_a_secret() -> None:
    for text in TEXTS.values():
        assert not is_unlikely(text), text
