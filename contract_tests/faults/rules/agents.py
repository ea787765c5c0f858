"""Agents: whose tokens are valid, what they see, whether they are online, what is recorded."""

import json
from datetime import timedelta

from replacing import fault
from sqlalchemy import select, update

from agentserver_reference.storage import tables
from agentserver_reference.storage.agents import Agent

_cards, _sandboxes = tables.agent_cards, tables.sandboxes


@fault(
    replaces="agentserver_reference.storage.agents.cards_of",
    kind="rows-of-others-in-list",
    operations=["discover_agents", "list_workspace_agents"],
)
def cards_of_every_workspace(original, conn, workspace_id):
    """Cards of other workspaces are in the list."""
    ids = conn.execute(select(_cards.c.workspace_id).distinct()).scalars()
    return [card for each in ids for card in original(conn, each)]


@fault(
    replaces="agentserver_reference.storage.agents.find_by_token",
    kind="dead-token-accepted",
    operations=["discover_agents", "poll_agent_tasks", "read_agent_inbox"],
)
def tokens_outlive_the_membership(original, conn, token_hash):
    """A token goes on after the membership of the person who registered the agent."""
    columns = (_sandboxes.c.id, _sandboxes.c.workspace_id, _sandboxes.c.name)
    found = select(*columns, _sandboxes.c.last_heartbeat_at).where(
        _sandboxes.c.token_hash == token_hash
    )
    row = conn.execute(found).first()
    return original(conn, token_hash) if row is None else Agent(*row)


@fault(
    replaces="agentserver_reference.storage.sandboxes.remove",
    kind="dead-token-accepted",
    operations=["discover_agents", "poll_agent_tasks", "read_agent_inbox"],
)
def tokens_outlive_the_sandbox(original, conn, sandbox_id):
    """The token of a deleted sandbox calls as another agent of the workspace."""
    columns = (_sandboxes.c.token_hash, _sandboxes.c.workspace_id, _sandboxes.c.is_local)
    found = conn.execute(select(*columns).where(_sandboxes.c.id == sandbox_id)).first()
    gone = original(conn, sandbox_id)
    if found is not None and found[2]:
        heir = select(_sandboxes.c.id).where(
            _sandboxes.c.workspace_id == found[1], _sandboxes.c.registered_by.is_not(None)
        )
        heirs = conn.execute(heir.limit(1)).scalars()
        inherits = update(_sandboxes).where(_sandboxes.c.id.in_(heirs))
        conn.execute(inherits.values(tunnel_token_hash=found[0]), {})
    return gone


@fault(
    replaces="agentserver_reference.services.agents.check_target",
    kind="write-across-tenants",
    operations=["send_agent_message", "create_agent_task", "create_workspace_task"],
)
def targets_in_every_workspace(original, conn, workspace_id, sandbox_id):
    """Messages and tasks reach the agents of other workspaces."""
    original(conn, workspace_id, sandbox_id) if not _exists(conn, sandbox_id) else None


def _exists(conn, sandbox_id):
    return conn.execute(select(_sandboxes.c.id).where(_sandboxes.c.id == sandbox_id)).first()


@fault(
    replaces="agentserver_reference.storage.agents.publish_card",
    kind="wrong-value",
    operations=["upsert_agent_card"],
)
def card_keeps_its_description(
    original, conn, agent, *, display_name, description, agent_type, card, now
):
    """A description that is omitted stays as it was."""
    before = conn.execute(
        select(_cards.c.description).where(_cards.c.sandbox_id == agent.id)
    ).first()
    original(
        conn,
        agent,
        display_name=display_name,
        description=description or (before[0] if before else ""),
        agent_type=agent_type,
        card=card,
        now=now,
    )


@fault(
    replaces="agentserver_reference.storage.agents._update",
    kind="wrong-value",
    operations=["upsert_agent_card"],
)
def card_changes_its_type(original):
    """A later card changes the kind of the agent."""
    return original.values(agent_type="changed")


@fault(
    replaces="agentserver_reference.storage.agents._update",
    kind="wrong-value",
    operations=["upsert_agent_card"],
)
def card_version_jumps(original):
    """The version of a card increases by two."""
    return original.values(version=_cards.c.version + 2)


@fault(
    replaces="agentserver_reference.services.agents.cards_of",
    kind="wrong-order",
    operations=["discover_agents", "list_workspace_agents"],
)
async def cards_in_reverse(original, work, workspace_id):
    """Cards are sorted the other way round."""
    return (await original(work, workspace_id))[::-1]


@fault(
    replaces="agentserver_reference.storage.agent_interactions.add",
    kind="write-not-stored",
    operations=["send_agent_message", "list_agent_interactions"],
)
def messages_are_not_recorded(
    original, conn, *, workspace_id, actor_id, action, target_id, target_type, now, detail=None
):
    """A message leaves no interaction."""
    if action != "message_sent":
        original(
            conn,
            workspace_id=workspace_id,
            actor_id=actor_id,
            action=action,
            target_id=target_id,
            target_type=target_type,
            now=now,
            detail=detail,
        )


@fault(
    replaces="agentserver_reference.storage.agent_interactions.add",
    kind="write-not-stored",
    operations=["cancel_task", "list_agent_interactions"],
)
def cancelling_is_not_recorded(
    original, conn, *, workspace_id, actor_id, action, target_id, target_type, now, detail=None
):
    """A cancelled task leaves no interaction."""
    if action != "task_cancelled":
        original(
            conn,
            workspace_id=workspace_id,
            actor_id=actor_id,
            action=action,
            target_id=target_id,
            target_type=target_type,
            now=now,
            detail=detail,
        )


