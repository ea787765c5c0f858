"""The model `AdminQuotaDefaultsResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Integer, Model


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminQuotaDefaultsResponse(Model):
    """The installation's default limits."""

    max_workspaces_per_user: int
    """Maximum number of workspaces that an account may own; 0 means no limit. 0 to
    2,147,483,647.
    """
    max_sandboxes_per_workspace: int
    """Maximum number of sandboxes in a workspace; 0 means no limit. 0 to 2,147,483,647."""
    max_workspace_drive_size: int
    """Size of a workspace's drive, in bytes. 0 to 9,007,199,254,740,991."""
    max_sandbox_cpu: int
    """CPU limit of a single sandbox, in millicores. 0 to 2,147,483,647."""
    max_sandbox_memory: int
    """Memory limit of a single sandbox, in bytes. 0 to 9,007,199,254,740,991."""
    max_idle_timeout: int
    """How long a sandbox may be idle before it is paused, in seconds; 0 means for ever. 0 to
    2,147,483,647.
    """
    ws_max_total_cpu: int
    """CPU limit of all sandboxes of a workspace together, in millicores; 0 means no limit. 0 to
    2,147,483,647.
    """
    ws_max_total_memory: int
    """Memory limit of all sandboxes of a workspace together, in bytes; 0 means no limit. 0 to
    9,007,199,254,740,991.
    """
    ws_max_idle_timeout: int
    """A limit of idle timeouts, in seconds. It is stored and returned, but not enforced. 0 to
    2,147,483,647.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "max_workspaces_per_user", "max_workspaces_per_user", Integer(least=0, most=2147483647)
        ),
        Field(
            "max_sandboxes_per_workspace",
            "max_sandboxes_per_workspace",
            Integer(least=0, most=2147483647),
        ),
        Field(
            "max_workspace_drive_size",
            "max_workspace_drive_size",
            Integer(least=0, most=9007199254740991),
        ),
        Field("max_sandbox_cpu", "max_sandbox_cpu", Integer(least=0, most=2147483647)),
        Field("max_sandbox_memory", "max_sandbox_memory", Integer(least=0, most=9007199254740991)),
        Field("max_idle_timeout", "max_idle_timeout", Integer(least=0, most=2147483647)),
        Field("ws_max_total_cpu", "ws_max_total_cpu", Integer(least=0, most=2147483647)),
        Field(
            "ws_max_total_memory", "ws_max_total_memory", Integer(least=0, most=9007199254740991)
        ),
        Field("ws_max_idle_timeout", "ws_max_idle_timeout", Integer(least=0, most=2147483647)),
    )
