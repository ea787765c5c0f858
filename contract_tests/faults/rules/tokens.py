"""Codex tokens."""

from datetime import timedelta
from hashlib import sha256

import attrs
from replacing import fault
from sqlalchemy import delete, select, update

from agentserver_reference.domain.errors import Forbidden
from agentserver_reference.domain.roles import is_at_least
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage import tables

_CONNECTIONS = "connections of executors"
_of = tables.codex_tokens.c

# --- lists ----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.codex_tokens.list_of_workspace",
    kind="secret-shown",
    operations=["list_codex_tokens"],
)
async def tokens_listed_with_hashes(original, work, workspace_id, *, with_revoked):
    """The list shows the hash of each token as well."""
    rows = await original(work, workspace_id, with_revoked=with_revoked)
    return [row | {"token_hash": sha256(row["id"].encode()).hexdigest()} for row in rows]


@fault(
    replaces="agentserver_reference.services.codex_tokens.list_of_workspace",
    kind="argument-ignored",
    operations=["list_codex_tokens"],
)
async def tokens_listed_while_valid(original, work, workspace_id, *, with_revoked):
    """`include_revoked` is ignored: tokens that are revoked are never listed."""
    return await original(work, workspace_id, with_revoked=False)


@fault(
    replaces="agentserver_reference.services.codex_tokens.list_of_workspace",
    kind="argument-ignored",
    operations=["list_codex_tokens"],
)
async def tokens_listed_for_ever(original, work, workspace_id, *, with_revoked):
    """`include_revoked` is ignored: tokens that are revoked are always listed."""
    return await original(work, workspace_id, with_revoked=True)


@fault(
    replaces="agentserver_reference.services.codex_tokens.list_of_workspace",
    kind="wrong-value",
    operations=["list_codex_tokens"],
)
async def tokens_shown_as_valid(original, work, workspace_id, *, with_revoked):
    """A token that is revoked is shown as valid."""
    rows = await original(work, workspace_id, with_revoked=with_revoked)
    return [row | {"revoked": False} for row in rows]


@fault(
    replaces="agentserver_reference.services.codex_tokens.list_of_workspace",
    kind="rows-of-others-in-list",
    operations=["list_codex_tokens"],
)
async def tokens_of_all_workspaces(original, work, workspace_id, *, with_revoked):
    """Tokens of other workspaces are listed."""
    everywhere = await work.read(_workspaces)
    rows = [
        row for each in everywhere for row in await original(work, each, with_revoked=with_revoked)
    ]
    return sorted(rows, key=lambda row: row["created_at"], reverse=True)


def _workspaces(conn):
    query = tables.workspaces.select().with_only_columns(tables.workspaces.c.id)
    return [row[0] for row in conn.execute(query).all()]


@fault(
    replaces="agentserver_reference.storage.codex_tokens.list_of",
    kind="wrong-order",
    operations=["list_codex_tokens"],
)
def tokens_oldest_first(original, conn, workspace_id):
    """The oldest token is first."""
    return original(conn, workspace_id)[::-1]


@fault(
    replaces="agentserver_reference.services.codex_sessions.list_of_workspace",
    kind="rows-of-others-in-list",
    operations=["list_codex_browsers"],
)
async def browsers_of_all_workspaces(original, work, workspace_id):
    """What is connected with tokens of other workspaces is listed."""
    return [row for each in await work.read(_workspaces) for row in await original(work, each)]


@fault(
    replaces="agentserver_reference.services.codex_sessions.list_of_workspace",
    kind="list-incomplete",
    operations=["list_codex_browsers"],
)
async def browsers_only_once_connected(original, work, workspace_id):
    """A token with which nothing was ever connected is left out."""
    return [row for row in await original(work, workspace_id) if "connected_at" in row]


@fault(
    replaces="agentserver_reference.services.codex_sessions.list_of_workspace",
    kind="wrong-order",
    operations=["list_codex_browsers"],
)
async def browsers_oldest_first(original, work, workspace_id):
    """The oldest token is first."""
    return (await original(work, workspace_id))[::-1]


