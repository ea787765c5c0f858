"""Sandboxes: what members do with them, and the changes that go on after the answer."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from agentserver_reference.domain import sandboxes as domain
from agentserver_reference.domain.credentials import CLUSTER
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.im import BINDABLE_TYPES, WEIXIN
from agentserver_reference.domain.sandboxes import Event
from agentserver_reference.domain.tokens import sandbox_token, token_hash
from agentserver_reference.sandbox_backends.protocol import Sandbox
from agentserver_reference.services import quotas
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import credential_bindings, im_channels, sandboxes
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

POLLING = 0.5
"""Seconds after which a backend is asked again about a change that takes longer."""

_ALWAYS_SHOWN = ("last_activity_at", "paused_at")


async def list_all(work: UnitOfWork) -> list[Record]:
    """Return all sandboxes, oldest first, without `last_activity_at` if there was no activity."""
    return [_without_unset_activity(row) for row in await work.read(sandboxes.list_all)]


def _without_unset_activity(row: Record) -> Record:
    if row["last_activity_at"] is None:
        del row["last_activity_at"]
    return row


async def list_of_workspace(work: UnitOfWork, workspace_id: str, host: str) -> list[Record]:
    """Return the sandboxes of a workspace, oldest first, with the addresses for this `host`."""
    rows, bound = await work.read(_list, workspace_id)
    return [_shown(work, row, host) | _bindings(row, bound) for row in rows]


def _list(conn: Connection, workspace_id: str) -> tuple[list[Record], dict[str, Record]]:
    """Return the sandboxes of a workspace, and the channels that are bound to them."""
    rows = sandboxes.list_of(conn, workspace_id)
    if any(row["type"] in BINDABLE_TYPES for row in rows):
        return rows, im_channels.bound_in_workspace(conn, workspace_id)
    return rows, {}


async def get(work: UnitOfWork, sandbox_id: str, host: str) -> Record:
    """Return a sandbox. Raises NotFound."""
    row, bound = await work.read(_get, sandbox_id)
    return _shown(work, row, host) | _bindings(row, bound)


def _get(conn: Connection, sandbox_id: str) -> tuple[Record, dict[str, Record]]:
    """Return a sandbox, and the channel that is bound to it."""
    row = _existing(sandboxes.find(conn, sandbox_id))
    return row, im_channels.bound_to(conn, sandbox_id) if row["type"] in BINDABLE_TYPES else {}


async def create(
    work: UnitOfWork, workspace_id: str, given: Mapping[str, Any], host: str
) -> Record:
    """Create a sandbox, which is then started.

    Raises BadRequest for what is over a limit, QuotaExceeded and BudgetExceeded.
    """
    context = work.context
    sandbox_id, token = context.ids(), sandbox_token(context.tokens())
    created = await work.write(
        # With the lock, simultaneous calls cannot exceed the quota.
        Lock(workspace=workspace_id),
        _create,
        workspace_id,
        sandbox_id,
        token_hash(token),
        context.cipher.encrypt(token, row=sandbox_id, column=sandboxes.TOKEN_COLUMN),
        domain.short_id(context.tokens()),
        given,
        context.settings.quota_environment,
        context.clock(),
    )
    _begin(work, created)
    return _shown(work, created, host)


def _create(
    conn: Connection,
    workspace_id: str,
    sandbox_id: str,
    token_hash: str,
    token_encrypted: str,
    short_id: str,
    given: Mapping[str, Any],
    environment: Mapping[str, str],
    now: datetime,
) -> Record:
    limits = quotas.limits_of_workspace(conn, workspace_id, environment)
    size, idle_timeout = domain.size_of(given, limits), given.get("idle_timeout")
    domain.check_idle_timeout(idle_timeout, limits["max_idle_timeout"])
    domain.check_count(sandboxes.count_of(conn, workspace_id), limits["max_sandboxes"])
    domain.check_budget(sandboxes.used_by(conn, workspace_id), size, limits)
    return sandboxes.add(
        conn,
        sandbox_id=sandbox_id,
        short_id=short_id,
        workspace_id=workspace_id,
        name=given["name"],
        type=given.get("type", domain.DEFAULT_TYPE),
        status=domain.CREATING,
        is_local=False,
        size=size,
        idle_timeout=idle_timeout,
        metadata=given.get("metadata"),
        now=now,
        last_activity_at=now,
        token_hash=token_hash,
        token_encrypted=token_encrypted,
    )


async def rename(work: UnitOfWork, sandbox_id: str, name: str, host: str) -> Record:
    """Rename a sandbox. Raises NotFound."""
    renamed = await work.write(Lock(), sandboxes.rename, sandbox_id, name)
    return _shown(work, _existing(renamed), host)


async def delete(work: UnitOfWork, sandbox_id: str) -> None:
    """Delete a sandbox, and stop it. Raises NotFound."""
    gone = await work.write(Lock(), sandboxes.remove, sandbox_id)
    await remove_from_backend(work, [_existing(gone)])


async def remove_from_backend(work: UnitOfWork, rows: list[Record]) -> None:
    """Stop sandboxes whose rows are deleted."""
    for row in rows:
        if not row["is_local"]:
            await work.context.sandbox_backend.remove(Sandbox.of(row))


async def pause(work: UnitOfWork, sandbox_id: str) -> Record:
    """Begin to pause a sandbox, and return its state. Raises NotFound, BadRequest, Conflict."""
    changed = await work.write(Lock(), _change, sandbox_id, Event.PAUSE, work.context.clock(), None)
    return _begin(work, changed)


async def resume(work: UnitOfWork, sandbox_id: str) -> Record:
    """Begin to resume a sandbox, and return its state.

    Raises NotFound, BadRequest, Conflict, BudgetExceeded. The permission locks the workspace, so
    that simultaneous calls cannot exceed the budget.
    """
    context = work.context
    environment = context.settings.quota_environment
    changed = await work.write(
        Lock(), _change, sandbox_id, Event.RESUME, context.clock(), environment
    )
    return _begin(work, changed)


def _change(
    conn: Connection,
    sandbox_id: str,
    event: Event,
    now: datetime,
    environment: Mapping[str, str] | None,
) -> Record:
    """Change the state; with an `environment`, check first that the budget permits it."""
    row = _existing(sandboxes.find(conn, sandbox_id))
    domain.check_is_not_local(row["is_local"], event)
    domain.next_state(row["status"], event)
    if environment is not None:
        limits = quotas.limits_of_workspace(conn, row["workspace_id"], environment)
        size = domain.Size(cpu=row["cpu"] or 0, memory=row["memory"] or 0)
        domain.check_budget(sandboxes.used_by(conn, row["workspace_id"]), size, limits)
    changed = sandboxes.change(conn, sandbox_id, row["status"], event, now)
    if changed is None:
        # A worker, which locks no workspace, was quicker.
        return _change(conn, sandbox_id, event, now, environment)
    return changed


def _begin(work: UnitOfWork, row: Record) -> Record:
    """Carry a change through after the answer, and return the state to answer with."""
    own = UnitOfWork(work.context)
    work.context.background(f"sandbox {row['id']}", partial(carry_through, own, row["id"]))
    return {"status": row["status"]}


# --- what goes on by itself -----------------------------------------------------------------------


async def carry_through(work: UnitOfWork, sandbox_id: str) -> None:
    """Carry the change that a sandbox is in to its end."""
    while (row := await work.read(sandboxes.find, sandbox_id)) and row["status"] in domain.PASSING:
        if not await _carry_on(work, row):
            await work.context.wait(POLLING)


async def carry_on_all(work: UnitOfWork) -> None:
    """Carry all changes on that are under way, also those that an ended process has left."""
    for row in await work.read(sandboxes.list_passing):
        await _carry_on(work, row)


async def look(work: UnitOfWork) -> None:
    """Take note of what has ended by itself, and carry on what can only be done in this process."""
    await _lose(work, await work.context.sandbox_backend.look())
    await carry_on_all(work)


async def stop(work: UnitOfWork) -> None:
    """Stop the sandboxes that cannot go on without this process, which ends."""
    await _lose(work, await work.context.sandbox_backend.close())


async def _lose(work: UnitOfWork, sandbox_ids: Collection[str]) -> None:
    """Note that what ran in these sandboxes has ended."""
    for sandbox_id in sandbox_ids:
        row = await work.read(sandboxes.find, sandbox_id)
        if row is not None and row["status"] in domain.HELD:
            now = work.context.clock()
            await work.write(Lock(), sandboxes.change, row["id"], row["status"], Event.LOST, now)


async def _carry_on(work: UnitOfWork, row: Record) -> bool:
    """Return whether the change that a sandbox is in has come to its end."""
    clusters = partial(_clusters, work, row["workspace_id"])
    sandbox = Sandbox.of(row, partial(_token, work, row["id"]), clusters)
    outcome = await work.context.sandbox_backend.carry_on(sandbox)
    if outcome is None:
        return False
    now = work.context.clock()
    await work.write(Lock(), sandboxes.change, row["id"], row["status"], outcome, now)
    return True


async def _token(work: UnitOfWork, sandbox_id: str) -> str | None:
    """Return the token of a sandbox; None for one of an old version, which has none."""
    sealed = await work.read(sandboxes.encrypted_token, sandbox_id)
    if sealed is None:
        return None
    return work.context.cipher.decrypt(sealed, row=sandbox_id, column=sandboxes.TOKEN_COLUMN)


async def _clusters(work: UnitOfWork, workspace_id: str) -> list[Record]:
    """Return the credentials for clusters of a workspace."""
    return await work.read(credential_bindings.list_of, workspace_id, CLUSTER)


async def pause_idle(work: UnitOfWork) -> int:
    """Pause the sandboxes that have been idle for too long, and return how many these were.

    The timeout is the sandbox's own, otherwise the workspace's, otherwise the installation's.
    """
    now, environment = work.context.clock(), work.context.settings.quota_environment
    default = (await work.read(quotas.system_limits, environment))["max_idle_timeout"]
    paused = 0
    for row in await work.read(sandboxes.list_running):
        own = (row["idle_timeout"], row["workspace_idle_timeout"], default)
        timeout = next(each for each in own if each is not None)
        seen = row["last_activity_at"]
        if domain.is_idle(seen, timeout, now) and await work.write(
            Lock(), sandboxes.pause_idle, row["id"], seen, now
        ):
            _begin(work, {**row, "status": domain.PAUSING})
            paused += 1
    return paused


# --- how sandboxes are shown ----------------------------------------------------------------------


def _existing(row: Record | None) -> Record:
    if row is None:
        raise NotFound("sandbox not found")
    return row


def _shown(work: UnitOfWork, row: Record, host: str) -> Record:
    """Return a row as it is shown: without what is unset, and with its web address."""
    shown = {
        name: value
        for name, value in row.items()
        if name != "status_since" and (name in _ALWAYS_SHOWN or _is_set(name, value))
    }
    settings, label = work.context.settings, row["short_id"] or row["id"]
    found = domain.base_domain_of(host, settings.base_domains)
    address = found and domain.web_address(row["type"], label, found, settings.subdomain_prefixes)
    return shown | ({f"{row['type']}_url": address} if address else {})


def _bindings(row: Record, bound: Mapping[str, Record]) -> Record:
    """Return how the channel is shown that is bound to a sandbox, if one of its type shows it."""
    if row["id"] not in bound or row["type"] not in BINDABLE_TYPES:
        return {}
    binding = {name: value for name, value in bound[row["id"]].items() if value != ""}
    shown = {"im_bindings": [binding]}
    return shown | ({"weixin_bindings": [binding]} if binding["provider"] == WEIXIN else {})


def _is_set(name: str, value: Any) -> bool:
    """Return whether a field has a value: 0 is an idle timeout, but no limit of CPU or memory."""
    return value is not None and (value not in (0, {}) or name in ("idle_timeout", "is_local"))
