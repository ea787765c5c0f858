"""Writes the generated pages of the site: `python docs/generator`."""

from __future__ import annotations

import sys
from pathlib import Path

from pages import pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "pages"


def main() -> None:
    """Write every page, and remove pages of an earlier contract."""
    made = {PAGES / path: text for path, text in pages(ROOT).items()}
    for old in (PAGES / "api").glob("*.md"):
        if old not in made:
            old.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    sys.stdout.write(f"docs: {len(made)} pages written\n")


if __name__ == "__main__":
    main()
