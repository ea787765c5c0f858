"""The list of models, in a form that the clients of both APIs can read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from agentserver_reference.gateways.models.embedded.thinking import MODEL


def answer(body: dict[str, Any], new_id: str, now: int) -> dict[str, Any]:
    """Return the built-in model."""
    return listed([{"id": MODEL, "name": "The built-in model"}])


def listed(models: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a list of models, each of which has an id and a name."""
    begin = datetime.fromtimestamp(0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    data = [
        {
            "id": model["id"],
            "object": "model",
            "type": "model",
            "display_name": model["name"],
            "created": 0,
            "created_at": begin,
            "owned_by": "agentserver",
        }
        for model in models
    ]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"object": "list", "data": data, "has_more": False, **ends}
