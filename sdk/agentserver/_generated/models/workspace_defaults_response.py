"""The model `WorkspaceDefaultsResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, Integer, as_integer


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class WorkspaceDefaultsResponse(Model):
    """The limits of a workspace's sandboxes, and how many there are."""

    max_sandbox_cpu: int
    """CPU limit of a single sandbox, in millicores; also the default for a new one. 0 to
    2,147,483,647.
    """
    max_sandbox_memory: int
    """Memory limit of a single sandbox, in bytes; also the default for a new one. 0 to
    9,007,199,254,740,991.
    """
    max_idle_timeout: int
    """Longest idle timeout that a new sandbox may request, in seconds; 0 means no limit. 0 to
    2,147,483,647.
    """
    max_sandboxes: int
    """Maximum number of sandboxes; 0 means no limit. 0 to 2,147,483,647."""
    current_sandboxes: int
    """Number of sandboxes, in any state, without those of registered agents. 0 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("max_sandbox_cpu", "max_sandbox_cpu", Integer(minimum=0, maximum=2147483647)),
        Field(
            "max_sandbox_memory", "max_sandbox_memory", Integer(minimum=0, maximum=9007199254740991)
        ),
        Field("max_idle_timeout", "max_idle_timeout", Integer(minimum=0, maximum=2147483647)),
        Field("max_sandboxes", "max_sandboxes", Integer(minimum=0, maximum=2147483647)),
        Field("current_sandboxes", "current_sandboxes", Integer(minimum=0, maximum=2147483647)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.max_sandbox_cpu = (
                it if type(it := value["max_sandbox_cpu"]) is int else as_integer(it)
            )
            made.max_sandbox_memory = (
                it if type(it := value["max_sandbox_memory"]) is int else as_integer(it)
            )
            made.max_idle_timeout = (
                it if type(it := value["max_idle_timeout"]) is int else as_integer(it)
            )
            made.max_sandboxes = it if type(it := value["max_sandboxes"]) is int else as_integer(it)
            made.current_sandboxes = (
                it if type(it := value["current_sandboxes"]) is int else as_integer(it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(WorkspaceDefaultsResponse)
