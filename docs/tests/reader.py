"""Follows a page from top to bottom, and checks that every block does what the page says."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import re
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, chdir, redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from itertools import product
from pathlib import Path
from textwrap import indent
from typing import Any
from unittest import mock

import yaml
from catalogue import find
from expanded_page import ExpandedPage
from planting import planted_folder
from substitutions import ROOT, substitute
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer
from terminal import Terminal

from agentserver import Client

PAGE_URL = "http://127.0.0.1:8080"
"""The server's URL in every page. The servers of the tests listen on a free port instead."""

ACCOUNT = {
    "AGENTSERVER_EMAIL": "ada@example.com",
    "AGENTSERVER_PASSWORD": "correct horse battery staple",
}
"""The administrator's account that exists at the end of the quickstart."""

SERVE = "agentserver-reference serve"

_FENCES = RawFencedCodeBlockLexer(re.compile(r"(?P<info>[^\n]*)\n"))
_FAULTS = DirectiveInHTMLCommentLexer("server-with-fault", r"\S+")
_INFO = re.compile(r"(?P<language>[a-z]*)(?: title=\"(?P<title>[^\"]+)\")?")
_SERVES = re.compile(rf"{SERVE}(?! --help)( --[a-z-]+( [^-\s]\S*)?)*\n")
_TAB = re.compile(r"^=== \"[^\"]+\"\n\s*\Z", re.MULTILINE)
_PROMPT = "$ "
_COMMAND_SECONDS = 180
_PARSERS: dict[str, Callable[[str], Any]] = {
    "csv": lambda text: list(csv.reader(text.splitlines(), strict=True)),
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}


def sybil(reader: Reader) -> Sybil:
    """What finds the blocks of a page for the reader."""
    return Sybil([reader.parse], document_types={".md": ExpandedPage})


