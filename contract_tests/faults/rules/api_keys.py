"""API keys of workspaces."""

from hashlib import sha256

import attrs
from replacing import fault
from sqlalchemy import delete, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage import tables

_of = tables.api_keys.c

# --- lists ----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.api_keys.list_of_workspace",
    kind="secret-shown",
    operations=["list_workspace_api_keys"],
)
async def keys_listed_with_hashes(original, work, workspace_id):
    """The list shows the hash of each key as well."""
    rows = await original(work, workspace_id)
    return [row | {"secret_hash": sha256(row["id"].encode()).hexdigest()} for row in rows]


@fault(
    replaces="agentserver_reference.services.api_keys._add",
    kind="secret-shown",
    operations=["list_workspace_api_keys"],
)
def keys_named_by_their_hash(
    original, conn, workspace_id, key_id, user_id, name, key_hash, scopes, now
):
    """What is stored as the name of a key is its hash."""
    original(conn, workspace_id, key_id, user_id, key_hash, key_hash, scopes, now)


@fault(
    replaces="agentserver_reference.storage.api_keys.list_of",
    kind="list-incomplete",
    operations=["list_workspace_api_keys"],
)
def keys_listed_while_valid(original, conn, workspace_id):
    """Keys that are revoked are left out."""
    return [row for row in original(conn, workspace_id) if row["revoked_at"] is None]


@fault(
    replaces="agentserver_reference.storage.api_keys.list_of",
    kind="wrong-value",
    operations=["list_workspace_api_keys", "revoke_workspace_api_key"],
)
def keys_shown_as_valid(original, conn, workspace_id):
    """A key that is revoked is shown as valid."""
    return [row | {"revoked_at": None} for row in original(conn, workspace_id)]


@fault(
    replaces="agentserver_reference.storage.api_keys.list_of",
    kind="wrong-order",
    operations=["list_workspace_api_keys"],
)
def keys_oldest_first(original, conn, workspace_id):
    """The oldest key is first."""
    return original(conn, workspace_id)[::-1]


@fault(
    replaces="agentserver_reference.services.api_keys.list_of_workspace",
    kind="rows-of-others-in-list",
    operations=["list_workspace_api_keys"],
)
async def keys_of_all_workspaces(original, work, workspace_id):
    """Keys of the caller's other workspaces are listed."""
    everywhere = await work.read(_workspaces)
    rows = [row for each in everywhere for row in await original(work, each)]
    return sorted(rows, key=lambda row: row["created_at"], reverse=True)


def _workspaces(conn):
    return [
        row[0]
        for row in conn.execute(
            tables.workspaces.select().with_only_columns(tables.workspaces.c.id)
        ).all()
    ]


@fault(
    replaces="agentserver_reference.domain.api_keys.SCOPES",
    kind="wrong-value",
    operations=["list_workspace_api_key_scopes"],
)
def scopes_all_available(original):
    """Scopes that no key can have are shown as available."""
    return tuple(attrs.evolve(each, available=True) for each in original)


# --- making ---------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.api_keys.MOST",
    kind="limit-off",
    operations=["mint_workspace_api_key"],
)
def keys_one_too_few(original):
    """A workspace may have one key less."""
    return original - 1


@fault(
    replaces="agentserver_reference.domain.api_keys.MOST",
    kind="limit-off",
    operations=["mint_workspace_api_key"],
)
def keys_one_too_many(original):
    """A workspace may have one key more."""
    return original + 1


@fault(
    replaces="agentserver_reference.services.api_keys._add",
    kind="value-altered",
    operations=["mint_workspace_api_key"],
)
def keys_have_a_scope_once(
    original, conn, workspace_id, key_id, user_id, name, key_hash, scopes, now
):
    """A scope that is given twice is stored once."""
    once = list(dict.fromkeys(scopes))
    original(conn, workspace_id, key_id, user_id, name, key_hash, once, now)


