"""A task as the model knows it; a workspace has several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PENDING, CANCELLED = "pending", "cancelled"
FINAL = ("completed", "failed", CANCELLED)


@dataclass
class Task:
    """A task that the run has created."""

    id: str
    workspace_id: str
    target_id: str
    prompt: str
    skill: str | None = None
    requester_id: str | None = None
    status: str = PENDING
    num_turns: int = 0
    total_cost_usd: float | None = None
    created_at: datetime | None = None
    """As it was read first."""
    completed_at: datetime | None = None
    """As it was read first after its end."""

    @property
    def is_final(self) -> bool:
        """Whether it is finished."""
        return self.status in FINAL


@dataclass(frozen=True)
class Interaction:
    """Something that was done in a workspace."""

    action: str
    target_id: str
    actor_id: str | None = None
    detail: tuple[tuple[str, str], ...] = ()

    @property
    def target_type(self) -> str:
        """What it was done to."""
        return "message" if self.action == "message_sent" else "task"
