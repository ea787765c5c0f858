"""What the examples are about can be made, whatever an earlier layer has set."""

from __future__ import annotations

from servers import Server

from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import Accounts
from agentserver_contract.fixtures.examples import prepare_examples
from agentserver_contract.fixtures.workspaces import team_with


def test_sandboxes_are_made_where_the_installation_allows_next_to_none(
    server: Server, accounts: Accounts, contract: Contract
) -> None:
    with server.target.client(session=accounts["admin"].session) as client:
        client.admin.quota_defaults.set(
            max_sandboxes_per_workspace=1, ws_max_total_cpu=1, ws_max_total_memory=1
        )
    owner = accounts["owner"]
    examples = prepare_examples(
        contract, accounts, owner="owner", members=team_with("guest"), caller=owner
    )
    with server.target.client(session=owner.session) as client:
        states = {client.sandboxes.get(each).status for each in examples.sandboxes.values()}
    assert states == {"running", "paused"}