@fault(
    replaces="agentserver_reference.services.codex_sessions.list_of_workspace",
    kind="wrong-value",
    operations=["list_codex_browsers"],
)
async def browsers_always_online(original, work, workspace_id):
    """Every token is shown as online."""
    return [row | {"is_online": True} for row in await original(work, workspace_id)]


@fault(
    replaces="agentserver_reference.storage.codex_sessions.of_workspace",
    kind="list-incomplete",
    operations=["list_codex_browsers"],
)
def browsers_without_the_newest(original, conn, workspace_id):
    """The newest token is left out where there are several."""
    rows = original(conn, workspace_id)
    return rows[1:] if len(rows) > 1 else rows


# --- making ---------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.codex_tokens.expiry",
    kind="argument-ignored",
    operations=["mint_codex_token"],
)
def tokens_for_ninety_days(original, now, days):
    """`ttl_days` is ignored: each token is valid for 90 days."""
    return original(now, None)


@fault(
    replaces="agentserver_reference.domain.codex_tokens.expiry",
    kind="wrong-value",
    operations=["mint_codex_token"],
)
def tokens_for_a_day_more(original, now, days):
    """A token is valid for one day more than was asked for."""
    return original(now, days) + timedelta(days=1)


@fault(
    replaces="agentserver_reference.domain.codex_tokens.MOST",
    kind="limit-off",
    operations=["mint_codex_token"],
)
def tokens_one_too_few(original):
    """A workspace may have one token less."""
    return original - 1


@fault(
    replaces="agentserver_reference.domain.codex_tokens.MOST",
    kind="limit-off",
    operations=["mint_codex_token"],
)
def tokens_one_too_many(original):
    """A workspace may have one token more."""
    return original + 1


@fault(
    replaces="agentserver_reference.domain.codex_tokens.new_codex_token",
    kind="wrong-value",
    operations=["mint_codex_token"],
)
def tokens_with_one_secret(original, first, second):
    """All tokens end alike, so that who knows one knows the others."""
    return original(first, second)[:13] + "0" * 40


@fault(
    replaces="agentserver_reference.http.request._refusal",
    kind="error-of-another-shape",
    operations=["mint_codex_token"],
)
def tokens_of_days_out_of_range_malformed(original, body, value, first):
    """A number of days out of its range is 400, like everything else that is wrong."""
    return original(attrs.evolve(body, has_ranges=False), value, first)


# --- revoking -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.codex_tokens.check_may_revoke",
    kind="role-too-low",
    operations=["revoke_codex_token"],
)
def revoke_token_as_developer(original, is_own, role):
    """A developer may revoke the tokens of others."""
    if not is_own and (role is None or not is_at_least(role, "developer")):
        raise Forbidden("insufficient permissions")


@fault(
    replaces="agentserver_reference.domain.codex_tokens.check_may_revoke",
    kind="write-across-tenants",
    operations=["revoke_codex_token"],
)
def revoke_token_as_anybody(original, is_own, role):
    """Everybody may revoke every token."""


@fault(
    replaces="agentserver_reference.domain.codex_tokens.check_may_revoke",
    kind="rejects-legal-call",
    operations=["revoke_codex_token"],
)
def revoke_token_as_manager_only(original, is_own, role):
    """A developer may not revoke even an own token."""
    original(False, role)


@fault(
    replaces="agentserver_reference.storage.codex_tokens.revoke",
    kind="wrong-object-touched",
    operations=["revoke_codex_token"],
)
def revoke_all_tokens(original, conn, token_id, now):
    """All tokens of all workspaces are revoked."""
    conn.execute(
        update(tables.codex_tokens)
        .where(_of.revoked_at.is_(None))
        .values(revoked_at=timestamp(now))
    )


