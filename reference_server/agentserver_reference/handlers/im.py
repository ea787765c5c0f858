"""Channels, by which people write to a workspace."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import im, weixin_logins


async def list_im_channels(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/im/channels."""
    rows = await im.list_of_workspace(call.work, call.path["workspace_id"])
    return Reply(200, {"channels": rows})


async def update_im_channel(call: Call) -> Reply:
    """PATCH /api/workspaces/{workspace_id}/im/channels/{channel_id}."""
    workspace_id, channel_id, body = call.path["workspace_id"], call.path["channel_id"], call.json
    changes = (body.get(name) for name in ("require_mention", "routing_mode"))
    await im.update(call.work, workspace_id, channel_id, *changes)
    return Reply(200, {"status": "updated"})


async def delete_im_channel(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/im/channels/{channel_id}."""
    await im.delete(call.work, call.path["workspace_id"], call.path["channel_id"])
    return Reply(204)


async def configure_telegram_channel(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/im/telegram/configure."""
    token = call.json["bot_token"]
    bot_id = await im.configure_telegram(call.work, call.path["workspace_id"], token)
    return Reply(200, {"connected": True, "bot_id": bot_id})


async def configure_matrix_channel(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/im/matrix/configure."""
    url, token = call.json["homeserver_url"], call.json["access_token"]
    bot_id = await im.configure_matrix(call.work, call.path["workspace_id"], url, token)
    return Reply(200, {"connected": True, "bot_id": bot_id})


async def start_weixin_qr_login(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/im/weixin/qr-start."""
    url = await weixin_logins.start(call.work, call.path["workspace_id"])
    return Reply(200, {"qrcode_url": url, "message": "Scan the QR code with WeChat"})


async def wait_weixin_qr_login(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/im/weixin/qr-wait."""
    return Reply(200, await weixin_logins.wait(call.work, call.path["workspace_id"]))


async def bind_sandbox_im_channel(call: Call) -> Reply:
    """POST /api/sandboxes/{sandbox_id}/im/bind."""
    await im.bind(call.work, call.path["sandbox_id"], call.json["channel_id"])
    return Reply(200, {"status": "bound"})


async def unbind_sandbox_im_channel(call: Call) -> Reply:
    """DELETE /api/sandboxes/{sandbox_id}/im/bind."""
    await im.unbind(call.work, call.path["sandbox_id"])
    return Reply(200, {"status": "unbound"})
