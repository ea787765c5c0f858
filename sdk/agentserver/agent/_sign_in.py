"""Registering an agent: a person approves it in a browser, on this machine or on another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Literal

from agentserver._client import Client
from agentserver._device import DeviceFlow
from agentserver._qr_code import draw
from agentserver._secret import Secret

from ._credentials import Identity

AgentType = Literal["opencode", "claudecode", "custom"]

Show = Callable[[str, str], object]
"""Shows a person the link to open and the code to compare."""


def register(url: str, name: str, type: AgentType, show: Show, options: dict[str, Any]) -> Identity:
    """Have a person approve an agent, and register it.

    Raises:
        AgentserverError: it was denied, not decided in time, or the server refuses it.
    """
    with Client(url, **options) as client:
        flow = DeviceFlow(client)
        code = flow.start()
        show(code.verification_uri_complete, code.user_code)
        tokens = flow.wait(code)
    with Client(url, token=tokens.access_token, **options) as client:
        made = client.agents.register(name=name, type=type)
        return Identity(
            client.base_url,
            made.workspace_id,
            made.sandbox_id,
            name,
            Secret(made.proxy_token),
            Secret(made.tunnel_token),
        )


def print_link(link: str, code: str) -> None:
    """Print the link and the code; on a terminal and with segno installed, as a QR code too."""
    stream = sys.stderr
    stream.write(f"To sign the agent in, open\n\n    {link}\n\nand compare the code: {code}\n")
    draw(link, stream)
    stream.flush()
