"""What can be done synchronously and asynchronously is shown as tabs."""

from __future__ import annotations

import re

import pytest
from substitutions import ROOT

PAGES = ROOT / "docs" / "pages"

ONE_SIDED = {
    "guides/async.md": "is about asynchronous programs",
    "guides/server.md": "is about the server",
    "guides/telegram.md": "is one whole script",
    "guides/testing.md": "shows fixtures, which are synchronous",
    "guides/traces.md": "follows one sandbox from its token to its traces",
    "guides/troubleshooting.md": "shows errors, which are the same",
    "guides/upgrade.md": "prints the version",
    "recipes/onboarding.md": "is one whole script",
    "recipes/quotas.md": "is one whole script, which is asynchronous to be fast",
    "recipes/service.md": "is one whole script",
}
"""Pages without tabs, and why."""

WITH_CODE = sorted(
    str(page.relative_to(PAGES))
    for folder in (".", "guides", "recipes")
    for page in (PAGES / folder).glob("*.md")
    if "```python" in page.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WITH_CODE)
def test_page_with_code_shows_both_as_tabs_or_has_a_reason(name: str) -> None:
    text = (PAGES / name).read_text(encoding="utf-8")
    titles = re.findall(r'^=== "(.+)"$', text, re.MULTILINE)
    assert titles[::2].count("Sync") == titles[1::2].count("Async") == len(titles) / 2
    assert bool(titles) != (name in ONE_SIDED)
