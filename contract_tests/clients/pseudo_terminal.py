"""A terminal in which a program runs that draws on its screen, and a person who types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import pyte

COLUMNS, LINES = 200, 50
SECONDS = 60
"""How long is waited for anything."""
LOOK = 0.2
"""Seconds until a condition is looked at again, if the program draws nothing."""


@attrs.define
class Terminal:
    """The terminal. The program's questions about it are answered."""

    _process: subprocess.Popen[bytes]
    _file: int
    _screen: pyte.Screen
    _stream: pyte.ByteStream
    has_ended: bool = False
    """Whether the program has ended."""

    @classmethod
    @contextmanager
    def running(
        cls, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> Iterator[Terminal]:
        """Run a command in a terminal, and end it afterwards.

        Arguments:
            command: the command.
            environment: its variables; that of the terminal's kind is added.
            folder: where it runs.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={"TERM": "xterm-256color", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        screen = pyte.Screen(COLUMNS, LINES)
        terminal = cls(process, ours, screen, pyte.ByteStream(screen))
        screen.write_process_input = terminal.type
        try:
            yield terminal
        finally:
            process.terminate()
            try:
                process.wait(SECONDS)
            finally:
                process.kill()
                os.close(ours)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self._screen.display)

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._file, text.encode())

    def until(self, condition: Callable[[], bool]) -> None:
        """Read what the program draws until something is so; fail with the screen if it is late."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {SECONDS} seconds:\n{self.text}")
            if select.select([self._file], [], [], LOOK)[0]:
                self._read()

    def _read(self) -> None:
        try:
            drawn = os.read(self._file, 65536)
        except OSError:  # the program has closed it
            drawn = b""
        if drawn:
            self._stream.feed(drawn)
        else:
            self._process.wait(SECONDS)
            self.has_ended = True
