"""Workspaces, their members, and their own language-model endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from agentserver import (
    AgentserverError,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
)
from agentserver_contract.fixtures.accounts import ABSENT, email_of
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import (
    Choose,
    Precondition,
    initialize,
    invariant,
    precondition,
    rule,
    teardown,
)
from agentserver_contract.model.limits import (
    Limits,
    expect_override,
    set_creation_quota,
    set_defaults,
)
from agentserver_contract.model.readback import (
    expect,
    expect_refused,
    expect_timestamp,
    read,
    read_back,
    read_in_turns,
)
from agentserver_contract.model.run import USERS, ModelRun, planned
from agentserver_contract.model.state import ContractViolation, Timestamp
from agentserver_contract.model.values import (
    ADDRESSES,
    BAD_ADDRESSES,
    BAD_NAMES,
    KEYS,
    MODELS,
    NAMES,
)

ROLES = ("guest", "developer", "maintainer", "owner")
"""From the least to the most powerful."""

MOST_WORKSPACES = 3
"""How many a run has at a time: all of them are read back again and again."""

# What a new workspace begins with; also what is gone with a deleted one.
_EVERYTHING = (
    "workspaces",
    "names",
    "members",
    "llm_config",
    "workspace_limits",
    "llm_quota",
    "creation_quota",
)

# --- the state ------------------------------------------------------------------------------------


@dataclass
class LlmConfig:
    """A workspace's own language-model endpoint."""

    base_url: str
    api_key: str
    models: list[dict[str, str]]

    @property
    def masked_key(self) -> str:
        """The key as it is shown."""
        key = self.api_key
        return "****" if len(key.encode()) <= 8 else f"{key[:3]}...{key[-4:]}"


@dataclass
class Workspace:
    """A workspace that the run has created."""

    id: str
    name: str
    created_at: datetime
    updated_at: Timestamp
    members: dict[str, str]
    """Roles by the user's name, in the order of joining."""
    llm_config: LlmConfig | None = None
    llm_config_updated_at: Timestamp = field(default_factory=Timestamp)

    def with_role(self, *roles: str) -> list[str]:
        """The members with one of these roles."""
        return [user for user, role in self.members.items() if role in roles]

    def at_least(self, role: str) -> list[str]:
        """The members with this role or a more powerful one."""
        return self.with_role(*ROLES[ROLES.index(role) :])

    def without_role(self, *roles: str) -> list[str]:
        """The users with none of these roles; some of them are no members."""
        return [user for user in USERS if self.members.get(user) not in roles]


@dataclass
class Workspaces:
    """The workspaces on the server."""

    by_id: dict[str, Workspace] = field(default_factory=dict)
    """Those that the run has created, the oldest first."""
    deleted: list[str] = field(default_factory=list)
    """The ids of those that the run has deleted again."""
    older: dict[str, list[str]] = field(default_factory=dict)
    """The ids of those from before the run, by the member's name."""
    older_owned: dict[str, int] = field(default_factory=dict)
    """How many of those from before the run a user owns."""

    @property
    def of_this_run(self) -> set[str]:
        """The ids of all that the run has created."""
        return {*self.by_id, *self.deleted}

    def owned_by(self, user: str) -> int:
        """How many workspaces a user owns."""
        owned = sum(each.members.get(user) == "owner" for each in self.by_id.values())
        return self.older_owned[user] + owned


@initialize
def create_first_workspaces(run: ModelRun) -> None:
    """Learn which workspaces there are, and create two with a team and an endpoint.

    They are created in another order than that of their names, so that lists show their order.
    """
    known = run.state[Workspaces]
    for user in USERS:
        known.older[user] = [each.id for each in read(run, user, "workspaces.list")]
        known.older_owned[user] = read(run, user, "workspaces.get_creation_quota").current
        for workspace_id in known.older[user]:
            members = read(run, user, "workspaces.members.list", workspace_id)
            listed = run.ids[user] in [each.user_id for each in members]
            expect("workspaces.list", "it lists only workspaces of the caller", True, listed)
    for user, name, key in (("owner", "Zebra", "sk-zebra"), ("colleague", "Aardvark", "sk-ant")):
        workspace = create_with_team(run, user, name)
        config = LlmConfig(ADDRESSES[0], f"{key}-0123456789", MODELS[1])
        set_config(run, workspace, user, config)


@teardown
def delete_workspaces(run: ModelRun) -> Iterator[Callable[[], object]]:
    for workspace in run.state[Workspaces].by_id.values():
        for user in workspace.with_role("owner"):
            yield partial(run.clients[user].workspaces.delete, workspace.id)


