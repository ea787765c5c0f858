"""Promises about every request, each tried on one operation: bodies, paths, and request ids."""

from __future__ import annotations

from agentserver_contract.contract.schemas import MAX_BODY_BYTES, MAX_NESTING, REQUEST_ID
from agentserver_contract.model.action import Choose, rule
from agentserver_contract.model.run import ModelRun
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    any_workspace,
    delete_again,
    raise_creation_quota,
)


@rule(touches=["names"], precondition=A_WORKSPACE)
def send_unusual_bodies(run: ModelRun, choose: Choose) -> None:
    """Media types, sizes, depth, repeated and unknown keys."""
    workspace, method = any_workspace(run, choose), "workspaces.rename"
    user, target = choose(workspace.with_role("owner")), f"/api/workspaces/{workspace.id}"
    body = b'{"name": "raw"}'
    for media_type in ("", "application/json; charset=utf-8", "Application/JSON"):
        headers = {"content-type": media_type}
        run.send_raw(method, user, target, body, headers=headers, status=200)
    for media_type in ("text/plain", "application/merge-patch+json", "application/jsonx"):
        headers = {"content-type": media_type}
        run.send_raw(method, user, target, body, headers=headers, status=415)
    start, end = b'{"name": "raw", "padding": "', b'"}'
    for size, status in ((MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)):
        padding = b"x" * (size - len(start) - len(end))
        run.send_raw(method, user, target, start + padding + end, status=status)
    for depth, status in ((MAX_NESTING - 1, 200), (MAX_NESTING, 400)):
        nested = b"[" * depth + b"]" * depth
        body = b'{"name": "raw", "padding": ' + nested + b"}"
        run.send_raw(method, user, target, body, status=status)
    twice = b'{"name": "first", "name": "last", "Name": "other", "id": "mine", "role": "admin"}'
    for body, status in ((b'{"Name": "x"}', 400), (b'{"name": "\\ud800"}', 400), (twice, 200)):
        run.send_raw(method, user, target, body, status=status)
    workspace.name = "last"
    workspace.updated_at.advance()


@rule(touches=["workspaces", "creation_quota"], precondition=A_WORKSPACE)
def send_fields_that_the_server_sets(run: ModelRun, choose: Choose) -> None:
    """An id or a time in a request is ignored, like every field that is not in the contract."""
    method, user = "workspaces.create", "outsider"
    raise_creation_quota(run, user)
    body = b'{"name": "mine", "id": "mine", "created_at": "2000-01-01T00:00:00Z", "owner": "x"}'
    created = run.send_raw(method, user, "/api/workspaces", body, status=201).json()
    delete_again(run, user, created["id"])
    if created["id"] == "mine" or created["created_at"].startswith("2000"):
        promise = "fields that the contract does not know are ignored"
        raise ContractViolation(method, promise, created)


@rule(touches=["names"], precondition=A_WORKSPACE)
def send_unusual_paths(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.get"
    user, path = choose(workspace.with_role("owner")), f"/api/workspaces/{workspace.id}"
    encoded = f"%{ord(workspace.id[0]):02X}{workspace.id[1:]}"
    run.send_raw(method, user, f"/api/workspaces/{encoded}", status=200)
    for unknown_id in (
        f"{workspace.id}%2Fmembers",
        f"{workspace.id}%00",
        "%FF",
        "%2E%2E",
        "x" * 3000,
    ):
        run.send_raw(method, user, f"/api/workspaces/{unknown_id}", status=403)
    for unknown in (f"{path}/", f"{path}/nothing", "/api/workspaces//members", f"{path}//members"):
        run.send_raw(method, user, unknown, status=404)
    run.send_raw(method, user, path, http_method="PUT", status=405)


@rule(touches=[])
def send_request_ids(run: ModelRun, choose: Choose) -> None:
    """A well-formed X-Request-Id is kept, another one is replaced; every answer has one."""
    method, target, new = "auth.me", "/api/auth/me", []
    wrong = ("", "", "with blank", "x" * 129, 'quote"', "caf\u00e9", "a\tb", "id,id", "x\u00ff")
    for given in ("own-id_1.~X", "x" * 128, *wrong):
        for user, status in (("owner", 200), (None, 401)):
            headers = {"x-request-id": given}
            response = run.send_raw(method, user, target, headers=headers, status=status)
            answered = response.header("x-request-id") or ""
            well_formed = bool(REQUEST_ID.fullmatch(given))
            if (answered == given) != well_formed or not answered:
                promise = "X-Request-Id is kept if it is well-formed"
                raise ContractViolation(method, promise, (given, answered))
            if response.header("x-content-type-options") != "nosniff":
                promise = "every answer has X-Content-Type-Options: nosniff"
                raise ContractViolation(method, promise, response.as_text())
            new += [] if well_formed else [answered]
    if len(set(new)) != len(new):
        raise ContractViolation(method, "a new X-Request-Id is given to each request", new)
