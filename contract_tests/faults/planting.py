"""Plants one fault: in every Python that has a folder first in its path, or in this process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from definitions import (
    CHECKOUT,
    HERE,
    ROOTS,
    SOURCES,
    AnswerChange,
    Edits,
    Fault,
    Mutation,
    Replacements,
)
from edits import edited_texts

_UNTIL_THE_END = ExitStack()

# Python runs a file of this name before anything else, where it finds one.
_STARTUP = "sitecustomize.py"
_PLANT_AT_STARTUP = """\
import os, sys, traceback

try:
    sys.path[:0] = {paths!r}
    from planting import plant_for_good

    plant_for_good({fault_id!r})
except BaseException:
    traceback.print_exc()
    os._exit(70)  # Python itself would go on without the fault
"""


@contextmanager
def planted_folder(fault: Fault | None) -> Iterator[Path]:
    """A folder that plants the fault in every Python that has it first in its PYTHONPATH.

    It holds a copy of the sources that an edit changes, edit and all, or what plants the fault at
    the start of Python; it is empty without a fault.
    """
    with tempfile.TemporaryDirectory(prefix="agentserver-fault-") as name:
        folder = Path(name)
        match fault.change if fault else None:
            case Edits() as edits if fault:
                _copy_with(ROOTS[fault.side], edited_texts(fault, edits), folder)
            case Mutation(file=file) as mutation:
                from mutants import mutated_text

                root = ROOTS["server"]
                _copy_with(root, {root / file: mutated_text(mutation)}, folder)
            case Replacements() | AnswerChange() if fault:
                paths = [str(path) for path in (HERE, *SOURCES)]
                text = _PLANT_AT_STARTUP.format(paths=paths, fault_id=fault.id)
                (folder / _STARTUP).write_text(text, encoding="utf-8")
        yield folder


def _copy_with(root: Path, texts: dict[Path, str], folder: Path) -> None:
    """Copy the sources, with other texts of some files."""
    if root != CHECKOUT:
        shutil.copytree(root, folder / root.name)
    for path, text in texts.items():
        copy = folder / path.relative_to(root if root == CHECKOUT else root.parent)
        copy.write_text(text, encoding="utf-8")


def plant_for_good(fault_id: str) -> None:
    """Plant a fault of an answer or a rule in this process, until the process ends."""
    from catalogue import find

    _UNTIL_THE_END.enter_context(planted(find(fault_id)))


@contextmanager
def planted(fault: Fault | None, on_reach: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Plant a fault of an answer or a rule in this process, until the block ends.

    Another one is planted already, by the folder from which the sources were imported.

    Args:
        fault: Which.
        on_reach: Called whenever what the fault changes is met.
    """
    from answer_middleware import answers_changed
    from replacing import replaced

    with ExitStack() as stack:
        match fault.change if fault else None:
            case Replacements() as change:
                stack.enter_context(replaced(change, on_reach))
            case AnswerChange() as change:
                stack.enter_context(answers_changed(change, on_reach))
        yield