def create_with_team(run: ModelRun, user: str, name: str) -> Workspace:
    """Create a workspace, and add a member with each role."""
    raise_creation_quota(run, user)
    created = run.call(user, "workspaces.create", name=name)
    members = {user: "owner"}
    workspace = Workspace(
        created.id, name, created.created_at, Timestamp(created.updated_at), members
    )
    run.state[Workspaces].by_id[created.id] = workspace
    for role in ("maintainer", "developer", "guest"):
        email = run.people[role].email
        run.call(user, "workspaces.members.add", created.id, email=email, role=role)
        workspace.members[role] = role
    return workspace


def delete_again(run: ModelRun, user: str, workspace_id: str) -> None:
    """Delete a workspace that was created only to try something."""
    run.state[Workspaces].deleted.append(workspace_id)
    run.call(user, "workspaces.delete", workspace_id)


def raise_creation_quota(run: ModelRun, user: str) -> None:
    """Let a user create one more workspace, whatever the limits are."""
    quota = run.state[Limits].creation_quota(user)
    if quota and run.state[Workspaces].owned_by(user) >= quota:
        set_creation_quota(run, user, max_workspaces=0)


def set_member_role(run: ModelRun, workspace: Workspace, user: str, member: str, role: str) -> None:
    """Give a member of a workspace another role."""
    run.call(user, "workspaces.members.set_role", workspace.id, run.ids[member], role=role)
    workspace.members[member] = role


def delete_member(run: ModelRun, workspace: Workspace, user: str, member: str) -> None:
    """Remove a member from a workspace, if it is one."""
    run.call(user, "workspaces.members.remove", workspace.id, run.ids[member])
    workspace.members.pop(member, None)


def set_config(
    run: ModelRun, workspace: Workspace, user: str, config: LlmConfig, *, key: bool = True
) -> None:
    """Set the endpoint of a workspace; without its key, which must be the one that is stored."""
    run.state.secrets.add(config.api_key)
    given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
    given |= {"api_key": config.api_key} if key else {}
    run.call(user, "workspaces.llm_config.set", workspace.id, **given)
    workspace.llm_config = config
    workspace.llm_config_updated_at.advance()


def delete_config(run: ModelRun, workspace: Workspace, user: str) -> None:
    """Delete the endpoint of a workspace."""
    run.call(user, "workspaces.llm_config.delete", workspace.id)
    workspace.llm_config, workspace.llm_config_updated_at = None, Timestamp()


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "members")
def each_workspace_is_shown_to_its_members_only(run: ModelRun) -> None:
    method, known = "workspaces.get", run.state[Workspaces]
    for workspace in known.by_id.values():
        for user in workspace.members:
            expect_workspace(run, method, workspace, read(run, user, method, workspace.id))
        strangers = ["admin", *(user for user in USERS if user not in workspace.members)]
        expect_refused(run, strangers, PermissionDenied, method, workspace.id)
    for workspace_id in known.deleted[-1:]:
        expect_refused(run, USERS, PermissionDenied, method, workspace_id)


@invariant("names")
def each_workspace_has_its_name(run: ModelRun) -> None:
    method = "workspaces.get"
    for workspace in run.state[Workspaces].by_id.values():
        expect_workspace(run, method, workspace, read_of(run, workspace, method))


@invariant("workspaces", "names", "members")
def each_user_lists_the_own_workspaces(run: ModelRun) -> None:
    method, known = "workspaces.list", run.state[Workspaces]
    for user in USERS:
        rows = read(run, user, method)
        own = [each.id for each in known.by_id.values() if user in each.members]
        expected, actual = [*known.older[user], *own], [row.id for row in rows]
        expect(method, "the caller's workspaces, the oldest first", expected, actual, user=user)
        for row in rows[len(known.older[user]) :]:
            expect_workspace(run, method, known.by_id[row.id], row)


@invariant("members")
def members_are_listed_in_the_order_of_joining(run: ModelRun) -> None:
    method = "workspaces.members.list"
    for workspace in run.state[Workspaces].by_id.values():
        actual = [
            (each.user_id, each.email, each.picture, each.role.value)
            for each in read_of(run, workspace, method)
        ]
        expected = [
            (run.ids[user], run.people[user].email, None, role)
            for user, role in workspace.members.items()
        ]
        expect(method, "the members, in the order of joining", expected, actual)


