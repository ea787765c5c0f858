"""Plants one fault in a copy of the sources, and puts it on trial in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from catalogue import CHECKOUT, ROOTS, Fault
from verdicts import Question, Trial, Verdict

# Imported once, before the processes are forked that each try one fault. Nothing of the project is
# among them: what is planted must be imported after it was planted.
HEAVY = ["cryptography", "httpx", "hypothesis", "msgspec", "schemathesis", "schemathesis.engine"]
HEAVY += ["sqlalchemy", "starlette.applications", "yaml"]

SECONDS = 300
"""What one fault may take in all; a suite that hangs on a fault has noticed it."""


def put_on_trial(question: Question) -> Trial:
    """Plant a fault and let the layers look for it."""
    started = time.monotonic()
    trial = Trial(question)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    with planted(question.fault) as folder, tempfile.TemporaryDirectory() as work:
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_play, args=(question, folder, Path(work), theirs))
        process.start()
        theirs.close()
        with mine:
            try:
                while mine.poll(max(0.0, started + SECONDS - time.monotonic())):
                    trial.take(mine.recv())
                trial.take(Verdict("suite", "stuck", (f"hung for {SECONDS} s",)))
                process.kill()
            except EOFError:
                pass
        process.join()
        if process.exitcode and not trial.killers:
            trial.take(Verdict("suite", "stuck", (f"ended with {process.exitcode}",)))
    trial.seconds = time.monotonic() - started
    return trial


@contextmanager
def planted(fault: Fault | None) -> Iterator[Path]:
    """A folder with a copy of what the fault is in, fault and all; empty without one."""
    with tempfile.TemporaryDirectory(prefix="agentserver-fault-") as name:
        folder = Path(name)
        if fault is not None:
            root, texts = ROOTS[fault.side], fault.texts()
            if root != CHECKOUT:
                shutil.copytree(root, folder / root.name)
            for path, text in texts.items():
                copy = folder / path.relative_to(root if root == CHECKOUT else root.parent)
                copy.write_text(text, encoding="utf-8")
        yield folder


def _play(question: Question, folder: Path, work: Path, told: Connection) -> None:
    """In the process of its own: the copy comes before the sources, and nothing is printed."""
    paths = [folder, *(CHECKOUT / name for name in ("sdk", "reference_server", "contract_tests"))]
    paths += [CHECKOUT / "contract_tests" / "tests"]
    sys.path[:0] = map(str, paths)
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - it is no file
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    from trials import verdicts

    for verdict in verdicts(question, folder, work):
        told.send(verdict)
