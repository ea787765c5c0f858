"""The model `ExecutorRegisterResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Field, Object, String

if TYPE_CHECKING:
    from agentserver._generated.models import ExecutorConnectCommands


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class ExecutorRegisterResponse(Model):
    """A new executor, with its identity."""

    exe_id: str
    """The executor's id."""
    connect_commands: ExecutorConnectCommands
    """The commands that connect a machine."""
    agent_identity_jwt: str | None = field(default=None)
    """The executor's identity: a signed token that contains its private key. Left out where the
    server issues none.
    """
    connect_command: str | None = field(default=None)
    """The lines of shell that connect a machine; the same as `connect_commands.agent_identity`.
    They contain the identity. Left out where the server cannot make them. 1 to 20,000
    characters.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "exe_id",
            "exe_id",
            String(pattern="^exe_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\Z"),
        ),
        Field(
            "connect_commands", "connect_commands", Object(lambda: models.ExecutorConnectCommands)
        ),
        Field(
            "agent_identity_jwt",
            "agent_identity_jwt",
            String(pattern="^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*\\Z"),
            required=False,
            secret=True,
        ),
        Field(
            "connect_command",
            "connect_command",
            String(min_length=1, max_length=20000),
            required=False,
            secret=True,
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.exe_id = value["exe_id"]
            made.connect_commands = models.ExecutorConnectCommands._read(value["connect_commands"])
            made.agent_identity_jwt = value.get("agent_identity_jwt")
            made.connect_command = value.get("connect_command")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(ExecutorRegisterResponse)
