"""Channels, by which people write to a workspace; their tokens are stored encrypted."""

from collections.abc import Callable
from datetime import datetime

import attrs
from sqlalchemy import bindparam, delete, func, insert, null, select, update

from agentserver_reference.domain.im import DEFAULT_ROUTING_MODE
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import PLACE, im_channels, sandboxes

TOKEN_COLUMN: str = im_channels.c.token_encrypted.info[PLACE]
"""The place to which the cipher binds a channel's token, together with its id."""

_c = im_channels.c
_of_workspace = _c.workspace_id == bindparam("owner")
_this = (_c.id == bindparam("channel_id"), _of_workspace)
_all = Query(
    select(
        *(_c.id, _c.workspace_id, _c.provider, _c.bot_id, _c.user_id),
        *(_c.require_mention, _c.routing_mode, _c.bound_at),
    )
    .where(_of_workspace)
    .order_by(_c.position)
)
_find = Query(select(_c.id).where(*_this))
_of_bot = Query(
    select(_c.id).where(
        _of_workspace, _c.provider == bindparam("of_provider"), _c.bot_id == bindparam("of_bot")
    )
)
_last = select(func.coalesce(func.max(_c.position), 0)).where(_of_workspace)
_add = insert(im_channels)
_connect_again = (
    update(im_channels)
    .where(*_this)
    .values(
        {name: bindparam(name) for name in ("base_url", "token_encrypted", "position", "bound_at")}
    )
)
_change = (
    update(im_channels)
    .where(*_this)
    .values(
        {
            name: func.coalesce(bindparam(given, type_=_c[name].type), _c[name])
            for name, given in (("require_mention", "mention"), ("routing_mode", "mode"))
        }
    )
)
_remove = Query(delete(im_channels).where(*_this).returning(_c.id))

_s = sandboxes.c
_free = (
    update(sandboxes)
    .where(_s.im_channel_id == bindparam("channel_id"))
    .values(im_channel_id=null())
)
_bind = (
    update(sandboxes)
    .where(_s.id == bindparam("sandbox_id"))
    .values(im_channel_id=bindparam("bound"))
)
_bound = select(_s.id.label("sandbox_id"), _c.provider, _c.bot_id, _c.user_id, _c.bound_at).join(
    im_channels, _c.id == _s.im_channel_id
)
_bound_in_workspace = Query(_bound.where(_s.workspace_id == bindparam("owner")))
_bound_to = Query(_bound.where(_s.id == bindparam("sandbox_id")))


@attrs.frozen
class Bot:
    """A bot that is connected to a workspace."""

    provider: str
    bot_id: str
    base_url: str
    """Where its service is; empty where that is the operator's own choice."""
    user_id: str = ""
    """Who has connected it, where the service says so."""


def list_of(conn: Connection, workspace_id: str) -> list[Record]:
    """The channels of a workspace, without tokens, in the order in which they were connected."""
    return _all.all(conn, owner=workspace_id)


def is_known(conn: Connection, workspace_id: str, channel_id: str) -> bool:
    """Whether a workspace has a channel."""
    return _find.first(conn, owner=workspace_id, channel_id=channel_id) is not None


def connect(
    conn: Connection,
    workspace_id: str,
    bot: Bot,
    *,
    new_id: str,
    seal: Callable[[str], str],
    now: datetime,
) -> None:
    """Connect a bot to a workspace, which is locked.

    A bot that the workspace has already keeps its id, its settings and its cursor.

    Arguments:
        conn: the connection.
        workspace_id: the workspace.
        bot: the bot.
        new_id: the id of its channel, if it has none.
        seal: encrypts its token for the id of its channel.
        now: the time.
    """
    found = _of_bot.first(conn, owner=workspace_id, of_provider=bot.provider, of_bot=bot.bot_id)
    channel_id = new_id if found is None else found["id"]
    last: int = conn.execute(_last, {"owner": workspace_id}).scalar_one()
    values = {
        "base_url": bot.base_url,
        "token_encrypted": seal(channel_id),
        "position": last + 1,
        "bound_at": timestamp(now),
    }
    if found is not None:
        place = {"owner": workspace_id, "channel_id": channel_id}
        conn.execute(_connect_again, {**place, **values})
        return
    conn.execute(
        _add,
        {
            **values,
            "id": channel_id,
            "workspace_id": workspace_id,
            "provider": bot.provider,
            "bot_id": bot.bot_id,
            "user_id": bot.user_id,
            "cursor": "",
            "require_mention": False,
            "routing_mode": DEFAULT_ROUTING_MODE,
        },
    )


def change(
    conn: Connection,
    workspace_id: str,
    channel_id: str,
    *,
    require_mention: bool | None,
    routing_mode: str | None,
) -> None:
    """Change what is not None of a channel."""
    conn.execute(
        _change,
        {
            "owner": workspace_id,
            "channel_id": channel_id,
            "mention": require_mention,
            "mode": routing_mode,
        },
    )


def remove(conn: Connection, workspace_id: str, channel_id: str) -> bool:
    """Remove a channel, also from its sandbox; whether there was one."""
    return _remove.first(conn, owner=workspace_id, channel_id=channel_id) is not None


def bind(conn: Connection, sandbox_id: str, channel_id: str) -> None:
    """Bind a channel to one sandbox alone, in a workspace, which is locked."""
    conn.execute(_free, {"channel_id": channel_id})
    conn.execute(_bind, {"sandbox_id": sandbox_id, "bound": channel_id})


def unbind(conn: Connection, sandbox_id: str) -> None:
    """Free the channel of a sandbox, if it has one."""
    conn.execute(_bind, {"sandbox_id": sandbox_id, "bound": None})


def bound_in_workspace(conn: Connection, workspace_id: str) -> dict[str, Record]:
    """What is shown of the channels that are bound to sandboxes of a workspace, by sandbox."""
    return _by_sandbox(_bound_in_workspace.all(conn, owner=workspace_id))


def bound_to(conn: Connection, sandbox_id: str) -> dict[str, Record]:
    """What is shown of the channel of a sandbox, by the sandbox; empty if it has none."""
    return _by_sandbox(_bound_to.all(conn, sandbox_id=sandbox_id))


def _by_sandbox(rows: list[Record]) -> dict[str, Record]:
    return {row.pop("sandbox_id"): row for row in rows}
