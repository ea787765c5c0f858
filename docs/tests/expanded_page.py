"""A page with its snippets in place, as the site shows it."""

from __future__ import annotations

import re
from pathlib import Path

from substitutions import ROOT
from sybil import Document
from sybil.typing import Parser

SNIPPETS = ROOT / "docs" / "snippets"

_SNIPPET = re.compile(r'^(?P<indent> *)--8<-- "(?P<file>[^":]+):(?P<section>[^"]+)"$', re.MULTILINE)


class ExpandedPage(Document):
    """A document for Sybil."""

    @classmethod
    def parse(cls, path: str, *parsers: Parser, encoding: str = "utf-8") -> Document:
        """Read a page and parse it. A line number counts the lines of snippets."""
        document = cls(expanded(Path(path).read_text(encoding)), path)
        for parser in parsers:
            for region in parser(document):
                document.add(region)
        return document


def expanded(text: str) -> str:
    """The text with its snippets in place."""
    return _SNIPPET.sub(lambda found: section(found["file"], found["section"]), text)


def section(file: str, name: str) -> str:
    """A section of a file of snippets."""
    text = (SNIPPETS / file).read_text(encoding="utf-8")
    marker = "<!-- --8<-- [{}:{}] -->\n"
    begin, end = marker.format("start", name), marker.format("end", name)
    assert text.count(begin) == text.count(end) == 1, f"{file} has no section {name}"
    return text.partition(begin)[2].partition(end)[0].rstrip("\n")
