"""Limits come from what is stored, else the environment, else what is built in."""

import pytest

from agentserver_reference.domain.errors import QuotaExceeded
from agentserver_reference.domain.quotas import (
    LIMITS,
    Limit,
    check_workspaces,
    merged,
    resolve_limits,
    workspace_defaults,
    workspace_limits,
)

BY_NAME = {limit.name: limit for limit in LIMITS}

BUILT_IN = {
    "max_workspaces_per_user": 10,
    "max_sandboxes_per_workspace": 20,
    "max_workspace_drive_size": 10737418240,
    "max_sandbox_cpu": 2000,
    "max_sandbox_memory": 2147483648,
    "max_idle_timeout": 1800,
    "ws_max_total_cpu": 0,
    "ws_max_total_memory": 0,
    "ws_max_idle_timeout": 0,
}


def test_without_settings_the_built_in_limits_hold() -> None:
    assert resolve_limits({}, {}) == BUILT_IN


def test_a_stored_setting_beats_the_environment_which_beats_the_built_in() -> None:
    stored = {"quota_max_workspaces_per_user": "3", "default_max_sandbox_cpu": "0"}
    environment = {
        "QUOTA_MAX_WORKSPACES_PER_USER": "4",
        "QUOTA_DEFAULT_SANDBOX_CPU": "500m",
        "USER_DRIVE_SIZE": "1Gi",
    }
    assert resolve_limits(stored, environment) == BUILT_IN | {
        "max_workspaces_per_user": 3,
        "max_sandbox_cpu": 0,
        "max_workspace_drive_size": 1073741824,
    }


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_limit_has_its_setting_and_its_variable(limit: Limit) -> None:
    assert resolve_limits({limit.setting: "7"}, {})[limit.name] == 7
    assert resolve_limits({}, {limit.variable: "8"})[limit.name] == 8


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_workspaces_per_user", "0", 0),
        ("max_workspaces_per_user", " 12 ", 12),
        ("max_workspaces_per_user", "1.5", None),
        ("max_workspaces_per_user", "5m", None),
        ("max_sandbox_cpu", "2", 2),
        ("max_sandbox_cpu", "500m", 500),
        ("max_sandbox_cpu", "1.5", 1500),
        ("max_sandbox_cpu", ".5", 500),
        ("max_sandbox_cpu", "0m", None),
        ("max_sandbox_cpu", "2Gi", None),
        ("max_sandbox_memory", "1024", 1024),
        ("max_sandbox_memory", "2Gi", 2147483648),
        ("max_sandbox_memory", "1.5Gi", 1610612736),
        ("max_sandbox_memory", "512Mi", 536870912),
        ("max_sandbox_memory", "8Ki", 8192),
        ("max_sandbox_memory", "2G", 2000000000),
        ("max_sandbox_memory", "3M", 3000000),
        ("max_sandbox_memory", "4k", 4000),
        ("max_sandbox_memory", "4K", 4000),
        ("max_sandbox_memory", "-1Gi", None),
        ("max_sandbox_memory", "9E", None),
        ("max_idle_timeout", "30m", 1800),
        ("max_idle_timeout", "1h30m", 5400),
        ("max_idle_timeout", "1.5h", 5400),
        ("max_idle_timeout", "90", 90),
        ("max_idle_timeout", "1500ms", 1),
        ("max_idle_timeout", "0s", None),
        ("max_idle_timeout", "soon", None),
        ("max_idle_timeout", "", None),
        ("max_idle_timeout", "-5", None),
        ("max_idle_timeout", "2147483647", 2147483647),
        ("max_idle_timeout", "2147483648", None),
        ("max_sandbox_cpu", "9" * 4000, None),
        ("max_sandbox_cpu", "1e5", None),
        ("max_sandbox_memory", "9007199254740991", 9007199254740991),
        ("max_sandbox_memory", "9007199254740992", None),
        ("max_sandbox_memory", "٣Gi", None),
    ],
)
def test_each_form_is_read_in_its_unit(name: str, text: str, value: int | None) -> None:
    assert BY_NAME[name].parse(text) == value


def test_a_form_that_gives_no_limit_leaves_it_to_the_next_layer() -> None:
    stored = {"default_max_sandbox_cpu": "garbage"}
    environment = {"QUOTA_DEFAULT_SANDBOX_CPU": "750m"}
    assert resolve_limits(stored, environment)["max_sandbox_cpu"] == 750
    assert resolve_limits(stored, {"QUOTA_DEFAULT_SANDBOX_CPU": "0m"})["max_sandbox_cpu"] == 2000


def test_a_workspace_takes_its_limits_from_these_defaults() -> None:
    system = {name: number for number, name in enumerate(BUILT_IN)}
    assert workspace_defaults(system) == {
        "max_sandboxes": system["max_sandboxes_per_workspace"],
        "max_sandbox_cpu": system["max_sandbox_cpu"],
        "max_sandbox_memory": system["max_sandbox_memory"],
        "max_idle_timeout": system["max_idle_timeout"],
        "max_total_cpu": system["ws_max_total_cpu"],
        "max_total_memory": system["ws_max_total_memory"],
        "max_drive_size": system["max_workspace_drive_size"],
    }


def test_an_override_counts_where_it_says_something_and_zero_is_something() -> None:
    limits = workspace_limits(BUILT_IN, {"max_sandboxes": 0, "max_sandbox_cpu": None})
    assert limits == workspace_defaults(BUILT_IN) | {"max_sandboxes": 0}
    assert workspace_limits(BUILT_IN, None) == workspace_defaults(BUILT_IN)


def test_a_change_keeps_what_it_leaves_out_or_says_null_of() -> None:
    before = merged(None, {"max_sandboxes": 5, "max_total_cpu": 0})
    after = merged(before, {"max_sandboxes": None, "max_drive_size": 1})
    assert {name: value for name, value in after.items() if value is not None} == {
        "max_sandboxes": 5,
        "max_total_cpu": 0,
        "max_drive_size": 1,
    }
    assert set(after) == set(workspace_defaults(BUILT_IN)), "an override names every limit"


@pytest.mark.parametrize(("owned", "maximum"), [(0, 1), (9, 10), (50, 0)])
def test_below_the_limit_and_without_one_a_workspace_may_be_created(
    owned: int, maximum: int
) -> None:
    check_workspaces(owned, maximum)


@pytest.mark.parametrize(("owned", "maximum"), [(1, 1), (12, 10)])
def test_at_the_limit_and_over_it_none_may(owned: int, maximum: int) -> None:
    with pytest.raises(QuotaExceeded) as refused:
        check_workspaces(owned, maximum)
    assert (refused.value.current, refused.value.maximum) == (owned, maximum)
    assert refused.value.line == (
        f"Workspace limit reached ({owned}/{maximum}). Ask an administrator for a higher quota."
    )
