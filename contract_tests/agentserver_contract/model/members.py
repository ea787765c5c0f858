"""The members of a workspace, and their roles."""

from __future__ import annotations

from typing import Any

from agentserver import AgentserverError, BadRequest, Conflict, NotFound, PermissionDenied
from agentserver_contract.contract.roles import WORKSPACE_ROLES as ROLES
from agentserver_contract.fixtures.accounts import ABSENT, email_of
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, Precondition, invariant, rule
from agentserver_contract.model.readback import expect, read_back
from agentserver_contract.model.run import USERS, ModelRun, planned
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    Workspace,
    Workspaces,
    any_workspace,
    has_workspace,
    read_of,
)

# --- the state: `Workspace.members` ---------------------------------------------------------------


def admit_member(run: ModelRun, workspace: Workspace, user: str, member: str, role: str) -> None:
    """Add a member to a workspace, who is the last in the order of joining."""
    email = run.accounts[member].email
    run.call(user, "workspaces.members.add", workspace.id, email=email, role=role)
    workspace.members[member] = role


def set_member_role(run: ModelRun, workspace: Workspace, user: str, member: str, role: str) -> None:
    """Give a member of a workspace another role."""
    run.call(user, "workspaces.members.set_role", workspace.id, run.ids[member], role=role)
    workspace.give_role(member, role)


def delete_member(run: ModelRun, workspace: Workspace, user: str, member: str) -> None:
    """Remove a member from a workspace, if it is one."""
    run.call(user, "workspaces.members.remove", workspace.id, run.ids[member])
    workspace.remove(member)


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "members")
def members_are_listed_in_the_order_of_joining(run: ModelRun) -> None:
    method = "workspaces.members.list"
    for workspace in run.state[Workspaces].by_id.values():
        actual = [
            (each.user_id, each.email, each.picture, each.role.value)
            for each in read_of(run, workspace, method)
        ]
        expected = [
            (run.ids[user], run.accounts[user].email, None, role)
            for user, role in workspace.members.items()
        ]
        expect(method, "the members, in the order of joining", expected, actual)


# --- rules ----------------------------------------------------------------------------------------


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
    known = run.accounts[candidate].email
    roles = (None, *ROLES[:-1], choose(ROLES[:-1]))
    for number, role in enumerate(roles, 1):
        email = known if role is None else f"  {known.upper()} "
        given: dict[str, Any] = {} if role is None else {"role": role}
        added = run.call(user, method, workspace.id, email=email, **given)
        workspace.members[candidate] = role or "developer"
        expected = (run.ids[candidate], known, None, workspace.members[candidate])
        actual = (added.user_id, added.email, added.picture, added.role)
        expect(method, "the answer shows the new member", expected, actual)
        read_back(run, "members")
        if number < len(roles):
            owner = choose(workspace.with_role("owner"))
            delete_member(run, workspace, owner, candidate)


def _may_join_the_oldest(run: ModelRun) -> bool:
    workspaces = list(run.state[Workspaces].by_id.values())
    return len(workspaces) > 1 and _has_candidates(workspaces[0])


@rule(touches=["members"], precondition=Precondition(_may_join_the_oldest))
def join_the_oldest_workspace_last(run: ModelRun, choose: Choose) -> None:
    """It is still the first one in the list: what counts is how old a workspace is."""
    oldest, newer = list(run.state[Workspaces].by_id.values())[:2]
    candidate = choose(_candidates(oldest))
    joined = [each for each in (newer, oldest) if candidate not in each.members]
    for workspace in joined:
        admit_member(run, workspace, choose(workspace.with_role("owner")), candidate, "guest")
    read_back(run, "members")
    for workspace in joined:
        delete_member(run, workspace, choose(workspace.with_role("owner")), candidate)


@rule(touches=["members"], precondition=has_workspace(_has_candidates))
def add_member_by_an_address_in_capitals(run: ModelRun, choose: Choose) -> None:
    """Addresses are compared without case, and without the blanks around them."""
    workspace = any_workspace(run, choose, _has_candidates)
    owner, candidate = choose(workspace.with_role("owner")), choose(_candidates(workspace))
    email = f"  {run.accounts[candidate].email.upper()} "
    run.call(owner, "workspaces.members.add", workspace.id, email=email)
    run.call(owner, "workspaces.members.remove", workspace.id, run.ids[candidate])


