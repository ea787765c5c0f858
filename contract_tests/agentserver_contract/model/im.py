"""The channels of workspaces, and the sandboxes that they are bound to."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentserver import (
    AgentserverError,
    BadGateway,
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
)
from agentserver_contract.fixtures.im import NO_CHANNEL, bot_token, can_connect, own
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, initialize, invariant, precondition, rule
from agentserver_contract.model.readback import expect, read, read_back
from agentserver_contract.model.run import ModelRun, planned
from agentserver_contract.model.sandbox import Sandbox
from agentserver_contract.model.sandboxes import create, delete, lift_limits
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.values import PRIVATE_HOSTS
from agentserver_contract.model.workspaces import (
    Workspace,
    Workspaces,
    any_workspace,
    read_of,
)

_SHOWING = ("openclaw", "nanoclaw")
"""The types of sandboxes that show their channel."""
_BAD_TOKENS = ("", " ", "1:a/b", "1:a?b", "1:\0", "ä" * 30, "1" * 256)
_BAD_MODES = ("", "Codex", "nanoclaw ", "stateless_cc")
_TELEGRAM, _MATRIX, _WEIXIN = "telegram", "matrix", "weixin"
_HOMESERVER = "https://matrix.example.com"

# --- the state ------------------------------------------------------------------------------------


@dataclass
class Channel:
    """A channel that was connected."""

    id: str
    provider: str
    bot_id: str
    require_mention: bool = False
    routing_mode: str = "codex"
    sandbox_id: str | None = None
    bound_at: datetime | None = None
    """As the list has shown it since it was connected last."""


@dataclass
class Channels:
    """The channels of all workspaces."""

    can_be: bool = False
    """Whether the server's Telegram accepts made-up tokens."""
    by_workspace: dict[str, list[Channel]] = field(default_factory=lambda: defaultdict(list))
    """By the id of the workspace, in the order in which they were connected last."""
    bots: int = 1
    """How many bots were made up, of all workspaces."""

    def of(self, workspace: Workspace) -> list[Channel]:
        """Those of one workspace."""
        return self.by_workspace[workspace.id]


@initialize
def connect_first_channels(run: ModelRun) -> None:
    """Give each workspace a channel, where that is possible; all are of one bot."""
    known = run.state[Channels]
    for workspace in run.state[Workspaces].by_id.values():
        owner = workspace.with_role("owner")[0]
        known.can_be = can_connect(run.clients[owner], workspace.id)
        if not known.can_be:
            return
        (row,) = read(run, owner, "workspaces.im.list", workspace.id).channels
        known.of(workspace).append(Channel(row.id, _TELEGRAM, row.bot_id))
        own(run.target, row.id)


@precondition(NO_CHANNEL)
def channels_can_be(run: ModelRun) -> bool:
    return run.state[Channels].can_be and bool(run.state[Workspaces].by_id)


def new_token(run: ModelRun, number: int) -> str:
    """A token of a bot, which no answer may contain from now on."""
    token = bot_token(number, secrets.token_hex(16))
    run.state.secrets.add(token)
    return token


def connect(run: ModelRun, workspace: Workspace, user: str, number: int | None = None) -> Channel:
    """Connect a new bot, or one of a number once more, and check what is shown of it."""
    known = run.state[Channels]
    if number is None:
        known.bots += 1
        number = known.bots
    method = "workspaces.im.configure_telegram"
    made = run.call(user, method, workspace.id, bot_token=new_token(run, number))
    expect(method, "it is connected", True, made.connected)
    return note_channel(run, workspace, user, _TELEGRAM, made.bot_id)


def note_channel(
    run: ModelRun, workspace: Workspace, user: str, provider: str, bot_id: str
) -> Channel:
    """Learn the id of what was connected, and check that it is last. Raises ContractViolation."""
    method, channels = "workspaces.im.list", run.state[Channels].of(workspace)
    same = next((c for c in channels if (c.provider, c.bot_id) == (provider, bot_id)), None)
    rows = read(run, user, method, workspace.id).channels
    last = (rows[-1].provider.value, rows[-1].bot_id) if rows else None
    expect(method, "what was connected last is last", (provider, bot_id), last)
    if same is None:
        channels.append(Channel(rows[-1].id, provider, bot_id))
        own(run.target, rows[-1].id)
    else:
        channels.remove(same)
        channels.append(same)
        same.bound_at = None
    return channels[-1]


