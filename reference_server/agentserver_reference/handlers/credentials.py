"""Credentials of workspaces, for services outside."""

from typing import Any

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply, WhileConnected
from agentserver_reference.services import credential_logins, credentials
from agentserver_reference.services.credential_logins import PendingLogin


async def list_credential_bindings(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/credentials/{kind}."""
    rows = await credentials.list_of_workspace(
        call.work, call.path["workspace_id"], call.path["kind"]
    )
    return Reply(200, rows)


async def create_credential_binding(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/credentials/{kind}."""
    workspace_id, kind, body = call.path["workspace_id"], call.path["kind"], call.json
    created = await credentials.create(
        call.work, workspace_id, kind, body["display_name"], body["config"]
    )
    return _created(created)


async def complete_device_credential_binding(call: Call) -> WhileConnected:
    """POST /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}/device-complete."""

    async def make() -> Reply:
        return _created(await credential_logins.complete(call.work, *_place(call)))

    return WhileConnected(make)


async def update_credential_binding(call: Call) -> Reply:
    """PATCH /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}."""
    await credentials.rename(call.work, *_place(call), call.json.get("display_name"))
    return Reply(204)


async def delete_credential_binding(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}."""
    await credentials.delete(call.work, *_place(call))
    return Reply(204)


async def set_default_credential_binding(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}/set-default."""
    await credentials.set_default(call.work, *_place(call))
    return Reply(204)


def _created(found: dict[str, Any] | PendingLogin) -> Reply:
    return Reply(202, found.shown) if isinstance(found, PendingLogin) else Reply(201, found)


def _place(call: Call) -> tuple[str, str, str]:
    return call.path["workspace_id"], call.path["kind"], call.path["binding_id"]
