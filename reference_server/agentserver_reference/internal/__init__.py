"""The routes `/internal/*`, for other services of the installation.

They are served on a listener of their own, with a secret, and never on the public one. They are no
part of the contract, but described and served in the same way.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from agentserver_reference.internal import llm_proxy, tokens

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings


def handler_modules(settings: Settings) -> list[ModuleType]:
    """Return the modules of handlers. A server without an LLM proxy of its own serves none."""
    return [tokens, llm_proxy] if settings.llm_proxy_url is None else [tokens]