@invariant("llm_config")
def endpoints_are_shown_with_masked_keys(run: ModelRun) -> None:
    method = "workspaces.llm_config.get"
    for workspace in run.state[Workspaces].by_id.values():
        shown, config = read_of(run, workspace, method).to_dict(), workspace.llm_config
        if config is None:
            nothing = {"configured": False, "base_url": "", "api_key": "", "updated_at": None}
            expect(method, "nothing is configured", nothing, shown)
            continue
        expected = {
            "configured": True,
            "base_url": config.base_url,
            "api_key": config.masked_key,
            "models": config.models,
        }
        updated_at = datetime.fromisoformat(shown.pop("updated_at"))
        expect(method, "the endpoint with its key masked", expected, shown)
        expect_timestamp(run, method, workspace.llm_config_updated_at, updated_at)


@invariant("workspace_limits", "quota_defaults")
def members_see_the_limits_in_force(run: ModelRun) -> None:
    method, limits = "workspaces.get_defaults", run.state[Limits]
    names = ("max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout", "max_sandboxes")
    for workspace in run.state[Workspaces].by_id.values():
        shown = read_of(run, workspace, method).to_dict()
        for name in names:
            in_force = limits.in_force(workspace.id, name)
            expect(method, f"the value of {name} that is in force", in_force, shown[name])
        expect(method, "there is no sandbox", 0, shown["current_sandboxes"])


@invariant("llm_quota")
def members_see_the_llm_quota(run: ModelRun) -> None:
    method = "workspaces.get_llm_quota"
    for workspace in run.state[Workspaces].by_id.values():
        shown = read_of(run, workspace, method).to_dict()
        expect(method, "no request was sent to a model", 0, shown["today_request_count"])
        override = shown["workspace_quota"]
        expect_override(run, method, run.state[Limits].llm_quotas[workspace.id], override)
        if override is not None:
            whose = override["workspace_id"]
            expect(method, "the quota is that of the workspace", workspace.id, whose)


@invariant("workspaces", "members", "creation_quota", "quota_defaults")
def each_user_sees_the_own_creation_quota(run: ModelRun) -> None:
    method = "workspaces.get_creation_quota"
    for user in USERS:
        shown = read(run, user, method)
        owned = run.state[Workspaces].owned_by(user)
        expect(method, "how many workspaces the caller owns", owned, shown.current, user=user)
        maximum = run.state[Limits].creation_quota(user)
        expect(method, "how many workspaces the caller may own", maximum, shown.max, user=user)


def expect_workspace(run: ModelRun, method: str, workspace: Workspace, shown: Any) -> None:
    """Hold what every view of a workspace shows alike. Raises ContractViolation."""
    expect(method, "the id", workspace.id, shown.id)
    expect(method, "the name, as it was given", workspace.name, shown.name)
    expect(method, "created_at, which never changes", workspace.created_at, shown.created_at)
    expect_timestamp(run, method, workspace.updated_at, shown.updated_at)


def read_of(run: ModelRun, workspace: Workspace, method: str) -> Any:
    """What a member with the required role reads, while another user is refused."""
    role = run.operation(method).required_role or ROLES[0]
    return read_in_turns(run, method, workspace.id, readers=workspace.at_least(role))


# --- preconditions --------------------------------------------------------------------------------


def has_workspace(suits: Callable[[Workspace], bool] = lambda workspace: True) -> Precondition:
    """When there is a workspace that suits."""
    return Precondition(lambda run: any(map(suits, run.state[Workspaces].by_id.values())))


A_WORKSPACE = has_workspace()
SEVERAL_WORKSPACES = Precondition(lambda run: len(run.state[Workspaces].by_id) > 1)
"""So that one keeps what another loses."""
SPACE_FOR_A_WORKSPACE = Precondition(lambda run: len(run.state[Workspaces].by_id) < MOST_WORKSPACES)


@precondition("settings of the whole installation are left alone")
def defaults_may_be_changed(run: ModelRun) -> bool:
    return run.allow_global


def any_workspace(
    run: ModelRun,
    choose: Choose,
    suits: Callable[[Workspace], bool] = lambda workspace: True,
) -> Workspace:
    """One of the workspaces that suit."""
    return choose([each for each in run.state[Workspaces].by_id.values() if suits(each)])


# --- rules: workspaces ----------------------------------------------------------------------------


@rule(touches=_EVERYTHING, precondition=SPACE_FOR_A_WORKSPACE)
def create_workspace(run: ModelRun, choose: Choose) -> None:
    create_with_team(run, choose(("owner", "colleague")), choose(NAMES))


