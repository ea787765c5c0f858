"""The rows of a list beside what was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from agentserver_contract.contract.document import Contract
from agentserver_contract.http.messages import Request
from agentserver_contract.results.rows import promises_rows, row_problems

INTERACTIONS = "list_agent_interactions"
OPERATIONS = "list_workspace_operations"
CARDS = "list_workspace_agents"
TRACES = "list_workspace_traces"
EARLIER, LATER = "2026-11-23T10:00:00.5Z", "2026-11-23T10:00:01Z"


def changed(*times: str) -> dict[str, Any]:
    return {"traces": [{"updated_at": each} for each in times]}


def found(contract: Contract, operation: str, query: str, value: Any) -> list[tuple[str, str]]:
    request = Request("GET", f"/path?{query}", {})
    problems = row_problems(contract, contract.operations[operation], request, value)
    return [(each.rule, each.at) for each in problems]


@pytest.mark.parametrize(
    ("operation", "query", "value"),
    [
        (INTERACTIONS, "", [{}] * 50),
        (INTERACTIONS, "limit=200", [{}] * 200),
        (INTERACTIONS, "limit=2&limit=3", [{}] * 3),
        (INTERACTIONS, "limit=0", [{}]),
        (OPERATIONS, "is_error=1", {"operations": [{"is_error": True}]}),
        (OPERATIONS, "limit=1&is_error=true", {"operations": [{"is_error": True}]}),
        (OPERATIONS, "since=2026-11-23T10:00:00Z", {"operations": [{"tool": "turn"}]}),
        (CARDS, "", [{"display_name": "Zed"}, {"display_name": "apple"}]),
        (TRACES, "", changed(LATER, EARLIER, EARLIER, "long ago")),
        ("list_workspaces", "", [{"created_at": EARLIER}, {}, {"created_at": LATER}]),
        ("get_workspace", "", {"id": "1"}),
    ],
)
def test_rows_that_were_asked_for_are_right(
    contract: Contract, operation: str, query: str, value: Any
) -> None:
    assert found(contract, operation, query, value) == []


@pytest.mark.parametrize(
    ("operation", "query", "value", "problem"),
    [
        (INTERACTIONS, "", [{}] * 51, ("limit", "$")),
        (INTERACTIONS, "limit=2", [{}] * 3, ("limit", "$")),
        ("poll_agent_tasks", "", [{}] * 6, ("limit", "$")),
        (OPERATIONS, "", {"operations": [{}] * 101}, ("limit", "$.operations")),
        (
            *(OPERATIONS, "is_error=false", {"operations": [{"is_error": True}]}),
            ("filter", "$.operations[0].is_error"),
        ),
        (
            *("list_codex_tokens", "workspace_id=a", [{"workspace_id": "b"}]),
            ("filter", "$[0].workspace_id"),
        ),
        (
            *(CARDS, "", [{"display_name": "apple"}, {"display_name": "Zed"}]),
            ("order", "$[0].display_name"),
        ),
        (TRACES, "", changed(LATER, EARLIER, LATER), ("order", "$.traces[1].updated_at")),
        (
            *("list_workspaces", "", [{"created_at": LATER}, {"created_at": EARLIER}]),
            ("order", "$[0].created_at"),
        ),
    ],
)
def test_other_rows_are_a_problem(
    contract: Contract, operation: str, query: str, value: Any, problem: tuple[str, str]
) -> None:
    assert found(contract, operation, query, value) == [problem]


def test_each_list_in_parts_says_how_long_a_part_is(contract: Contract) -> None:
    limited = [
        (operation, parameter)
        for operation in contract.operations.values()
        for parameter in operation.parameters_in("query")
        if parameter.name == "limit"
    ]
    assert limited
    for operation, parameter in limited:
        assert isinstance(parameter.value_if_omitted, int), operation.id
        assert promises_rows(operation)


@pytest.mark.parametrize(
    ("operation", "name", "value"),
    [
        ("create_sandbox", "type", "opencode"),
        ("create_workspace_task", "timeout_seconds", 300),
        ("list_codex_tokens", "include_revoked", False),
        ("set_workspace_llm_config", "api_key", None),
    ],
)
def test_what_counts_if_something_is_left_out_is_read_from_its_description(
    contract: Contract, operation: str, name: str, value: object
) -> None:
    named = contract.operations[operation]
    (found,) = (each for each in (*named.parameters, *named.fields) if each.name == name)
    assert found.value_if_omitted == value
