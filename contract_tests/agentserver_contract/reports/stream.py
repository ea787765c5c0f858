"""Writes to a stream whose reader may have gone, as with `agentserver-contract run ... | head`."""

from __future__ import annotations

import os
from typing import TextIO


def write(stream: TextIO, text: str) -> None:
    """Write a text at once; if the reader is gone, this and all that follows is dropped.

    The run goes on: its reports and its exit status are worth having without a reader.
    """
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _drop(stream)


def flush(stream: TextIO) -> None:
    """Write what is left, so that the interpreter has nothing to complain about at its end."""
    write(stream, "")


def _drop(stream: TextIO) -> None:
    """Send everything to nowhere, what is in the buffer included."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
