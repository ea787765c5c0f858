"""The language-model endpoint that a workspace has of its own."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentserver import AgentserverError, BadRequest, PermissionDenied
from agentserver_contract.model.action import Choose, initialize, invariant, rule
from agentserver_contract.model.readback import expect, expect_timestamp, read_back
from agentserver_contract.model.run import ModelRun, planned
from agentserver_contract.model.state import ContractViolation, Timestamp
from agentserver_contract.model.values import ADDRESSES, BAD_ADDRESSES, KEYS, MODELS
from agentserver_contract.model.workspaces import (
    A_WORKSPACE,
    SEVERAL_WORKSPACES,
    Workspace,
    Workspaces,
    any_workspace,
    read_of,
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
        is_short = len(key.encode()) <= 8 or len(key) <= 7
        return "****" if is_short else f"{key[:3]}...{key[-4:]}"


@dataclass
class StoredConfig:
    """The endpoint of a workspace, if it has one."""

    config: LlmConfig | None = None
    updated_at: Timestamp = field(default_factory=Timestamp)

    def replace(self, config: LlmConfig) -> None:
        """Note that another one was stored."""
        self.config = config
        self.updated_at.advance()

    def clear(self) -> None:
        """Note that it was deleted."""
        self.config, self.updated_at = None, Timestamp()


@dataclass
class LlmConfigs:
    """The endpoints of all workspaces."""

    by_workspace: dict[str, StoredConfig] = field(default_factory=lambda: defaultdict(StoredConfig))

    def of(self, workspace: Workspace) -> StoredConfig:
        """That of one workspace."""
        return self.by_workspace[workspace.id]


@initialize
def set_first_configs(run: ModelRun) -> None:
    """Give each workspace an endpoint, with keys of which different parts are shown."""
    keys = ("sk-zebra-0123456789", "sk-ant-0123456789")
    for workspace, key in zip(run.state[Workspaces].by_id.values(), keys, strict=True):
        owner = workspace.with_role("owner")[0]
        set_config(run, workspace, owner, LlmConfig(ADDRESSES[0], key, MODELS[1]))


def set_config(
    run: ModelRun, workspace: Workspace, user: str, config: LlmConfig, *, key: bool = True
) -> None:
    """Set the endpoint of a workspace; without its key, which must be the one that is stored."""
    run.state.secrets.add(config.api_key)
    given: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
    given |= {"api_key": config.api_key} if key else {}
    run.call(user, "workspaces.llm_config.set", workspace.id, **given)
    run.state[LlmConfigs].of(workspace).replace(config)


def delete_config(run: ModelRun, workspace: Workspace, user: str) -> None:
    """Delete the endpoint of a workspace."""
    run.call(user, "workspaces.llm_config.delete", workspace.id)
    run.state[LlmConfigs].of(workspace).clear()


# --- reading back ---------------------------------------------------------------------------------


@invariant("workspaces", "llm_config")
def endpoints_are_shown_with_masked_keys(run: ModelRun) -> None:
    method = "workspaces.llm_config.get"
    for workspace in run.state[Workspaces].by_id.values():
        shown, stored = (
            read_of(run, workspace, method).to_dict(),
            run.state[LlmConfigs].of(workspace),
        )
        config = stored.config
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
        expect_timestamp(run, method, stored.updated_at, updated_at)


# --- rules ----------------------------------------------------------------------------------------


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_llm_config(run: ModelRun, choose: Choose) -> None:
    """With keys of every length. The first one needs a key."""
    workspace, method = any_workspace(run, choose), "workspaces.llm_config.set"
    user = choose(workspace.with_role("owner", "maintainer"))
    stored = run.state[LlmConfigs].of(workspace)
    if stored.config is not None:
        delete_config(run, workspace, user)
    for number, key in enumerate(KEYS):
        config = LlmConfig(choose(ADDRESSES), key, MODELS[number % len(MODELS)])
        if stored.config is None:
            without_key: dict[str, Any] = {"base_url": config.base_url, "models": config.models}
            run.call(user, method, workspace.id, **without_key, raises=BadRequest)
        set_config(run, workspace, user, config)
        read_back(run, "llm_config")


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_llm_config_without_key(run: ModelRun, choose: Choose) -> None:
    """The stored key stays, whether the address is the stored one or another."""
    workspace = any_workspace(run, choose)
    user, key = choose(workspace.with_role("owner", "maintainer")), "sk-kept-0123"
    set_config(run, workspace, user, LlmConfig(ADDRESSES[0], key, MODELS[0]))
    for address in ADDRESSES:
        config = LlmConfig(address, key, choose(MODELS))
        set_config(run, workspace, user, config, key=False)
        read_back(run, "llm_config")


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_llm_config_concurrently(run: ModelRun, choose: Choose) -> None:
    """While it is read: no reading mixes two of them."""
    workspace, resource = any_workspace(run, choose), "workspaces.llm_config"
    user = choose(workspace.with_role("owner", "maintainer"))
    before = LlmConfig(ADDRESSES[2], "sk-before-both-0000", MODELS[1])
    either = (
        LlmConfig(ADDRESSES[0], "sk-one-of-two-1111", MODELS[1]),
        LlmConfig(ADDRESSES[1], "sk-two-of-two-2222", MODELS[2]),
    )
    for config in (*either, before):  # alone first: what fails then is no race
        set_config(run, workspace, user, config)
        run.call(user, f"{resource}.get", workspace.id)
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
    last = next(each for each in either if each.base_url == shown[-1].base_url)
    run.state[LlmConfigs].of(workspace).replace(last)


@rule(touches=["llm_config"], precondition=A_WORKSPACE)
def set_invalid_llm_config(run: ModelRun, choose: Choose) -> None:
    workspace, method = any_workspace(run, choose), "workspaces.llm_config.set"
    user, address, key = choose(workspace.with_role("owner")), ADDRESSES[0], KEYS[-2]
    run.state.secrets.add(key)
    valid = {"base_url": address, "api_key": key, "models": MODELS[0]}
    too_many = [{"id": "m", "name": "M"}] * 101
    invalid: list[tuple[str, Any]] = [("base_url", each) for each in BAD_ADDRESSES]
    invalid += [
        ("models", each) for each in ([], too_many, [{"id": "", "name": "M"}], [{"id": "m"}])
    ]
    invalid += [("api_key", each) for each in ("", "a\0b", "k" * 4097)]
    for name, value in invalid:
        given: dict[str, Any] = {**valid, name: value}
        run.call(user, method, workspace.id, **given, raises=BadRequest)
    # A refusal does not show the key either; sent raw, as the SDK hides from errors what it sent.
    body = json.dumps({**valid, "models": []}).encode()
    run.send_raw(method, user, f"/api/workspaces/{workspace.id}/llm-config", body, status=400)


@rule(touches=["llm_config"], precondition=SEVERAL_WORKSPACES)
def delete_llm_config(run: ModelRun, choose: Choose) -> None:
    """For each workspace in turn: the other workspaces keep theirs."""
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
