"""Limits and quotas: of accounts, of workspaces, of the installation, of the language model."""

from contextlib import nullcontext
from datetime import UTC, datetime

import anyio
import attrs
from replacing import also, fault
from sqlalchemy import delete, select

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.quotas import (
    SETTING_OF,
    WORKSPACE_LIMITS,
    Limit,
    merged,
    workspace_defaults,
)
from agentserver_reference.services.quotas import SANDBOX_LIMITS, system_limits
from agentserver_reference.storage import members, tables
from agentserver_reference.storage.quotas import (
    delete_of_user,
    of_user,
    of_workspace,
    set_of_user,
)

# --- how many workspaces one may create -----------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.quotas.owned_and_allowed",
    kind="limit-of-wrong-layer",
    operations=["create_workspace", "get_workspace_creation_quota"],
)
def override_of_account_ignored(original, conn, user_id, environment):
    """The account's override is ignored."""
    owned, _ = original(conn, user_id, environment)
    return owned, system_limits(conn, environment)["max_workspaces_per_user"]


@fault(
    replaces="agentserver_reference.services.quotas.owned_and_allowed",
    kind="zero-taken-for-nothing",
    operations=["create_workspace", "get_workspace_creation_quota", "admin_set_user_quota"],
)
def override_of_zero_ignored(original, conn, user_id, environment):
    """An override of 0 (no limit) is ignored."""
    owned, maximum = original(conn, user_id, environment)
    return owned, maximum or system_limits(conn, environment)["max_workspaces_per_user"]


@fault(
    replaces="agentserver_reference.services.quotas.owned_and_allowed",
    kind="limit-of-wrong-layer",
    operations=["create_workspace", "get_workspace_creation_quota"],
)
def smaller_limit_wins(original, conn, user_id, environment):
    """An override above the default is ignored."""
    owned, maximum = original(conn, user_id, environment)
    default = system_limits(conn, environment)["max_workspaces_per_user"]
    return owned, min(maximum, default or maximum)


@fault(
    replaces="agentserver_reference.services.quotas.creation_quota",
    kind="fields-swapped",
    operations=["get_workspace_creation_quota"],
)
async def quota_swaps_numbers(original, work, user_id):
    """The count and the limit are swapped."""
    quota = await original(work, user_id)
    return {"current": quota["max"], "max": quota["current"]}


@fault(
    replaces="agentserver_reference.services.quotas.creation_quota",
    kind="value-altered",
    operations=["get_workspace_creation_quota"],
)
async def quota_never_over_limit(original, work, user_id):
    """The count is never shown as more than the limit."""
    quota = await original(work, user_id)
    return quota | {"current": min(quota["current"], quota["max"] or quota["current"])}


# --- of the sandboxes of a workspace --------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.quotas.workspace_limits",
    kind="limit-of-wrong-layer",
    operations=["get_workspace_defaults"],
)
def defaults_without_override(original, system, override):
    """The workspace's overrides are ignored."""
    return original(system, None)


@fault(
    replaces="agentserver_reference.services.quotas.of_sandboxes",
    kind="field-of-wrong-type",
    operations=["get_workspace_defaults"],
)
async def defaults_as_text(original, work, workspace_id):
    """The limits are strings."""
    limits = await original(work, workspace_id)
    return limits | {name: str(limits[name]) for name in SANDBOX_LIMITS}


@fault(
    replaces="agentserver_reference.services.quotas.of_sandboxes",
    kind="wrong-value",
    operations=["get_workspace_defaults"],
)
async def defaults_count_members(original, work, workspace_id):
    """`current_sandboxes` is the number of members."""
    count = len(await work.read(members.list_of, workspace_id))
    return await original(work, workspace_id) | {"current_sandboxes": count}


@fault(
    replaces="agentserver_reference.domain.quotas.workspace_limits",
    kind="zero-taken-for-nothing",
    operations=["get_workspace_defaults"],
)
def defaults_ignore_zero(original, system, override):
    """An override of 0 is ignored."""
    return original(system, {name: value or None for name, value in (override or {}).items()})


