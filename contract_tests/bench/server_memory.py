"""What the reference server takes after many requests, beyond the modules that it imports."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
from children import free_port, reference_server, serving
from load import seconds_for
from measuring import Row, beside
from under_load import own_server, sow

AT_MOST = 15.0
"""Megabytes."""

REQUESTS = 10_000

_MEGABYTE = 1e6
_IMPORTS = (
    "import agentserver_reference.serve, agentserver_reference.__main__, "
    "uvloop, uvicorn.protocols.http.httptools_impl, uvicorn.lifespan.off, uvicorn.loops.uvloop, "
    "agentserver_reference.storage.engine.{engine} as _; "
    "from agentserver_reference.app import handler_modules; handler_modules(); "
    "print(flush=True); input()"
)


def rows() -> Iterator[Row]:
    """What it takes on each database."""
    with own_server("") as url:
        for name, database in (("SQLite", None), ("PostgreSQL", url)):
            # The first run compiles the modules, which takes memory of its own: it is the imports.
            imports = _of_imports(database)
            grown = _after_requests(database) - imports
            what = f"the server on {name} after {REQUESTS:,} requests, beyond its imports"
            yield beside("memory", what, "MB", [grown], "the limit", [AT_MOST], at_most=1)


def _of_imports(url: str | None) -> float:
    program = _IMPORTS.format(engine="sqlite" if url is None else "postgres")
    with subprocess.Popen(  # noqa: S603 (lines of ours)
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 (for the type checker)
            process.stdout.readline()
            return _held(process.pid)
        finally:
            process.kill()


def _after_requests(url: str | None) -> float:
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as folder:
        port = free_port()
        command = reference_server(Path(folder), port)
        command += [] if url is None else ["--database-url", url]
        with serving(command, port, environment={"AGENTSERVER_ENCRYPTION_KEY": "11" * 32}) as one:
            plans = sow(one.url).plans(one.port, REQUESTS).values()
            for plan in plans:
                seconds_for(replace(plan, requests=REQUESTS // len(plans)))
            return _held(one.process.pid)


def _held(pid: int) -> float:
    """The resident set, in megabytes."""
    return float(psutil.Process(pid).memory_info().rss) / _MEGABYTE
