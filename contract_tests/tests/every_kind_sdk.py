"""The contract of the tests' own with one operation of each kind, and the SDK generated from it.

That SDK has the name of the real one, so what uses it runs as a program of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = Path(__file__).parent / "data" / "every_kind.yaml"


def build_sdk(root: Path) -> Path:
    """Generate the SDK below `root`, and return the folder to import it from."""
    written_by_hand = shutil.ignore_patterns("_generated", "__pycache__")
    shutil.copytree(ROOT / "sdk/agentserver", root / "sdk/agentserver", ignore=written_by_hand)
    generate = [sys.executable, str(ROOT / "sdk/generator/generate.py")]
    done = subprocess.run(
        [*generate, "--contract", str(CONTRACT), "--output", str(root)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return root / "sdk"


def run_program(text: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python program that finds its modules in `paths` first."""
    return run_python(["-c", text], *paths)


def run_python(arguments: Sequence[str], *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run Python, which finds its modules in `paths` first."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
    )
