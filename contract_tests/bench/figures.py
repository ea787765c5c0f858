"""The figures of a run: as JSON, as a table for a terminal, and as one in Markdown.

Nothing but the standard library is imported, so that the docs can render the figures of another
machine's run.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

COMMITTED = Path(__file__).with_name("figures.json")
"""The figures of a whole run, which the docs show."""

VERSIONS = (
    "agentserver",
    "aiosqlite",
    "asyncpg",
    "attrs",
    "fastapi",
    "httptools",
    "httpx",
    "msgspec",
    "openai",
    "openapi-python-client",
    "pydantic",
    "schemathesis",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "uvloop",
)
"""Packages without whose versions the figures say little."""

HEADS = ("benchmark", "result", "compared with", "its result", "ratio", "quartiles", "target")
_ALIGNED = ("---", "---:", "---", "---:", "---:", "---:", "---")

PARTS = {
    "calls": "One call through the SDK",
    "decoding": "Decoding a response into objects, all fields converted",
    "sandboxes": "A list of 1,000 sandboxes of the reference server",
    "waiters": "200 waiters on one client",
    "imports": "CPU time of a fresh process, minus that of an empty one",
    "memory": "Memory of idle clients, and of the server after 10,000 requests",
    "sqlite": "The server on SQLite, 32 connections",
    "postgresql": "The server on PostgreSQL, 32 connections",
    "proxy": "A streamed message through the LLM proxy",
    "agents": "Agents with tasks that do nothing, and agents that wait for tasks",
    "api_keys": "The check of an API key",
    "turns": "Turns of the built-in engine",
    "executors": "200 executors that are connected to one process",
    "operations": "Pages of an operations log, 100 operations each",
    "contract": "The contract tests, against the reference server",
    "startup": "Time from the start of a server to its first response",
}
"""What each part of a run measures, in the table's order."""


def figures(rows: Iterable[Mapping[str, Any]], *, quick: bool) -> dict[str, Any]:
    """A run as JSON: its rows, and what one needs to know of where they come from."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "quick": quick,
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cpus": os.cpu_count(),
        },
        "versions": {name: _version(name) for name in VERSIONS},
        "rows": list(rows),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def sections(figures: Mapping[str, Any]) -> dict[str, list[tuple[str, ...]]]:
    """The table's cells under the heading of their part."""
    return {
        heading: [cells(row) for row in figures["rows"] if row["part"] == part]
        for part, heading in PARTS.items()
        if any(row["part"] == part for row in figures["rows"])
    }


def bench_table(figures: Mapping[str, Any]) -> str:
    """The table in Markdown, one for each part, and one line on the machine."""
    lines = [source(figures), ""]
    for heading, rows in sections(figures).items():
        lines += [f"### {heading}", "", _line(HEADS), _line(_ALIGNED)]
        lines += [*map(_line, rows), ""]
    return "\n".join(lines)


def source(figures: Mapping[str, Any]) -> str:
    """Where and when the figures were measured."""
    machine = figures["machine"]
    libraries = ", ".join(
        f"{name} {version}" for name, version in figures["versions"].items() if version
    )
    return (
        f"Measured on {figures['date']} with Python {machine['python']} on {machine['system']}, "
        f"{machine['cpus']} processors; {libraries}."
    )


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One row as text."""
    here, there, ratio = row["here"], row["there"], row["ratio"]
    return (
        row["what"],
        f"{number(here['median'])} {row['unit']}",
        row["against"] or "",
        f"{number(there['median'])} {row['unit']}" if there else "",
        f"{ratio['median']:.2f}" if ratio else "",
        f"{ratio['low']:.2f} to {ratio['high']:.2f}"
        if ratio
        else f"{number(here['low'])} to {number(here['high'])}",
        _target(row),
    )


def number(value: float) -> str:
    """A figure with three digits that say something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def is_held(row: Mapping[str, Any]) -> bool | None:
    """Whether the median ratio is within its target; None where there is none."""
    if row["at_most"] is not None:
        return bool(row["ratio"]["median"] <= row["at_most"])
    if row["at_least"] is not None:
        return bool(row["ratio"]["median"] >= row["at_least"])
    return None


def _target(row: Mapping[str, Any]) -> str:
    held = is_held(row)
    if held is None:
        return ""
    bound = f"≤ {row['at_most']}" if row["at_most"] is not None else f"≥ {row['at_least']}"
    return f"{bound}, {'held' if held else 'missed'}"


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
