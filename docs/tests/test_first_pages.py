"""The pages that a newcomer follows first, one after the other, and again."""

from __future__ import annotations

from pathlib import Path

from reader import Reader, sybil
from substitutions import ROOT

FIRST_PAGES = ("README.md", "docs/pages/index.md", "docs/pages/quickstart.md")


def test_first_pages_can_be_followed_in_order_and_repeated_on_one_database(tmp_path: Path) -> None:
    for name in FIRST_PAGES * 2:
        with Reader(tmp_path, {}) as reader:
            for example in sybil(reader).parse(ROOT / name).examples():
                example.evaluate()
            reader.finish()
    assert [path.name for path in tmp_path.rglob("*.db")] == ["agentserver.db"]
