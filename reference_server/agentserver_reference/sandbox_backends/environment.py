"""The environment of what runs in a sandbox.

Nothing of the server's own environment is in it, which holds keys, but for what a program needs to
find others and to show text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agentserver_reference.domain.tokens import bridge_secret
from agentserver_reference.sandbox_backends.protocol import Sandbox

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings

INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")

BRIDGED = "nanoclaw"
"""The type of sandboxes that are brought messages."""

ID, SERVER = "AGENTSERVER_SANDBOX_ID", "AGENTSERVER_SANDBOX_SERVER"


def environment_of(
    sandbox: Sandbox,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    url: str,
    home: Path,
    port: int,
    server: str,
    token: str | None,
    kubeconfig: Path | None,
) -> dict[str, str]:
    """Return the environment of a sandbox.

    Arguments:
        sandbox: the sandbox.
        settings: the settings of the server.
        environ: the server's own environment.
        url: where the server is reached from this machine.
        home: the sandbox's own directory.
        port: the one to listen on.
        server: names the process of the server that starts it.
        token: the sandbox's own; None if it has none, and so can call no model.
        kubeconfig: names the clusters of its workspace; None if it has none.
    """
    return {
        **{name: environ[name] for name in INHERITED if name in environ},
        "HOME": str(home),
        "PORT": str(port),
        "AGENTSERVER_URL": url,
        ID: sandbox.id,
        SERVER: server,
        "AGENTSERVER_SANDBOX_TYPE": sandbox.type,
        "AGENTSERVER_WORKSPACE_ID": sandbox.workspace_id,
        **({} if token is None else {"AGENTSERVER_SANDBOX_TOKEN": token}),
        **({} if token is None else _of_models(settings.llm_proxy_url or url, token)),
        **_of_messages(sandbox, token),
        **({} if kubeconfig is None else {"KUBECONFIG": str(kubeconfig)}),
    }


def _of_messages(sandbox: Sandbox, token: str | None) -> dict[str, str]:
    """Return the variable by which a sandbox knows who brings it messages, and answers."""
    if token is None or sandbox.type != BRIDGED:
        return {}
    return {"NANOCLAW_BRIDGE_SECRET": bridge_secret(token)}


def _of_models(proxy: str, token: str) -> dict[str, str]:
    """Return the variables by which clients of language models find the LLM proxy."""
    if proxy == "off":
        return {}
    return {
        "ANTHROPIC_BASE_URL": proxy,
        "ANTHROPIC_API_KEY": token,
        "ANTHROPIC_AUTH_TOKEN": token,
        "OPENAI_BASE_URL": f"{proxy}/v1",
        "OPENAI_API_KEY": token,
    }
