"""How soon a server answers, beside bare Starlette and FastAPI on the same file.

That of `agentserver.testing`, which is made for each test, stands beside a process.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from children import BARE, FASTAPI, OURS, Start, free_port, peer, reference_server, serving
from measuring import Effort, Row, beside, in_turns

from agentserver.testing import Server

IN_MEMORY = "agentserver.testing: a server and a client of it, made and dropped"


def rows(effort: Effort) -> Iterator[Row]:
    """Each on a database that is there already."""
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as name:
        folder = Path(name)
        ours: Start = (partial(reference_server, folder), {})
        _first_answer(ours)
        bare, fastapi = folder / "bare.db", folder / "fastapi.db"
        for copy in (bare, fastapi):
            shutil.copy(folder / "agentserver.db", copy)
        starts: dict[str, Start] = {
            OURS: ours,
            BARE: peer("bare_sqlite", str(bare)),
            FASTAPI: peer("fastapi_orm", f"sqlite+aiosqlite:///{fastapi}"),
        }
        subjects = {name: partial(_first_answer, start) for name, start in starts.items()}
        taken = in_turns(effort.rounds, {**subjects, IN_MEMORY: _in_memory})
        for other in (BARE, FASTAPI):
            yield beside("startup", OURS, "ms", taken[OURS], other, taken[other])
        yield beside("startup", IN_MEMORY, "ms", taken[IN_MEMORY], OURS, taken[OURS])


def _first_answer(start: Start) -> float:
    command, environment = start
    port = free_port()
    with serving(command(port), port, environment=environment) as server:
        return server.seconds_to_first_answer * 1000


def _in_memory() -> float:
    began = time.perf_counter()
    with Server() as server:
        server.person().client.auth.check()
    return (time.perf_counter() - began) * 1000
