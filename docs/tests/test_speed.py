"""The page on speed shows the committed figures."""

from __future__ import annotations

import json

from figures import COMMITTED, PARTS, bench_table, is_held
from speed_page import page


def test_every_part_that_was_measured_is_in_the_table() -> None:
    found = json.loads(COMMITTED.read_text("utf-8"))
    table = bench_table(found)
    assert not found["quick"]
    measured = {row["part"] for row in found["rows"]}
    headings = [heading for part, heading in PARTS.items() if part in measured]
    assert measured <= PARTS.keys()
    assert [line[4:] for line in table.splitlines() if line.startswith("### ")] == headings
    assert found["date"] in table
    assert found["machine"]["python"] in table
    rows = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == len(found["rows"]) + len(headings)  # each part has a line of headings
    assert len({row.count("|") for row in rows}) == 1


def test_the_page_has_the_table() -> None:
    found = json.loads(COMMITTED.read_text("utf-8"))
    assert bench_table(found) in page()


def test_a_missed_target_is_marked() -> None:
    spread = {"median": 2.0, "low": 1.0, "high": 3.0}
    row = {
        "part": "calls",
        "what": "a call",
        "unit": "µs",
        "here": spread,
        "against": "httpx",
        "there": spread,
        "ratio": spread,
        "at_most": 1.1,
        "at_least": None,
    }
    found = {
        "date": "2026-11-26",
        "quick": False,
        "machine": {"python": "3.11.7", "system": "Linux x86_64", "cpus": 2},
        "versions": {"httpx": "0.28.1", "openai": None},
        "rows": [row],
    }
    assert is_held(row) is False
    assert "| a call | 2.00 µs | httpx | 2.00 µs | 2.00 | 1.00 to 3.00 | ≤ 1.1, missed |" in (
        bench_table(found)
    )
    assert "openai" not in bench_table(found)
