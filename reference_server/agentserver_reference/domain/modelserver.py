"""The model server of the installation, to which workspaces are connected by OAuth 2.0."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs

from agentserver_reference.domain.roles import MAINTAINER, is_at_least

CALLBACK = "/api/auth/modelserver/callback"
"""Where the model server sends a browser back."""

SCOPES = ("project:inference", "offline_access")
STATE_LIFETIME = timedelta(minutes=10)
"""How long a person may take on the pages of the model server."""

REFRESH_BEFORE = timedelta(seconds=60)
"""An access token that is valid for less is renewed before it is used."""

MOST_MODELS = 1000
LONGEST_TEXT = 255


@attrs.frozen
class Tokens:
    """What a workspace's language-model requests are sent with."""

    access: str = attrs.field(repr=False)
    refresh: str = attrs.field(repr=False)
    """Empty if the model server gives none."""
    expires_at: datetime


@attrs.frozen
class Project:
    """What the model server says about an access token."""

    id: str
    name: str
    user_id: str


def may_connect(role: str | None) -> bool:
    """Return whether a member with this role may connect a workspace; None is no member."""
    return role is not None and is_at_least(role, MAINTAINER)


def named_models(given: Iterable[object]) -> list[dict[str, str]]:
    """Return the models that a list names, by their names or as objects with an `id`."""
    names = (each.get("id") if isinstance(each, dict) else each for each in given)
    kept = [name for name in names if isinstance(name, str) and is_text(name) and "\0" not in name]
    return [{"id": name, "name": name} for name in kept[:MOST_MODELS]]


def is_text(text: str) -> bool:
    """Return whether a text of the model server can be shown as it is."""
    return 0 < len(text) <= LONGEST_TEXT


def shown(connection: dict[str, Any] | None) -> dict[str, Any]:
    """Return what members are shown of a connection, or of none."""
    if connection is None:
        return {"connected": False}
    described = {name: connection[name] for name in ("project_id", "project_name", "models")}
    return {
        "connected": True,
        **{name: value for name, value in described.items() if value},
        "connected_at": connection["connected_at"],
    }
