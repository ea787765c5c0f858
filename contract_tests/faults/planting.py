"""Plants one fault, and runs a trial on it in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from definitions import (
    CHECKOUT,
    HERE,
    ROOTS,
    SOURCES,
    AnswerChange,
    Edits,
    Fault,
    Replacements,
)
from edits import edited_texts
from results import LayerVerdict, Trial, TrialPlan

# Imported once, before the processes are forked that each try one fault. Nothing of the project is
# among them: what is planted as an edit of text must be imported after it was planted.
_IMPORTED_BEFORE = (
    *("cryptography", "httpx", "hypothesis", "msgspec", "schemathesis", "schemathesis.engine"),
    *("sqlalchemy", "starlette.applications", "yaml"),
)

TRIAL_SECONDS = 300
"""What one trial may take in all; a suite that hangs on a fault has noticed it."""

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


def run_trial(plan: TrialPlan) -> Trial:
    """Plant a fault and let the layers look for it."""
    started = time.monotonic()
    trial = Trial(plan)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED_BEFORE))
    with planted_folder(plan.fault) as folder, tempfile.TemporaryDirectory() as work:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_run_layers, args=(plan, folder, Path(work), sender))
        process.start()
        sender.close()
        with receiver:
            try:
                while receiver.poll(max(0.0, started + TRIAL_SECONDS - time.monotonic())):
                    message = receiver.recv()
                    if isinstance(message, LayerVerdict):
                        trial.add(message)
                    else:
                        trial.was_reached = message
                trial.add(LayerVerdict("suite", "failed", (f"hung for {TRIAL_SECONDS} s",)))
                process.kill()
            except EOFError:
                pass
        process.join()
        if process.exitcode and not trial.detected_by:
            trial.add(LayerVerdict("suite", "failed", (f"ended with {process.exitcode}",)))
    trial.seconds = time.monotonic() - started
    return trial


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
                _copy_edited_sources(fault, edits, folder)
            case Replacements() | AnswerChange() if fault:
                paths = [str(path) for path in (HERE, *SOURCES)]
                text = _PLANT_AT_STARTUP.format(paths=paths, fault_id=fault.id)
                (folder / _STARTUP).write_text(text, encoding="utf-8")
        yield folder


def _copy_edited_sources(fault: Fault, edits: Edits, folder: Path) -> None:
    root, texts = ROOTS[fault.side], edited_texts(fault, edits)
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

    An edit of text is planted already, by the folder from which the sources were imported.

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
            case _:
                on_reach()
        yield


def _run_layers(plan: TrialPlan, folder: Path, work: Path, sender: Connection) -> None:
    """In the process of its own: import the sources as planted, and print nothing."""
    paths = [folder, *SOURCES, CHECKOUT / "contract_tests" / "tests", HERE]
    sys.path[:0] = map(str, paths)
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - it is no file
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    was_reached = False

    def reached() -> None:
        nonlocal was_reached
        was_reached = True

    with planted(plan.fault, reached):
        from trials import run_layers

        for verdict in run_layers(plan, folder, work):
            sender.send(verdict)
    sender.send(was_reached)
