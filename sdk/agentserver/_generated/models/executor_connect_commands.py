"""The model `ExecutorConnectCommands`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class ExecutorConnectCommands(Model):
    """The commands that connect a machine, by how it proves its identity."""

    agent_identity: str
    """With the executor's own identity. It sets `CODEX_ACCESS_TOKEN` to the identity, and
    `CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL` and `CODEX_AGENT_IDENTITY_JWKS_BASE_URL` to the
    address that proves it; then it runs `codex exec-server` with that address as `-c
    chatgpt_base_url`, the gateway as `--remote`, the executor's id as `--environment-id`, its
    name as `--name`, and `--use-agent-identity-auth`. Empty where the server cannot make it.
    At most 20,000 characters.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("agent_identity", "agent_identity", String(max_length=20000), secret=True),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.agent_identity = value["agent_identity"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(ExecutorConnectCommands)