class Reader:
    """A person with an empty directory who follows one page from top to bottom.

    Args:
        folder: the working directory, which is also the home directory.
        databases: database URLs in the page, each with the URL to use instead.
    """

    def __init__(self, folder: Path, databases: dict[str, str]) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / part) for part in ("sdk", "reference_server", "contract_tests")
            ),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "error",
            # The pages use the default port and the default cost of passwords. Neither matters.
            "AGENTSERVER_PORT": "0",
            "AGENTSERVER_PASSWORD_COST": "m=8,t=1,p=1",
        }
        self._addresses = dict(databases)
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._terminal: Terminal | None = None
        self._log_position = 0
        self._last_source = ""
        self._outputs: list[str] = []
        self._in_tab = self._follows_tab = False
        self._variants: dict[str, list[str]] = {}
        self._unused_files: list[str] = []
        self._cleanup = ExitStack()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for value in self._namespace.values():
            if isinstance(value, Client):  # as happens at the end of a program
                value.close()
        self._stop_server()
        self._cleanup.close()

    def start_server(self) -> None:
        """Start a server before the first block."""
        self._serve(SERVE)

    def sign_up(self) -> None:
        """Create the quickstart's account and put its credentials into the environment."""
        self._environment |= ACCOUNT
        email, password = ACCOUNT.values()
        with Client(self._environment["AGENTSERVER_URL"]) as client:
            client.auth.register(email=email, password=password)

    def parse(self, document: Document) -> Iterable[Region]:
        """Find every block and directive of a page; a parser for Sybil."""
        for region in _FENCES(document):
            yield Region(region.start, region.end, region.lexemes, self._evaluate)
        for region in _FAULTS(document):
            yield Region(region.start, region.end, region.lexemes, self._serve_with_fault)

    def finish(self) -> None:
        """Check that every file of the page was used."""
        assert not self._unused_files, f"no command uses {', '.join(self._unused_files)}"

    # --- blocks -----------------------------------------------------------------------------------

    def _evaluate(self, example: Example) -> str | None:
        info = _INFO.fullmatch(example.parsed["info"].strip())
        text = str(example.parsed["source"])
        if info is None:
            return f"there is no check for {example.parsed['info']!r}"
        language, title = info["language"], info["title"]
        if language != "text":
            self._begin(in_tab=_TAB.search(example.document.text[: example.start]) is not None)
        try:
            if language == "text":
                return self._compare(text, title)
            if language in _PARSERS:
                _PARSERS[language](text)
            if title is not None:
                self._save(title, text)
            elif language == "python":
                self._run_python(text, example)
            elif language == "console":
                self._run_commands(commands_of(text))
            elif language not in _PARSERS:
                return f"there is no check for a block of {language or 'no language'!r}"
        except Exception as error:
            failure = self._as_in_page("".join(traceback.format_exception(error)))
            return _report(("source", text), ("failure", failure))
        return None

    def _begin(self, *, in_tab: bool) -> None:
        """Expect output from the next block, and also from the tab before it: it is a variant."""
        self._follows_tab = in_tab and self._in_tab
        if not self._follows_tab:
            self._outputs = []
        self._in_tab = in_tab

    def _save(self, name: str, text: str) -> None:
        earlier = self._variants.get(name, []) if self._follows_tab else []
        self._variants[name] = [*earlier, self._as_in_test(text)]
        if not earlier:
            self._unused_files.append(name)

    def _run_python(self, text: str, example: Example) -> None:
        self._last_source, output = text, io.StringIO()
        # Empty lines first, so that a traceback has the line numbers of the page.
        code = compile("\n" * example.line + self._as_in_test(text), example.path, "exec")
        with (
            mock.patch.dict(os.environ, self._environment, clear=True),
            chdir(self._folder),
            redirect_stdout(output),
            # A program finds logging not configured.
            mock.patch.object(logging.root, "handlers", []),
            mock.patch.object(logging.root, "level", logging.WARNING),
        ):
            exec(code, self._namespace)  # noqa: S102 (the project's own pages)
        self._outputs.append(output.getvalue())

    def _run_commands(self, text: str) -> None:
        self._last_source = text
        self._unused_files = [name for name in self._unused_files if not _mentions(text, name)]
        # The server occupies the terminal, so it can only be the last command of a block.
        commands, last = _split_last_line(text)
        serves = _SERVES.fullmatch(last)
        for _ in self._write_files(text):
            self._run_script(commands if serves else text)
        if serves:
            self._serve(self._as_in_test(last))

    def _write_files(self, commands: str) -> Iterator[None]:
        """Write the files that the commands use, once for each combination of their variants."""
        names = [name for name in self._variants if _mentions(commands, name)]
        for texts in product(*(self._variants[name] for name in names)):
            for name, text in zip(names, texts, strict=True):
                (self._folder / name).write_text(text, encoding="utf-8")
            yield

    def _run_script(self, text: str) -> None:
        saved = self._folder / ".environment"
        script = f"{substitute(self._as_in_test(text))}\nenv -0 > '{saved}'"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self._environment.get("PWD", self._folder),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}"
        pairs = saved.read_text(encoding="utf-8").split("\0")[:-1]
        self._environment = dict(pair.split("=", 1) for pair in pairs)
        self._outputs.append(done.stdout)

    def _compare(self, expected: str, title: str | None) -> str | None:
        if title == "The server's terminal":
            terminal = self._terminal
            assert terminal is not None, "no server is running"
            terminal.wait(
                lambda output: _matches(expected, self._as_in_page(output[self._log_position :]))
            )
            outputs = [terminal.output[self._log_position :]]
            self._log_position += len(outputs[0])
        elif title == "Output" and self._outputs:
            outputs, self._outputs = self._outputs, []
        else:
            return 'a text block must have title="Output" and follow the block that prints it'
        for actual in map(self._as_in_page, outputs):
            if not _matches(expected, actual):
                source = ("source", self._last_source)
                return _report(source, ("expected", expected), ("actual", actual))
        return None

    # --- the server -------------------------------------------------------------------------------

    def _serve(self, command: str) -> None:
        self._stop_server()
        self._terminal = Terminal(command, self._folder, self._environment)
        url = self._terminal.url()
        self._log_position = 0
        self._addresses[PAGE_URL] = url
        self._environment["AGENTSERVER_URL"] = url

    def _serve_with_fault(self, example: Example) -> None:
        fault = find(example.parsed["arguments"].strip())
        folder = self._cleanup.enter_context(planted_folder(fault))
        python_path = self._environment["PYTHONPATH"]
        self._environment["PYTHONPATH"] = f"{folder}{os.pathsep}{python_path}"
        self._serve(SERVE)
        self._environment["PYTHONPATH"] = python_path

    def _stop_server(self) -> None:
        if self._terminal is not None:
            self._terminal.stop()
            self._terminal = None

    def _as_in_test(self, text: str) -> str:
        """A text of the page, with the addresses of the test."""
        for in_page, in_test in self._addresses.items():
            text = text.replace(in_page, in_test)
        return text

    def _as_in_page(self, text: str) -> str:
        """A text of the test, with the addresses of the page."""
        for in_page, in_test in self._addresses.items():
            text = text.replace(in_test, in_page)
        return text


def commands_of(text: str) -> str:
    """The commands of a console block, without their prompts.

    Raises:
        AssertionError: a line has no prompt and does not continue the command above it.
    """
    commands: list[str] = []
    for line in text.splitlines():
        continues = bool(commands) and commands[-1].endswith("\\")
        assert continues or line.startswith(_PROMPT), f"no '{_PROMPT}' before {line!r}"
        commands.append(line if continues else line.removeprefix(_PROMPT))
    return "".join(f"{line}\n" for line in commands)


def _split_last_line(text: str) -> tuple[str, str]:
    before, _, last = text.removesuffix("\n").rpartition("\n")
    return before, f"{last}\n"


def _matches(expected: str, actual: str) -> bool:
    """Whether two texts are equal, except for `...` and trailing whitespace."""
    actual = "".join(f"{line.rstrip()}\n" for line in actual.strip("\n").splitlines())
    return OutputChecker().check_output(expected, actual, ELLIPSIS)


def _report(*parts: tuple[str, str]) -> str:
    return "\n\n".join(f"{name}:\n{indent(text.rstrip(), '    ')}" for name, text in parts)


def _mentions(command: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", command) is not None
