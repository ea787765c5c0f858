"""Codex, the coding agent that runs turns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.gateways.codex.embedded import BuiltInEngine

if TYPE_CHECKING:
    from agentserver_reference.gateways.codex.protocol import Codex
    from agentserver_reference.settings import Settings


def open_codex(settings: Settings, clock: Callable[[], datetime], ids: Callable[[], str]) -> Codex:
    """Return what runs turns: the built-in engine."""
    return BuiltInEngine(clock, ids)
