"""The routes `/internal/*`, for other services of the installation.

They are served on a listener of their own, with a secret, and never on the public one. They are no
part of the contract, but described and served in the same way.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from agentserver_reference.internal import codex_auth, llm_proxy, tokens

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings


def handler_modules(settings: Settings) -> list[ModuleType]:
    """Return the modules of handlers. A server without an LLM proxy of its own serves none.

    Only a gateway of executors asks who they are.
    """
    modules = [tokens]
    if settings.llm_proxy_url is None:
        modules.append(llm_proxy)
    if settings.has_remote_executors:
        modules.append(codex_auth)
    return modules