@fault(
    replaces="agentserver_reference.storage.agent_interactions.add",
    kind="write-not-stored",
    operations=["update_agent_task_status", "list_agent_interactions"],
)
def reports_are_not_recorded(
    original, conn, *, workspace_id, actor_id, action, target_id, target_type, now, detail=None
):
    """A report leaves no interaction."""
    if action != "task_status_changed":
        original(
            conn,
            workspace_id=workspace_id,
            actor_id=actor_id,
            action=action,
            target_id=target_id,
            target_type=target_type,
            now=now,
            detail=detail,
        )


@fault(
    replaces="agentserver_reference.storage.agent_interactions.add",
    kind="wrong-value",
    operations=["create_workspace_task", "create_agent_task", "list_agent_interactions"],
)
def interactions_without_actor(
    original, conn, *, workspace_id, actor_id, action, target_id, target_type, now, detail=None
):
    """Nobody has done anything."""
    original(
        conn,
        workspace_id=workspace_id,
        actor_id=None,
        action=action,
        target_id=target_id,
        target_type=target_type,
        now=now,
        detail=detail,
    )


@fault(
    replaces="agentserver_reference.storage.agent_interactions.list_of",
    kind="rows-of-others-in-list",
    operations=["list_agent_interactions"],
)
def interactions_of_another_workspace(original, conn, workspace_id, limit, offset):
    """What was done in another workspace is in the list."""
    table = tables.agent_interactions
    others = select(table.c.workspace_id).where(table.c.workspace_id != workspace_id)
    found = conn.execute(others.limit(1)).first()
    rows = original(conn, workspace_id, limit, offset)
    return rows if found is None else [*original(conn, found[0], 1, 0), *rows][:limit]


@fault(
    replaces="agentserver_reference.storage.agent_interactions.list_of",
    kind="wrong-order",
    operations=["list_agent_interactions"],
)
def interactions_oldest_first(original, conn, workspace_id, limit, offset):
    """Interactions come in the other order."""
    return original(conn, workspace_id, limit, offset)[::-1]


@fault(
    replaces="agentserver_reference.storage.agents.card_of",
    kind="wrong-value",
    operations=["get_agent_card"],
)
def card_without_its_description(original, conn, sandbox_id):
    """A single card is shown without its description."""
    card = original(conn, sandbox_id)
    return card and card | {"description": ""}


@fault(
    replaces="agentserver_reference.storage.agents._revive",
    kind="wrong-state",
    operations=["discover_agents", "get_agent_card"],
    by="with a clock",
)
def offline_is_never_cleared(original):
    """The card of an agent that was silent stays offline when it calls again."""
    return original.where(tables.agent_cards.c.version < 0)


@fault(
    replaces="agentserver_reference.storage.agents.mark_silent",
    kind="wrong-state",
    operations=["get_agent_card"],
    by="with a clock",
)
def silent_agents_stay_available(original, conn, last):
    """An agent is offline after ten minutes of silence, and not after one."""
    return original(conn, last - timedelta(minutes=10))


@fault(
    replaces="agentserver_reference.storage.agents.publish_card",
    kind="value-altered",
    operations=["upsert_agent_card"],
)
def cards_with_rounded_numbers(original, *args, **values):
    """Great numbers in a card are kept as a float keeps them."""
    text = json.dumps(values["card"])
    original(*args, **values | {"card": json.loads(text, parse_int=lambda n: int(float(n)))})


@fault(
    replaces="agentserver_reference.storage.agent_interactions.add",
    kind="wrong-value",
    operations=["list_agent_interactions"],
)
def messages_recorded_without_their_type(original, *args, **values):
    """Every message is recorded as a text."""
    detail = values.get("detail") or {}
    changed = {**detail, "msg_type": "text"} if "msg_type" in detail else values.get("detail")
    original(*args, **values | {"detail": changed})


@fault(
    replaces="agentserver_reference.services.agents.cards_of",
    kind="wrong-order",
    operations=["list_workspace_agents", "discover_agents"],
)
async def cards_by_name_without_case(original, work, workspace_id):
    """Cards are sorted by their names without regard to case."""
    cards = await original(work, workspace_id)
    return sorted(cards, key=lambda card: card["display_name"].lower())


@fault(
    replaces="agentserver_reference.services.agents.interactions_of",
    kind="wrong-value",
    operations=["list_agent_interactions"],
)
async def interactions_on_every_page(original, work, workspace_id, limit, offset):
    """How many interactions are left out at the beginning is ignored."""
    return await original(work, workspace_id, limit, 0)


@fault(
    replaces="agentserver_reference.services.agents.DEFAULT_INTERACTIONS",
    kind="wrong-value",
    operations=["list_agent_interactions"],
)
def interactions_without_a_limit_are_more(original):
    """Without a limit, there are twice as many interactions."""
    return 2 * original


@fault(
    replaces="agentserver_reference.storage.sandboxes.count_of",
    kind="wrong-value",
    operations=["get_workspace_defaults"],
)
def agents_use_the_quota(original, conn, workspace_id):
    """The sandboxes of registered agents count towards the quota."""
    same = _sandboxes.c.workspace_id == workspace_id
    return len(conn.execute(select(_sandboxes.c.id).where(same), {}).all())
