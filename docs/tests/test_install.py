"""Where the project is installed from is written in one place."""

from __future__ import annotations

import re

from expanded_page import expanded, section
from substitutions import ROOT

DOCS = ROOT / "docs"


def test_pages_take_the_commands_from_the_snippet() -> None:
    pages = {*(DOCS / "pages").rglob("*.md")} - {*(DOCS / "pages" / "about").glob("changelog.md")}
    written = [page.name for page in pages if "pip install" in page.read_text(encoding="utf-8")]
    assert not written, "use docs/snippets/install.md"
    using = {page.name for page in pages if '"install.md:' in page.read_text(encoding="utf-8")}
    assert using == {"index.md", "install.md", "quickstart.md"}


def test_every_section_of_the_snippet_is_used() -> None:
    text = (DOCS / "snippets" / "install.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"\[start:(\w+)\]", text))
    pages = (DOCS / "pages").rglob("*.md")
    used = {
        name
        for page in pages
        for name in re.findall(r'"install\.md:(\w+)"', page.read_text(encoding="utf-8"))
    }
    assert used == sections


def test_readme_says_the_same_as_the_snippet() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    everything = section("install.md", "server").replace("[server]", "[server,contract]")
    assert everything in readme
    commands = set(re.findall(r"pip install [^`\n]+", readme))
    assert commands <= set(re.findall(r"pip install [^`\n]+", section("install.md", "extras")))


def test_first_screen_of_the_site_and_of_the_readme_has_an_install_line() -> None:
    for page in (ROOT / "README.md", DOCS / "pages" / "index.md"):
        text = expanded(page.read_text(encoding="utf-8"))
        visible = re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
        before = visible.partition("$ pip install")[0]
        assert len(before.splitlines()) < 40, page.name