@rule(touches=["workspaces", "creation_quota"], precondition=SPACE_FOR_A_WORKSPACE)
def create_with_unusual_names(run: ModelRun, choose: Choose) -> None:
    user = "outsider"
    raise_creation_quota(run, user)
    for name in NAMES:
        created = run.call(user, "workspaces.create", name=name)
        shown = run.call(user, "workspaces.get", created.id)
        renamed = run.call(user, "workspaces.rename", created.id, name=name[::-1])
        again = run.call(user, "workspaces.get", created.id)
        lists = run.call(user, "workspaces.list"), run.call("admin", "admin.workspaces.list")
        listed = [row for rows in lists for row in rows if row.id == created.id]
        delete_again(run, user, created.id)
        for given, answers in ((name, (created, shown)), (name[::-1], (renamed, again, *listed))):
            if any(each.name != given for each in answers):
                promise = "a name is shown as it was given"
                raise ContractViolation("workspaces.get", promise, (given, answers))


@rule(touches=["names"], precondition=A_WORKSPACE)
def rename_workspace(run: ModelRun, choose: Choose) -> None:
    """Each in turn, and all to one name: it need not be unique."""
    method, name = "workspaces.rename", choose(NAMES)
    for workspace in run.state[Workspaces].by_id.values():
        user = choose(workspace.with_role("owner", "maintainer"))
        renamed = run.call(user, method, workspace.id, name=name)
        workspace.name = name
        workspace.updated_at.advance()
        expect_workspace(run, method, workspace, renamed)
        read_back(run, "names")


@rule(touches=["names"], precondition=A_WORKSPACE)
def rename_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    for user in workspace.without_role("owner", "maintainer"):
        run.call(user, "workspaces.rename", workspace.id, name="mine", raises=PermissionDenied)


@rule(touches=["workspaces", "names"], precondition=A_WORKSPACE)
def give_invalid_name(run: ModelRun, choose: Choose) -> None:
    workspace, name = any_workspace(run, choose), choose(BAD_NAMES)
    user = choose(workspace.with_role("owner"))
    run.call(user, "workspaces.rename", workspace.id, name=name, raises=BadRequest)
    run.call(user, "workspaces.create", name=name, raises=BadRequest)


@rule(touches=["names"], precondition=A_WORKSPACE)
def rename_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.rename"
    user = choose(workspace.with_role("owner"))
    names = ("one of two", "two of two")
    outcomes = run.concurrently([planned(user, method, workspace.id, name=name) for name in names])
    if any(isinstance(each, AgentserverError) for each in outcomes):
        raise ContractViolation(method, "both of two concurrent renames succeed", outcomes)
    workspace.name = run.call(user, "workspaces.get", workspace.id).name
    workspace.updated_at.advance()
    if workspace.name not in names:
        promise = "after two concurrent renames a workspace has one of the names"
        raise ContractViolation(method, promise, outcomes)


