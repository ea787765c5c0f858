"""Commands that a test cannot run as shown, with what it runs instead."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from agentserver import __version__

ROOT = Path(__file__).resolve().parents[2]


def substitute(script: str) -> str:
    """The script with every such command replaced.

    Raises:
        AssertionError: a command is wrong; the message says why.
    """
    for command, replacement in _SUBSTITUTIONS:
        script = command.sub(replacement, script)
    return script


WHEEL = f"agentserver-{__version__}-py3-none-any.whl"
_SOURCES = "|".join(map(re.escape, (".", "/source", "$WHEEL", f"dist/{WHEEL}")))
"""Where pages install the project from: a clone, or a wheel built from it. A release to a package
index is the time to add its name there to this list, and then to the pages."""


def _checked_install(command: re.Match[str]) -> str:
    """Check what would be installed, but install nothing: the tests of the wheel do that."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    target = re.fullmatch(rf"(['\"]?)(?:{_SOURCES})(?:\[([a-z,]+)\])?\1", command[1].strip())
    assert target, f"{command[0]!r} does not install this project from where it can be found"
    unknown = {*(target[2] or "").split(",")} - {"", *project["optional-dependencies"]}
    assert not unknown, f"{command[0]!r}: pyproject.toml has no extra {', '.join(unknown)}"
    return ":"


_SESSIONS = {
    "demo": ('"python", "-m", "agentserver_contract.demo"', "--examples 1"),
    "bench": ('"python", "contract_tests/bench"', "--quick --only decoding"),
}
"""The command of a nox session, and options that make it short."""


def _checked_session(command: re.Match[str]) -> str:
    """The command of the session, in the current environment, with options that make it short."""
    run, options = _SESSIONS[command[1]]
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert f"session.run({run}" in noxfile, command[0]
    words = [word.strip('"') for word in run.split(", ")]
    program = " ".join(str(ROOT / word) if "/" in word else word for word in words)
    return f"{program} {options}"


_Replacement = str | Callable[[re.Match[str]], str]
_SUBSTITUTIONS: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (re.compile(r"^pip install (?:--no-cache-dir )?([^#\n]+)", re.MULTILINE), _checked_install),
    (re.compile(r"^python3 noxfile\.py release$", re.MULTILINE), ":"),  # has its own tests
    (
        re.compile(rf"^python3 noxfile\.py ({'|'.join(_SESSIONS)})$", re.MULTILINE),
        _checked_session,
    ),
    (re.compile(r"^python3 -m venv (\S+)$", re.MULTILINE), r"python3 -m venv --without-pip \1"),
    (re.compile(r"^\. (\S+)/bin/activate$", re.MULTILINE), r"test -f \1/bin/activate"),
    # A full run takes minutes and has its own tests, so one operation must do. The gate then finds
    # that most operations were not exercised, and exits with status 1.
    (
        re.compile(r"agentserver-contract run(?!.*--layers)"),
        "agentserver-contract run --layers roles --operation list_workspaces",
    ),
    (re.compile(r"^(agentserver-contract gate .*)$", re.MULTILINE), r"\1 || test $? = 1"),
)
