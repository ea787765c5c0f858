"""How many random cases the contract tests try in a second, the SDK's comparison included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from children import free_port, reference_server, serving
from measuring import Effort, Row, alone

from agentserver_contract.fixtures.accounts import email_of

_ACCOUNT = {"AGENTSERVER_EMAIL": email_of("admin"), "AGENTSERVER_PASSWORD": "of the bench"}
_RUNS = 3


def rows(effort: Effort) -> Iterator[Row]:
    """The layer that makes requests of the contract, each run on an empty server."""
    rates = [_cases_a_second(effort.examples) for _ in range(_RUNS)]
    yield alone("contract", "fuzzing layer", "cases a second", rates)


def _cases_a_second(examples: int) -> float:
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as folder:
        port = free_port()
        with serving(reference_server(Path(folder), port), port) as server:
            result = _fuzzed(server.url, examples)
    return float(result["cases"] / result["seconds"])


def _fuzzed(url: str, examples: int) -> dict[str, float]:
    options = ["--layers", "fuzzing", "--examples", str(examples), "--seed", "1"]
    command = [sys.executable, "-m", "agentserver_contract", "run", url, "--format", "json"]
    done = subprocess.run(  # noqa: S603 (the project's own tool)
        [*command, "--allow-global", *options],
        check=False,
        capture_output=True,
        env=os.environ | _ACCOUNT,
    )
    if not done.stdout:
        raise RuntimeError(done.stderr.decode())
    (layer,) = json.loads(done.stdout)["layers"]
    return {"cases": sum(layer["cases"].values()), "seconds": layer["seconds"]}
