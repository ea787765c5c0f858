"""What the server works with: its settings, its database, its clock, its outside services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from agentserver_reference.domain.cipher import Cipher
    from agentserver_reference.domain.passwords import Passwords
    from agentserver_reference.gateways.llm.protocol import LlmProxy
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store


@attrs.frozen
class Context:
    """Made once at the start and shared by all calls. Time, ids and tokens come from here alone."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    """Now, with the time zone UTC."""
    ids: Callable[[], str]
    """A new id, UUIDv4 in lower case."""
    tokens: Callable[[], str]
    """A new session token, 64 lower-case hexadecimal digits of 32 random bytes."""
    passwords: Passwords
    cipher: Cipher
    llm_proxy: LlmProxy
