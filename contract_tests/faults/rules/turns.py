"""Turns of codex, and the log of what was done."""

import re
import secrets
from datetime import UTC, datetime

import attrs
from replacing import also, fault
from sqlalchemy import delete, func, select

from agentserver_reference.storage import tables
from agentserver_reference.storage.engine.query import Query

_o = tables.operations.c
_LOG = "operations log"

# --- who may --------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.api_keys.find_valid",
    kind="dead-token-accepted",
    operations=["submit_turn"],
)
def revoked_keys_submit(original, conn, key_hash):
    """A key that is revoked still submits turns."""
    k = tables.api_keys.c
    columns = (k.id, k.workspace_id, k.made_by, k.scopes, k.last_used_at)
    return Query(select(*columns).where(k.key_hash == key_hash)).first(conn)


@fault(
    replaces="agentserver_reference.services.api_keys.token_hash",
    kind="dead-token-accepted",
    operations=["submit_turn"],
)
def keys_hashed_in_part(original, token):
    """Only the beginning of a key is hashed, so that everybody knows one who sees the list."""
    return original(token.rpartition("_")[0])


@also(keys_hashed_in_part, replaces="agentserver_reference.security.api_key.token_hash")
def _hash_of_a_beginning(original, token):
    return original(token.rpartition("_")[0])


@fault(
    replaces="agentserver_reference.security.bearer._token",
    kind="dead-token-accepted",
    operations=["submit_turn"],
)
def keys_compared_without_case(original, headers):
    """A key is accepted in whatever case."""
    token = original(headers)
    return token and re.sub("^wak_(.+)", lambda key: f"wak_{key[1].upper()}", token)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="write-across-tenants",
    operations=["submit_turn"],
)
def keys_submit_anywhere(original, operation, principal):
    """A key submits turns in other workspaces too."""
    if operation.id == "submit_turn" and principal.scopes is not None:
        return
    original(operation, principal)


@fault(
    replaces="agentserver_reference.storage.uses.Uses.to_note",
    kind="write-not-stored",
    operations=["submit_turn", "list_workspace_api_keys"],
)
def use_of_keys_not_noted(original, self, used_id, last_used_at, now):
    """When a key was last used is never noted."""


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["submit_turn"],
)
def guests_submit(original, operation, principal):
    """Guests submit turns."""
    if operation.id == "submit_turn" and principal.workspace_role == "guest":
        return
    original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_scope",
    kind="scope-not-checked",
    operations=["submit_turn"],
    by=_LOG,
)
def scope_of_keys_unchecked(original, operation, principal):
    """A key without the scope submits turns; no operation makes one, as there is one scope."""
    if operation.id != "submit_turn":
        original(operation, principal)


# --- threads --------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.turns.has_thread",
    kind="write-across-tenants",
    operations=["submit_turn"],
)
def threads_of_others(original, conn, workspace_id, thread_id):
    """A turn goes on in the thread of another workspace."""
    h = tables.codex_threads.c
    return Query(select(h.id).where(h.id == thread_id)).first(conn) is not None


@fault(
    replaces="agentserver_reference.domain.turns.check_thread",
    kind="missing-is-accepted",
    operations=["submit_turn"],
)
def unknown_threads(original, is_known, is_busy):
    """A turn goes on in a thread that does not exist."""
    original(True, is_busy)


@fault(
    replaces="agentserver_reference.gateways.codex.embedded.BuiltInEngine.run",
    kind="rejects-legal-call",
    operations=["submit_turn"],
)
async def every_turn_refused(original, self, request, host):
    """Codex gets what is said to it as one thing, not as the list for which it asks."""
    given = {**request.params, "input": str(request.params.get("input"))}
    return await original(self, attrs.evolve(request, params=given), host)


