"""The model `AgentRegisterResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AgentRegisterResponse(Model):
    """A registered agent and its tokens."""

    sandbox_id: str
    """The id of the agent's sandbox, by which others address the agent. 1 to 255 characters."""
    tunnel_token: str
    """The token of the tunnel, which is valid wherever the proxy token is."""
    proxy_token: str
    """The agent's token, with which it calls the server and the language-model proxy."""
    workspace_id: str
    """The workspace that it belongs to. 1 to 255 characters."""
    short_id: str
    """A short id, for web addresses."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("sandbox_id", "sandbox_id", String(min_length=1, max_length=255)),
        Field("tunnel_token", "tunnel_token", String(pattern="^[0-9a-f]{32}\\Z"), secret=True),
        Field("proxy_token", "proxy_token", String(pattern="^[0-9a-f]{32}\\Z"), secret=True),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("short_id", "short_id", String(pattern="^[0-9a-z]{8}\\Z")),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.sandbox_id = value["sandbox_id"]
            made.tunnel_token = value["tunnel_token"]
            made.proxy_token = value["proxy_token"]
            made.workspace_id = value["workspace_id"]
            made.short_id = value["short_id"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AgentRegisterResponse)
