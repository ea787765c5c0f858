"""What a program pays before its first answer: imports and the first call, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

from canned import SESSION, WORKSPACE_ID
from children import canned_server, free_port, serving
from measuring import Effort, Row, beside, in_turns

_EMPTY = "pass"
_IMPORT = "import httpx"
_IMPORTS = ("import agentserver", "from agentserver import Client")
_FIRST_CALL, _BY_HTTPX = "import, client, first call", "the same by httpx"
_COMPARED = {**dict.fromkeys(_IMPORTS, (_IMPORT, 1.1)), _FIRST_CALL: (_BY_HTTPX, None)}


def rows(effort: Effort) -> Iterator[Row]:
    """Processor time, for imports wait for nothing and the machine has others to serve."""
    port = free_port()
    with serving(canned_server(port), port) as server:
        statements = {
            **{text: text for text in (_EMPTY, _IMPORT, *_IMPORTS)},
            _FIRST_CALL: (
                f"from agentserver import Client; c = Client({server.url!r}, session={SESSION!r}); "
                f"c.workspaces.get({WORKSPACE_ID!r})"
            ),
            _BY_HTTPX: (
                f"import httpx; c = httpx.Client(); c.get({server.url!r} + '/api/workspaces/"
                f"{WORKSPACE_ID}', headers={{'cookie': 'agentserver-token={SESSION}'}}).json()"
            ),
        }
        taken = in_turns(
            effort.rounds, {name: _measured(text) for name, text in statements.items()}
        )
    beyond = {
        name: [one - empty for one, empty in zip(values, taken[_EMPTY], strict=True)]
        for name, values in taken.items()
    }
    for name, (other, target) in _COMPARED.items():
        yield beside("imports", name, "ms", beyond[name], other, beyond[other], at_most=target)


def _measured(statement: str) -> Callable[[], float]:
    return lambda: _processor_time(statement)


def _processor_time(statement: str) -> float:
    process = subprocess.Popen([sys.executable, "-c", statement])  # noqa: S603 (lines of ours)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{statement!r} ended with {process.returncode}")
    return (used.ru_utime + used.ru_stime) * 1000