@fault(
    replaces="agentserver_reference.domain.quotas.WORKSPACE_LIMITS",
    kind="limit-of-wrong-layer",
    operations=["get_workspace_defaults", "admin_get_workspace_quota"],
)
def defaults_swap_memory_and_drive(original):
    """The default for a sandbox's memory is the drive size."""
    return original | {"max_sandbox_memory": "max_workspace_drive_size"}


@fault(
    replaces="agentserver_reference.domain.quotas.WORKSPACE_LIMITS",
    kind="limit-of-wrong-layer",
    operations=["get_workspace_defaults", "admin_get_workspace_quota"],
)
def defaults_take_total_processor(original):
    """The default for the CPU of all sandboxes is that of one."""
    return original | {"max_total_cpu": "max_sandbox_cpu"}


# --- of the installation --------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.quotas.defaults",
    kind="fields-swapped",
    operations=["admin_get_quota_defaults"],
)
async def installation_swaps_limits(original, work):
    """The answer swaps the CPU and memory limits of all sandboxes."""
    limits = await original(work)
    swapped = {
        "ws_max_total_cpu": limits["ws_max_total_memory"],
        "ws_max_total_memory": limits["ws_max_total_cpu"],
    }
    return limits | swapped


@fault(
    replaces="agentserver_reference.services.quotas._set_defaults",
    kind="answer-is-stale",
    operations=["admin_set_quota_defaults"],
)
def installation_answers_as_before(original, conn, change, environment):
    """The answer shows the limits before the change."""
    before = system_limits(conn, environment)
    original(conn, change, environment)
    return before


@fault(
    replaces="agentserver_reference.storage.quotas.store_settings",
    kind="other-fields-reset",
    operations=["admin_set_quota_defaults"],
)
def installation_resets_others(original, conn, values):
    """Limits that are not given are reset."""
    original(conn, {**dict.fromkeys(SETTING_OF.values(), ""), **values})


@fault(
    replaces="agentserver_reference.domain.quotas.resolve_limit",
    kind="limit-of-wrong-layer",
    operations=["admin_get_quota_defaults", "admin_set_quota_defaults"],
)
def installation_built_in_first(original, limit, stored, environment):
    """A stored limit of 0 is ignored."""
    return original(limit, stored, environment) or limit.built_in


@fault(
    replaces="agentserver_reference.storage.quotas.store_settings",
    kind="write-not-stored",
    operations=["admin_set_quota_defaults"],
)
def installation_stores_first_only(original, conn, values):
    """Only the first of several limits is stored."""
    original(conn, dict(list(values.items())[:1]))


@fault(
    replaces="agentserver_reference.domain.quotas.LIMITS",
    kind="wrong-object-touched",
    operations=["admin_set_quota_defaults"],
)
def installation_stores_in_one_place(original):
    """Two limits share one setting."""

    def moved(limit: Limit) -> Limit:
        is_moved = limit.name == "ws_max_idle_timeout"
        return attrs.evolve(limit, setting="default_max_idle_timeout") if is_moved else limit

    return tuple(moved(limit) for limit in original)


@also(
    installation_stores_in_one_place,
    replaces="agentserver_reference.domain.quotas.SETTING_OF",
)
def _in_one_place(original):
    return original | {"ws_max_idle_timeout": "default_max_idle_timeout"}


# --- of an account --------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.quotas._of_user",
    kind="missing-is-accepted",
    operations=["admin_get_user_quota"],
)
def account_quota_of_nobody(original, conn, user_id, environment):
    """Reading the quota of an account that does not exist succeeds."""
    default = system_limits(conn, environment)["max_workspaces_per_user"]
    return {
        "defaults": {"max_workspaces_per_user": default},
        "overrides": of_user(conn, user_id),
    }


