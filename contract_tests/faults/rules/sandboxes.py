"""Sandboxes: their states, their limits, whose they are, and how they are shown."""

import anyio
from replacing import also, fault
from sqlalchemy import func, null, select, update

from agentserver_reference.domain import sandboxes as domain
from agentserver_reference.domain.errors import Forbidden
from agentserver_reference.domain.sandboxes import Event, Size, check_count
from agentserver_reference.services.quotas import limits_of_workspace
from agentserver_reference.storage import sandboxes, tables
from agentserver_reference.storage.locks import Lock

_table = tables.sandboxes

# --- states ---------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.sandboxes.check_is_not_local",
    kind="accepts-malformed",
    operations=["pause_sandbox", "resume_sandbox"],
)
def sandboxes_of_agents_are_paused(original, is_local, event):
    """An agent's sandbox is paused, although it is on a machine of its owner's."""


@fault(
    replaces="agentserver_reference.domain.sandboxes.is_idle",
    kind="wrong-state",
    operations=["pause_sandbox"],
)
def idle_sandboxes_go_on(original, last_activity_at, timeout, now):
    """A sandbox is not paused, however long it is idle."""
    return False


@fault(
    replaces="agentserver_reference.domain.sandboxes.is_idle",
    kind="wrong-state",
    operations=["pause_sandbox"],
)
def sandboxes_are_paused_too_soon(original, last_activity_at, timeout, now):
    """A sandbox is paused although it has been idle for a part of its idle timeout only."""
    return original(last_activity_at, min(timeout, 30), now)


@fault(
    replaces="agentserver_reference.services.sandboxes._change",
    kind="wrong-state",
    operations=["pause_sandbox"],
)
def pause_once_more(original, conn, sandbox_id, event, now, environment):
    """A sandbox that is paused already can be paused."""
    row = sandboxes.find(conn, sandbox_id)
    if event == Event.PAUSE and row is not None and row["status"] == domain.PAUSED:
        return {**row, "status": domain.PAUSING}
    return original(conn, sandbox_id, event, now, environment)


@fault(
    replaces="agentserver_reference.services.sandboxes.pause",
    kind="state-raced",
    operations=["pause_sandbox"],
)
async def pause_without_comparison(original, work, sandbox_id):
    """The state is compared first and changed later, so that several pause a sandbox."""

    def set_status(conn):
        same = _table.c.id == sandbox_id
        conn.execute(update(_table).where(same).values(status=domain.PAUSING))

    row = await work.read(sandboxes.find, sandbox_id)
    if row is None or row["is_local"] or row["status"] != domain.RUNNING:
        return await original(work, sandbox_id)
    await anyio.sleep(0.05)
    await work.write(Lock(), set_status)
    work.context.background("fault", lambda: _finish(work, sandbox_id))
    return {"status": domain.PAUSING}


async def _finish(work, sandbox_id):
    now = work.context.clock()
    store = work.context.store
    await store.write(sandboxes.change, sandbox_id, domain.PAUSING, Event.DONE, now)


@fault(
    replaces="agentserver_reference.services.sandboxes._begin",
    kind="wrong-state",
    operations=["create_sandbox", "pause_sandbox", "resume_sandbox"],
)
def changes_never_end(original, work, row):
    """A sandbox stays in the state in which it is being created, paused or resumed."""
    return {"status": row["status"]}


@fault(
    replaces="agentserver_reference.storage.sandboxes.change",
    kind="wrong-state",
    operations=["resume_sandbox"],
)
def resumed_sandbox_is_paused(original, conn, sandbox_id, source, event, now):
    """A sandbox that was resumed is paused again."""
    changed = original(conn, sandbox_id, source, event, now)
    if source == domain.RESUMING:
        same = _table.c.id == sandbox_id
        conn.execute(update(_table).where(same).values(status=domain.PAUSED))
    return changed


@fault(
    replaces="agentserver_reference.storage.sandboxes.change",
    kind="other-fields-reset",
    operations=["resume_sandbox"],
)
def paused_at_stays(original, conn, sandbox_id, source, event, now):
    """A sandbox that was resumed still shows when it was paused."""
    before = sandboxes.find(conn, sandbox_id)
    changed = original(conn, sandbox_id, source, event, now)
    if source == domain.RESUMING and before is not None:
        same = _table.c.id == sandbox_id
        conn.execute(update(_table).where(same).values(paused_at=before["paused_at"]))
    return changed


