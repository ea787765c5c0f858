"""The model `AdminQuotaDefaultsResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, Integer, as_integer


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
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "max_workspaces_per_user",
            "max_workspaces_per_user",
            Integer(minimum=0, maximum=2147483647),
        ),
        Field(
            "max_sandboxes_per_workspace",
            "max_sandboxes_per_workspace",
            Integer(minimum=0, maximum=2147483647),
        ),
        Field(
            "max_workspace_drive_size",
            "max_workspace_drive_size",
            Integer(minimum=0, maximum=9007199254740991),
        ),
        Field("max_sandbox_cpu", "max_sandbox_cpu", Integer(minimum=0, maximum=2147483647)),
        Field(
            "max_sandbox_memory", "max_sandbox_memory", Integer(minimum=0, maximum=9007199254740991)
        ),
        Field("max_idle_timeout", "max_idle_timeout", Integer(minimum=0, maximum=2147483647)),
        Field("ws_max_total_cpu", "ws_max_total_cpu", Integer(minimum=0, maximum=2147483647)),
        Field(
            "ws_max_total_memory",
            "ws_max_total_memory",
            Integer(minimum=0, maximum=9007199254740991),
        ),
        Field("ws_max_idle_timeout", "ws_max_idle_timeout", Integer(minimum=0, maximum=2147483647)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.max_workspaces_per_user = (
                it if type(it := value["max_workspaces_per_user"]) is int else as_integer(it)
            )
            made.max_sandboxes_per_workspace = (
                it if type(it := value["max_sandboxes_per_workspace"]) is int else as_integer(it)
            )
            made.max_workspace_drive_size = (
                it if type(it := value["max_workspace_drive_size"]) is int else as_integer(it)
            )
            made.max_sandbox_cpu = (
                it if type(it := value["max_sandbox_cpu"]) is int else as_integer(it)
            )
            made.max_sandbox_memory = (
                it if type(it := value["max_sandbox_memory"]) is int else as_integer(it)
            )
            made.max_idle_timeout = (
                it if type(it := value["max_idle_timeout"]) is int else as_integer(it)
            )
            made.ws_max_total_cpu = (
                it if type(it := value["ws_max_total_cpu"]) is int else as_integer(it)
            )
            made.ws_max_total_memory = (
                it if type(it := value["ws_max_total_memory"]) is int else as_integer(it)
            )
            made.ws_max_idle_timeout = (
                it if type(it := value["ws_max_idle_timeout"]) is int else as_integer(it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminQuotaDefaultsResponse)
