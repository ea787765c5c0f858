"""The objects that all calls and workers share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from agentserver_reference.domain.cipher import Cipher
    from agentserver_reference.domain.passwords import Passwords
    from agentserver_reference.gateways.clusters import Clusters
    from agentserver_reference.gateways.codex.protocol import Codex
    from agentserver_reference.gateways.executors.protocol import Executors
    from agentserver_reference.gateways.im import Im
    from agentserver_reference.gateways.im.bridge import Bridge
    from agentserver_reference.gateways.llm.protocol import LlmProxy
    from agentserver_reference.gateways.models import Models
    from agentserver_reference.gateways.modelserver.protocol import ModelServer
    from agentserver_reference.gateways.oauth.protocol import OAuth
    from agentserver_reference.gateways.openid import OpenIDProviders
    from agentserver_reference.sandbox_backends.protocol import SandboxBackend
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store


@attrs.frozen
class Context:
    """Settings, database, external services, and the only source of time, ids and tokens."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    """Returns the current time, in UTC."""
    ids: Callable[[], str]
    """Returns a new id: a UUIDv4 in lower case."""
    tokens: Callable[[], str]
    """Returns a new session token: 32 random bytes as 64 lower-case hexadecimal digits."""
    passwords: Passwords
    cipher: Cipher
    llm_proxy: LlmProxy
    models: Models
    modelserver: ModelServer
    oauth: OAuth
    openid_providers: OpenIDProviders
    clusters: Clusters
    codex: Codex
    executors: Executors
    im: Im
    im_bridge: Bridge
    sandbox_backend: SandboxBackend
    background: Callable[[str, Callable[[], Awaitable[None]]], None]
    """Takes the name of some work and the work itself, which goes on after the answer."""
    wait: Callable[[float], Awaitable[object]]
    """Waits for so many seconds."""
    stopping: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Is set when the server stops: what has no end of its own ends then."""