@fault(
    replaces="agentserver_reference.services.sandboxes._change",
    kind="wrong-state",
    operations=["resume_sandbox"],
)
def resume_once_more(original, conn, sandbox_id, event, now, environment):
    """A sandbox that is running already can be resumed."""
    row = sandboxes.find(conn, sandbox_id)
    if event == Event.RESUME and row is not None and row["status"] == domain.RUNNING:
        return {**row, "status": domain.RESUMING}
    return original(conn, sandbox_id, event, now, environment)


# --- limits ---------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.sandboxes.check_count",
    kind="limit-off",
    operations=["create_sandbox"],
)
def one_sandbox_too_many(original, current, maximum):
    """A workspace may have one sandbox more than its quota allows."""
    original(current - 1, maximum)


@fault(
    replaces="agentserver_reference.services.sandboxes.create",
    kind="limit-raced-past",
    operations=["create_sandbox"],
)
async def sandboxes_raced_past_quota(original, work, workspace_id, given, host):
    """Concurrent requests get past the quota."""

    def check(conn):
        limits = limits_of_workspace(conn, workspace_id, work.context.settings.quota_environment)
        check_count(sandboxes.count_of(conn, workspace_id), limits["max_sandboxes"])

    await work.read(check)
    await anyio.sleep(0.01)
    return await original(work, workspace_id, given, host)


@also(
    sandboxes_raced_past_quota,
    replaces="agentserver_reference.domain.sandboxes.check_count",
)
def _count_not_checked_in_the_transaction(original, current, maximum):
    pass


@fault(
    replaces="agentserver_reference.domain.sandboxes.check_count",
    kind="zero-taken-for-nothing",
    operations=["create_sandbox"],
)
def no_limit_means_no_sandbox(original, current, maximum):
    """A quota of 0 allows no sandbox instead of any number."""
    original(current if maximum else 1, maximum or 1)


@fault(
    replaces="agentserver_reference.storage.sandboxes.count_of",
    kind="limit-off",
    operations=["create_sandbox", "get_workspace_defaults"],
)
def paused_sandboxes_are_not_counted(original, conn, workspace_id):
    """The quota does not count paused sandboxes."""
    here = (_table.c.workspace_id == workspace_id, _table.c.status != domain.PAUSED)
    return conn.execute(select(func.count()).where(*here)).scalar_one()


@fault(
    replaces="agentserver_reference.storage.sandboxes.used_by",
    kind="limit-off",
    operations=["create_sandbox", "resume_sandbox"],
)
def paused_sandboxes_use_the_budget(original, conn, workspace_id):
    """Paused sandboxes count towards the budget."""
    return _size_of(conn, _table.c.workspace_id == workspace_id)


@fault(
    replaces="agentserver_reference.storage.sandboxes.used_by",
    kind="limit-off",
    operations=["create_sandbox", "resume_sandbox"],
)
def starting_sandboxes_use_no_budget(original, conn, workspace_id):
    """Sandboxes count towards the budget only when they have been started."""
    return _size_of(conn, _table.c.workspace_id == workspace_id, _table.c.status == domain.RUNNING)


def _size_of(conn, *criteria):
    """What sandboxes use together."""
    summed = select(func.sum(_table.c.cpu), func.sum(_table.c.memory)).where(*criteria)
    cpu, memory = conn.execute(summed).one()
    return Size(cpu=int(cpu or 0), memory=int(memory or 0))


@fault(
    replaces="agentserver_reference.domain.sandboxes.check_budget",
    kind="limit-off",
    operations=["create_sandbox", "resume_sandbox"],
)
def memory_has_no_budget(original, used, wanted, limits):
    """The budget of memory is not checked."""
    original(used, wanted, {**limits, "max_total_memory": 0})


@fault(
    replaces="agentserver_reference.services.sandboxes._change",
    kind="limit-off",
    operations=["resume_sandbox"],
)
def resume_without_budget(original, conn, sandbox_id, event, now, environment):
    """Resuming does not check the budget."""
    return original(conn, sandbox_id, event, now, None)


@fault(
    replaces="agentserver_reference.domain.sandboxes.check_idle_timeout",
    kind="accepts-out-of-range",
    operations=["create_sandbox"],
)
def any_idle_timeout(original, seconds, most):
    """Any idle timeout is accepted, whatever the limit is."""


