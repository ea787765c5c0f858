"""Channels of workspaces."""

from replacing import fault
from sqlalchemy import delete, select, update

from agentserver_reference.domain.errors import BadGateway, BadRequest
from agentserver_reference.storage import tables
from agentserver_reference.storage.weixin_logins import end

_of = tables.im_channels.c
_sandboxes = tables.sandboxes

# --- connecting -----------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.im.list_of_workspace",
    kind="rows-of-others-in-list",
    operations=["list_im_channels"],
)
async def channels_of_all_workspaces(original, work, workspace_id):
    """Channels of other workspaces are listed."""
    everywhere = await work.read(
        lambda conn: conn.execute(select(tables.workspaces.c.id)).scalars().all()
    )
    return [row for each in everywhere for row in await original(work, each)]


@fault(
    replaces="agentserver_reference.storage.im_channels.list_of",
    kind="wrong-order",
    operations=["list_im_channels"],
)
def channels_in_the_order_of_their_bots(original, conn, workspace_id):
    """Channels are listed by the names of their bots, the last one first."""
    return sorted(original(conn, workspace_id), key=lambda row: row["bot_id"], reverse=True)


@fault(
    replaces="agentserver_reference.services.im.configure_telegram",
    kind="secret-shown",
    operations=["configure_telegram_channel"],
)
async def refusal_repeats_the_bot_token(original, work, workspace_id, token):
    """The reason of a refusal repeats the address that was called, with the token in it."""
    try:
        return await original(work, workspace_id, token)
    except BadRequest as refusal:
        raise BadRequest(f"{refusal.line}: https://api.telegram.org/bot{token}/getMe") from None


@fault(
    replaces="agentserver_reference.services.im.configure_telegram",
    kind="secret-shown",
    operations=["configure_telegram_channel"],
)
async def bot_named_after_its_token(original, work, workspace_id, token):
    """The answer has the token as the name of the bot."""
    await original(work, workspace_id, token)
    return token


@fault(
    replaces="agentserver_reference.domain.im.check_is_known",
    kind="missing-is-accepted",
    operations=["update_im_channel", "delete_im_channel"],
)
def unknown_channels_changed(original, *, is_known, where=""):
    """A change of a channel that does not exist succeeds, and changes nothing."""
    if where:
        original(is_known=is_known, where=where)


@fault(
    replaces="agentserver_reference.storage.im_channels.connect",
    kind="duplicate-accepted",
    operations=["configure_telegram_channel"],
)
def bot_loses_its_settings(original, conn, workspace_id, bot, *, new_id, seal, now):
    """A bot that is connected again begins anew, with another channel."""
    conn.execute(
        delete(tables.im_channels).where(_of.workspace_id == workspace_id, _of.bot_id == bot.bot_id)
    )
    original(conn, workspace_id, bot, new_id=new_id, seal=seal, now=now)


@fault(
    replaces="agentserver_reference.services.im.checked_address",
    kind="accepts-malformed",
    operations=["configure_matrix_channel"],
)
def homeservers_in_private_networks(original, text, *, field, schemes, private_allowed):
    """A homeserver may be in a private network."""
    return original(text, field=field, schemes=schemes, private_allowed=True)


@fault(
    replaces="agentserver_reference.services.im.configure_matrix",
    kind="server-error-on-odd-input",
    operations=["configure_matrix_channel"],
)
async def homeserver_not_checked(original, work, workspace_id, homeserver_url, token):
    """What is no address is called, and said to be unreachable."""
    try:
        return await original(work, workspace_id, homeserver_url, token)
    except BadRequest as refusal:
        if not refusal.line.startswith("homeserver_url"):
            raise
        raise BadGateway("the homeserver cannot be reached") from None


@fault(
    replaces="agentserver_reference.storage.weixin_logins.end",
    kind="used-twice",
    operations=["wait_weixin_qr_login"],
)
def login_to_wechat_not_ended(original, conn, workspace_id, login_id):
    """A login that was confirmed can be asked about again."""
    return True


@fault(
    replaces="agentserver_reference.services.weixin_logins._connect",
    kind="write-not-stored",
    operations=["wait_weixin_qr_login"],
)
def bot_of_wechat_not_kept(original, conn, workspace_id, login_id, bot, new_id, seal, now):
    """A bot of WeChat is said to be connected, and is not."""
    end(conn, workspace_id, login_id)


@fault(
    replaces="agentserver_reference.services.weixin_logins.start",
    kind="wrong-object-touched",
    operations=["start_weixin_qr_login"],
)
async def login_to_wechat_replaces_all_channels(original, work, workspace_id):
    """A login that begins deletes the channels of the workspace."""
    url = await original(work, workspace_id)
    await work.context.store.write(
        lambda conn: conn.execute(
            delete(tables.im_channels).where(_of.workspace_id == workspace_id)
        )
    )
    return url