@fault(
    replaces="agentserver_reference.gateways.codex.embedded.BuiltInEngine.run",
    kind="wrong-object-touched",
    operations=["submit_turn"],
)
async def turns_begin_new_threads(original, self, request, host):
    """A turn does not go on in its thread, but begins a new one."""
    return await original(self, attrs.evolve(request, thread_id=None), host)


@fault(
    replaces="agentserver_reference.domain.turns.check_params",
    kind="mass-assignment",
    operations=["submit_turn"],
)
def params_name_a_thread(original, params):
    """The parameters may name a thread."""


# --- keys -----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.turns.find_by_key",
    kind="duplicate-accepted",
    operations=["submit_turn"],
)
def keys_forgotten_at_once(original, conn, workspace_id, key, now):
    """A key is honoured for no time at all, so that a repeat is another turn."""
    found = original(conn, workspace_id, key, now)
    if found is not None:
        t = tables.codex_turns
        conn.execute(t.update().where(t.c.id == found["id"]).values(idempotency_key=None))
    return


@fault(
    replaces="agentserver_reference.domain.turns.check_repeated",
    kind="value-altered",
    operations=["submit_turn"],
)
def keys_whatever_the_body(original, body_hash, first):
    """A key with another body is answered with the first turn."""


@fault(
    replaces="agentserver_reference.storage.turns.find_by_key",
    kind="read-across-tenants",
    operations=["submit_turn"],
)
def keys_stand_for_turns_of_all_workspaces(original, conn, workspace_id, key, now):
    """A key stands for the turn of any workspace that was submitted with it."""
    t = tables.codex_turns.c
    columns = (t.id, t.body_hash, t.started_at)
    return Query(select(*columns).where(t.idempotency_key == key)).first(conn)


# --- the log --------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.operations.add",
    kind="write-not-stored",
    operations=["submit_turn", "list_workspace_operations"],
)
def turns_not_logged(original, conn, operation):
    """A turn is not logged."""


@fault(
    replaces="agentserver_reference.storage.operations.add",
    kind="wrong-value",
    operations=["submit_turn", "list_workspace_operations"],
)
def turns_logged_without_who(original, conn, operation):
    """The log does not say who has submitted a turn."""
    original(conn, {name: value for name, value in operation.items() if name != "user_id"})


@fault(
    replaces="agentserver_reference.storage.operations.add",
    kind="rest-left-behind",
    operations=["submit_turn", "list_workspace_operations"],
)
def last_turn_alone_is_logged(original, conn, operation):
    """What was logged of a thread before is removed."""
    conn.execute(delete(tables.operations).where(_o.thread_id == operation.get("thread_id")))
    original(conn, operation)


@fault(
    replaces="agentserver_reference.storage.operations.list_of",
    kind="rows-of-others-in-list",
    operations=["list_workspace_operations"],
)
def operations_of_all_workspaces(original, conn, workspace_id, filters, before, limit):
    """The log of a workspace has those of all others too, as its own."""
    ids = [row[0] for row in conn.execute(select(tables.workspaces.c.id)).all()]
    rows = [row for each in ids for row in original(conn, each, filters, before, limit)]
    rows.sort(key=lambda row: (row["started_at"], row["id"]), reverse=True)
    return [row | {"workspace_id": workspace_id} for row in rows[:limit]]


@fault(
    replaces="agentserver_reference.storage.operations.list_of",
    kind="argument-ignored",
    operations=["list_workspace_operations"],
)
def later_pages_ignore_since(original, conn, workspace_id, filters, before, limit):
    """`since` counts on the first page alone."""
    kept = {name: value for name, value in filters.items() if before is None or name != "since"}
    return original(conn, workspace_id, kept, before, limit)


@fault(
    replaces="agentserver_reference.storage.operations.list_of",
    kind="list-incomplete",
    operations=["list_workspace_operations"],
)
def cursor_skips_a_row(original, conn, workspace_id, filters, before, limit):
    """A page leaves out the first row after the one that it follows."""
    rows = original(conn, workspace_id, filters, before, limit + (before is not None))
    return rows[before is not None :]


