"""The model `AdminWorkspaceQuotaOverrides`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import DateTime, Field, Integer, as_integer, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminWorkspaceQuotaOverrides(Model):
    """A workspace's overrides; null means that the default applies."""

    max_sandboxes: int | None
    """Maximum number of sandboxes in the workspace; 0 means no limit. 0 to 2,147,483,647."""
    max_sandbox_cpu: int | None
    """CPU limit of a single sandbox, in millicores. 0 to 2,147,483,647."""
    max_sandbox_memory: int | None
    """Memory limit of a single sandbox, in bytes. 0 to 9,007,199,254,740,991."""
    max_idle_timeout: int | None
    """Longest idle timeout that a new sandbox may request, in seconds; 0 means no limit. 0 to
    2,147,483,647.
    """
    max_total_cpu: int | None
    """CPU limit of all sandboxes together, in millicores; 0 means no limit. 0 to 2,147,483,647."""
    max_total_memory: int | None
    """Memory limit of all sandboxes together, in bytes; 0 means no limit. 0 to
    9,007,199,254,740,991.
    """
    max_drive_size: int | None
    """Size of the workspace's drive, in bytes. 0 to 9,007,199,254,740,991."""
    updated_at: datetime
    """When they were last set."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "max_sandboxes", "max_sandboxes", Integer(minimum=0, maximum=2147483647, nullable=True)
        ),
        Field(
            "max_sandbox_cpu",
            "max_sandbox_cpu",
            Integer(minimum=0, maximum=2147483647, nullable=True),
        ),
        Field(
            "max_sandbox_memory",
            "max_sandbox_memory",
            Integer(minimum=0, maximum=9007199254740991, nullable=True),
        ),
        Field(
            "max_idle_timeout",
            "max_idle_timeout",
            Integer(minimum=0, maximum=2147483647, nullable=True),
        ),
        Field(
            "max_total_cpu", "max_total_cpu", Integer(minimum=0, maximum=2147483647, nullable=True)
        ),
        Field(
            "max_total_memory",
            "max_total_memory",
            Integer(minimum=0, maximum=9007199254740991, nullable=True),
        ),
        Field(
            "max_drive_size",
            "max_drive_size",
            Integer(minimum=0, maximum=9007199254740991, nullable=True),
        ),
        Field("updated_at", "updated_at", DateTime()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.max_sandboxes = it if type(it := value["max_sandboxes"]) is int else as_integer(it)
            made.max_sandbox_cpu = (
                it if type(it := value["max_sandbox_cpu"]) is int else as_integer(it)
            )
            made.max_sandbox_memory = (
                it if type(it := value["max_sandbox_memory"]) is int else as_integer(it)
            )
            made.max_idle_timeout = (
                it if type(it := value["max_idle_timeout"]) is int else as_integer(it)
            )
            made.max_total_cpu = it if type(it := value["max_total_cpu"]) is int else as_integer(it)
            made.max_total_memory = (
                it if type(it := value["max_total_memory"]) is int else as_integer(it)
            )
            made.max_drive_size = (
                it if type(it := value["max_drive_size"]) is int else as_integer(it)
            )
            made.updated_at = (
                time if (time := parse_time(value["updated_at"])).tzinfo else value["updated_at"]
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminWorkspaceQuotaOverrides)
