"""Commands that a test cannot run as they stand, and what is done in their place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def in_place(script: str) -> str:
    """The script with each such command replaced.

    Raises:
        AssertionError: a command is wrong; the message says what.
    """
    for command, replacement in _REPLACEMENTS:
        script = command.sub(replacement, script)
    return script


def _checked_install(command: re.Match[str]) -> str:
    """Nothing is installed: there is a network for that, and a test of the wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = re.fullmatch(r"'?(?:\.|agentserver)(?:\[([a-z,]+)\])?'?", command[1].strip())
    assert wanted, f"{command[0]!r} installs something else than this project"
    unknown = {*(wanted[1] or "").split(",")} - {"", *project["optional-dependencies"]}
    assert not unknown, f"{command[0]!r}: pyproject.toml has no extra {', '.join(unknown)}"
    return ":"


_SESSIONS = {
    "demo": ('"python", "-m", "agentserver_contract.demo"', "--examples 1"),
    "bench": ('"python", "contract_tests/bench"', "--quick --only decoding"),
}
"""What a session runs, and what makes it short."""


def _checked_session(command: re.Match[str]) -> str:
    """What the session runs, in the environment that there is, and little of it."""
    run, little = _SESSIONS[command[1]]
    told = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert f"session.run({run}" in told, command[0]
    words = [word.strip('"') for word in run.split(", ")]
    program = " ".join(str(ROOT / word) if "/" in word else word for word in words)
    return f"{program} {little}"


_Replacement = str | Callable[[re.Match[str]], str]
_REPLACEMENTS: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (re.compile(r"^pip install ([^#\n]+)", re.MULTILINE), _checked_install),
    (
        re.compile(rf"^python3 noxfile\.py ({'|'.join(_SESSIONS)})$", re.MULTILINE),
        _checked_session,
    ),
    (re.compile(r"^python3 -m venv (\S+)$", re.MULTILINE), r"python3 -m venv --without-pip \1"),
    (re.compile(r"^\. (\S+)/bin/activate$", re.MULTILINE), r"test -f \1/bin/activate"),
    # A whole run takes its time, and has tests of its own: one operation shows that it runs. Of
    # that little the gate finds much missing, which is its answer and no fault.
    (
        re.compile(r"agentserver-contract run(?!.*--layers)"),
        "agentserver-contract run --layers roles --operation list_workspaces",
    ),
    (re.compile(r"^(agentserver-contract gate .*)$", re.MULTILINE), r"\1 || test $? = 1"),
)
