"""Limits: their sources and units, and the overrides of workspaces.

A limit is the stored setting, otherwise the environment's, otherwise built in. 0 means no limit.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

import attrs

from agentserver_reference.domain.errors import QuotaExceeded

Limits = dict[str, int]

_MAX_COUNT = 2**31 - 1
_MAX_BYTES = 2**53 - 1


_BYTES = {
    **{f"{prefix}i": 1024**power for power, prefix in enumerate("KMGTPE", 1)},
    **{prefix: 1000**power for power, prefix in enumerate("KMGTPE", 1)},
    "k": 1000,
    "": 1,
}
_CPU = {"m": 1, "": 1000}
_SECONDS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([A-Za-z]*)")
_DURATION = re.compile(r"(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+")
_DURATION_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def _quantity(units: Mapping[str, int]) -> Callable[[str], int | None]:
    """Return a parser of numbers with one of these units, such as `1.5` or `10Gi`."""

    def read(text: str) -> int | None:
        match = _QUANTITY.fullmatch(text)
        if match is None or match[2] not in units:
            return None
        try:
            return int(Decimal(match[1]) * units[match[2]])
        except InvalidOperation:
            return None

    return read


def _duration(text: str) -> int | None:
    """Parse a duration such as `30m`, `1h30m` or `1.5h`, in seconds."""
    if _DURATION.fullmatch(text) is None:
        return None
    parts = _DURATION_PART.findall(text)
    return int(sum(Decimal(number) * _SECONDS[unit] for number, unit in parts))


@attrs.frozen
class Limit:
    """One limit: its name in the API, its stored setting, its variable, and its parser."""

    name: str
    setting: str
    variable: str
    built_in: int
    read_form: Callable[[str], int | None] | None
    most: int

    def parse(self, text: str | None) -> int | None:
        """Parse a limit, in the base unit; None if the text is no valid limit.

        A plain integer is in the base unit. A value with a unit that amounts to 0, and a number out
        of bounds, are not valid.
        """
        if text is None:
            return None
        text = text.strip()
        if re.fullmatch(r"[+-]?[0-9]{1,19}", text):
            value: int | None = int(text)
        else:
            value = (self.read_form and self.read_form(text)) or None
        return value if value is not None and 0 <= value <= self.most else None


_count, _cpu, _bytes = None, _quantity(_CPU), _quantity(_BYTES)

LIMITS = (
    Limit(
        "max_workspaces_per_user",
        "quota_max_workspaces_per_user",
        "QUOTA_MAX_WORKSPACES_PER_USER",
        10,
        _count,
        _MAX_COUNT,
    ),
    Limit(
        "max_sandboxes_per_workspace",
        "quota_max_sandboxes_per_workspace",
        "QUOTA_MAX_SANDBOXES_PER_WORKSPACE",
        20,
        _count,
        _MAX_COUNT,
    ),
    Limit(
        "max_workspace_drive_size",
        "default_max_workspace_drive_size",
        "USER_DRIVE_SIZE",
        10 * 1024**3,
        _bytes,
        _MAX_BYTES,
    ),
    Limit(
        "max_sandbox_cpu",
        "default_max_sandbox_cpu",
        "QUOTA_DEFAULT_SANDBOX_CPU",
        2000,
        _cpu,
        _MAX_COUNT,
    ),
    Limit(
        "max_sandbox_memory",
        "default_max_sandbox_memory",
        "QUOTA_DEFAULT_SANDBOX_MEMORY",
        2 * 1024**3,
        _bytes,
        _MAX_BYTES,
    ),
    Limit(
        "max_idle_timeout",
        "default_max_idle_timeout",
        "IDLE_TIMEOUT",
        1800,
        _duration,
        _MAX_COUNT,
    ),
    Limit(
        "ws_max_total_cpu",
        "default_ws_max_total_cpu",
        "QUOTA_WS_MAX_TOTAL_CPU",
        0,
        _cpu,
        _MAX_COUNT,
    ),
    Limit(
        "ws_max_total_memory",
        "default_ws_max_total_memory",
        "QUOTA_WS_MAX_TOTAL_MEMORY",
        0,
        _bytes,
        _MAX_BYTES,
    ),
    Limit(
        "ws_max_idle_timeout",
        "default_ws_max_idle_timeout",
        "QUOTA_WS_MAX_IDLE_TIMEOUT",
        0,
        _duration,
        _MAX_COUNT,
    ),
)
WORKSPACES_PER_USER = LIMITS[0]
SETTING_OF = {limit.name: limit.setting for limit in LIMITS}

WORKSPACE_LIMITS = {
    "max_sandboxes": "max_sandboxes_per_workspace",
    "max_sandbox_cpu": "max_sandbox_cpu",
    "max_sandbox_memory": "max_sandbox_memory",
    "max_idle_timeout": "max_idle_timeout",
    "max_total_cpu": "ws_max_total_cpu",
    "max_total_memory": "ws_max_total_memory",
    "max_drive_size": "max_workspace_drive_size",
}
"""The limits that can be overridden for a workspace, each with the default that it replaces."""


def resolve_limits(stored: Mapping[str, str], environment: Mapping[str, str]) -> Limits:
    """Return all limits of the installation by name, from their three sources."""
    return {limit.name: resolve_limit(limit, stored, environment) for limit in LIMITS}


def resolve_limit(limit: Limit, stored: Mapping[str, str], environment: Mapping[str, str]) -> int:
    """Return one limit of the installation, from its three sources."""
    for text in (stored.get(limit.setting), environment.get(limit.variable)):
        value = limit.parse(text)
        if value is not None:
            return value
    return limit.built_in


def workspace_defaults(system: Limits) -> Limits:
    """Return the limits of a workspace without an override."""
    return {name: system[default] for name, default in WORKSPACE_LIMITS.items()}


def workspace_limits(system: Limits, override: Mapping[str, int | None] | None) -> Limits:
    """Return the limits of a workspace: its override where set, otherwise the defaults."""
    given = {name: (override or {}).get(name) for name in WORKSPACE_LIMITS}
    return workspace_defaults(system) | {k: v for k, v in given.items() if v is not None}


def merged(
    override: Mapping[str, int | None] | None, change: Mapping[str, int | None]
) -> dict[str, int | None]:
    """Return a workspace's override after a change; omitted and null values keep the old ones."""
    before = override or {}
    return {
        name: before.get(name) if change.get(name) is None else change[name]
        for name in WORKSPACE_LIMITS
    }


def check_workspaces(owned: int, maximum: int) -> None:
    """Raise QuotaExceeded if a user with `owned` workspaces may not create another."""
    if maximum and owned >= maximum:
        raise QuotaExceeded(
            f"Workspace limit reached ({owned}/{maximum}). "
            "Ask an administrator for a higher quota.",
            current=owned,
            maximum=maximum,
        )
