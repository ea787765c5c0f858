"""A table is readable on a phone, where each cell stands below the heading of its column."""

from __future__ import annotations

import re

from substitutions import ROOT

HEADER = re.compile(r"^(\|.*\|)\n\|[-:| ]+\|$", re.MULTILINE)


def test_every_column_after_the_first_has_a_heading() -> None:
    pages = [*(ROOT / "docs" / "pages").rglob("*.md"), *(ROOT / "docs" / "snippets").glob("*.md")]
    nameless = [
        f"{page.name}: {header}"
        for page in pages
        for header in HEADER.findall(page.read_text(encoding="utf-8"))
        if not all(cell.strip() for cell in header[1:-1].split("|")[1:])
    ]
    assert not nameless
