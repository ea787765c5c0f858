"""Codex tokens."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import codex_sessions, codex_tokens


async def list_codex_tokens(call: Call) -> Reply:
    """GET /api/codex/tokens."""
    with_revoked = call.query.get("include_revoked", False)
    rows = await codex_tokens.list_of_workspace(
        call.work, call.query["workspace_id"], with_revoked=with_revoked
    )
    return Reply(200, rows)


async def mint_codex_token(call: Call) -> Reply:
    """POST /api/codex/tokens."""
    body = call.json
    minted = await codex_tokens.mint(
        call.work, body["workspace_id"], call.user_id, body["name"], body.get("ttl_days")
    )
    return Reply(201, minted)


async def revoke_codex_token(call: Call) -> Reply:
    """DELETE /api/codex/tokens/{token_id}."""
    await codex_tokens.revoke(call.work, call.user_id, call.path["token_id"])
    return Reply(204)


async def list_codex_browsers(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/browsers."""
    return Reply(200, await codex_sessions.list_of_workspace(call.work, call.path["workspace_id"]))
