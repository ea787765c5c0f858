"""Agents and their cards, and that nobody but an agent acts as one."""

from __future__ import annotations

import json

from agentserver import NotFound, PermissionDenied
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.readback import expect, expect_refused
from agentserver_contract.model.run import USERS, ModelRun
from agentserver_contract.model.sandboxes import any_sandbox, with_sandbox
from agentserver_contract.model.workspaces import Workspaces, read_of


@invariant("workspaces", "members", "sandboxes", "cards")
def each_workspace_lists_its_cards(run: ModelRun) -> None:
    method = "agents.list"
    for workspace in run.state[Workspaces].by_id.values():
        rows = read_of(run, workspace, method)
        expect(method, "the cards that its agents have published", [], list(rows))


@rule(touches=["tasks", "interactions", "cards"], precondition=with_sandbox())
def act_as_an_agent_without_being_one(run: ModelRun, choose: Choose) -> None:
    """A session is no agent's token, and nor is one that is made up."""
    _, sandbox, user = any_sandbox(run, choose)
    made_up = {"authorization": f"Bearer {'0' * 32}"}
    for method, path, body in _calls_for_agents(sandbox.id):
        run.send_raw(method, user, path, body, status=401)
        run.send_raw(method, None, path, body, headers=made_up, status=401)


@rule(touches=[], precondition=with_sandbox())
def look_for_cards(run: ModelRun, choose: Choose) -> None:
    """Of a sandbox without one, of none at all, and as a stranger."""
    workspace, sandbox, _ = any_sandbox(run, choose)
    member, method = choose(list(workspace.members)), "agents.get"
    strangers = ["admin", *(user for user in USERS if user not in workspace.members)]
    expect_refused(run, [member], NotFound, method, sandbox.id)
    expect_refused(run, [member], NotFound, method, f"{NO_SUCH}sandbox")
    expect_refused(run, strangers, PermissionDenied, method, sandbox.id)


def _calls_for_agents(target_id: str) -> list[tuple[str, str, bytes | None]]:
    """Every operation for agents, with its path and its body."""
    return [
        ("agents.discover", "/api/agent/discovery/agents", None),
        ("agents.publish_card", "/api/agent/discovery/cards", b"{}"),
        ("tasks.delegate", "/api/agent/tasks", _json(target_id=target_id, prompt="Do it.")),
        ("tasks.poll", "/api/agent/tasks/poll", None),
        ("tasks.get_as_agent", f"/api/agent/tasks/{NO_SUCH}task", None),
        ("tasks.report", f"/api/agent/tasks/{NO_SUCH}task/status", _json(status="running")),
        ("mailbox.send", "/api/agent/mailbox/send", _json(to=target_id, text="Hello")),
        ("mailbox.read", "/api/agent/mailbox/inbox", None),
    ]


def _json(**fields: str) -> bytes:
    return json.dumps(fields).encode()
