"""The changelog as a page: links into the project's files become their names."""

from __future__ import annotations

import re
from pathlib import Path

# Files of the project that are not pages of the site cannot be linked.
_FILE = re.compile(r"\[([^]]+)\]\((?!https?:|#)[^)]+\)")


def page(changelog: Path) -> str:
    """Write the page."""
    text = changelog.read_text(encoding="utf-8").replace("# Changelog", "# Changes", 1)
    return _FILE.sub(r"\1", text)