def two_channels(run: ModelRun, workspace: Workspace, user: str) -> tuple[Channel, Channel]:
    """Two channels of a workspace, which are made where there are none."""
    channels = run.state[Channels].of(workspace)
    while len(channels) < 2:
        connect(run, workspace, user)
    return channels[0], channels[1]


def remove(run: ModelRun, workspace: Workspace, user: str, channel: Channel) -> None:
    """Delete a channel."""
    run.call(user, "workspaces.im.delete", workspace.id, channel.id)
    run.state[Channels].of(workspace).remove(channel)


def keep_few(run: ModelRun, workspace: Workspace, user: str) -> None:
    """Delete all channels but one, so that lists stay short."""
    for each in list(run.state[Channels].of(workspace))[1:]:
        remove(run, workspace, user, each)


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "im")
def channels_are_listed_in_the_order_in_which_they_were_connected(run: ModelRun) -> None:
    method = "workspaces.im.list"
    for workspace in run.state[Workspaces].by_id.values():
        known = run.state[Channels].of(workspace)
        rows = read_of(run, workspace, method).channels
        expected: list[Any] = [
            (each.id, each.provider, each.bot_id, each.require_mention, each.routing_mode)
            for each in known
        ]
        actual = [
            (
                *(row.id, row.provider.value, row.bot_id),
                *(row.require_mention, row.routing_mode.value),
            )
            for row in rows
        ]
        expect(method, "every channel of the workspace, as it was set", expected, actual)
        for each, row in zip(known, rows, strict=True):
            whose = row.workspace_id or workspace.id
            expect(method, "the workspace that it belongs to", workspace.id, whose)
            each.bound_at = each.bound_at or row.bound_at
            expect(
                method, "the time stays until it is connected again", each.bound_at, row.bound_at
            )


@invariant("workspaces", "im", "sandboxes")
def sandboxes_show_the_channels_that_are_bound_to_them(run: ModelRun) -> None:
    for workspace in run.state[Workspaces].by_id.values():
        bound = {each.sandbox_id: each for each in run.state[Channels].of(workspace)}
        if not bound:
            continue
        user = workspace.with_role("owner")[0]
        rows = list(read(run, user, "sandboxes.list", workspace.id))
        expect_bindings(run, "sandboxes.list", workspace, bound, rows)
        if showing := [row.id for row in rows if row.id in bound]:
            shown = read(run, user, "sandboxes.get", showing[0])
            expect_bindings(run, "sandboxes.get", workspace, bound, [shown])


def expect_bindings(
    run: ModelRun,
    method: str,
    workspace: Workspace,
    bound: dict[str | None, Channel],
    rows: list[Any],
) -> None:
    """Check which channels sandboxes show. Raises ContractViolation."""
    for row in rows:
        sandbox = workspace.sandboxes.get(row.id)
        channel = bound.get(row.id) if sandbox and sandbox.type in _SHOWING else None
        expected = [] if channel is None else [(channel.provider, channel.bot_id)]
        shown = row.to_dict()
        actual = [(each["provider"], each["bot_id"]) for each in shown.get("im_bindings", [])]
        expect(method, "the channel that is bound to it, and no other", expected, actual)
        expect(method, "no channel of WeChat", None, shown.get("weixin_bindings"))


# --- rules: connecting ----------------------------------------------------------------------------


@rule(touches=["im"], precondition=channels_can_be)
def connect_bots(run: ModelRun, choose: Choose) -> None:
    """A bot that is connected again keeps its channel and its settings, and comes last."""
    workspace = any_workspace(run, choose)
    users = workspace.at_least("developer")
    first = connect(run, workspace, choose(users))
    number = run.state[Channels].bots
    change(run, workspace, choose(users), first, require_mention=True, routing_mode="nanoclaw")
    connect(run, workspace, choose(users))
    read_back(run, "im")
    again = connect(run, workspace, choose(users), number)
    expect("workspaces.im.configure_telegram", "it keeps its channel", first.id, again.id)
    read_back(run, "im")
    keep_few(run, workspace, choose(users))


