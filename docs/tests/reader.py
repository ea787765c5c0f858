"""Does what a page tells its reader to do, block by block, and looks whether it comes out so."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterable
from contextlib import ExitStack, chdir, redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from textwrap import indent
from typing import Any
from unittest import mock

import yaml
from catalogue import catalogue
from instead import ROOT, in_place
from planting import planted
from sybil import Document, Example, Region
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer
from terminal import Terminal

from agentserver import Client

SHOWN_URL = "http://127.0.0.1:8080"
"""Where the server is in every page. The tests' servers are where the system has a port free."""

ACCOUNT = {
    "AGENTSERVER_EMAIL": "ada@example.com",
    "AGENTSERVER_PASSWORD": "correct horse battery staple",
}
"""Who has registered at the end of the quickstart, and is the administrator."""

SERVE = "agentserver-reference serve"

_FENCES = RawFencedCodeBlockLexer(re.compile(r"(?P<info>[^\n]*)\n"))
_FAULTS = DirectiveInHTMLCommentLexer("server-with-fault", r"[a-z-]+")
_INFO = re.compile(r"(?P<language>[a-z]*)(?: title=\"(?P<title>[^\"]+)\")?")
_SERVES = re.compile(rf"{SERVE}( --[a-z-]+ \S+)*\n")
_SEVERAL_SECONDS = 60
_PARSERS: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}