# --- changing -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.im_channels.change",
    kind="other-fields-reset",
    operations=["update_im_channel"],
)
def change_of_one_field_resets_the_other(
    original, conn, workspace_id, channel_id, *, require_mention, routing_mode
):
    """What is left out of a change is set to what it was at first."""
    given = {"require_mention": bool(require_mention), "routing_mode": routing_mode or "codex"}
    original(conn, workspace_id, channel_id, **given)


@fault(
    replaces="agentserver_reference.services.im._update",
    kind="write-not-stored",
    operations=["update_im_channel"],
)
def mention_not_stored(original, conn, workspace_id, channel_id, require_mention, routing_mode):
    """Whether a mention is required is not stored where the mode is given as well."""
    mention = None if routing_mode is not None else require_mention
    original(conn, workspace_id, channel_id, mention, routing_mode)


@fault(
    replaces="agentserver_reference.storage.im_channels.is_known",
    kind="write-across-tenants",
    operations=["bind_sandbox_im_channel"],
)
def channel_found_in_any_workspace(original, conn, workspace_id, channel_id):
    """A channel is found by its id alone, so that one of another workspace can be bound."""
    found = conn.execute(select(_of.id).where(_of.id == channel_id)).first()
    return found is not None


@fault(
    replaces="agentserver_reference.storage.im_channels.remove",
    kind="wrong-object-touched",
    operations=["delete_im_channel"],
)
def channels_deleted_with_one(original, conn, workspace_id, channel_id):
    """All channels of the workspace are deleted with one."""
    is_known = original(conn, workspace_id, channel_id)
    if is_known:
        conn.execute(delete(tables.im_channels).where(_of.workspace_id == workspace_id))
    return is_known


# --- sandboxes ------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.im_channels.bound_in_workspace",
    kind="wrong-value",
    operations=["bind_sandbox_im_channel"],
)
def channel_on_two_sandboxes(original, conn, workspace_id):
    """A channel that has moved is still shown at the sandbox that had it before."""
    bound = original(conn, workspace_id)
    ids = conn.execute(
        select(_sandboxes.c.id).where(_sandboxes.c.workspace_id == workspace_id)
    ).scalars()
    return {**dict.fromkeys(ids, next(iter(bound.values()))), **bound} if bound else bound


@fault(
    replaces="agentserver_reference.storage.im_channels.bind",
    kind="write-not-stored",
    operations=["bind_sandbox_im_channel"],
)
def channel_does_not_move(original, conn, sandbox_id, channel_id):
    """A channel that is bound to another sandbox stays there, although it is said to be bound."""
    taken = conn.execute(
        select(_sandboxes.c.id).where(_sandboxes.c.im_channel_id == channel_id)
    ).first()
    if taken is None:
        original(conn, sandbox_id, channel_id)


@fault(
    replaces="agentserver_reference.storage.im_channels.unbind",
    kind="wrong-object-touched",
    operations=["unbind_sandbox_im_channel"],
)
def channels_of_all_sandboxes_unbound(original, conn, sandbox_id):
    """All sandboxes lose their channels with one."""
    conn.execute(update(_sandboxes).values(im_channel_id=None))


@fault(
    replaces="agentserver_reference.storage.im_channels.unbind",
    kind="wrong-object-touched",
    operations=["unbind_sandbox_im_channel"],
)
def channel_deleted_when_unbound(original, conn, sandbox_id):
    """A channel that is unbound is deleted."""
    bound = select(_sandboxes.c.im_channel_id).where(_sandboxes.c.id == sandbox_id)
    conn.execute(delete(tables.im_channels).where(_of.id.in_(bound)))


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["bind_sandbox_im_channel", "update_im_channel"],
)
def channels_changed_by_guests(original, operation, principal):
    """Guests may change channels and bind them."""
    is_change = operation.id in ("bind_sandbox_im_channel", "update_im_channel")
    if not is_change or principal.workspace_role != "guest":
        original(operation, principal)


@fault(
    replaces="agentserver_reference.services.sandboxes._bindings",
    kind="wrong-value",
    operations=["get_sandbox", "list_sandboxes"],
)
def channels_shown_as_those_of_wechat(original, row, bound):
    """Every channel is shown as one of WeChat too."""
    shown = original(row, bound)
    return shown | ({"weixin_bindings": shown["im_bindings"]} if shown else {})


@fault(
    replaces="agentserver_reference.storage.weixin_logins.begin",
    kind="wrong-object-touched",
    operations=["start_weixin_qr_login"],
)
def logins_end_those_of_other_workspaces(original, *args, **values):
    """A login that begins ends those of all workspaces."""
    args[0].execute(delete(tables.weixin_logins))
    original(*args, **values)