@rule(touches=["im"], precondition=channels_can_be)
def connect_a_bot_concurrently(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.im.configure_telegram"
    user = choose(workspace.at_least("developer"))
    run.state[Channels].bots += 1
    number = run.state[Channels].bots
    remove(run, workspace, user, connect(run, workspace, user, number))  # alone first
    calls = [
        planned(user, method, workspace.id, bot_token=new_token(run, number)) for _ in range(4)
    ]
    outcomes = run.concurrently(calls)
    if any(isinstance(each, AgentserverError) for each in outcomes):
        raise ContractViolation(method, "all who connect a bot at once succeed", outcomes)
    note_channel(run, workspace, user, _TELEGRAM, outcomes[0].bot_id)
    read_back(run, "im")
    keep_few(run, workspace, user)


@rule(touches=["im"], precondition=channels_can_be)
def refuse_tokens_that_are_of_no_bot(run: ModelRun, choose: Choose) -> None:
    """No reason contains the token."""
    workspace, method = any_workspace(run, choose), "workspaces.im.configure_telegram"
    user = choose(workspace.at_least("developer"))
    of_no_bot = f"of-no-bot-{secrets.token_hex(16)}"
    run.state.secrets.add(of_no_bot)
    for token in (*_BAD_TOKENS, of_no_bot):
        run.call(user, method, workspace.id, bot_token=token, raises=BadRequest)


@rule(touches=["im"], precondition=channels_can_be)
def connect_matrix_accounts(run: ModelRun, choose: Choose) -> None:
    """By an address and a token; the same account again keeps its channel."""
    workspace, method = any_workspace(run, choose), "workspaces.im.configure_matrix"
    user = choose(workspace.at_least("developer"))
    token = f"syt_{secrets.token_hex(16)}"
    given: dict[str, Any] = {"homeserver_url": _HOMESERVER, "access_token": token}
    run.state.secrets.add(token)
    outcome = run.attempt(user, method, workspace.id, **given)
    if isinstance(outcome, BadGateway | ServiceUnavailable):
        return  # the server asks a real homeserver
    if isinstance(outcome, AgentserverError):
        raise ContractViolation(method, "an account is connected", outcome)
    first = note_channel(run, workspace, user, _MATRIX, outcome.bot_id)
    key = f"recovery {secrets.token_hex(16)}"
    run.state.secrets.add(key)
    run.call(user, method, workspace.id, **given, recovery_key=key)
    again = note_channel(run, workspace, user, _MATRIX, outcome.bot_id)
    expect(method, "it keeps its channel", first.id, again.id)
    read_back(run, "im")
    for wrong in (
        *({"access_token": each} for each in ("", "a b", "ä", "a\0")),
        *({"homeserver_url": each} for each in ("", "x", "ftp://h.example.com", "https://")),
        {"homeserver_url": f"https://me:{token}@matrix.example.com"},
    ):
        run.call(user, method, workspace.id, **given | wrong, raises=BadRequest)
    remove(run, workspace, user, again)


@rule(touches=["im"], precondition=channels_can_be)
def refuse_homeservers_in_private_networks(run: ModelRun, choose: Choose) -> None:
    """In every spelling, unless the operator allows them."""
    workspace, method = any_workspace(run, choose), "workspaces.im.configure_matrix"
    user = choose(workspace.at_least("developer"))
    token = f"syt_{secrets.token_hex(16)}"
    run.state.secrets.add(token)
    for number, host in enumerate(PRIVATE_HOSTS):
        given = {"homeserver_url": f"https://{host}", "access_token": token}
        if not number:
            outcome = run.attempt(user, method, workspace.id, **given)
            if not isinstance(outcome, AgentserverError):  # the operator allows them
                channel = note_channel(run, workspace, user, _MATRIX, outcome.bot_id)
                remove(run, workspace, user, channel)
                return
        run.call(user, method, workspace.id, **given, raises=BadRequest)


@rule(touches=["im"], precondition=channels_can_be)
def log_in_to_wechat(run: ModelRun, choose: Choose) -> None:
    """A login connects its bot once, also if several ask at the same time; then there is none.

    Each workspace has its own.
    """
    workspace = any_workspace(run, choose)
    user, method = choose(workspace.at_least("developer")), "workspaces.im.wait_weixin_login"
    started = run.attempt(user, "workspaces.im.start_weixin_login", workspace.id)
    if isinstance(started, BadGateway | ServiceUnavailable):
        return  # the server asks WeChat itself
    if isinstance(started, AgentserverError) or not started.qrcode_url:
        raise ContractViolation("workspaces.im.start_weixin_login", "a login begins", started)
    others = [each for each in run.state[Workspaces].by_id.values() if each is not workspace]
    for other in others:  # which ends no login but its own workspace's
        run.call(other.with_role("owner")[0], "workspaces.im.start_weixin_login", other.id)
    outcome = run.call(user, method, workspace.id)
    if not outcome.connected:
        return  # the code of a real WeChat is not scanned
    for other in others:
        owner = other.with_role("owner")[0]
        theirs = run.call(owner, method, other.id)
        expect(method, "it is confirmed in its own workspace", True, theirs.connected)
        remove(run, other, owner, note_channel(run, other, owner, _WEIXIN, theirs.bot_id))
    expect(method, "it is confirmed", "confirmed", outcome.status.value)
    connected = [note_channel(run, workspace, user, _WEIXIN, outcome.bot_id)]
    run.call(user, method, workspace.id, raises=BadRequest)
    read_back(run, "im")
    run.call(user, "workspaces.im.start_weixin_login", workspace.id)
    outcomes = run.concurrently([planned(user, method, workspace.id)] * 3)
    won = [each for each in outcomes if not isinstance(each, AgentserverError)]
    lost = [each for each in outcomes if isinstance(each, AgentserverError)]
    if len(won) != 1 or any(type(each) not in (Conflict, BadRequest) for each in lost):
        raise ContractViolation(method, "of three who ask at once, one learns of the bot", outcomes)
    connected.append(note_channel(run, workspace, user, _WEIXIN, won[0].bot_id))
    read_back(run, "im")
    for outsider in workspace.without_role("owner", "maintainer", "developer"):
        for each in ("workspaces.im.start_weixin_login", method):
            run.call(outsider, each, workspace.id, raises=PermissionDenied)
    for channel in connected:
        remove(run, workspace, user, channel)


# --- rules: changing ------------------------------------------------------------------------------


def change(
    run: ModelRun, workspace: Workspace, user: str, channel: Channel, **changes: Any
) -> None:
    """Change a channel."""
    method = "workspaces.im.update"
    answer = run.call(user, method, workspace.id, channel.id, **changes)
    expect(method, "it is updated", "updated", answer.status)
    channel.require_mention = _or(changes.get("require_mention"), channel.require_mention)
    channel.routing_mode = _or(changes.get("routing_mode"), channel.routing_mode)


def _or(given: Any, known: Any) -> Any:
    return known if given is None else given


@rule(touches=["im"], precondition=channels_can_be)
def change_channels(run: ModelRun, choose: Choose) -> None:
    """One field, both, and none: what is left out or null stays."""
    workspace = any_workspace(run, choose)
    user = choose(workspace.at_least("developer"))
    channel = choose(two_channels(run, workspace, user))
    mode = "nanoclaw" if channel.routing_mode == "codex" else "codex"
    steps: list[dict[str, Any]] = [
        {"require_mention": not channel.require_mention},
        {"routing_mode": mode},
        {},
        {"require_mention": None, "routing_mode": None},
        {"require_mention": channel.require_mention, "routing_mode": channel.routing_mode},
        {"require_mention": True, "routing_mode": None},
    ]
    for changes in steps:
        change(run, workspace, user, channel, **changes)
        read_back(run, "im")


@rule(touches=["im"], precondition=channels_can_be)
def refuse_changes_of_channels_as_a_whole(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.im.update"
    user = choose(workspace.at_least("developer"))
    channel = two_channels(run, workspace, user)[0]
    for mode in _BAD_MODES:
        changes: dict[str, Any] = {
            "require_mention": not channel.require_mention,
            "routing_mode": mode,
        }
        run.call(user, method, workspace.id, channel.id, **changes, raises=BadRequest)
        read_back(run, "im")


@rule(touches=["im", "sandboxes"], precondition=channels_can_be)
def delete_channels(run: ModelRun, choose: Choose) -> None:
    """What is gone is unknown; the bot can be connected again, and has a new channel."""
    workspace = any_workspace(run, choose)
    user = choose(workspace.at_least("developer"))
    two_channels(run, workspace, user)
    gone = connect(run, workspace, user)
    number = run.state[Channels].bots
    remove(run, workspace, user, gone)
    read_back(run, "im")
    _refuse(run, workspace, user, gone.id, NotFound)
    again = connect(run, workspace, user, number)
    expect("workspaces.im.configure_telegram", "a new channel", False, gone.id == again.id)
    keep_few(run, workspace, user)


def _refuse(
    run: ModelRun,
    workspace: Workspace,
    user: str,
    channel_id: str,
    error: type[AgentserverError],
) -> None:
    """Change a channel in every way, each of which is refused."""
    update: Any = {"require_mention": True, "routing_mode": "nanoclaw"}
    for method, body in (("workspaces.im.update", update), ("workspaces.im.delete", {})):
        run.call(user, method, workspace.id, channel_id, **body, raises=error)


@rule(touches=["im", "sandboxes"], precondition=channels_can_be)
def use_unknown_channels(run: ModelRun, choose: Choose) -> None:
    """Ids of nothing, and of other workspaces."""
    workspaces = list(run.state[Workspaces].by_id.values())
    for workspace in workspaces:
        user = choose(workspace.at_least("developer"))
        channel = two_channels(run, workspace, user)[0]
        _refuse(run, workspace, user, f"{NO_SUCH}channel", NotFound)
        for other in workspaces:
            if other is workspace:
                continue
            theirs = choose(other.at_least("developer"))
            _refuse(run, other, theirs, channel.id, NotFound)
            for sandbox_id in list(other.sandboxes)[:1]:
                for each in (channel.id, f"{NO_SUCH}channel"):
                    body: Any = {"channel_id": each}
                    run.call(theirs, "sandboxes.im.bind", sandbox_id, **body, raises=NotFound)
        sandbox_id = f"{NO_SUCH}sandbox"
        method = "sandboxes.im.bind"
        run.call(user, method, sandbox_id, channel_id=channel.id, raises=NotFound)
        run.call(user, "sandboxes.im.unbind", sandbox_id, raises=NotFound)


@rule(touches=["im", "sandboxes"], precondition=channels_can_be)
def use_channels_without_permission(run: ModelRun, choose: Choose) -> None:
    workspace = any_workspace(run, choose)
    channel = two_channels(run, workspace, choose(workspace.at_least("developer")))[0]
    for user in workspace.without_role("owner", "maintainer", "developer"):
        _refuse(run, workspace, user, channel.id, PermissionDenied)
        token: Any = {"bot_token": new_token(run, 1)}
        method = "workspaces.im.configure_telegram"
        run.call(user, method, workspace.id, **token, raises=PermissionDenied)
        matrix: Any = {"homeserver_url": _HOMESERVER, "access_token": f"syt_{secrets.token_hex(9)}"}
        method = "workspaces.im.configure_matrix"
        run.call(user, method, workspace.id, **matrix, raises=PermissionDenied)
        for sandbox_id in list(workspace.sandboxes)[:1]:
            body: Any = {"channel_id": channel.id}
            run.call(user, "sandboxes.im.bind", sandbox_id, **body, raises=PermissionDenied)
            run.call(user, "sandboxes.im.unbind", sandbox_id, raises=PermissionDenied)


# --- rules: sandboxes -----------------------------------------------------------------------------


def bind(
    run: ModelRun, workspace: Workspace, user: str, sandbox: Sandbox, channel: Channel
) -> None:
    """Bind a channel to a sandbox: another one that the sandbox has is free then."""
    method = "sandboxes.im.bind"
    answer = run.call(user, method, sandbox.id, channel_id=channel.id)
    expect(method, "it is bound", "bound", answer.status)
    unbound(run, workspace, sandbox)
    channel.sandbox_id = sandbox.id


def unbound(run: ModelRun, workspace: Workspace, sandbox: Sandbox) -> None:
    """Note that a sandbox has no channel."""
    for each in run.state[Channels].of(workspace):
        if each.sandbox_id == sandbox.id:
            each.sandbox_id = None


def unbind(run: ModelRun, workspace: Workspace, user: str, sandbox: Sandbox) -> None:
    """Free the channel of a sandbox."""
    method = "sandboxes.im.unbind"
    answer = run.call(user, method, sandbox.id)
    expect(method, "it is unbound", "unbound", answer.status)
    unbound(run, workspace, sandbox)


def _showing(run: ModelRun, workspace: Workspace, user: str) -> list[Sandbox]:
    """New sandboxes that show their channels."""
    lift_limits(run, workspace)
    return [create(run, workspace, user, name=each, type=each, idle_timeout=0) for each in _SHOWING]


@rule(touches=["im", "sandboxes", "workspace_limits"], precondition=channels_can_be)
def bind_channels(run: ModelRun, choose: Choose) -> None:
    """A channel moves; what a sandbox had is free; each goes without the other."""
    workspace = any_workspace(run, choose)
    user = choose(workspace.at_least("developer"))
    first, second = two_channels(run, workspace, user)
    one, other = _showing(run, workspace, user)
    for sandbox, channel in (
        *((one, first), (one, first), (other, second), (other, first)),
        *((one, second), (one, first), (other, second)),
    ):
        bind(run, workspace, user, sandbox, channel)
        read_back(run, "im")
        renamed = run.call(user, "sandboxes.rename", sandbox.id, name=sandbox.name).to_dict()
        shown = [name for name in ("im_bindings", "weixin_bindings") if name in renamed]
        expect("sandboxes.rename", "no channel is shown then", [], shown)
    for _ in range(2):  # the second time there is none
        unbind(run, workspace, user, one)
        read_back(run, "im")
    bind(run, workspace, user, one, first)
    remove(run, workspace, user, second)  # which is bound
    read_back(run, "im", "sandboxes")
    delete(run, workspace, user, one)  # to which the first one is bound
    read_back(run, "im", "sandboxes")
    bind(run, workspace, user, other, first)
    read_back(run, "im")
    delete(run, workspace, user, other)


@rule(touches=["im", "sandboxes", "workspace_limits"], precondition=channels_can_be)
def bind_channels_concurrently(run: ModelRun, choose: Choose) -> None:
    """A channel is on one sandbox at most, and a sandbox has one channel at most."""
    workspace, method = any_workspace(run, choose), "sandboxes.im.bind"
    user = choose(workspace.at_least("developer"))
    channels = two_channels(run, workspace, user)
    sandboxes = _showing(run, workspace, user)
    bots = {each.bot_id: each for each in channels}
    for _ in range(3):
        outcomes = run.concurrently(
            [
                planned(user, method, sandbox.id, channel_id=channel.id)
                for channel in channels
                for sandbox in sandboxes
            ]
        )
        if any(isinstance(each, AgentserverError) for each in outcomes):
            raise ContractViolation(method, "all who bind a channel at once succeed", outcomes)
        rows = read(run, user, "sandboxes.list", workspace.id)
        shown = {row.id: row.to_dict().get("im_bindings", []) for row in rows}
        bound = [each["bot_id"] for bindings in shown.values() for each in bindings]
        expect(method, "a channel is on one sandbox", sorted(set(bound)), sorted(bound))
        expect(method, "one of them is bound", True, bool(bound))
        for each in channels:
            each.sandbox_id = None
        for sandbox_id, bindings in shown.items():
            for each in bindings:
                bots[each["bot_id"]].sandbox_id = sandbox_id
    for sandbox in sandboxes:
        delete(run, workspace, user, sandbox)