@rule(touches=["members"], precondition=has_workspace(_has_candidates))
def add_owner(run: ModelRun, choose: Choose) -> None:
    """An owner can."""
    workspace, method = any_workspace(run, choose, _has_candidates), "workspaces.members.add"
    candidate = choose(_candidates(workspace))
    user, email = choose(workspace.with_role("owner")), run.accounts[candidate].email
    run.call(user, method, workspace.id, email=email, role="owner")
    workspace.members[candidate] = "owner"


@rule(touches=["members"], precondition=has_workspace(_has_candidates))
def add_owner_without_permission(run: ModelRun, choose: Choose) -> None:
    """Only an owner can; others are refused before anybody looks for the account."""
    workspace, method = any_workspace(run, choose, _has_candidates), "workspaces.members.add"
    candidates = (choose(_candidates(workspace)), choose(list(workspace.members)))
    for user in workspace.with_role("maintainer", "developer", "guest"):
        for email in (*(run.accounts[each].email for each in candidates), email_of(ABSENT)):
            given: dict[str, Any] = {"email": email, "role": "owner"}
            run.call(user, method, workspace.id, **given, raises=PermissionDenied)


@rule(touches=["members"], precondition=A_WORKSPACE)
def add_member_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace, email = any_workspace(run, choose), run.accounts["newcomer"].email
    for user in workspace.without_role("owner", "maintainer"):
        method = "workspaces.members.add"
        run.call(user, method, workspace.id, email=email, raises=PermissionDenied)


@rule(touches=["members"], precondition=A_WORKSPACE)
def add_invalid_member(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.members.add"
    user = choose(workspace.with_role("owner"))
    member = run.accounts[choose(list(workspace.members))].email
    newcomer = run.accounts["newcomer"].email
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
    email = run.accounts["colleague"].email
    # Alone first: what fails then is no race.
    run.call(user, method, workspace.id, email=email, role="guest")
    run.call(user, method, workspace.id, email=email, role="guest", raises=Conflict)
    delete_member(run, workspace, choose(workspace.with_role("owner")), "colleague")
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
    """In turn: the member keeps the role in the others. Then remove and add the member likewise."""
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
        admit_member(run, workspace, user, member, "guest")


@rule(touches=["members"], precondition=A_WORKSPACE)
def change_role_without_permission(run: ModelRun, choose: Choose) -> None:
    """Neither the caller's own role nor an owner's."""
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
    # Maintainer first: a server that accepts it may let a maintainer add an owner again.
    for role in reversed(ROLES[:-1]):
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


@rule(touches=["members"], precondition=has_workspace(lambda each: len(each.members) > 1))
def demote_owners_concurrently(run: ModelRun, choose: Choose) -> None:
    """Two owners demote each other."""
    workspace = any_workspace(run, choose, lambda each: len(each.members) > 1)
    first = choose(workspace.with_role("owner"))
    second = choose([name for name in workspace.members if name != first])
    if workspace.members[second] != "owner":
        set_member_role(run, workspace, first, second, "owner")
    method = "workspaces.members.set_role"
    # Alone first: what fails then is no race.
    others = [user for user in workspace.with_role("owner") if user != first]
    for other in others:
        set_member_role(run, workspace, first, other, "guest")
    run.call(first, method, workspace.id, run.ids[first], role="maintainer", raises=Conflict)
    for other in others:
        set_member_role(run, workspace, first, other, "owner")
    run.concurrently(
        [
            planned(first, method, workspace.id, run.ids[second], role="maintainer"),
            planned(second, method, workspace.id, run.ids[first], role="maintainer"),
        ]
    )
    names = {user_id: name for name, user_id in run.ids.items()}
    for user in (first, second):
        members = run.attempt(user, "workspaces.members.list", workspace.id)
        if not isinstance(members, AgentserverError):
            for each in members:
                workspace.give_role(names[each.user_id], each.role.value)
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
    """Neither the caller's own membership nor another one."""
    workspace = any_workspace(run, choose)
    member, method = run.ids[choose(list(workspace.members))], "workspaces.members.remove"
    for user in workspace.without_role("owner"):
        for user_id in (member, run.ids[user]):
            run.call(user, method, workspace.id, user_id, raises=PermissionDenied)
