"""A sandbox as the model knows it; a workspace has several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentserver_contract.model.state import Timestamp

RUNNING, PAUSED = "running", "paused"


@dataclass
class Sandbox:
    """A sandbox that the run has created. It is in a state that it stays in."""

    id: str
    workspace_id: str
    name: str
    type: str
    cpu: int
    memory: int
    created_at: datetime
    last_activity_at: Timestamp
    idle_timeout: int | None = None
    metadata: Mapping[str, Any] | None = None
    status: str = RUNNING
    paused_at: Timestamp = field(default_factory=Timestamp)