@fault(
    replaces="agentserver_reference.services.quotas._of_user",
    kind="limit-of-wrong-layer",
    operations=["admin_get_user_quota"],
)
def account_quota_shows_effective_default(original, conn, user_id, environment):
    """The override is shown as the default."""
    quota = original(conn, user_id, environment)
    given = (quota["overrides"] or {}).get("max_workspaces")
    return quota if given is None else quota | {"defaults": {"max_workspaces_per_user": given}}


@fault(
    replaces="agentserver_reference.storage.quotas.set_of_user",
    kind="null-ignored",
    operations=["admin_set_user_quota"],
)
def account_quota_null_ignored(original, conn, user_id, maximum, now):
    """Null does not clear the number of an override."""
    if maximum is None:
        maximum = (of_user(conn, user_id) or {}).get("max_workspaces")
    original(conn, user_id, maximum, now)


@fault(
    replaces="agentserver_reference.storage.quotas.set_of_user",
    kind="null-ignored",
    operations=["admin_set_user_quota"],
)
def account_quota_null_removes(original, conn, user_id, maximum, now):
    """Null removes the override instead of clearing its number."""
    original(conn, user_id, maximum, now)
    if maximum is None:
        delete_of_user(conn, user_id)


@fault(
    replaces="agentserver_reference.storage.quotas.set_of_user",
    kind="value-altered",
    operations=["admin_set_user_quota"],
)
def account_quota_capped(original, conn, user_id, maximum, now):
    """Numbers above 1000 are stored as 1000."""
    original(conn, user_id, maximum and min(maximum, 1000), now)


@fault(
    replaces="agentserver_reference.storage.quotas.referenced",
    kind="conflict-is-server-error",
    operations=["admin_set_user_quota"],
)
def account_quota_of_nobody_is_500(original, line):
    """Setting the quota of an account that does not exist is a server error."""
    return nullcontext() if line == "user not found" else original(line)


@fault(
    replaces="agentserver_reference.storage.quotas.set_of_user",
    kind="time-not-moved",
    operations=["admin_set_user_quota"],
)
def account_quota_keeps_time(original, conn, user_id, maximum, now):
    """`updated_at` does not change when an override is replaced."""
    if before := of_user(conn, user_id):
        now = datetime.fromisoformat(before["updated_at"])
    original(conn, user_id, maximum, now)


@fault(
    replaces="agentserver_reference.storage.quotas.delete_of_user",
    kind="wrong-object-touched",
    operations=["admin_delete_user_quota"],
)
def account_quota_removed_of_neighbours(original, conn, user_id):
    """Overrides of other accounts are removed as well."""
    table = tables.user_quotas
    return conn.execute(delete(table).where(table.c.user_id >= user_id)).rowcount > 0


@fault(
    replaces="agentserver_reference.storage.quotas.delete_of_user",
    kind="delete-does-nothing",
    operations=["admin_delete_user_quota"],
)
def account_quota_not_removed(original, conn, user_id):
    """A removed override remains, without a number."""
    is_there = of_user(conn, user_id) is not None
    if is_there:
        set_of_user(conn, user_id, None, datetime.now(UTC))
    return is_there


@fault(
    replaces="agentserver_reference.storage.quotas.delete_of_user",
    kind="delete-not-repeatable",
    operations=["admin_delete_user_quota"],
)
def account_quota_removed_twice_is_404(original, conn, user_id):
    """Removing an override where there is none fails."""
    if not original(conn, user_id):
        raise NotFound("no override")
    return True


# --- of a workspace -------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.quotas._of_workspace",
    kind="limit-of-wrong-layer",
    operations=["admin_get_workspace_quota"],
)
def limits_merged_into_defaults(original, conn, workspace_id, environment):
    """The defaults include the workspace's overrides."""
    limits = original(conn, workspace_id, environment)
    given = {name: (limits["overrides"] or {}).get(name) for name in WORKSPACE_LIMITS}
    shown = {name: value for name, value in given.items() if value is not None}
    return limits | {"defaults": limits["defaults"] | shown}