@fault(
    replaces="agentserver_reference.storage.codex_tokens.revoke",
    kind="delete-does-nothing",
    operations=["revoke_codex_token"],
)
def revoke_no_token(original, conn, token_id, now):
    """A token that is revoked remains valid."""


@fault(
    replaces="agentserver_reference.storage.codex_tokens.revoke",
    kind="wrong-object-touched",
    operations=["revoke_codex_token"],
)
def revoke_token_removes(original, conn, token_id, now):
    """A token that is revoked is removed from the list."""
    conn.execute(delete(tables.codex_tokens).where(_of.id == token_id))


@fault(
    replaces="agentserver_reference.storage.codex_tokens.revoke",
    kind="wrong-value",
    operations=["revoke_codex_token"],
)
def revoke_token_again(original, conn, token_id, now):
    """A token that is revoked again shows the time of the last revocation."""
    conn.execute(
        update(tables.codex_tokens).where(_of.id == token_id).values(revoked_at=timestamp(now))
    )


@fault(
    replaces="agentserver_reference.storage.codex_tokens.revoke_of_member",
    kind="rest-left-behind",
    operations=["remove_workspace_member", "update_workspace_member_role"],
)
def tokens_outlive_membership(original, conn, workspace_id, user_id, now):
    """The tokens of a member who leaves, or becomes a guest, remain valid."""


@fault(
    replaces="agentserver_reference.storage.codex_tokens.revoke_of_member",
    kind="wrong-object-touched",
    operations=["remove_workspace_member", "update_workspace_member_role"],
)
def tokens_end_with_any_membership(original, conn, workspace_id, user_id, now):
    """The tokens of a member end in all workspaces when the member leaves one."""
    conn.execute(
        update(tables.codex_tokens)
        .where(_of.user_id == user_id, _of.revoked_at.is_(None))
        .values(revoked_at=timestamp(now))
    )


# --- what is connected ----------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.codex_sessions.connected",
    kind="dead-token-accepted",
    operations=["revoke_codex_token"],
    by=_CONNECTIONS,
)
def sessions_outlive_their_token(original, conn, session_ids, now):
    """What was connected with a token stays connected when the token ends."""
    return set(session_ids)


@fault(
    replaces="agentserver_reference.storage.codex_sessions.disconnect",
    kind="wrong-state",
    operations=["list_codex_browsers"],
    by=_CONNECTIONS,
)
def sessions_stay_online(original, conn, session_id, now):
    """That something has disconnected is not noted."""


@fault(
    replaces="agentserver_reference.storage.codex_sessions.touch",
    kind="time-not-moved",
    operations=["list_codex_browsers"],
    by=_CONNECTIONS,
)
def sessions_give_no_sign_of_life(original, conn, session_ids, now):
    """What stays connected is shown as offline after a minute."""


@fault(
    replaces="agentserver_reference.storage.codex_sessions.note_client",
    kind="wrong-object-touched",
    operations=["list_codex_browsers"],
    by=_CONNECTIONS,
)
def clients_noted_nowhere(original, conn, session_id, client):
    """What a client says of itself is forgotten."""


@fault(
    replaces="agentserver_reference.storage.codex_tokens.revoke",
    kind="value-altered",
    operations=["revoke_codex_token"],
)
def revoking_a_token_again_moves_its_time(original, conn, token_id, now):
    """A codex token that is revoked a second time was revoked then."""
    of = tables.codex_tokens
    conn.execute(update(of).where(of.c.id == token_id).values(revoked_at=timestamp(now)))


@fault(
    replaces="agentserver_reference.storage.codex_tokens.count_valid",
    kind="limit-of-wrong-layer",
    operations=["mint_codex_token"],
)
def tokens_of_other_workspaces_count(original, conn, workspace_id, now):
    """The tokens of all workspaces count towards the limit of each."""
    of = tables.codex_tokens.c
    workspaces = list(conn.execute(select(of.workspace_id).distinct()).scalars())
    return sum(original(conn, each, now) for each in workspaces)