@fault(
    replaces="agentserver_reference.storage.operations.list_of",
    kind="list-incomplete",
    operations=["list_workspace_operations"],
    by=_LOG,
)
def cursor_skips_equal_times(original, conn, workspace_id, filters, before, limit):
    """What began at the same time as the row that a page follows is left out."""
    rows = original(conn, workspace_id, filters, before, limit)
    if before is None:
        return rows
    began = conn.execute(select(_o.started_at).where(_o.id == before)).scalar_one_or_none()
    return [row for row in rows if row["started_at"] != began]


@fault(
    replaces="agentserver_reference.storage.operations.list_of",
    kind="wrong-order",
    operations=["list_workspace_operations"],
)
def operations_oldest_first(original, conn, workspace_id, filters, before, limit):
    """The operation that began first is first."""
    return original(conn, workspace_id, filters, before, limit)[::-1]


@fault(
    replaces="agentserver_reference.services.operations_log.list_of_workspace",
    kind="wrong-value",
    operations=["list_workspace_operations"],
)
async def errors_not_filtered(original, work, workspace_id, query):
    """The filter for errors is ignored."""
    kept = {name: value for name, value in query.items() if name != "is_error"}
    return await original(work, workspace_id, kept)


@fault(
    replaces="agentserver_reference.services.operations_log.remove_old",
    kind="limit-off",
    operations=["list_workspace_operations"],
    by=_LOG,
)
async def retention_takes_one_too_many(original, work):
    """One operation more than those that are old is removed."""
    removed = await original(work)
    await work.context.store.write(_remove_oldest)
    return removed


def _remove_oldest(conn):
    oldest = conn.execute(select(_o.id).order_by(_o.started_at).limit(1)).scalar_one_or_none()
    conn.execute(delete(tables.operations).where(_o.id == oldest))


@fault(
    replaces="agentserver_reference.domain.turns.Outcome.answer",
    kind="wrong-value",
    operations=["submit_turn"],
)
def threads_answered_wrongly(original):
    """The answer names a thread that does not exist."""
    return property(lambda self: original.fget(self) | {"threadId": secrets.token_hex(8)})


@fault(
    replaces="agentserver_reference.domain.turns.hash_of",
    kind="argument-ignored",
    operations=["submit_turn"],
)
def keys_for_other_threads(original, body):
    """A key that was used is accepted with another thread and another time."""
    return original({name: body[name] for name in ("workspaceId", "params")})


@fault(
    replaces="agentserver_reference.storage.turns.find_by_key",
    kind="wrong-value",
    operations=["submit_turn"],
)
def keys_in_any_case(original, conn, workspace_id, key, now):
    """Keys that differ in case stand for one turn."""
    t = tables.codex_turns.c
    columns = (t.id, t.body_hash, t.started_at)
    alike = (t.workspace_id == workspace_id, func.lower(t.idempotency_key) == key.lower())
    return Query(select(*columns).where(*alike)).first(conn)


@fault(
    replaces="agentserver_reference.services.operations_log.list_of_workspace",
    kind="argument-ignored",
    operations=["list_workspace_operations"],
)
async def filter_of_false_ignored(original, work, workspace_id, query):
    """A filter by false is none."""
    given = {name: value for name, value in query.items() if value}
    return await original(work, workspace_id, given)


@fault(
    replaces="agentserver_reference.services.operations_log.list_of_workspace",
    kind="wrong-value",
    operations=["list_workspace_operations"],
)
async def clock_of_the_caller_taken_for_utc(original, work, workspace_id, query):
    """The offset of a time is ignored."""
    given = dict(query)
    if "since" in given:
        moment = datetime.fromisoformat(given["since"]).replace(tzinfo=UTC)
        given["since"] = moment.isoformat()
    return await original(work, workspace_id, given)
