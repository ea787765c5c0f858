"""The files that reports are written to: tried at the start, and written whatever ends a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agentserver_contract.run import Outcome


class CannotWrite(RuntimeError):
    """A report cannot be written; the text names the file."""


class ReportFiles:
    """The files of a run, by path.

    Args:
        texts: What makes the report of each path; that of None is not asked for.

    Raises:
        CannotWrite: A file cannot be written.
    """

    def __init__(self, texts: Mapping[Path | None, Callable[[Outcome], str]]) -> None:
        self._texts = {path: text for path, text in texts.items() if path is not None}
        for path in self._texts:
            try:
                path.open("a").close()
            except OSError as error:
                raise CannotWrite(f"{path} cannot be written: {error.strerror}") from None

    def write(self, outcome: Outcome) -> None:
        """Write every report. Raises CannotWrite."""
        for path, text in self._texts.items():
            write(path, text(outcome))


def write(path: Path, text: str) -> None:
    """Write a file. Raises CannotWrite."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from None
