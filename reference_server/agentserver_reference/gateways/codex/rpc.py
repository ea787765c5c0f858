"""JSON-RPC as `codex app-server` speaks it: each message is one JSON object, without a version."""

from __future__ import annotations

import json
from typing import Any

INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32600, -32601, -32602

LONGEST = 255
"""Characters of each thing that a client says of itself that are kept."""


class RpcError(Exception):
    """A request is answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read(message: str | bytes) -> dict[str, Any] | None:
    """Read a message; None for one that is no JSON object."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write(**fields: Any) -> str:
    """Write a message with these fields."""
    return json.dumps(fields)


def refusal(request: dict[str, Any], error: RpcError) -> str:
    """Write the answer to a request that is refused."""
    return write(id=request.get("id"), error={"code": error.code, "message": error.message})


def params_of(message: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a message. Raises RpcError if they are no object."""
    params = message.get("params") or {}
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params: must be an object")
    return params


def client_of(params: dict[str, Any]) -> dict[str, str]:
    """Return what a client says of itself in `initialize`, as far as it does."""
    info = params.get("clientInfo")
    name, version = (
        (info.get(key) if isinstance(info, dict) else None) for key in ("name", "version")
    )
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        return {}
    name, version = _printable(name), _printable(version)
    return {"client_ua": f"{name}/{version}", "codex_version": version}


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:LONGEST])