# --- whose they are -------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.sandboxes.list_of",
    kind="rows-of-others-in-list",
    operations=["list_sandboxes"],
)
def list_shows_sandboxes_of_others(original, conn, workspace_id):
    """The list of a workspace shows paused sandboxes of all others."""
    paused = select(_table.c.id).where(
        _table.c.status == domain.PAUSED, _table.c.workspace_id != workspace_id
    )
    others = [sandboxes.find(conn, each) for each in conn.execute(paused).scalars()]
    return original(conn, workspace_id) + [each for each in others if each is not None]


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="read-across-tenants",
    operations=["get_sandbox"],
)
def sandbox_is_shown_to_strangers(original, operation, principal):
    """Everybody with an account reads a sandbox whose id they know."""
    if operation.path != "/api/sandboxes/{sandbox_id}" or operation.method != "GET":
        original(operation, principal)


@fault(
    replaces="agentserver_reference.security.authorize.check_role",
    kind="role-too-low",
    operations=["pause_sandbox"],
)
def guests_pause(original, operation, principal):
    """Guests may pause sandboxes."""
    if not operation.path.endswith("/pause"):
        original(operation, principal)
    elif principal.workspace_role is None:
        raise Forbidden("not a workspace member")


@fault(
    replaces="agentserver_reference.storage.sandboxes.remove",
    kind="wrong-object-touched",
    operations=["delete_sandbox"],
)
def delete_takes_another_along(original, conn, sandbox_id):
    """Deleting a sandbox deletes another one of its workspace too."""
    gone = original(conn, sandbox_id)
    if gone is not None:
        for other in sandboxes.list_of(conn, gone["workspace_id"])[:1]:
            original(conn, other["id"])
    return gone


@fault(
    replaces="agentserver_reference.storage.sandboxes.remove",
    kind="delete-does-nothing",
    operations=["delete_sandbox"],
)
def deleted_sandbox_stays(original, conn, sandbox_id):
    """A sandbox that was deleted remains."""
    return sandboxes.find(conn, sandbox_id)


# --- how they are shown ---------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.sandboxes._is_set",
    kind="zero-taken-for-nothing",
    operations=["create_sandbox", "get_sandbox", "list_sandboxes", "rename_sandbox"],
)
def idle_timeout_of_zero_is_hidden(original, name, value):
    """An idle timeout of 0 (never) is not shown."""
    return original(name, value) and not (name == "idle_timeout" and value == 0)


@fault(
    replaces="agentserver_reference.storage.sandboxes.rename",
    kind="write-not-stored",
    operations=["rename_sandbox"],
)
def new_name_is_not_stored(original, conn, sandbox_id, name):
    """The new name is answered, but not stored."""
    row = sandboxes.find(conn, sandbox_id)
    return row and {**row, "name": name}


@fault(
    replaces="agentserver_reference.services.sandboxes._create",
    kind="write-not-stored",
    operations=["create_sandbox"],
)
def idle_timeout_is_not_stored(
    original,
    conn,
    workspace_id,
    sandbox_id,
    token_hash,
    token_encrypted,
    short_id,
    given,
    environment,
    now,
):
    """The idle timeout of a new sandbox is answered, but not stored."""
    of_token = (token_hash, token_encrypted, short_id)
    created = original(conn, workspace_id, sandbox_id, *of_token, given, environment, now)
    conn.execute(update(_table).where(_table.c.id == sandbox_id).values(idle_timeout=null()))
    return created


@fault(
    replaces="agentserver_reference.storage.sandboxes.list_of",
    kind="wrong-order",
    operations=["list_sandboxes"],
)
def sandboxes_are_sorted_by_name(original, conn, workspace_id):
    """Sandboxes are listed by their names, not the oldest first."""
    return sorted(original(conn, workspace_id), key=lambda row: row["name"])


@fault(
    replaces="agentserver_reference.storage.sandboxes.add",
    kind="value-altered",
    operations=["create_sandbox"],
)
def metadata_without_null(original, *args, **values):
    """What is null in metadata is left out."""
    return original(*args, **values | {"metadata": _without_null(values.get("metadata"))})


def _without_null(value):
    if isinstance(value, dict):
        return {name: _without_null(each) for name, each in value.items() if each is not None}
    return [_without_null(each) for each in value] if isinstance(value, list) else value


@fault(
    replaces="agentserver_reference.storage.sandboxes.change",
    kind="time-not-moved",
    operations=["resume_sandbox"],
)
def resuming_is_no_activity(original, conn, sandbox_id, source, event, now):
    """The idle timeout of a sandbox that was resumed counts from before it was paused."""
    before = sandboxes.find(conn, sandbox_id)
    changed = original(conn, sandbox_id, source, event, now)
    if changed is None or before is None or source != domain.RESUMING:
        return changed
    seen = before["last_activity_at"]
    same = _table.c.id == sandbox_id
    conn.execute(update(_table).where(same).values(last_activity_at=seen), {})
    return {**changed, "last_activity_at": seen}
