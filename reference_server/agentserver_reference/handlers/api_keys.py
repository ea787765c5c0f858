"""API keys of workspaces."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import api_keys


async def list_workspace_api_keys(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/api-keys."""
    return Reply(200, await api_keys.list_of_workspace(call.work, call.path["workspace_id"]))


async def mint_workspace_api_key(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/api-keys."""
    workspace_id, body = call.path["workspace_id"], call.json
    minted = await api_keys.mint(
        call.work, workspace_id, call.user_id, body["name"], body["scopes"]
    )
    return Reply(201, minted)


async def list_workspace_api_key_scopes(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/api-keys/scopes."""
    return Reply(200, api_keys.scopes())


async def revoke_workspace_api_key(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/api-keys/{key_id}."""
    await api_keys.revoke(call.work, call.path["workspace_id"], call.path["key_id"])
    return Reply(204)
