"""The log of what a test server was asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import field, frozen


@frozen
class Call:
    """One request that reached a test server, in the order of `Server.calls`.

    Attributes:
        operation: the method of the SDK, as in ``workspaces.create``; empty for a route that the
            contract does not list.
        method: the HTTP method, in upper case.
        path: the path, with the query.
        json: the parsed body; None where there is none, or one that is not JSON. The repr does not
            show it, as it may contain a password.
        status: the status that was answered; None where the answer was dropped or late.
        at: the time of the server's clock.
    """

    operation: str
    method: str
    path: str
    json: Any = field(repr=False, hash=False)
    status: int | None
    at: datetime
