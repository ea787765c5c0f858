"""Where sandboxes run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.sandbox_backends.protocol import SandboxBackend
from agentserver_reference.sandbox_backends.simulated import SIMULATED, SimulatedBackend
from agentserver_reference.settings import Settings, SettingsError

if TYPE_CHECKING:
    from agentserver_reference.storage import Store


def open_sandbox_backend(
    settings: Settings, store: Store, clock: Callable[[], datetime], url: Callable[[], str]
) -> SandboxBackend:
    """Create the backend for these settings.

    Arguments:
        settings: the settings.
        store: where a backend may keep what it has to know after a restart.
        clock: the current time.
        url: returns where the server is reached from its own machine, once it listens.

    Raises:
        SettingsError: there is a command for sandboxes, and this system cannot run it.
    """
    simulated = SimulatedBackend(
        clock, settings.sandbox_seconds, settings.sandbox_failures, settings.sandbox_token_dir
    )
    if not settings.sandbox_commands:
        return simulated
    # Imported late: few servers have commands, and not every system has what it imports.
    from agentserver_reference.sandbox_backends import linux

    if not linux.is_supported():
        variable = f"AGENTSERVER_SANDBOX_COMMAND_{next(iter(settings.sandbox_commands)).upper()}"
        raise SettingsError(f"{variable}: sandboxes run as processes on Linux only")
    from agentserver_reference.sandbox_backends.process import ProcessBackend

    return ProcessBackend(settings, store, url, simulated)


def summary(runs: Mapping[str, str]) -> str:
    """Return in one line how each type of sandbox runs."""
    unusual = [f"{type_}: {how}" for type_, how in runs.items() if how != SIMULATED]
    if not unusual:
        return SIMULATED
    others = [f"others: {SIMULATED}"] if len(unusual) < len(runs) else []
    return "; ".join([*unusual, *others])
