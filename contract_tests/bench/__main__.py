"""What the SDK and the reference server cost, beside what else one could take: one table.

All that is compared takes turns in one run, so that the ratios hold on a machine that has other
things to do; the seconds are those of this machine, now. The table goes to stdout, progress to
stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from figures import HEADS, PARTS, figures, sections, source
from measuring import FULL, QUICK, Effort, Row

from agentserver_contract.reports.style import Style

MODULES = {"sqlite": "under_load", "postgresql": "under_load", "contract": "contract_cases"}
"""Where a part is measured whose module is not named like it; each is imported when it is run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; it ends with 0 whatever the figures are."""
    options = _parser().parse_args(arguments)
    # What is installed is compiled once, and so is what starts here.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    effort = QUICK if options.quick else FULL
    progress = Style(sys.stderr, options.color)
    rows = []
    for part in options.only or PARTS:
        progress.line(PARTS[part])
        rows += [asdict(row) for row in _part(part)(effort)]
    found = figures(rows, quick=options.quick)
    _print(found, Style(sys.stdout, options.color))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    progress.line(f"written as JSON to {options.json}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=PARTS, metavar="NAME", help=", ".join(PARTS)
    )
    parser.add_argument("--quick", action="store_true", help="see that it runs: no figures to keep")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        default=Path("build/bench.json"),
        help="where the figures go as JSON (%(default)s)",
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    return parser


def _part(name: str) -> Callable[[Effort], Iterator[Row]]:
    module = import_module(MODULES.get(name, name))
    measure: Callable[[Effort], Iterator[Row]] = getattr(module, name, None) or module.rows
    return measure


def _print(found: dict[str, Any], style: Style) -> None:
    style.text(source(found))
    for heading, rows in sections(found).items():
        style.heading(heading)
        style.table(HEADS, rows)


if __name__ == "__main__":
    sys.exit(main())
