"""What a codex that connects tells about itself and its machine."""

from __future__ import annotations

import ipaddress

from starlette.requests import HTTPConnection

from agentserver_reference.domain.executors import version_and_system
from agentserver_reference.storage.engine.query import Record

LONGEST_USER_AGENT = 1000
"""Characters of a `User-Agent` that are kept."""


def client_of(connection: HTTPConnection) -> Record:
    """Return what is known of the machine, which may be behind a proxy; None where nothing is."""
    user_agent = connection.headers.get("user-agent", "")[:LONGEST_USER_AGENT]
    version, system = version_and_system(user_agent)
    forwarded = connection.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    peer = "" if connection.client is None else connection.client.host
    return {
        "client_ip": _ip_address(forwarded) or _ip_address(peer),
        "client_ua": user_agent or None,
        "codex_version": version,
        "os": system,
    }


def _ip_address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