@rule(touches=_EVERYTHING, precondition=SEVERAL_WORKSPACES)
def delete_workspace(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    user = choose(workspace.with_role("owner"))
    run.call(user, "workspaces.delete", workspace.id)
    del run.state[Workspaces].by_id[workspace.id]
    run.state[Workspaces].deleted.append(workspace.id)
    run.call(user, "workspaces.delete", workspace.id, raises=PermissionDenied)
    run.call(user, "workspaces.rename", workspace.id, name="again", raises=PermissionDenied)


@rule(touches=["workspaces"], precondition=A_WORKSPACE)
def delete_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    for user in workspace.without_role("owner"):
        run.call(user, "workspaces.delete", workspace.id, raises=PermissionDenied)


@rule(touches=[], precondition=A_WORKSPACE)
def read_unknown_workspace(run: ModelRun, choose: Choose) -> None:
    """An unknown workspace is refused exactly as one of others is."""
    workspace, unknown = any_workspace(run, choose), f"{NO_SUCH}workspace"
    for method in ("workspaces.get", "workspaces.members.list", "workspaces.get_defaults"):
        messages = {
            run.call("outsider", method, workspace_id, raises=PermissionDenied).message
            for workspace_id in (workspace.id, unknown)
        }
        if len(messages) != 1:
            promise = "an unknown workspace is refused as one of others is"
            raise ContractViolation(method, promise, messages)


# --- rules: how many workspaces a user may own ----------------------------------------------------


@rule(touches=["workspaces", "creation_quota"])
def use_up_creation_quota(run: ModelRun, choose: Choose) -> None:
    """Of several at the same time only as many succeed as are left, and the next one is refused.

    The colleague is an owner, the maintainer a member of what others own, which does not count.
    """
    method = "workspaces.create"
    for user in ("colleague", "maintainer"):
        owned = run.state[Workspaces].owned_by(user)
        set_creation_quota(run, user, max_workspaces=owned + 2)
        names = [f"concurrent {number}" for number in range(5)]
        outcomes = run.concurrently([planned(user, method, name=name) for name in names])
        created = [each for each in outcomes if not isinstance(each, AgentserverError)]
        refused = [each for each in outcomes if isinstance(each, AgentserverError)]
        if len(created) == 2:
            expect_quota_exceeded(run, user, owned + 2, owned + 2)
        for each in created:
            delete_again(run, user, each.id)
        if len(created) != 2 or any(type(each) is not QuotaExceeded for each in refused):
            promise = "of five created at the same time two succeed, as that many were left"
            raise ContractViolation(method, promise, outcomes)


@rule(
    touches=["workspaces", "creation_quota", "quota_defaults"],
    precondition=defaults_may_be_changed,
)
def override_default_creation_quota(run: ModelRun, choose: Choose) -> None:
    """An override counts before the default, whether it is larger, smaller, or no limit at all."""
    user, limits = "colleague", run.state[Limits]
    before = limits.defaults["max_workspaces_per_user"]
    while run.state[Workspaces].owned_by(user) < 2:
        create_with_team(run, user, "for the quota")
    owned = run.state[Workspaces].owned_by(user)
    for default, override, may_create in (
        (owned + 5, owned, False),  # a smaller override
        (1, owned + 1, True),  # a larger one
        (1, 0, True),  # one without limit
        (1, None, False),  # one that leaves the default in force: more are owned than that
        (0, None, True),
    ):
        set_defaults(run, max_workspaces_per_user=default)
        set_creation_quota(run, user, max_workspaces=override)
        read_back(run, "creation_quota")
        if may_create:
            created = run.call(user, "workspaces.create", name="one more")
            delete_again(run, user, created.id)
        else:
            expect_quota_exceeded(run, user, owned, limits.creation_quota(user))
    set_defaults(run, max_workspaces_per_user=before)


def expect_quota_exceeded(run: ModelRun, user: str, current: int, maximum: int) -> None:
    """Hold that a user can create no more workspaces. Raises ContractViolation."""
    method = "workspaces.create"
    refusal = run.call(user, method, name="one too many", raises=QuotaExceeded)
    expect(
        method, "the refusal shows the quota", (current, maximum), (refusal.current, refusal.max)
    )


# --- rules: members -------------------------------------------------------------------------------


def _candidates(workspace: Workspace) -> list[str]:
    """Who can be added; the outsider never is, so that there is always one who may nothing."""
    return [user for user in USERS if user not in workspace.members and user != "outsider"]


def _has_candidates(workspace: Workspace) -> bool:
    return bool(_candidates(workspace))


@rule(touches=["members"], precondition=has_workspace(_has_candidates))
def add_member(run: ModelRun, choose: Choose) -> None:
    """With the default role, and with each other one but owner."""
    workspace, method = any_workspace(run, choose, _has_candidates), "workspaces.members.add"
    user = choose(workspace.with_role("owner", "maintainer"))
    candidate = choose(_candidates(workspace))
    known = run.people[candidate].email
    roles = (None, *ROLES[:-1], choose(ROLES[:-1]))
    for number, role in enumerate(roles, 1):
        email = known if role is None else f"  {known.upper()} "
        given: dict[str, Any] = {} if role is None else {"role": role}
        added = run.call(user, method, workspace.id, email=email, **given)
        workspace.members[candidate] = role or "developer"
        expected = (run.ids[candidate], known, workspace.members[candidate])
        actual = (added.user_id, added.email, added.role)
        expect(method, "the answer shows the new member", expected, actual)
        read_back(run, "members")
        if number < len(roles):
            owner = choose(workspace.with_role("owner"))
            delete_member(run, workspace, owner, candidate)


@rule(touches=["members"], precondition=has_workspace(_has_candidates))
def add_owner(run: ModelRun, choose: Choose) -> None:
    """Only an owner can."""
    workspace, method = any_workspace(run, choose, _has_candidates), "workspaces.members.add"
    candidate = choose(_candidates(workspace))
    given: dict[str, Any] = {"email": run.people[candidate].email, "role": "owner"}
    for user in workspace.with_role("maintainer", "developer", "guest"):
        run.call(user, method, workspace.id, **given, raises=PermissionDenied)
    user = choose(workspace.with_role("owner"))
    run.call(user, method, workspace.id, **given)
    workspace.members[candidate] = "owner"


@rule(touches=["members"], precondition=A_WORKSPACE)
def add_member_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace, email = any_workspace(run, choose), run.people["newcomer"].email
    for user in workspace.without_role("owner", "maintainer"):
        method = "workspaces.members.add"
        run.call(user, method, workspace.id, email=email, raises=PermissionDenied)


@rule(touches=["members"], precondition=A_WORKSPACE)
def add_invalid_member(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.members.add"
    user = choose(workspace.with_role("owner"))
    member = run.people[choose(list(workspace.members))].email
    newcomer = run.people["newcomer"].email
    run.call(user, method, workspace.id, email=member, raises=Conflict)
    run.call(user, method, workspace.id, email=member.upper(), role="guest", raises=Conflict)
    run.call(user, method, workspace.id, email=email_of(ABSENT), raises=NotFound)
    run.call(user, method, workspace.id, email=newcomer, role="wizard", raises=BadRequest)


@rule(
    touches=["members"],
    precondition=has_workspace(lambda workspace: "colleague" not in workspace.members),
)
def add_member_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose, lambda each: "colleague" not in each.members)
    user, method = choose(workspace.with_role("owner")), "workspaces.members.add"
    email = run.people["colleague"].email
    outcomes = run.concurrently(
        [planned(user, method, workspace.id, email=email, role="guest")] * 3
    )
    kinds = sorted(type(each).__name__ for each in outcomes)
    if kinds != ["Conflict", "Conflict", "WorkspaceMember"]:
        promise = "of three who add the same user at the same time, one succeeds"
        raise ContractViolation(method, promise, outcomes)
    workspace.members["colleague"] = "guest"


@rule(touches=["members"], precondition=has_workspace(lambda each: len(each.members) > 1))
def change_role(run: ModelRun, choose: Choose) -> None:
    """To each of the roles, and at last to any."""
    workspace = any_workspace(run, choose, lambda each: len(each.members) > 1)
    user = choose(workspace.with_role("owner"))
    member = choose([name for name in workspace.members if name != user])
    for role in (*ROLES, choose(ROLES)):
        set_member_role(run, workspace, user, member, role)
        read_back(run, "members")


def _have_a_member_who_is_no_owner(run: ModelRun) -> bool:
    return len(run.state[Workspaces].by_id) > 1 and bool(_in_all_workspaces(run))


def _in_all_workspaces(run: ModelRun) -> list[str]:
    """The users who are members of every workspace, and the last owner of none."""
    return [
        user
        for user in USERS
        if all(
            user in each.members and each.with_role("owner") != [user]
            for each in run.state[Workspaces].by_id.values()
        )
    ]


@rule(touches=["members"], precondition=Precondition(_have_a_member_who_is_no_owner))
def change_role_in_each_workspace(run: ModelRun, choose: Choose) -> None:
    """In turn, while the member keeps the role in the others; then removed and added again."""
    member = choose(_in_all_workspaces(run))
    for workspace in run.state[Workspaces].by_id.values():
        user = choose([name for name in workspace.with_role("owner") if name != member])
        others = [role for role in ROLES if role != workspace.members[member]]
        set_member_role(run, workspace, user, member, choose(others))
        read_back(run, "members")
    for workspace in run.state[Workspaces].by_id.values():
        user = choose([name for name in workspace.with_role("owner") if name != member])
        delete_member(run, workspace, user, member)
        read_back(run, "members")
        email = run.people[member].email
        run.call(user, "workspaces.members.add", workspace.id, email=email, role="guest")
        workspace.members[member] = "guest"  # the last in the order of joining


@rule(touches=["members"], precondition=A_WORKSPACE)
def change_role_without_permission(run: ModelRun, choose: Choose) -> None:
    """Neither one's own nor an owner's."""
    workspace = any_workspace(run, choose)
    for user in workspace.without_role("owner"):
        for member in (user, workspace.with_role("owner")[0]):
            run.call(
                *(user, "workspaces.members.set_role", workspace.id, run.ids[member]),
                role=choose(ROLES),
                raises=PermissionDenied,
            )


@rule(touches=["members"], precondition=A_WORKSPACE)
def set_invalid_role(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.members.set_role"
    user = choose(workspace.with_role("owner"))
    member = run.ids[choose(list(workspace.members))]
    run.call(user, method, workspace.id, member, role="wizard", raises=BadRequest)
    run.call(user, method, workspace.id, member, role="", raises=BadRequest)
    for stranger in (run.ids["newcomer"], f"{NO_SUCH}account"):
        run.call(user, method, workspace.id, stranger, role="guest", raises=NotFound)


@rule(touches=["members"], precondition=A_WORKSPACE)
def demote_last_owner(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.members.set_role"
    user = choose(workspace.with_role("owner"))
    for other in workspace.with_role("owner"):
        if other != user:
            set_member_role(run, workspace, user, other, "guest")
    own_id = run.ids[user]
    for role in ROLES[:-1]:
        run.call(user, method, workspace.id, own_id, role=role, raises=Conflict)
    run.call(user, "workspaces.members.remove", workspace.id, own_id, raises=Conflict)
    run.call(user, method, workspace.id, own_id, role="owner")


@rule(touches=["members"], precondition=has_workspace(lambda each: len(each.members) > 1))
def demote_and_promote_founder(run: ModelRun, choose: Choose) -> None:
    """The owner that administrators see is the one who joined first of those who are owners."""
    workspace = any_workspace(run, choose, lambda each: len(each.members) > 1)
    founder = next(iter(workspace.members))
    heir = choose([name for name in workspace.members if name != founder])
    if workspace.members[founder] != "owner":
        founder, heir = heir, founder
    owner = choose(workspace.with_role("owner"))
    for user, member, role in (
        (owner, heir, "owner"),
        (heir, founder, "guest"),
        (heir, founder, "owner"),
    ):
        set_member_role(run, workspace, user, member, role)
        read_back(run, "members")


@rule(
    touches=["members"],
    precondition=has_workspace(lambda each: len(each.with_role("owner")) > 1),
)
def demote_owners_concurrently(run: ModelRun, choose: Choose) -> None:
    """Two owners demote each other."""
    workspace = any_workspace(run, choose, lambda each: len(each.with_role("owner")) > 1)
    first, second = workspace.with_role("owner")[:2]
    method = "workspaces.members.set_role"
    run.concurrently(
        [
            planned(first, method, workspace.id, run.ids[second], role="guest"),
            planned(second, method, workspace.id, run.ids[first], role="guest"),
        ]
    )
    names = {user_id: name for name, user_id in run.ids.items()}
    for user in (first, second):
        members = run.attempt(user, "workspaces.members.list", workspace.id)
        if not isinstance(members, AgentserverError):
            workspace.members = {names[each.user_id]: each.role.value for each in members}
    if not workspace.with_role("owner"):
        promise = "the last owner stays, also when two demote each other at the same time"
        raise ContractViolation(method, promise, workspace.members)


@rule(touches=["members"], precondition=has_workspace(lambda each: len(each.members) > 1))
def remove_member(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose, lambda each: len(each.members) > 1)
    user = choose(workspace.with_role("owner"))
    member = choose([name for name in workspace.members if name != user])
    for _ in range(2):  # the second time there is nothing left to remove
        delete_member(run, workspace, user, member)


@rule(touches=["members"], precondition=A_WORKSPACE)
def remove_member_without_permission(run: ModelRun, choose: Choose) -> None:
    """Neither oneself nor somebody else."""
    workspace = any_workspace(run, choose)
    member, method = run.ids[choose(list(workspace.members))], "workspaces.members.remove"
    for user in workspace.without_role("owner"):
        for user_id in (member, run.ids[user]):
            run.call(user, method, workspace.id, user_id, raises=PermissionDenied)


# --- rules: the language-model endpoint -----------------------------------------------------------


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_llm_config(run: ModelRun, choose: Choose) -> None:
    """With keys of every length. The first one needs a key."""
    workspace, method = any_workspace(run, choose), "workspaces.llm_config.set"
    user = choose(workspace.with_role("owner", "maintainer"))
    if workspace.llm_config is not None:
        delete_config(run, workspace, user)
    for number, key in enumerate(KEYS):
        config = LlmConfig(choose(ADDRESSES), key, MODELS[number % len(MODELS)])
        if workspace.llm_config is None:
            without_key: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
            run.call(user, method, workspace.id, **without_key, raises=BadRequest)
        set_config(run, workspace, user, config)
        read_back(run, "llm_config")


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_llm_config_without_key(run: ModelRun, choose: Choose) -> None:
    """The stored key stays, with the stored address and with others."""
    workspace = any_workspace(run, choose)
    user, key = choose(workspace.with_role("owner", "maintainer")), "sk-kept-0123"
    set_config(run, workspace, user, LlmConfig(ADDRESSES[0], key, MODELS[0]))
    for address in ADDRESSES:
        config = LlmConfig(address, key, choose(MODELS))
        set_config(run, workspace, user, config, key=False)
        read_back(run, "llm_config")


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_llm_config_concurrently(run: ModelRun, choose: Choose) -> None:
    """While others read it: no reading mixes two of them."""
    workspace, resource = any_workspace(run, choose), "workspaces.llm_config"
    user = choose(workspace.with_role("owner", "maintainer"))
    before = LlmConfig(ADDRESSES[2], "sk-before-both-0000", MODELS[1])
    either = (
        LlmConfig(ADDRESSES[0], "sk-one-of-two-1111", MODELS[1]),
        LlmConfig(ADDRESSES[1], "sk-two-of-two-2222", MODELS[2]),
    )
    set_config(run, workspace, user, before)
    run.state.secrets |= {each.api_key for each in either}
    reads = planned(user, f"{resource}.get", workspace.id)
    first, second = (
        planned(user, f"{resource}.set", workspace.id, **vars(each)) for each in either
    )
    outcomes = run.concurrently([reads, first, reads, reads, second, reads, reads, reads])
    if any(isinstance(each, AgentserverError) for each in outcomes):
        promise = "all who set and read it at the same time succeed"
        raise ContractViolation(f"{resource}.set", promise, outcomes)
    keys = {each.base_url: each.masked_key for each in (before, *either)}
    shown = [each for each in outcomes if hasattr(each, "base_url")]
    shown.append(run.call(user, f"{resource}.get", workspace.id))
    for each in shown:
        if keys.get(each.base_url) != each.api_key:
            actual = f"{each.base_url} with the key {each.api_key}"
            promise = "an address is shown with the key that was set with it"
            raise ContractViolation(f"{resource}.get", promise, actual)
    workspace.llm_config = next(each for each in either if each.base_url == shown[-1].base_url)
    workspace.llm_config_updated_at.advance()


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_invalid_llm_config(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.llm_config.set"
    user, address, key = choose(workspace.with_role("owner")), ADDRESSES[0], KEYS[-2]
    valid = {"base_url": address, "api_key": key, "models": MODELS[0]}
    too_many = [{"id": "m", "name": "M"}] * 101
    invalid: list[tuple[str, Any]] = [("base_url", choose(BAD_ADDRESSES))]
    invalid += [
        ("models", each) for each in ([], too_many, [{"id": "", "name": "M"}], [{"id": "m"}])
    ]
    invalid += [("api_key", each) for each in ("", "a\0b", "k" * 4097)]
    for name, value in invalid:
        given: dict[str, Any] = {**valid, name: value}
        run.call(user, method, workspace.id, **given, raises=BadRequest)


@rule(touches=["llm_config"], precondition=SEVERAL_WORKSPACES)
def delete_llm_config(run: ModelRun, choose: Choose) -> None:
    """That of each workspace in turn, while the others keep theirs."""
    users = {}
    for workspace in run.state[Workspaces].by_id.values():
        users[workspace.id] = choose(workspace.with_role("owner", "maintainer"))
        config = LlmConfig(choose(ADDRESSES), choose(KEYS), choose(MODELS))
        set_config(run, workspace, users[workspace.id], config)
        read_back(run, "llm_config")
    for workspace in run.state[Workspaces].by_id.values():
        for _ in range(2):  # the second time there is nothing left to delete
            delete_config(run, workspace, users[workspace.id])
        read_back(run, "llm_config")
        config = LlmConfig(choose(ADDRESSES), choose(KEYS), choose(MODELS))
        set_config(run, workspace, users[workspace.id], config)


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def change_llm_config_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace, resource = any_workspace(run, choose), "workspaces.llm_config"
    given: dict[str, Any] = vars(LlmConfig(ADDRESSES[0], KEYS[-2], MODELS[0]))
    for user in workspace.without_role("owner", "maintainer"):
        run.call(user, f"{resource}.set", workspace.id, **given, raises=PermissionDenied)
        run.call(user, f"{resource}.delete", workspace.id, raises=PermissionDenied)
