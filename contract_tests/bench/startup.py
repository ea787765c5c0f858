"""How soon a server answers, beside bare Starlette and FastAPI on the same file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from children import free_port, reference_server, serving, uvicorn
from measuring import Effort, Row, beside, in_turns


def rows(effort: Effort) -> Iterator[Row]:
    """Each on a database that is there already."""
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as name:
        folder = Path(name)
        _first_answer(partial(reference_server, folder), {})
        bare, fastapi = folder / "bare.db", folder / "fastapi.db"
        for copy in (bare, fastapi):
            shutil.copy(folder / "agentserver.db", copy)
        subjects = {
            "the reference server": partial(_first_answer, partial(reference_server, folder), {}),
            "bare Starlette": partial(
                _first_answer,
                partial(uvicorn, "bare_sqlite:app"),
                {"BENCH_DATABASE": str(bare)},
            ),
            "FastAPI and SQLAlchemy": partial(
                _first_answer,
                partial(uvicorn, "fastapi_orm:app"),
                {"BENCH_DATABASE": f"sqlite+aiosqlite:///{fastapi}"},
            ),
        }
        ours, *others = subjects
        taken = in_turns(effort.rounds, subjects)
        for other in others:
            yield beside("startup", ours, "ms", taken[ours], other, taken[other])


def _first_answer(command: Callable[[int], list[str]], environment: Mapping[str, str]) -> float:
    port = free_port()
    with serving(command(port), port, environment=environment) as server:
        return server.seconds_to_first_answer * 1000
