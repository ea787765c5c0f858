"""What idle clients hold: the memory of a process of its own, by the number of clients in it.

And what the server holds, which `server_memory` measures.

`python memory.py KIND COUNT URL` prints bytes: with the library imported, with so many
clients made, and with one call of each done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from canned import SESSION, WORKSPACE_ID, allow_many_connections
from children import HERE, canned_server, free_port, serving
from measuring import Effort, Row, beside

_MEGABYTE = 1e6
_STATES = ("imported", "before a call", "after a call each")


def rows(effort: Effort) -> Iterator[Row]:
    """One client and many, before and after their first call, beside `httpx.Client`; the server."""
    import server_memory  # here, so that a process that holds clients does not import it

    port = free_port()
    with serving(canned_server(port), port) as server:
        for kind in _KINDS:
            _held(kind, 1, server.url)  # the first one compiles what it imports, and is larger then
        for count in (1, effort.clients):
            ours, theirs = (_held(kind, count, server.url) for kind in ("agentserver", "httpx"))
            for state, here, there in zip(_STATES, ours, theirs, strict=True):
                what = f"{count:,} client{'s' if count > 1 else ''}, {state}"
                yield beside("memory", what, "MB", [here], "httpx.Client", [there])
    yield from server_memory.rows()


def _held(kind: str, count: int, url: str) -> list[float]:
    command = [sys.executable, str(HERE / "memory.py"), kind, str(count), url]
    printed = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603
    empty, *held = json.loads(printed)
    return [(each - empty) / _MEGABYTE for each in held]


def _agentserver(url: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    from agentserver import Client

    return lambda: Client(url, session=SESSION), lambda c: c.workspaces.get(WORKSPACE_ID)


def _httpx(url: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    import httpx

    path = f"{url}/api/workspaces/{WORKSPACE_ID}"
    headers = {"cookie": f"agentserver-token={SESSION}"}
    return httpx.Client, lambda client: client.get(path, headers=headers).json()


_KINDS = {"agentserver": _agentserver, "httpx": _httpx}


def _hold(kind: str, count: int, url: str) -> list[int]:
    import psutil

    allow_many_connections()
    this = psutil.Process()
    held = [this.memory_full_info().uss]
    make, call = _KINDS[kind](url)
    held.append(this.memory_full_info().uss)
    clients = [make() for _ in range(count)]
    held.append(this.memory_full_info().uss)
    for client in clients:
        call(client)
    held.append(this.memory_full_info().uss)
    return held


if __name__ == "__main__":
    print(json.dumps(_hold(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
