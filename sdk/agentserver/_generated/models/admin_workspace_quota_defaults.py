"""The model `AdminWorkspaceQuotaDefaults`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Integer, Model


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminWorkspaceQuotaDefaults(Model):
    """The installation's defaults for workspaces."""

    max_sandboxes: int
    """Maximum number of sandboxes in a workspace; 0 means no limit. 0 to 2,147,483,647."""
    max_sandbox_cpu: int
    """CPU limit of a single sandbox, in millicores. 0 to 2,147,483,647."""
    max_sandbox_memory: int
    """Memory limit of a single sandbox, in bytes. 0 to 9,007,199,254,740,991."""
    max_idle_timeout: int
    """Longest idle timeout that a new sandbox may request, in seconds; 0 means no limit. 0 to
    2,147,483,647.
    """
    max_total_cpu: int
    """CPU limit of all sandboxes together, in millicores; 0 means no limit. 0 to 2,147,483,647."""
    max_total_memory: int
    """Memory limit of all sandboxes together, in bytes; 0 means no limit. 0 to
    9,007,199,254,740,991.
    """
    max_drive_size: int
    """Size of the workspace's drive, in bytes. 0 to 9,007,199,254,740,991."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("max_sandboxes", "max_sandboxes", Integer(least=0, most=2147483647)),
        Field("max_sandbox_cpu", "max_sandbox_cpu", Integer(least=0, most=2147483647)),
        Field("max_sandbox_memory", "max_sandbox_memory", Integer(least=0, most=9007199254740991)),
        Field("max_idle_timeout", "max_idle_timeout", Integer(least=0, most=2147483647)),
        Field("max_total_cpu", "max_total_cpu", Integer(least=0, most=2147483647)),
        Field("max_total_memory", "max_total_memory", Integer(least=0, most=9007199254740991)),
        Field("max_drive_size", "max_drive_size", Integer(least=0, most=9007199254740991)),
    )
