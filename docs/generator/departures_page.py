"""The page of known differences between a release and the contract."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from layout import code, flat, paragraphs, table
from tag_page import place

from agentserver_contract.contract.document import Contract

# A comment that is padded with dashes begins a section of the file.
_SECTION = re.compile(r"^# (.+?) -{4,}$")
_TABLE = re.compile(r"^\[(\S+)\]$")


def page(contract: Contract, departures: Path) -> str:
    """Write the page from a release's file of departures."""
    text = departures.read_text(encoding="utf-8")
    facts = tomllib.loads(text)
    return paragraphs(
        f"# Known differences from {departures.stem}",
        f"The contract describes what agentserver {departures.stem} sends and accepts, with the "
        "deliberate exceptions below. In reports of the contract tests, each of them appears under "
        "its name.",
        *(_section(contract, title, names, facts) for title, names in _sections(text).items()),
    )


def _sections(text: str) -> Mapping[str, list[str]]:
    """The names of the differences, by section."""
    sections: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines():
        if found := _SECTION.match(line):
            title = found[1]
        elif found := _TABLE.match(line):
            sections.setdefault(title, []).append(found[1])
    return sections


def _section(contract: Contract, title: str, names: list[str], facts: Mapping[str, Any]) -> str:
    headings = ("Difference", "What the release does", "What the contract requires, and why")
    rows = (_row(contract, name, facts[name]) for name in names)
    return paragraphs(f"## {title}", table("departures", headings, rows))


def _row(contract: Contract, name: str, fact: Mapping[str, Any]) -> tuple[str, str, str]:
    shown = f"{code(name)}{{ #{name} }}<br>{', '.join(_operations(contract, fact['operations']))}"
    return shown, flat(fact["answers"]), flat(fact["why"])


def _operations(contract: Contract, named: str | list[str]) -> Iterator[str]:
    if named == "*":
        yield "[every operation](index.md#operations)"
        return
    for name in [named] if isinstance(named, str) else named:
        yield f"[{code(name)}]({place(contract.operations[name])})"
