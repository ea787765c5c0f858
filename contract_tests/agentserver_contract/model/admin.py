"""Administration: roles of accounts, and limits of the installation, of workspaces and users."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from agentserver import AgentserverError, BadRequest, Conflict, NotFound, PermissionDenied
from agentserver.models import UserRole
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import (
    Choose,
    initialize,
    invariant,
    precondition,
    rule,
    teardown,
)
from agentserver_contract.model.auth import Accounts
from agentserver_contract.model.limits import (
    IN_BYTES,
    OF_WORKSPACES,
    Limits,
    Values,
    allowed_default,
    expect_override,
    merge_workspace_limits,
    override_all_limits,
    set_creation_quota,
    set_defaults,
    set_llm_quota,
    values_of,
)
from agentserver_contract.model.readback import expect, expect_refused, read, read_back
from agentserver_contract.model.run import USERS, ModelRun, planned
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.values import BAD_COUNTS, COUNTS
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    SEVERAL_WORKSPACES,
    Workspaces,
    any_workspace,
    defaults_may_be_changed,
    expect_workspace,
)

# --- the state: that of `limits`, `auth` and `workspaces` -----------------------------------------

_MANY = 2**31 - 2
"""So many workspaces that no quota is in the way of what is not about it."""


@initialize
def set_first_limits(run: ModelRun) -> None:
    """Set every limit of each workspace, and let users create as many as they like."""
    choose = Choose(random.Random(0).randrange)  # noqa: S311 - what it decides is no secret
    for workspace_id in run.state[Workspaces].by_id:
        override_all_limits(run, workspace_id, choose)
    for user in USERS:
        if (run.state[Limits].creation_quotas[user].values or {}).get("max_workspaces") is None:
            set_creation_quota(run, user, max_workspaces=_MANY)


@teardown
def restore_settings(run: ModelRun) -> Iterator[Callable[[], object]]:
    admin, limits, accounts = run.clients["admin"].admin, run.state[Limits], run.state[Accounts]
    for user, first in limits.first_creation_quotas.items():
        if first is None and limits.creation_quotas[user].values is not None:
            yield partial(admin.users.quota.delete, run.ids[user])
        elif first is not None and first != limits.creation_quotas[user].values:
            quota: dict[str, Any] = dict(first)
            yield partial(admin.users.quota.set, run.ids[user], **quota)
    for user, role in accounts.first_roles.items():
        if role != accounts.roles[user]:
            yield partial(admin.users.set_role, run.ids[user], role=UserRole(role))
    if limits.defaults != limits.first_defaults:
        defaults: dict[str, Any] = dict(limits.first_defaults)
        yield partial(admin.quota_defaults.set, **defaults)


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "names", "members", "sandboxes", "workspace_limits", "quota_defaults")
def administrators_list_each_workspace_once(run: ModelRun) -> None:
    method, known = "admin.workspaces.list", run.state[Workspaces]
    rows = [row for row in read(run, "admin", method) if row.id in known.of_this_run]
    expect(method, "each workspace once", list(known.by_id), [row.id for row in rows])
    for row in rows:
        workspace = known.by_id[row.id]
        expect_workspace(run, method, workspace, row)
        in_force = run.state[Limits].in_force(workspace.id, "max_sandboxes")
        expect(method, "the limit that is in force", in_force, row.max_sandboxes)
        there_are = len(workspace.sandboxes)
        expect(method, "how many sandboxes there are", there_are, row.sandbox_count)
        first = workspace.with_role("owner")[0]
        owner = (run.ids[first], run.accounts[first].email, None, None)
        actual = row.owner and (row.owner.id, row.owner.email, row.owner.name, row.owner.picture)
        expect(method, "the owner who joined first", owner, actual)


@invariant("workspaces", "workspace_limits", "quota_defaults")
def administrators_see_the_limits_of_each_workspace(run: ModelRun) -> None:
    method, limits = "admin.workspaces.quota.get", run.state[Limits]
    for workspace_id in run.state[Workspaces].by_id:
        shown = read(run, "admin", method, workspace_id).to_dict()
        for name in OF_WORKSPACES:
            default = limits.default(name)
            expect(method, f"the default of {name}", default, shown["defaults"][name])
        expect_override(run, method, limits.workspaces[workspace_id], shown["overrides"])
    for workspace_id in run.state[Workspaces].deleted[-1:]:
        expect_refused(run, ["admin"], NotFound, method, workspace_id)


@invariant("workspaces", "llm_quota")
def administrators_see_the_llm_quota_that_members_see(run: ModelRun) -> None:
    method = "admin.workspaces.llm_quota.get"
    for workspace in run.state[Workspaces].by_id.values():
        owner = workspace.with_role("owner")[0]
        shown = read(run, owner, "workspaces.get_llm_quota", workspace.id).to_dict()
        actual = read(run, "admin", method, workspace.id).to_dict()
        expect(method, "administrators see what members see", shown, actual)
    for workspace_id in run.state[Workspaces].deleted[-1:]:
        expect_refused(run, ["admin"], NotFound, method, workspace_id)


@invariant("creation_quota", "quota_defaults")
def administrators_see_the_creation_quota_of_each_user(run: ModelRun) -> None:
    method, limits = "admin.users.quota.get", run.state[Limits]
    default = {"max_workspaces_per_user": limits.defaults["max_workspaces_per_user"]}
    for user in USERS:
        shown = read(run, "admin", method, run.ids[user]).to_dict()
        expect(method, "the default", default, shown["defaults"])
        expect_override(run, method, limits.creation_quotas[user], shown["overrides"])


@invariant("accounts")
def administrators_list_each_account_once(run: ModelRun) -> None:
    method = "admin.users.list"
    rows = read(run, "admin", method)
    ages = [row.created_at for row in rows]
    expect(method, "the oldest first", sorted(ages), ages)
    own = [row for row in rows if row.id in run.ids.values()]
    expect(method, "each account once", len(run.ids), len(own))
    by_id = {row.id: row for row in own}
    for user, role in run.state[Accounts].roles.items():
        row = by_id[run.ids[user]]
        account, actual = (run.accounts[user].email, None, role), (row.email, row.name, row.role)
        expect(method, "the account with its role", account, actual, user=user)
        first = run.state[Accounts].created_at.setdefault(user, row.created_at)
        expect(method, "created_at, which never changes", first, row.created_at, user=user)


@invariant("quota_defaults")
def administrators_see_the_defaults(run: ModelRun) -> None:
    method = "admin.quota_defaults.get"
    expect(method, "the defaults", run.state[Limits].defaults, read(run, "admin", method).to_dict())


# --- preconditions --------------------------------------------------------------------------------


def _administers_alone(run: ModelRun) -> bool:
    users = read(run, "admin", "admin.users.list")
    administrators = [each.id for each in users if each.role == "admin"]
    return run.allow_global and administrators == [run.ids["admin"]]


@precondition("there is another administrator, or roles are left alone")
def administers_alone(run: ModelRun) -> bool:
    return _administers_alone(run)


@precondition("the server could be left without an administrator")
def administrators_may_be_lost(run: ModelRun) -> bool:
    return run.target.guard is None and _administers_alone(run)


# --- rules: roles of accounts ---------------------------------------------------------------------


def _set_role(run: ModelRun, user: str, role: str, *, by: str = "admin") -> None:
    """Give an account a role, and look at once what is shown of it. Raises ContractViolation."""
    method, me = "admin.users.set_role", "auth.me"
    run.call(by, method, run.ids[user], role=role)
    if user in USERS:
        run.state[Accounts].roles[user] = role
    own = read(run, user, me).role
    shown = {me: own}
    if user != by or role == "admin":
        rows = read(run, by, "admin.users.list")
        shown["admin.users.list"] = next(row.role for row in rows if row.id == run.ids[user])
    wrong = [view for view, value in shown.items() if value != role]
    if wrong:
        # What every view shows is what was stored; else the view that differs is wrong.
        at_fault = method if len(wrong) == len(shown) > 1 else wrong[0]
        promise = "a role is shown as soon as it is given"
        expect(at_fault, promise, role, shown[wrong[0]], user=user)


@rule(touches=["accounts"])
def grant_and_revoke_admin_role(run: ModelRun, choose: Choose) -> None:
    user = choose([name for name, role in run.state[Accounts].roles.items() if role != "admin"])
    _set_role(run, user, "admin")
    run.call(user, "admin.users.list")
    read_back(run, "accounts", "members")  # who administers is no member of every workspace
    for role in ("owner", "Admin", ""):
        run.call("admin", "admin.users.set_role", run.ids[user], role=role, raises=BadRequest)
    _set_role(run, user, "user")
    run.call(user, "admin.users.list", raises=PermissionDenied)


@rule(touches=["accounts"], precondition=administers_alone)
def demote_last_administrator(run: ModelRun, choose: Choose) -> None:
    own_id = run.ids["admin"]
    run.call("admin", "admin.users.set_role", own_id, role="user", raises=Conflict)
    run.call("admin", "admin.users.set_role", own_id, role="admin")


@rule(touches=["accounts"], precondition=administrators_may_be_lost)
def demote_administrators_concurrently(run: ModelRun, choose: Choose) -> None:
    """Two administrators demote each other: a server with a fault is then left without one."""
    method, other = "admin.users.set_role", choose(USERS)
    for role in ("admin", "user", "admin"):  # alone first: what fails then is no race
        _set_role(run, other, role)
    outcomes = run.concurrently(
        [
            planned("admin", method, run.ids[other], role="user"),
            planned(other, method, run.ids["admin"], role="user"),
        ]
    )
    roles = {name: run.call(name, "auth.me").role for name in ("admin", other)}
    if "admin" not in roles.values():
        promise = "the last administrator stays, also when two demote each other at the same time"
        raise ContractViolation(method, promise, outcomes)
    if roles["admin"] != "admin":
        _set_role(run, "admin", "admin", by=other)
    _set_role(run, other, "user")


@rule(
    touches=["accounts", "workspace_limits", "llm_quota", "creation_quota", "quota_defaults"],
    precondition=A_WORKSPACE,
)
def administer_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace, user_id, error = any_workspace(run, choose), run.ids["guest"], PermissionDenied
    user = choose([name for name, role in run.state[Accounts].roles.items() if role != "admin"])
    run.call(user, "admin.users.list", raises=error)
    run.call(user, "admin.workspaces.list", raises=error)
    run.call(user, "admin.sandboxes.list", raises=error)
    run.call(user, "admin.quota_defaults.get", raises=error)
    run.call(user, "admin.users.set_role", user_id, role="admin", raises=error)
    run.call(user, "admin.users.quota.get", user_id, raises=error)
    run.call(user, "admin.users.quota.set", user_id, max_workspaces=0, raises=error)
    run.call(user, "admin.users.quota.delete", user_id, raises=error)
    for resource in ("admin.workspaces.quota", "admin.workspaces.llm_quota"):
        run.call(user, f"{resource}.get", workspace.id, raises=error)
        run.call(user, f"{resource}.set", workspace.id, raises=error)
        run.call(user, f"{resource}.delete", workspace.id, raises=error)


@rule(touches=["accounts", "workspace_limits", "llm_quota", "creation_quota"])
def administer_unknown_ids(run: ModelRun, choose: Choose) -> None:
    unknown, error = f"{NO_SUCH}thing", NotFound
    run.call("admin", "admin.users.set_role", unknown, role="user", raises=error)
    for resource in ("admin.users.quota", "admin.workspaces.quota", "admin.workspaces.llm_quota"):
        run.call("admin", f"{resource}.get", unknown, raises=error)
        run.call("admin", f"{resource}.set", unknown, raises=error)
        run.call("admin", f"{resource}.delete", unknown, raises=error)


# --- rules: limits of workspaces ------------------------------------------------------------------


@rule(touches=["workspace_limits"], precondition=A_WORKSPACE)
def override_workspace_limits(run: ModelRun, choose: Choose) -> None:
    """A merge: what is left out or null stays."""
    workspace, left_out = any_workspace(run, choose), choose(OF_WORKSPACES)
    given: dict[str, Any] = {
        name: choose(values_of(name)) for name in OF_WORKSPACES if name != left_out
    }
    greatest: dict[str, Any] = {name: values_of(name)[-1] for name in OF_WORKSPACES}
    nulls: dict[str, Any] = dict.fromkeys(OF_WORKSPACES)
    zeros: dict[str, Any] = dict.fromkeys(OF_WORKSPACES, 0)
    few: dict[str, Any] = dict(list(given.items())[:2])
    one_null: dict[str, Any] = {**given, left_out: None}
    for values in (few, one_null, {}, {left_out: 3}, greatest, nulls, zeros, nulls, few):
        merge_workspace_limits(run, workspace.id, **values)
        read_back(run, "workspace_limits")


@rule(touches=["workspace_limits"], precondition=SEVERAL_WORKSPACES)
def clear_workspace_limits(run: ModelRun, choose: Choose) -> None:
    """For each workspace in turn: the other workspaces keep their limits."""
    limits = run.state[Limits]
    for workspace_id in run.state[Workspaces].by_id:
        override_all_limits(run, workspace_id, choose)
        read_back(run, "workspace_limits", "llm_quota")
    for workspace_id in run.state[Workspaces].by_id:
        for _ in range(2):  # the second time there is nothing left to delete
            run.call("admin", "admin.workspaces.quota.delete", workspace_id)
            limits.workspaces[workspace_id].clear()
        read_back(run, "workspace_limits", "llm_quota")
        override_all_limits(run, workspace_id, choose)


@rule(touches=["workspace_limits", "llm_quota", "creation_quota"], precondition=A_WORKSPACE)
def set_invalid_limits(run: ModelRun, choose: Choose) -> None:
    workspace_id = any_workspace(run, choose).id
    for name in OF_WORKSPACES:
        for value in (-1, 2**53 if name in IN_BYTES else 2**31):
            values: dict[str, Any] = {"max_sandboxes": 7, name: value}
            method = "admin.workspaces.quota.set"
            run.call("admin", method, workspace_id, **values, raises=BadRequest)
    for value in BAD_COUNTS:
        method = "admin.workspaces.llm_quota.set"
        run.call("admin", method, workspace_id, max_rpd=value, raises=BadRequest)
        method, user_id = "admin.users.quota.set", run.ids["guest"]
        run.call("admin", method, user_id, max_workspaces=value, raises=BadRequest)


@rule(touches=["workspace_limits"], precondition=A_WORKSPACE)
def merge_workspace_limits_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace_id = any_workspace(run, choose).id
    parts = ({"max_sandboxes": 11}, {"max_sandbox_cpu": 12}, {"max_idle_timeout": 13})
    _set_concurrently(run, "admin.workspaces.quota.set", workspace_id, changes=parts)
    for part in parts:
        run.state[Limits].workspaces[workspace_id].merge(part)


@rule(touches=["llm_quota"], precondition=A_WORKSPACE)
def override_llm_quota(run: ModelRun, choose: Choose) -> None:
    """A replacement: what is left out or null leaves the default in force."""
    workspace_id = any_workspace(run, choose).id
    values: list[dict[str, Any]] = [{"max_rpd": value} for value in (*COUNTS, None, choose(COUNTS))]
    for given in [*values, {}, {"max_rpd": choose(COUNTS)}]:
        set_llm_quota(run, workspace_id, **given)
        read_back(run, "llm_quota")


@rule(touches=["llm_quota", "workspace_limits"], precondition=SEVERAL_WORKSPACES)
def clear_llm_quota(run: ModelRun, choose: Choose) -> None:
    """For each workspace in turn: the other workspaces keep theirs."""
    limits = run.state[Limits]
    for workspace_id in run.state[Workspaces].by_id:
        override_all_limits(run, workspace_id, choose)
        read_back(run, "workspace_limits", "llm_quota")
    for workspace_id in run.state[Workspaces].by_id:
        for _ in range(2):  # the second time there is nothing left to delete
            run.call("admin", "admin.workspaces.llm_quota.delete", workspace_id)
            limits.llm_quotas[workspace_id].clear()
        read_back(run, "workspace_limits", "llm_quota")
        override_all_limits(run, workspace_id, choose)


# --- rules: limits of users -----------------------------------------------------------------------


@rule(touches=["creation_quota"])
def override_creation_quota(run: ModelRun, choose: Choose) -> None:
    """A replacement: what is left out or null leaves the default in force."""
    user = choose(USERS)
    values: list[dict[str, Any]] = [
        {"max_workspaces": value} for value in (*COUNTS, None, choose(COUNTS))
    ]
    for given in [*values, {}, {"max_workspaces": choose(COUNTS)}]:
        set_creation_quota(run, user, **given)
        read_back(run, "creation_quota")


@rule(touches=["creation_quota"])
def clear_creation_quota(run: ModelRun, choose: Choose) -> None:
    """For each user in turn: the other users keep their quotas."""
    for user in USERS:
        set_creation_quota(run, user, max_workspaces=choose(COUNTS[2:]))
        read_back(run, "creation_quota")
    for user in USERS:
        for _ in range(2):  # the second time there is nothing left to delete
            run.call("admin", "admin.users.quota.delete", run.ids[user])
            run.state[Limits].creation_quotas[user].clear()
        read_back(run, "creation_quota")
        set_creation_quota(run, user, max_workspaces=choose(COUNTS[2:]))


@rule(touches=["creation_quota", "llm_quota"], precondition=A_WORKSPACE)
def override_quotas_concurrently(run: ModelRun, choose: Choose) -> None:
    """Of two values that are set at the same time, one is in force."""
    workspace_id, user, limits = any_workspace(run, choose).id, choose(USERS), run.state[Limits]
    method, quotas = "admin.users.quota", ({"max_workspaces": 101}, {"max_workspaces": 102})
    _set_concurrently(run, f"{method}.set", run.ids[user], changes=quotas)
    shown = run.call("admin", f"{method}.get", run.ids[user]).to_dict()["overrides"]
    limits.creation_quotas[user].set(_change_in_force(quotas, shown))
    method, rates = "admin.workspaces.llm_quota", ({"max_rpd": 103}, {"max_rpd": 104})
    _set_concurrently(run, f"{method}.set", workspace_id, changes=rates)
    shown = run.call("admin", f"{method}.get", workspace_id).to_dict()["workspace_quota"]
    limits.llm_quotas[workspace_id].set(_change_in_force(rates, shown))


# --- rules: defaults of the installation ----------------------------------------------------------


@rule(touches=["quota_defaults"], precondition=defaults_may_be_changed)
def set_quota_defaults(run: ModelRun, choose: Choose) -> None:
    """All given ones are set, or none; the others keep their values."""
    names = _changeable_defaults(run)
    values = {
        name: allowed_default(run, name, choose(COUNTS))
        for name in choose((names[:1], names[1:3], names))
    }
    method, response = "admin.quota_defaults.set", set_defaults(run, **values)
    expect(method, "the answer shows all defaults", run.state[Limits].defaults, response.to_dict())
    bad = 2**53 if run.target.guard is not None and run.target.guard.only_raise else -1
    invalid = {names[0]: allowed_default(run, names[0], 17), choose(names[1:]): bad}
    run.call("admin", method, **invalid, raises=BadRequest)
    run.call("admin", method)


@rule(touches=["quota_defaults"], precondition=defaults_may_be_changed)
def set_quota_defaults_concurrently(run: ModelRun, choose: Choose) -> None:
    chosen = {"max_sandbox_cpu": 21, "max_idle_timeout": 22, "ws_max_total_cpu": 23}
    parts = [{name: allowed_default(run, name, value)} for name, value in chosen.items()]
    _set_concurrently(run, "admin.quota_defaults.set", changes=parts)
    for part in parts:
        run.state[Limits].defaults.update(part)


# --- rules: numbers -------------------------------------------------------------------------------


@rule(touches=["workspace_limits"], precondition=A_WORKSPACE)
def send_integral_floats_as_limits(run: ModelRun, choose: Choose) -> None:
    """JSON has one kind of number: 7.0 is an integer, and is shown as 7."""
    workspace_id, method = any_workspace(run, choose).id, "admin.workspaces.quota.set"
    target = f"/api/admin/workspaces/{workspace_id}/quota"
    run.send_raw(
        method, "admin", target, b'{"max_sandboxes": 7.0, "max_total_cpu": 1e2}', status=204
    )
    run.state[Limits].workspaces[workspace_id].merge({"max_sandboxes": 7, "max_total_cpu": 100})
    shown = run.send_raw("admin.workspaces.quota.get", "admin", target, status=200)
    if b".0" in shown.body:
        raise ContractViolation("admin.workspaces.quota.get", _SHOWN_AS_INTEGER, shown)
    run.send_raw(method, "admin", target, b'{"max_sandboxes": 7.5}', status=400)


@rule(touches=["quota_defaults"], precondition=defaults_may_be_changed)
def send_integral_floats_as_defaults(run: ModelRun, choose: Choose) -> None:
    method, target = "admin.quota_defaults.set", "/api/admin/quotas/defaults"
    names = _changeable_defaults(run)
    for text, value in (("9.0", 9), ("3e2", 300)):
        body = "{" + ", ".join(f'"{name}": {text}' for name in names) + "}"
        shown = run.send_raw(method, "admin", target, body.encode(), status=200)
        run.state[Limits].defaults.update(dict.fromkeys(names, value))
        if b".0" in shown.body:
            raise ContractViolation(method, _SHOWN_AS_INTEGER, shown)
        read_back(run, "quota_defaults")


_SHOWN_AS_INTEGER = "an integer is shown without a fraction"


def _changeable_defaults(run: ModelRun) -> list[str]:
    """All but how many workspaces a user may own, which the run itself needs."""
    return [name for name in run.state[Limits].defaults if name != "max_workspaces_per_user"]


def _change_in_force(changes: Sequence[Values], shown: Mapping[str, Any] | None) -> Values:
    """The change that is in force; the first if none is, and reading back then shows the fault."""
    names = {name for change in changes for name in change}
    values = {name: (shown or {}).get(name) for name in names}
    return values if values in changes else changes[0]


def _set_concurrently(
    run: ModelRun, method: str, *ids: str, changes: Sequence[Mapping[str, Any]]
) -> None:
    """Set values at the same time, as an administrator: every change succeeds."""
    for change in changes:  # alone first: what fails then is no race
        run.call("admin", method, *ids, **change)
    outcomes = run.concurrently([planned("admin", method, *ids, **each) for each in changes])
    if any(isinstance(each, AgentserverError) for each in outcomes):
        raise ContractViolation(method, "concurrent changes all succeed", outcomes)
