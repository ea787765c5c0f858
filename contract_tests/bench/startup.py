"""How soon a server answers, beside bare Starlette and FastAPI on the same file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from children import BARE, FASTAPI, OURS, Start, free_port, peer, reference_server, serving
from measuring import Effort, Row, beside, in_turns


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
        taken = in_turns(
            effort.rounds, {name: partial(_first_answer, start) for name, start in starts.items()}
        )
        for other in (BARE, FASTAPI):
            yield beside("startup", OURS, "ms", taken[OURS], other, taken[other])


def _first_answer(start: Start) -> float:
    command, environment = start
    port = free_port()
    with serving(command(port), port, environment=environment) as server:
        return server.seconds_to_first_answer * 1000
