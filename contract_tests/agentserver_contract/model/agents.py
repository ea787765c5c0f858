"""Agents and their cards, and that only an agent acts as one."""

from __future__ import annotations

import json
from typing import Any

from agentserver import BadRequest, Client, NotFound, PermissionDenied, Unauthenticated
from agentserver_contract.fixtures.access_tokens import NARROWED, REVOKED, VALID, WITHOUT_SCOPE
from agentserver_contract.fixtures.accounts import LEAVER
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.http.messages import bearer
from agentserver_contract.model.action import Choose, invariant, precondition, rule
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


@rule(touches=["sandboxes"], precondition=with_sandbox())
def register_an_agent_without_an_access_token(run: ModelRun, choose: Choose) -> None:
    """Neither a session registers one, nor an agent's token, nor a token that is made up."""
    _, _, user = any_sandbox(run, choose)
    method, path, body = "agents.register", "/api/agent/register", _json(name="Agent")
    run.send_raw(method, user, path, body, status=401)
    tokens = ["0" * 32, *(agent.token for agent in run.accounts.agents.values())]
    for token in tokens:
        run.send_raw(method, None, path, body, headers=bearer(token), status=401)


@rule(touches=["tasks", "interactions", "cards"], precondition=with_sandbox())
def act_as_an_agent_without_being_one(run: ModelRun, choose: Choose) -> None:
    """A session is no agent's token, and nor is one that is made up."""
    _, sandbox, user = any_sandbox(run, choose)
    made_up = bearer("0" * 32)
    for method, path, body in _calls_for_agents(sandbox.id):
        run.send_raw(method, user, path, body, status=401)
        run.send_raw(method, None, path, body, headers=made_up, status=401)


@precondition("the run has no access tokens")
def with_access_token(run: ModelRun) -> bool:
    """Whether the run has one that is valid."""
    return VALID in run.clients


@rule(touches=[], precondition=with_access_token)
def register_agents(run: ModelRun, choose: Choose) -> None:
    """Each time a new one, whose two tokens are its own, until its sandbox is deleted.

    The server neither pauses it nor resumes it.
    """
    with run.target.client(session=run.accounts[LEAVER].session) as owner:
        _register_and_delete(run, owner)
        _register_and_delete(run, owner, name="Reviewer ü", type="custom")
    refused = (
        (WITHOUT_SCOPE, PermissionDenied),
        (NARROWED, PermissionDenied),
        (REVOKED, Unauthenticated),
    )
    for name, error in refused:
        if name in run.clients:
            run.call(name, "agents.register", raises=error)


def _register_and_delete(run: ModelRun, owner: Client, **given: Any) -> None:
    method, promise = "agents.register", "an agent is registered as it was asked for"
    made = run.call(VALID, method, **given)
    expected = {
        "name": "Local Agent",
        "type": "opencode",
        "status": "running",
        "is_local": True,
        "id": made.sandbox_id,
        "short_id": made.short_id,
        "workspace_id": made.workspace_id,
        **given,
    }
    for change in ("sandboxes.pause", "sandboxes.resume"):
        run.call(owner, change, made.sandbox_id, raises=BadRequest)
    shown = run.call(owner, "sandboxes.get", made.sandbox_id).to_dict()
    expect(method, promise, expected, {name: shown.get(name) for name in expected})
    seen = [shown.get(name) is not None for name in ("last_activity_at", "last_heartbeat_at")]
    expect(method, "registering is its first activity, and sign of life", [True, True], seen)
    with (
        run.target.client(token=made.proxy_token) as proxy,
        run.target.client(token=made.tunnel_token) as tunnel,
    ):
        for client in (proxy, tunnel):
            run.call(client, "agents.publish_card")
        run.call(owner, "sandboxes.delete", made.sandbox_id)
        for client in (proxy, tunnel):
            run.call(client, "agents.publish_card", raises=Unauthenticated)


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