class Reader:
    """A person at an empty folder, who reads one page from top to bottom.

    Args:
        folder: where files are made, and the home of the person.
        databases: URLs that the page shows, each with the one to use in its place.
        skipped: a language whose blocks another test holds.
    """

    def __init__(self, folder: Path, databases: dict[str, str], skipped: str | None = None) -> None:
        self._folder = folder
        self._skipped = skipped
        self._environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / part) for part in ("sdk", "reference_server", "contract_tests")
            ),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "error",
            # Where the server listens, and passwords that cost no time: pages are about neither.
            "AGENTSERVER_PORT": "0",
            "AGENTSERVER_PASSWORD_COST": "m=8,t=1,p=1",
        }
        self._places = dict(databases)
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._terminal: Terminal | None = None
        self._log_read = 0
        self._ran = ""
        self._printed: str | None = None
        self._unused: list[str] = []
        self._cleanup = ExitStack()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for value in self._namespace.values():
            if isinstance(value, Client):  # as the end of a program does
                value.close()
        self._stop_server()
        self._cleanup.close()

    def start_server(self) -> None:
        """Have a server before the page begins."""
        self._serve(SERVE)

    def sign_up(self) -> None:
        """Be where the quickstart ends: with an account, in the environment."""
        self._environment |= ACCOUNT
        email, password = ACCOUNT.values()
        with Client(self._environment["AGENTSERVER_URL"]) as client:
            client.auth.register(email=email, password=password)

    def parse(self, document: Document) -> Iterable[Region]:
        """Find everything in a page that is to be done; a parser for Sybil."""
        for region in _FENCES(document):
            yield Region(region.start, region.end, region.lexemes, self._do)
        for region in _FAULTS(document):
            yield Region(region.start, region.end, region.lexemes, self._serve_with_fault)

    def finish(self) -> None:
        """Look for what was made and never used."""
        assert not self._unused, f"no command of the page uses {', '.join(self._unused)}"

    # --- what there is to do ----------------------------------------------------------------------

    def _do(self, example: Example) -> str | None:
        info = _INFO.fullmatch(example.parsed["info"].strip())
        text = str(example.parsed["source"])
        if info is None:
            return f"nobody knows how to check {example.parsed['info']!r}"
        language, title = info["language"], info["title"]
        if language == self._skipped:
            return None
        try:
            if language == "text":
                return self._compare(text, title)
            if language in _PARSERS:
                _PARSERS[language](text)
            if title is not None:
                return self._save(title, text)
            if language == "python":
                self._run_python(text, example)
            elif language in ("console", "sh"):
                self._run_commands(text)
            elif language not in _PARSERS:
                return f"nobody knows how to check a block of {language or 'no language'!r}"
        except Exception as error:
            came = "".join(traceback.format_exception(error))
            return _told(("what was run", text), ("what came", self._shown(came)))
        return None

    def _save(self, name: str, text: str) -> None:
        (self._folder / name).write_text(self._placed(text), encoding="utf-8")
        self._unused.append(name)

    def _run_python(self, text: str, example: Example) -> None:
        self._ran, said = text, io.StringIO()
        # With the page's own lines in a traceback.
        code = compile("\n" * example.line + self._placed(text), example.path, "exec")
        with (
            mock.patch.dict(os.environ, self._environment, clear=True),
            chdir(self._folder),
            redirect_stdout(said),
            # A program that sets up logging finds none set up.
            mock.patch.object(logging.root, "handlers", []),
            mock.patch.object(logging.root, "level", logging.WARNING),
        ):
            exec(code, self._namespace)  # noqa: S102 (the project's own pages)
        self._printed = said.getvalue()

    def _run_commands(self, text: str) -> None:
        self._ran = text
        self._unused = [name for name in self._unused if not _mentions(text, name)]
        if _SERVES.fullmatch(text):
            self._serve(self._placed(text))
            return
        kept = self._folder / ".environment"
        done = subprocess.run(
            [
                "bash",
                "-euo",
                "pipefail",
                "-c",
                f"{in_place(self._placed(text))}\nenv -0 > '{kept}'",
            ],
            cwd=self._environment.get("PWD", self._folder),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SEVERAL_SECONDS,
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}"
        pairs = kept.read_text(encoding="utf-8").split("\0")[:-1]
        self._environment = dict(pair.split("=", 1) for pair in pairs)
        self._printed = done.stdout

    def _compare(self, wanted: str, title: str | None) -> str | None:
        if title == "The server's terminal":
            terminal = self._terminal
            assert terminal is not None, "no server runs"
            terminal.wait(lambda said: _is_like(wanted, self._shown(said[self._log_read :])))
            came = terminal.said[self._log_read :]
            self._log_read += len(came)
        elif title == "Output" and self._printed is not None:
            came, self._printed = self._printed, None
        else:
            return 'text that is no output: give it title="Output" and the block that prints it'
        came = self._shown(came)
        if _is_like(wanted, came):
            return None
        return _told(("what was run", self._ran), ("what the page shows", wanted), ("came", came))

    # --- the server -------------------------------------------------------------------------------

    def _serve(self, command: str) -> None:
        self._stop_server()
        self._terminal = Terminal(command, self._folder, self._environment)
        url = self._terminal.url()
        self._log_read = 0
        self._places[SHOWN_URL] = url
        self._environment["AGENTSERVER_URL"] = url

    def _serve_with_fault(self, example: Example) -> None:
        (fault,) = [each for each in catalogue() if each.id == example.parsed["arguments"].strip()]
        folder = self._cleanup.enter_context(planted(fault))
        python_path = self._environment["PYTHONPATH"]
        self._environment["PYTHONPATH"] = f"{folder}{os.pathsep}{python_path}"
        self._serve(SERVE)
        self._environment["PYTHONPATH"] = python_path

    def _stop_server(self) -> None:
        if self._terminal is not None:
            self._terminal.stop()
            self._terminal = None

    def _placed(self, text: str) -> str:
        """What the page shows, for where the test is."""
        for shown, used in self._places.items():
            text = text.replace(shown, used)
        return text

    def _shown(self, text: str) -> str:
        """What came, as a page would show it."""
        for shown, used in self._places.items():
            text = text.replace(used, shown)
        return text


def _is_like(wanted: str, came: str) -> bool:
    """Whether they are the same but for `...` and what nobody sees: blanks at the end of a line."""
    came = "".join(f"{line.rstrip()}\n" for line in came.strip("\n").splitlines())
    return OutputChecker().check_output(wanted, came, ELLIPSIS)


def _told(*parts: tuple[str, str]) -> str:
    return "\n\n".join(f"{name}:\n{indent(text.rstrip(), '    ')}" for name, text in parts)


def _mentions(command: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", command) is not None
