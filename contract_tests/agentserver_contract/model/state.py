"""What should be on a server: workspaces with what is in them, and the times of their writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agentserver import CallError
from agentserver_contract.fixtures.accounts import TEAM
from agentserver_contract.http.messages import Answer, scrubbed

CAST = (*TEAM, "colleague", "outsider")
"""Whose view of everything is read back; the administrator sees it from above."""

ROLES = ("guest", "developer", "maintainer", "owner")
"""From least to most."""

LIMITS = (
    "max_sandboxes",
    "max_sandbox_cpu",
    "max_sandbox_memory",
    "max_idle_timeout",
    "max_total_cpu",
    "max_total_memory",
    "max_drive_size",
)
"""What an administrator can override for a workspace."""

DEFAULT_OF = {
    "max_sandboxes": "max_sandboxes_per_workspace",
    "max_total_cpu": "ws_max_total_cpu",
    "max_total_memory": "ws_max_total_memory",
    "max_drive_size": "max_workspace_drive_size",
}
"""The installation's name for a limit, where it is another."""


class Broken(Exception):
    """A server did something else than the model says."""

    def __init__(self, place: str, promise: str, came: object) -> None:
        super().__init__(promise)
        self.place = place
        self.promise = promise
        self.came = came

    @property
    def answer(self) -> Answer | None:
        """What was answered, where that is at hand: the SDK shows it of errors alone."""
        if isinstance(self.came, CallError) and self.came.status_code is not None:
            headers = {name: (value,) for name, value in self.came.headers.items()}
            return Answer(self.came.status_code, headers, (self.came.body or "").encode())
        return self.came if isinstance(self.came, Answer) else None

    @property
    def told(self) -> str:
        """What came, for people."""
        return self.came.as_text() if isinstance(self.came, Answer) else scrubbed(str(self.came))


@dataclass
class Stamp:
    """A time that moves with every write and stands still otherwise."""

    now: datetime | None = None
    before: datetime | None = None

    def moves(self) -> None:
        """Say that a write has happened."""
        self.before, self.now = self.now or self.before, None

    def fits(self, seen: datetime, *, strictly: bool) -> bool:
        """Whether a time that was read is possible; it is what must be read from then on."""
        if self.now is not None:
            return seen == self.now
        self.now = seen
        if self.before is None:
            return True
        return seen > self.before if strictly else seen >= self.before


@dataclass
class Config:
    """A workspace's own language-model endpoint."""

    base_url: str
    api_key: str
    models: list[dict[str, str]]

    @property
    def masked(self) -> str:
        """How its key is shown."""
        key = self.api_key
        return "****" if len(key.encode()) <= 8 else f"{key[:3]}...{key[-4:]}"


@dataclass
class Room:
    """A workspace."""

    id: str
    name: str
    created_at: datetime
    renamed: Stamp
    members: dict[str, str]
    """Roles by name, in the order of joining."""
    config: Config | None = None
    configured: Stamp = field(default_factory=Stamp)
    overrides: dict[str, int | None] | None = None
    overridden: Stamp = field(default_factory=Stamp)
    llm_quota: dict[str, int | None] | None = None
    llm_limited: Stamp = field(default_factory=Stamp)

    def holding(self, *roles: str) -> list[str]:
        """Who has one of these roles."""
        return [name for name, role in self.members.items() if role in roles]
