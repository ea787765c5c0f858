"""Codex tokens, with which members open a workspace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agentserver import AgentserverError, BadRequest, PermissionDenied, UnprocessableEntity
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, invariant, rule
from agentserver_contract.model.members import delete_member, set_member_role
from agentserver_contract.model.readback import expect, expect_timestamp, read_back, read_in_turns
from agentserver_contract.model.run import ModelRun, planned
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.token import Token
from agentserver_contract.model.values import BAD_NAMES, NAMES
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    SEVERAL_WORKSPACES,
    Workspace,
    Workspaces,
    any_workspace,
    has_workspace,
    read_of,
    readers_of,
)

_DEFAULT_DAYS = 90
_TOLERANCE = timedelta(minutes=1)
"""How far apart a server may read its clock for the two times of a new token."""

# --- the state: `Workspace.tokens` ----------------------------------------------------------------


def mint_token(
    run: ModelRun, workspace: Workspace, user: str, name: str, days: int | None = None
) -> Token:
    """Make a token, and check what is shown of it this once."""
    given: dict[str, Any] = {} if days is None else {"ttl_days": days}
    made = run.call(user, "tokens.mint", workspace_id=workspace.id, name=name, **given)
    return note_token(run, workspace, user, made, name, days or _DEFAULT_DAYS)


def note_token(
    run: ModelRun, workspace: Workspace, user: str, made: Any, name: str, days: int
) -> Token:
    """Check a new token, which no later answer may contain. Raises ContractViolation."""
    expect("tokens.mint", "the name, as it was given", name, made.name)
    expect("tokens.mint", "the workspace, as it was given", workspace.id, made.workspace_id)
    expect(
        "tokens.mint",
        "the id stands in the token",
        f"ast_{made.id}_",
        made.token[: len("ast__") + 8],
    )
    lifetime = made.expires_at - made.created_at
    if abs(lifetime - timedelta(days=days)) > _TOLERANCE:
        raise ContractViolation("tokens.mint", f"a token is valid for {days} days", lifetime)
    if made.token in run.state.secrets:
        raise ContractViolation("tokens.mint", "every token is another one", "one that was given")
    run.state.secrets.add(made.token)
    token = Token(made.id, user, name, made.created_at, made.expires_at)
    workspace.tokens.append(token)
    return token


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "members", "tokens")
def tokens_are_listed_with_the_newest_first(run: ModelRun) -> None:
    for workspace in run.state[Workspaces].by_id.values():
        tokens = workspace.tokens[::-1]
        _expect_listed(run, workspace, [each for each in tokens if not each.is_revoked])
        _expect_listed(run, workspace, tokens, include_revoked=True)


def _expect_listed(run: ModelRun, workspace: Workspace, tokens: list[Token], **query: bool) -> None:
    readers = readers_of(run, workspace, "tokens.list")
    rows = read_in_turns(run, "tokens.list", readers=readers, workspace_id=workspace.id, **query)
    expected = [
        (each.id, each.name, workspace.id, each.is_revoked, each.is_revoked, None)
        for each in tokens
    ]
    actual = [
        (
            *(row.id, row.name, row.workspace_id, row.revoked),
            *(row.revoked_at is not None, row.last_used_at),
        )
        for row in rows
    ]
    whole = "every token" if query else "every token that is not revoked"
    expect("tokens.list", f"{whole} of the workspace, the newest first", expected, actual)
    for token, row in zip(tokens, rows, strict=True):
        for what in ("created_at", "expires_at"):
            # The answer to its making may be a moment off.
            if abs(getattr(row, what) - getattr(token, what)) > _TOLERANCE:
                expect(
                    "tokens.list", f"{what} of a token", getattr(token, what), getattr(row, what)
                )
        if row.revoked_at is not None:
            expect_timestamp(run, "tokens.list", token.revoked_at, row.revoked_at)


@invariant("workspaces", "members", "tokens")
def nothing_is_connected_with_tokens(run: ModelRun) -> None:
    """No operation of the contract connects anything."""
    method = "tokens.list_browsers"
    for workspace in run.state[Workspaces].by_id.values():
        rows = read_of(run, workspace, method)
        expected = [
            (each.id, each.name, workspace.id, False, None, None, None)
            for each in workspace.tokens[::-1]
            if not each.is_revoked
        ]
        actual = [
            (
                *(row.id, row.name, row.workspace_id, row.is_online),
                *(row.last_used_at, row.connected_at, row.disconnected_at),
            )
            for row in rows
        ]
        promise = "every token that is not revoked of the workspace, the newest first"
        expect(method, promise, expected, actual)


# --- rules ----------------------------------------------------------------------------------------


@rule(touches=["tokens"], precondition=A_WORKSPACE)
def mint_codex_tokens(run: ModelRun, choose: Choose) -> None:
    """For each number of days, and two of the same name."""
    workspace = any_workspace(run, choose)
    name, other = choose(NAMES), choose(NAMES)
    for each, days in ((name, None), (name, 1), (other, 365), (other, choose((2, 30, 364)))):
        mint_token(run, workspace, choose(workspace.at_least("developer")), each, days)
        read_back(run, "tokens")


@rule(touches=["tokens"], precondition=A_WORKSPACE)
def mint_codex_tokens_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    user = choose(workspace.at_least("developer"))
    mint_token(run, workspace, user, "alone")  # what fails then is no race
    call = planned(user, "tokens.mint", workspace_id=workspace.id, name="together")
    outcomes = run.concurrently([call] * 3)
    if any(isinstance(each, AgentserverError) for each in outcomes):
        raise ContractViolation(
            "tokens.mint", "all who make tokens at the same time succeed", outcomes
        )
    listed = [row.id for row in run.call(user, "tokens.list", workspace_id=workspace.id)]
    if missing := [each.id for each in outcomes if each.id not in listed]:
        raise ContractViolation("tokens.list", "every token that was made is listed", missing)
    for made in sorted(outcomes, key=lambda each: -listed.index(each.id)):
        note_token(run, workspace, user, made, "together", _DEFAULT_DAYS)


@rule(touches=["tokens"], precondition=A_WORKSPACE)
def mint_invalid_codex_tokens(run: ModelRun, choose: Choose) -> None:
    """A number of days out of its range is 422, unless something else is wrong as well."""
    workspace = any_workspace(run, choose)
    user, valid = choose(workspace.at_least("developer")), {"workspace_id": workspace.id}
    for name in BAD_NAMES:
        run.call(user, "tokens.mint", **valid, name=name, raises=BadRequest)
    malformed: tuple[Any, ...] = ("30", 1.5, True, None, [])
    for value in malformed:
        run.call(user, "tokens.mint", **valid, name="Laptop", ttl_days=value, raises=BadRequest)
    for days in (-1, 0, 366, 2**31):
        given: dict[str, Any] = {**valid, "ttl_days": days}
        run.call(user, "tokens.mint", **given, name="Laptop", raises=UnprocessableEntity)
        run.call(user, "tokens.mint", **given, name="", raises=BadRequest)
        # The body is read first, since it names the workspace.
        run.call("outsider", "tokens.mint", **given, name="Laptop", raises=UnprocessableEntity)


@rule(touches=["tokens"], precondition=A_WORKSPACE)
def mint_codex_tokens_without_permission(run: ModelRun, choose: Choose) -> None:
    """Neither a guest, nor an outsider, nor anybody where there is no workspace."""
    workspace = any_workspace(run, choose)
    for user in workspace.without_role("owner", "maintainer", "developer"):
        given: dict[str, Any] = {"workspace_id": workspace.id, "name": "mine"}
        run.call(user, "tokens.mint", **given, raises=PermissionDenied)
    for where in (f"{NO_SUCH}workspace", *run.state[Workspaces].deleted[-1:]):
        owner: Any = choose(workspace.with_role("owner"))
        run.call(owner, "tokens.mint", workspace_id=where, name="mine", raises=PermissionDenied)
        run.call(owner, "tokens.list", workspace_id=where, raises=PermissionDenied)


@rule(touches=["tokens"], precondition=SEVERAL_WORKSPACES)
def revoke_codex_tokens(run: ModelRun, choose: Choose) -> None:
    """As the owner of the token and as who manages the workspace; more than once."""
    for workspace in run.state[Workspaces].by_id.values():
        user = choose(workspace.at_least("developer"))
        tokens = [mint_token(run, workspace, user, name) for name in ("a", "b", "c")]
        run.call(user, "tokens.revoke", f"{NO_SUCH}token")
        read_back(run, "tokens")
        manager = choose(workspace.with_role("owner", "maintainer"))
        for revoker, token in ((user, tokens[1]), (manager, tokens[0]), (user, tokens[0])):
            run.call(revoker, "tokens.revoke", token.id)
            token.is_revoked = True
            read_back(run, "tokens")


@rule(touches=["tokens"], precondition=A_WORKSPACE)
def revoke_codex_tokens_without_permission(run: ModelRun, choose: Choose) -> None:
    """Those of others, before and after they are revoked."""
    workspace = any_workspace(run, choose)
    owner = choose(workspace.at_least("developer"))
    token = mint_token(run, workspace, owner, "kept")
    strangers = [user for user in workspace.without_role("owner", "maintainer") if user != owner]
    for _ in range(2):
        for user in strangers:
            run.call(user, "tokens.revoke", token.id, raises=PermissionDenied)
        read_back(run, "tokens")
        run.call(owner, "tokens.revoke", token.id)
        token.is_revoked = True


def _has_developer(workspace: Workspace) -> bool:
    return bool(workspace.with_role("developer"))


@rule(touches=["members", "tokens"], precondition=has_workspace(_has_developer))
def let_the_owner_of_a_codex_token_go(run: ModelRun, choose: Choose) -> None:
    """As a guest, and then for good: the tokens are revoked, and stay so when all is as it was."""
    workspace = any_workspace(run, choose, _has_developer)
    user, owner = choose(workspace.with_role("developer")), choose(workspace.with_role("owner"))
    other = mint_token(run, workspace, owner, "of another")
    mint_token(run, workspace, user, "ends as a guest")
    for role in ("guest", "developer"):
        set_member_role(run, workspace, owner, user, role)
        read_back(run, "tokens")
    gone = mint_token(run, workspace, user, "ends with the membership")
    for role in ("maintainer", "developer"):  # which change nothing
        set_member_role(run, workspace, owner, user, role)
    read_back(run, "tokens")
    delete_member(run, workspace, owner, user)
    read_back(run, "tokens")
    run.call(user, "tokens.revoke", gone.id)  # it is the user's own all the same
    run.call(user, "tokens.revoke", other.id, raises=PermissionDenied)
    email = run.accounts[user].email
    run.call(owner, "workspaces.members.add", workspace.id, email=email, role="developer")
    workspace.members[user] = "developer"
