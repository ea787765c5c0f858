"""The limits of users and workspaces: what administrators set, and which value is in force."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentserver_contract.model.action import Choose, initialize
from agentserver_contract.model.readback import expect, expect_timestamp, read
from agentserver_contract.model.run import USERS, ModelRun
from agentserver_contract.model.state import Timestamp
from agentserver_contract.model.values import BYTES, COUNTS

OF_WORKSPACES = (
    "max_sandboxes",
    "max_sandbox_cpu",
    "max_sandbox_memory",
    "max_idle_timeout",
    "max_total_cpu",
    "max_total_memory",
    "max_drive_size",
)
"""What an administrator can override for a workspace."""

IN_BYTES = frozenset({"max_sandbox_memory", "max_total_memory", "max_drive_size"})

_NAME_OF_DEFAULT = {
    "max_sandboxes": "max_sandboxes_per_workspace",
    "max_total_cpu": "ws_max_total_cpu",
    "max_total_memory": "ws_max_total_memory",
    "max_drive_size": "max_workspace_drive_size",
}
"""The installation's name for a limit, where it has another."""

Values = Mapping[str, int | None]


@dataclass
class Override:
    """What an administrator has set instead of the defaults."""

    values: Values | None = None
    """None where nothing is set; a value that is None leaves the default in force."""
    updated_at: Timestamp = field(default_factory=Timestamp)

    def set(self, values: Values) -> None:
        """Replace the values."""
        self.values = dict(values)
        self.updated_at.advance()

    def merge(self, values: Mapping[str, int | None]) -> None:
        """Set those of a workspace's limits that are given and not null; the others stay."""
        before = self.values or dict.fromkeys(OF_WORKSPACES)
        given = {name: value for name, value in values.items() if value is not None}
        self.set({**before, **given})

    def clear(self) -> None:
        """Remove it."""
        self.values, self.updated_at = None, Timestamp()


@dataclass
class Limits:
    """Every limit that is set anywhere."""

    defaults: dict[str, int] = field(default_factory=dict)
    """Of the installation."""
    first_defaults: dict[str, int] = field(default_factory=dict)
    """The same as they were before the run."""
    creation_quotas: dict[str, Override] = field(default_factory=lambda: defaultdict(Override))
    """How many workspaces a user may own, by the user's name."""
    first_creation_quotas: dict[str, Values | None] = field(default_factory=dict)
    """The same as they were before the run."""
    workspaces: dict[str, Override] = field(default_factory=lambda: defaultdict(Override))
    """The limits of a workspace, by its id."""
    llm_quotas: dict[str, Override] = field(default_factory=lambda: defaultdict(Override))
    """How many requests to language models a workspace may send, by its id."""
    model_requests: Counter[str] = field(default_factory=Counter)
    """How many it has sent."""

    def default(self, name: str) -> int:
        """The installation's value of a workspace's limit."""
        return self.defaults[_NAME_OF_DEFAULT.get(name, name)]

    def in_force(self, workspace_id: str, name: str) -> int:
        """The value of a workspace's limit: the override counts before the default."""
        override = (self.workspaces[workspace_id].values or {}).get(name)
        return self.default(name) if override is None else override

    def creation_quota(self, user: str) -> int:
        """How many workspaces a user may own; 0 for any number."""
        override = (self.creation_quotas[user].values or {}).get("max_workspaces")
        return self.defaults["max_workspaces_per_user"] if override is None else override


@initialize
def read_limits(run: ModelRun) -> None:
    """Learn the defaults, and what is set for users."""
    limits = run.state[Limits]
    limits.defaults = dict(read(run, "admin", "admin.quota_defaults.get").to_dict())
    limits.first_defaults = dict(limits.defaults)
    for user in USERS:
        override = read(run, "admin", "admin.users.quota.get", run.ids[user]).overrides
        values = None if override is None else {"max_workspaces": override.max_workspaces}
        limits.creation_quotas[user] = Override(values)
        limits.first_creation_quotas[user] = values


def set_creation_quota(run: ModelRun, user: str, **values: Any) -> None:
    """Set how many workspaces a user may own, as an administrator."""
    run.call("admin", "admin.users.quota.set", run.ids[user], **values)
    quota = {"max_workspaces": values.get("max_workspaces")}
    run.state[Limits].creation_quotas[user].set(quota)


def set_llm_quota(run: ModelRun, workspace_id: str, **values: Any) -> None:
    """Set how many requests to language models a workspace may send, as an administrator."""
    run.call("admin", "admin.workspaces.llm_quota.set", workspace_id, **values)
    run.state[Limits].llm_quotas[workspace_id].set({"max_rpd": values.get("max_rpd")})


def merge_workspace_limits(run: ModelRun, workspace_id: str, **values: Any) -> None:
    """Set some limits of a workspace, as an administrator."""
    run.call("admin", "admin.workspaces.quota.set", workspace_id, **values)
    run.state[Limits].workspaces[workspace_id].merge(values)


def allowed_default(run: ModelRun, name: str, value: int) -> int:
    """A value for a default that is no less than others rely on, where there are others."""
    guard = run.target.guard
    if guard is None or not guard.only_raise:
        return value
    found = guard.settings[name]
    return found if found <= 0 else min(found + value, values_of(name)[-1])


def set_defaults(run: ModelRun, **values: Any) -> Any:
    """Set some defaults of the installation, as an administrator, and return the answer."""
    response = run.call("admin", "admin.quota_defaults.set", **values)
    run.state[Limits].defaults.update(values)
    return response


def override_all_limits(run: ModelRun, workspace_id: str, choose: Choose) -> None:
    """Set every limit of a workspace, and its quota of requests to language models."""
    values = {name: choose(values_of(name)) for name in OF_WORKSPACES}
    merge_workspace_limits(run, workspace_id, **values)
    set_llm_quota(run, workspace_id, max_rpd=choose(COUNTS))


def values_of(name: str) -> tuple[int, ...]:
    """Legal values of a workspace's limit, from the least to the greatest."""
    return BYTES if name in IN_BYTES else COUNTS


def expect_override(run: ModelRun, sdk_method: str, override: Override, seen: Any) -> None:
    """Check that an override is shown as it was set. Raises ContractViolation."""
    if override.values is None or seen is None:
        expect(sdk_method, "whether there is an override", override.values, seen)
        return
    values = {name: seen.get(name) for name in override.values}
    expect(sdk_method, "the values of the override", override.values, values)
    expect_timestamp(
        run, sdk_method, override.updated_at, datetime.fromisoformat(seen["updated_at"])
    )
