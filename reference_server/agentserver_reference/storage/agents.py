"""Agents: whose token it is, their signs of life, and their cards.

A sign of life, and the lack of one, change the row of a sandbox first and its card afterwards, so
that of both at the same time one happens after the other.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, case, insert, or_, select, update

from agentserver_reference.domain.agents import AVAILABLE, OFFLINE
from agentserver_reference.domain.sandboxes import OFFLINE as SANDBOX_OFFLINE
from agentserver_reference.domain.sandboxes import RUNNING
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.upsert import Values
from agentserver_reference.storage.sandboxes import tokens_are_valid
from agentserver_reference.storage.tables import agent_cards, sandboxes


class Agent(NamedTuple):
    """An agent, as its sandbox says."""

    id: str
    """The id of its sandbox."""
    workspace_id: str
    name: str
    last_heartbeat_at: str | None


_s, _c = sandboxes.c, agent_cards.c
_now: BindParameter[str] = bindparam("now")
_by_token = select(_s.id, _s.workspace_id, _s.name, _s.last_heartbeat_at).where(
    or_(_s.token_hash == bindparam("hashed"), _s.tunnel_token_hash == bindparam("hashed")),
    tokens_are_valid,
)

_this_sandbox = _s.id == bindparam("seen")
_was_offline = and_(_s.is_local, _s.status == SANDBOX_OFFLINE)
_touch = (
    update(sandboxes)
    .where(_this_sandbox)
    .values(last_heartbeat_at=_now, status=case((_was_offline, RUNNING), else_=_s.status))
)
_revive = (
    update(agent_cards)
    .where(_c.sandbox_id == bindparam("seen"), _c.status == OFFLINE)
    .values(status=AVAILABLE)
)
_has_available_card = (
    select(_c.sandbox_id).where(_c.sandbox_id == _s.id, _c.status == AVAILABLE).exists()
)
_silent = (
    select(_s.id)
    .where(
        _s.last_heartbeat_at <= bindparam("last"),
        or_(and_(_s.is_local, _s.status == RUNNING), _has_available_card),
    )
    .with_for_update(key_share=True, skip_locked=True)
)
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_stop_local = (
    update(sandboxes)
    .where(_s.id.in_(_ids), _s.is_local, _s.status == RUNNING)
    .values(status=SANDBOX_OFFLINE)
)
_mark_offline = update(agent_cards).where(_c.sandbox_id.in_(_ids)).values(status=OFFLINE)

_shown = (
    *(_c.sandbox_id.label("agent_id"), _c.display_name, _c.description, _c.agent_type),
    *(_c.status, _c.card, _c.version),
)
_of_workspace = Query(select(*_shown).where(_c.workspace_id == bindparam("of_workspace")))
_one = Query(select(*_shown).where(_c.sandbox_id == bindparam("of_sandbox")))
_given: Values = {name: bindparam(name) for name in ("display_name", "description", "card")}
_given["updated_at"] = _now
_update = (
    update(agent_cards)
    .where(_c.sandbox_id == bindparam("of_sandbox"))
    .values(**_given, status=AVAILABLE, version=_c.version + 1)
)
_insert = insert(agent_cards).values(
    **_given,
    sandbox_id=bindparam("of_sandbox"),
    workspace_id=bindparam("of_workspace"),
    agent_type=bindparam("type"),
    status=AVAILABLE,
    version=1,
)


def find_by_token(conn: Connection, token_hash: str) -> Agent | None:
    """The agent that has a token, of either kind; None also if the token has ended."""
    row = conn.execute(_by_token, {"hashed": token_hash}).first()
    return None if row is None else Agent(*row)


def touch(conn: Connection, sandbox_id: str, now: datetime) -> None:
    """Write a sign of life down, and bring the agent back if it was offline."""
    conn.execute(_touch, {"seen": sandbox_id, "now": timestamp(now)})
    conn.execute(_revive, {"seen": sandbox_id})


def mark_silent(conn: Connection, last: datetime) -> int:
    """Take those offline whose last sign of life is not later than `last`; how many they are.

    It waits for no sandbox: one that another transaction has locked is left for the next time.
    """
    ids = list(conn.execute(_silent, {"last": timestamp(last)}).scalars())
    if ids:
        conn.execute(_stop_local, {"ids": ids})
        conn.execute(_mark_offline, {"ids": ids})
    return len(ids)


def cards_of(conn: Connection, workspace_id: str) -> list[Record]:
    """The cards of a workspace, in no order."""
    return _of_workspace.all(conn, of_workspace=workspace_id)


def card_of(conn: Connection, sandbox_id: str) -> Record | None:
    """The card of a sandbox's agent, if it has published one."""
    return _one.first(conn, of_sandbox=sandbox_id)


def publish_card(
    conn: Connection,
    agent: Agent,
    *,
    display_name: str,
    description: str,
    agent_type: str,
    card: Any,
    now: datetime,
) -> None:
    """Publish or replace a card; the workspace is locked. The type is that of the first card."""
    values = {
        "of_sandbox": agent.id,
        "display_name": display_name,
        "description": description,
        "card": card,
        "now": timestamp(now),
    }
    if conn.execute(_update, values).rowcount == 0:
        conn.execute(_insert, values | {"of_workspace": agent.workspace_id, "type": agent_type})