@fault(
    replaces="agentserver_reference.services.quotas._of_workspace",
    kind="missing-is-accepted",
    operations=["admin_get_workspace_quota"],
)
def limits_of_no_workspace(original, conn, workspace_id, environment):
    """Reading the limits of a workspace that does not exist succeeds."""
    return {
        "defaults": workspace_defaults(system_limits(conn, environment)),
        "overrides": of_workspace(conn, workspace_id),
    }


@fault(
    replaces="agentserver_reference.services.quotas._of_workspace",
    kind="wrong-value",
    operations=["admin_get_workspace_quota"],
)
def limits_empty_where_none(original, conn, workspace_id, environment):
    """Without overrides, `overrides` is an object of nulls instead of null."""
    limits = original(conn, workspace_id, environment)
    nothing = {**merged(None, {}), "updated_at": "2026-01-01T00:00:00Z"}
    return limits | {"overrides": limits["overrides"] or nothing}


@fault(
    replaces="agentserver_reference.domain.quotas.merged",
    kind="other-fields-reset",
    operations=["admin_set_workspace_quota"],
)
def limits_replaced_not_merged(original, override, change):
    """A change of one limit clears the others."""
    return original(None, change)


@fault(
    replaces="agentserver_reference.domain.quotas.merged",
    kind="other-fields-reset",
    operations=["admin_set_workspace_quota"],
)
def limits_reset_drive(original, override, change):
    """A change of other limits clears the drive size."""
    return original(override, change) | {"max_drive_size": change.get("max_drive_size")}


@fault(
    replaces="agentserver_reference.domain.quotas.merged",
    kind="zero-taken-for-nothing",
    operations=["admin_set_workspace_quota"],
)
def limits_zero_is_nothing(original, override, change):
    """A limit of 0 is ignored."""
    return original(override, {name: value or None for name, value in change.items()})


@fault(
    replaces="agentserver_reference.domain.quotas.merged",
    kind="null-ignored",
    operations=["admin_set_workspace_quota"],
)
def limits_null_clears(original, override, change):
    """Null clears a limit, where it must keep it."""
    before = override or {}
    return {name: change[name] if name in change else before.get(name) for name in WORKSPACE_LIMITS}


@fault(
    replaces="agentserver_reference.storage.quotas.set_of_workspace",
    kind="fields-swapped",
    operations=["admin_set_workspace_quota"],
)
def limits_crossed(original, conn, workspace_id, limits, now):
    """The CPU and memory limits of all sandboxes are stored swapped."""
    swapped = {
        "max_total_cpu": limits["max_total_memory"],
        "max_total_memory": limits["max_total_cpu"],
    }
    original(conn, workspace_id, {**limits, **swapped}, now)


@fault(
    replaces="agentserver_reference.services.quotas.merge_of_workspace",
    kind="lost-update",
    operations=["admin_set_workspace_quota"],
)
async def limits_lose_update(original, work, workspace_id, change):
    """Of two concurrent changes, one is lost."""
    before = await work.read(of_workspace, workspace_id)
    await anyio.sleep(0.01)
    await original(work, workspace_id, merged(before, change))


@also(limits_lose_update, replaces="agentserver_reference.services.quotas.merged")
def _merged_before(original, override, change):
    return original(None, change)


@fault(
    replaces="agentserver_reference.services.quotas._merge_of_workspace",
    kind="write-not-stored",
    operations=["admin_set_workspace_quota"],
)
def limits_empty_body_does_nothing(original, conn, workspace_id, change, now):
    """An empty body creates no overrides."""
    if change:
        original(conn, workspace_id, change, now)


@fault(
    replaces="agentserver_reference.storage.quotas.set_of_workspace",
    kind="time-not-moved",
    operations=["admin_set_workspace_quota"],
)
def limits_keep_time(original, conn, workspace_id, limits, now):
    """`updated_at` does not change when limits are changed."""
    if before := of_workspace(conn, workspace_id):
        now = datetime.fromisoformat(before["updated_at"])
    original(conn, workspace_id, limits, now)


