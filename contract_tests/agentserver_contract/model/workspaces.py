"""Workspaces: what they are called, who sees them, and how many a user may own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from agentserver import (
    AgentserverError,
    BadRequest,
    PermissionDenied,
    QuotaExceeded,
)
from agentserver_contract.contract.roles import WORKSPACE_ROLES as ROLES
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
from agentserver_contract.model.sandbox import Sandbox
from agentserver_contract.model.state import ContractViolation, Timestamp
from agentserver_contract.model.task import Interaction, Task
from agentserver_contract.model.token import Token
from agentserver_contract.model.values import (
    BAD_NAMES,
    NAMES,
)

MOST_WORKSPACES = 3
"""How many a run has at a time: all of them are read back again and again."""

# --- the state ------------------------------------------------------------------------------------


@dataclass
class Workspace:
    """A workspace that the run has created."""

    id: str
    name: str
    created_at: datetime
    updated_at: Timestamp
    members: dict[str, str]
    """Roles by the user's name, in the order of joining."""
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    """By their ids, the oldest first."""
    tasks: dict[str, Task] = field(default_factory=dict)
    """By their ids, the oldest first; those of sandboxes that were deleted are gone with them."""
    interactions: list[Interaction] = field(default_factory=list)
    """The oldest first."""
    tokens: list[Token] = field(default_factory=list)
    """Codex tokens of all members, the oldest first."""

    def give_role(self, user: str, role: str) -> None:
        """Note a member's role: a guest's tokens are revoked."""
        self.members[user] = role
        if user not in self.at_least("developer"):
            self._revoke_tokens(user)

    def remove(self, user: str) -> None:
        """Note that a user is no member any more, whose tokens are then revoked."""
        self.members.pop(user, None)
        self._revoke_tokens(user)

    def _revoke_tokens(self, user: str) -> None:
        for token in self.tokens:
            if token.owner == user:
                token.is_revoked = True

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
    """Learn which workspaces there are, and create two with a team.

    They are created in another order than that of their names, so that lists show their order.
    """
    known = run.state[Workspaces]
    for user in USERS:
        known.older[user] = [each.id for each in read(run, user, "workspaces.list")]
        known.older_owned[user] = read(run, user, "workspaces.get_creation_quota").current
        if run.first_look.is_done:
            continue  # what an earlier run of the server has seen of them
        for workspace_id in known.older[user]:
            members = read(run, user, "workspaces.members.list", workspace_id)
            listed = run.ids[user] in [each.user_id for each in members]
            expect("workspaces.list", "it lists only workspaces of the caller", True, listed)
    for user, name in (("owner", "Zebra"), ("colleague", "Aardvark")):
        create_with_team(run, user, name)


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
        email = run.accounts[role].email
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


@invariant("workspaces", "sandboxes", "workspace_limits", "quota_defaults")
def members_see_the_limits_in_force(run: ModelRun) -> None:
    method, limits = "workspaces.get_defaults", run.state[Limits]
    names = ("max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout", "max_sandboxes")
    for workspace in run.state[Workspaces].by_id.values():
        shown = read_of(run, workspace, method).to_dict()
        for name in names:
            in_force = limits.in_force(workspace.id, name)
            expect(method, f"the value of {name} that is in force", in_force, shown[name])
        there_are = len(workspace.sandboxes)
        expect(method, "how many sandboxes there are", there_are, shown["current_sandboxes"])


@invariant("workspaces", "llm_quota")
def members_see_the_llm_quota(run: ModelRun) -> None:
    method = "workspaces.get_llm_quota"
    for workspace in run.state[Workspaces].by_id.values():
        shown = read_of(run, workspace, method).to_dict()
        sent = run.state[Limits].model_requests[workspace.id]
        expect(method, "how many requests were sent to models", sent, shown["today_request_count"])
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
    """Check what every view of a workspace shows. Raises ContractViolation."""
    expect(method, "the id", workspace.id, shown.id)
    expect(method, "the name, as it was given", workspace.name, shown.name)
    expect(method, "created_at, which never changes", workspace.created_at, shown.created_at)
    expect_timestamp(run, method, workspace.updated_at, shown.updated_at)


def read_of(run: ModelRun, workspace: Workspace, method: str, *args: Any) -> Any:
    """What a member with the required role reads, while another user is refused."""
    readers = readers_of(run, workspace, method)
    return read_in_turns(run, method, workspace.id, *args, readers=readers)


def readers_of(run: ModelRun, workspace: Workspace, method: str) -> list[str]:
    """The members with the role that a reading requires."""
    return workspace.at_least(run.operation(method).required_role or ROLES[0])


# --- preconditions --------------------------------------------------------------------------------


def has_workspace(suits: Callable[[Workspace], bool] = lambda workspace: True) -> Precondition:
    """When there is a workspace that suits."""
    return Precondition(lambda run: any(map(suits, run.state[Workspaces].by_id.values())))


def has_maintainer(workspace: Workspace) -> bool:
    """Whether a workspace has a member with this role."""
    return bool(workspace.with_role("maintainer"))


A_WORKSPACE = has_workspace()
SEVERAL_WORKSPACES = Precondition(lambda run: len(run.state[Workspaces].by_id) > 1)
"""So that a write to one can be seen to leave the other alone."""
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


@rule(touches=["workspaces"], precondition=SPACE_FOR_A_WORKSPACE)
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
    workspace = any_workspace(run, choose)
    user = choose(workspace.with_role("owner"))
    for name in BAD_NAMES:
        run.call(user, "workspaces.rename", workspace.id, name=name, raises=BadRequest)
        run.call(user, "workspaces.create", name=name, raises=BadRequest)


@rule(touches=["names"], precondition=A_WORKSPACE)
def rename_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.rename"
    user = choose(workspace.with_role("owner"))
    names = ("one of two", "two of two")
    for name in names:  # alone first: what fails then is no race
        run.call(user, method, workspace.id, name=name)
    outcomes = run.concurrently([planned(user, method, workspace.id, name=name) for name in names])
    if any(isinstance(each, AgentserverError) for each in outcomes):
        raise ContractViolation(method, "both of two concurrent renames succeed", outcomes)
    workspace.name = run.call(user, "workspaces.get", workspace.id).name
    workspace.updated_at.advance()
    if workspace.name not in names:
        promise = "after two concurrent renames a workspace has one of the names"
        raise ContractViolation(method, promise, outcomes)


@rule(touches=["workspaces"], precondition=SEVERAL_WORKSPACES)
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
    """It is refused exactly like a workspace of which the caller is no member."""
    workspace, unknown = any_workspace(run, choose), f"{NO_SUCH}workspace"
    for method in ("workspaces.get", "workspaces.members.list", "workspaces.get_defaults"):
        messages = {
            run.call("outsider", method, workspace_id, raises=PermissionDenied).message
            for workspace_id in (workspace.id, unknown)
        }
        if len(messages) != 1:
            promise = "an unknown workspace is refused like one whose member the caller is not"
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
        # Alone first: what fails then is no race.
        alone = [run.call(user, method, name="alone") for _ in range(2)]
        expect_quota_exceeded(run, user, owned + 2, owned + 2)
        for each in alone:
            delete_again(run, user, each.id)
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
    """Check that a user can create no more workspaces. Raises ContractViolation."""
    method = "workspaces.create"
    refusal = run.call(user, method, name="one too many", raises=QuotaExceeded)
    expect(
        method, "the refusal shows the quota", (current, maximum), (refusal.current, refusal.max)
    )
