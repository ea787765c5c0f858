"""A codex token, as the model expects it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agentserver_contract.model.state import Timestamp


@dataclass
class Token:
    """A codex token that was made."""

    id: str
    owner: str
    """The name of the user who has made it."""
    name: str
    created_at: datetime
    expires_at: datetime
    is_revoked: bool = False
    revoked_at: Timestamp = field(default_factory=Timestamp)
