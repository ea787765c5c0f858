"""A thousand sandboxes: listed and decoded by the SDK, beside httpx, which makes dictionaries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from installations import installation
from measuring import Effort, Row, beside, in_turns

from agentserver import Client

COUNT = 1000


def rows(effort: Effort) -> Iterator[Row]:
    """The same list, of the same server."""
    with installation() as (server, session), Client(server.url, session=session) as client:
        client.admin.quota_defaults.set(max_sandboxes_per_workspace=0)
        workspace = client.workspaces.create(name="Measured")
        for number in range(COUNT):
            client.sandboxes.create(workspace.id, name=f"Sandbox {number}")
        with httpx.Client() as raw:
            url = f"{server.url}/api/workspaces/{workspace.id}/sandboxes"
            headers = {"cookie": f"agentserver-token={session}"}
            subjects = {
                "SDK": lambda: len(client.sandboxes.list(workspace.id)),
                "httpx": lambda: len(raw.get(url, headers=headers).raise_for_status().json()),
            }
            taken = in_turns(effort.rounds, {name: _timed(do) for name, do in subjects.items()})
    what = f"{COUNT:,} sandboxes, listed and decoded"
    yield beside("sandboxes", what, "ms", taken["SDK"], "httpx", taken["httpx"])


def _timed(do: Callable[[], Any]) -> Callable[[], float]:
    def timed() -> float:
        began = time.perf_counter()
        if do() != COUNT:
            raise RuntimeError(f"not {COUNT} sandboxes")
        return (time.perf_counter() - began) * 1000

    return timed
