"""Where sandboxes run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.sandbox_backends.protocol import SandboxBackend
from agentserver_reference.sandbox_backends.simulated import SimulatedBackend

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings


def open_sandbox_backend(settings: Settings, clock: Callable[[], datetime]) -> SandboxBackend:
    """Create the backend for these settings."""
    return SimulatedBackend(
        clock, settings.sandbox_seconds, settings.sandbox_failures, settings.sandbox_token_dir
    )
