"""`--operation` in the layers that try several operations together."""

from __future__ import annotations

from servers import in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.layers import model, stateful
from agentserver_contract.layers.table import LAYERS
from agentserver_contract.model.action import ACTIONS
from agentserver_contract.model.scope import rules_about
from agentserver_contract.reports.text import findings_text


def test_every_operation_has_rules_of_the_model(contract: Contract) -> None:
    for operation in contract.operations:
        assert rules_about(contract, [operation]), operation


def test_rules_are_those_that_call_the_operation(contract: Contract) -> None:
    rules = rules_about(contract, ["rename_workspace"])
    assert {"rename_workspace", "rename_without_permission", "rename_concurrently"} <= set(rules)
    assert "override_llm_quota" not in rules
    by_method = rules_about(contract, ["get_task"])
    assert "agents_report_what_came_of_tasks" in by_method, "what it calls is a method of a class"
    assert rules_about(contract, None) == list(ACTIONS)


def test_rules_are_those_after_which_the_operation_is_read(contract: Contract) -> None:
    rules = rules_about(contract, ["get_workspace_llm_quota"])
    assert {"override_llm_quota", "clear_llm_quota"} <= set(rules)
    assert "add_member_without_permission" not in rules


def test_model_tries_the_rules_of_the_named_operations_only(
    contract: Contract, sqlite_url: str
) -> None:
    named = frozenset({"delete_workspace_llm_config"})
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        result = model.run(
            Context(
                server.target, accounts, contract, Plan(seed=1, operations=named, model_steps=5)
            )
        )
    assert result.holds, findings_text(result.findings)
    assert result.succeeded["delete_workspace_llm_config"]
    assert not result.cases["admin_set_user_quota"] - result.succeeded["admin_set_user_quota"]


def test_scenarios_are_made_of_what_leads_to_the_named_operation(
    contract: Contract, sqlite_url: str
) -> None:
    named = frozenset({"remove_workspace_member"})
    chosen = [each.id for each in stateful.linked(contract, named)]
    assert chosen == ["create_workspace", "add_workspace_member", "remove_workspace_member"]
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        plan = Plan(seed=1, operations=named, scenarios=60)
        result = stateful.run(Context(server.target, accounts, contract, plan))
    assert result.holds, findings_text(result.findings)
    assert set(result.cases) <= set(chosen)
    assert result.succeeded["remove_workspace_member"]


def test_every_layer_but_the_gate_is_run_for_a_named_operation() -> None:
    plan = Plan(seed=1, operations=frozenset({"login"}))
    assert [each.name for each in LAYERS if each.reason_not_run(plan)] == ["gate"]