@fault(
    replaces="agentserver_reference.domain.api_keys.new_key",
    kind="value-altered",
    operations=["mint_workspace_api_key"],
)
def keys_in_lower_case(original, token):
    """A key is in lower case."""
    return original(token).lower()


@fault(
    replaces="agentserver_reference.domain.api_keys.new_key",
    kind="wrong-value",
    operations=["mint_workspace_api_key"],
)
def keys_with_one_secret(original, token):
    """All keys end alike, so that who knows one knows the others."""
    return original(token)[:13] + "0" * 40


# --- revoking -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.api_keys.revoke",
    kind="write-across-tenants",
    operations=["revoke_workspace_api_key"],
)
def revoke_key_of_others(original, conn, workspace_id, key_id, now):
    """A key of another workspace is revoked by its id."""
    conn.execute(
        update(tables.api_keys)
        .where(_of.id == key_id, _of.revoked_at.is_(None))
        .values(revoked_at=timestamp(now))
    )


@fault(
    replaces="agentserver_reference.storage.api_keys.revoke",
    kind="wrong-object-touched",
    operations=["revoke_workspace_api_key"],
)
def revoke_all_keys(original, conn, workspace_id, key_id, now):
    """All keys of the workspace are revoked."""
    conn.execute(
        update(tables.api_keys)
        .where(_of.workspace_id == workspace_id, _of.revoked_at.is_(None))
        .values(revoked_at=timestamp(now))
    )


@fault(
    replaces="agentserver_reference.storage.api_keys.revoke",
    kind="delete-does-nothing",
    operations=["revoke_workspace_api_key"],
)
def revoke_nothing(original, conn, workspace_id, key_id, now):
    """A key that is revoked remains valid."""


@fault(
    replaces="agentserver_reference.storage.api_keys.revoke",
    kind="wrong-object-touched",
    operations=["revoke_workspace_api_key"],
)
def revoke_removes(original, conn, workspace_id, key_id, now):
    """A key that is revoked is removed from the list."""
    conn.execute(delete(tables.api_keys).where(_of.workspace_id == workspace_id, _of.id == key_id))


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="wrong-object-touched",
    operations=["remove_workspace_member"],
)
def keys_end_with_their_maker(original, conn, workspace_id, user_id):
    """The keys that a member has made are removed with the member."""
    original(conn, workspace_id, user_id)
    conn.execute(
        delete(tables.api_keys).where(_of.workspace_id == workspace_id, _of.made_by == user_id)
    )


@fault(
    replaces="agentserver_reference.storage.api_keys.revoke",
    kind="value-altered",
    operations=["revoke_workspace_api_key"],
)
def revoking_a_key_again_moves_its_time(original, conn, workspace_id, key_id, now):
    """A key that is revoked a second time was revoked then."""
    conn.execute(
        update(tables.api_keys)
        .where(_of.workspace_id == workspace_id, _of.id == key_id)
        .values(revoked_at=timestamp(now))
    )


@fault(
    replaces="agentserver_reference.storage.api_keys.revoke",
    kind="wrong-object-touched",
    operations=["revoke_workspace_api_key"],
)
def namesakes_are_revoked(original, conn, workspace_id, key_id, now):
    """With a key, the others of its name are revoked."""
    named = tables.api_keys.alias()
    name = select(named.c.name).where(named.c.id == key_id)
    conn.execute(
        update(tables.api_keys)
        .where(_of.workspace_id == workspace_id, _of.name.in_(name), _of.revoked_at.is_(None))
        .values(revoked_at=timestamp(now))
    )


@fault(
    replaces="agentserver_reference.storage.api_keys.count_valid",
    kind="limit-off",
    operations=["mint_workspace_api_key"],
)
def revoked_keys_count(original, conn, workspace_id):
    """Keys that are revoked count towards the limit."""
    every = select(_of.id).where(_of.workspace_id == workspace_id)
    return len(list(conn.execute(every).scalars()))