@fault(
    replaces="agentserver_reference.storage.quotas.delete_of_workspace",
    kind="delete-does-nothing",
    operations=["admin_delete_workspace_quota"],
)
def limits_not_removed(original, conn, workspace_id):
    """Removed overrides remain."""
    return of_workspace(conn, workspace_id) is not None


@fault(
    replaces="agentserver_reference.storage.quotas.delete_of_workspace",
    kind="wrong-object-touched",
    operations=["admin_delete_workspace_quota"],
)
def limits_removed_everywhere(original, conn, workspace_id):
    """Overrides of other workspaces are removed as well."""
    table = tables.workspace_quotas
    return conn.execute(delete(table).where(table.c.workspace_id >= workspace_id)).rowcount > 0


# --- of the language model ------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.llm_usage.quota",
    kind="rows-of-others-in-list",
    operations=["get_workspace_llm_quota", "admin_get_workspace_llm_quota"],
)
def llm_quota_of_any_workspace(original, conn, workspace_id):
    """Without a limit, that of another workspace is shown."""
    table = tables.llm_quotas
    later = select(table.c.workspace_id).where(table.c.workspace_id >= workspace_id)
    found = conn.execute(later.order_by(table.c.workspace_id)).first()
    return None if found is None else original(conn, found[0])


@fault(
    replaces="agentserver_reference.storage.llm_usage.set_quota",
    kind="write-not-stored",
    operations=["admin_set_workspace_llm_quota"],
)
def llm_limit_keeps_first(original, conn, workspace_id, maximum, now):
    """A second limit does not replace the first."""
    table = tables.llm_quotas
    this = select(table.c.max_rpd).where(table.c.workspace_id == workspace_id)
    if before := conn.execute(this).first():
        maximum = before[0]
    original(conn, workspace_id, maximum, now)


@fault(
    replaces="agentserver_reference.services.llm_quotas.get",
    kind="wrong-value",
    operations=["get_workspace_llm_quota"],
)
async def llm_quota_not_shown_to_members(original, work, workspace_id):
    """Members are not shown the workspace's limit."""
    return await original(work, workspace_id) | {"workspace_quota": None}


@fault(
    replaces="agentserver_reference.services.llm_quotas.get_of_any",
    kind="missing-is-accepted",
    operations=["admin_get_workspace_llm_quota"],
)
async def llm_limit_of_no_workspace(original, work, workspace_id):
    """Reading the quota of a workspace that does not exist succeeds."""
    return await work.context.llm_proxy.quota(workspace_id)


@fault(
    replaces="agentserver_reference.services.llm_quotas.set_of_any",
    kind="null-ignored",
    operations=["admin_set_workspace_llm_quota"],
)
async def llm_limit_null_is_zero(original, work, workspace_id, max_rpd):
    """Null (the default) is stored as 0 (no limit)."""
    await original(work, workspace_id, max_rpd or 0)


@fault(
    replaces="agentserver_reference.services.llm_quotas.set_of_any",
    kind="zero-taken-for-nothing",
    operations=["admin_set_workspace_llm_quota"],
)
async def llm_limit_zero_is_null(original, work, workspace_id, max_rpd):
    """0 (no limit) is stored as null (the default)."""
    await original(work, workspace_id, max_rpd or None)


@fault(
    replaces="agentserver_reference.storage.llm_usage.delete_quota",
    kind="delete-does-nothing",
    operations=["admin_delete_workspace_llm_quota"],
)
def llm_limit_not_removed(original, conn, workspace_id):
    """A removed limit remains."""


@fault(
    replaces="agentserver_reference.services.llm_quotas.delete_of_any",
    kind="missing-is-accepted",
    operations=["admin_delete_workspace_llm_quota"],
)
async def llm_limit_removed_of_nothing(original, work, workspace_id):
    """Removing the limit of a workspace that does not exist succeeds."""
    await work.context.llm_proxy.delete_quota(workspace_id)
