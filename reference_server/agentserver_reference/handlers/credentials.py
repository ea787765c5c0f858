"""Credentials of workspaces, for services outside."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import credentials


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
    return Reply(201, created)


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


def _place(call: Call) -> tuple[str, str, str]:
    return call.path["workspace_id"], call.path["kind"], call.path["binding_id"]
