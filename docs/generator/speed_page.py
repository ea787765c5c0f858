"""The page on speed: its text with the table of the committed figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "contract_tests" / "bench"))
from figures import COMMITTED, bench_table

_WORDS = Path(__file__).with_name("speed.md")
_PLACE = "<!-- the table -->"


def page() -> str:
    """Write the page."""
    figures = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return _WORDS.read_text(encoding="utf-8").replace(_PLACE, bench_table(figures))
