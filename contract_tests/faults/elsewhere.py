"""Checks of the project that the tool does not run, for faults that it missed.

What they catch is told apart: it never counts as caught by the tool.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from definitions import CHECKOUT, SOURCES, Fault

from agentserver_contract.contract.breaking import breaking_changes
from agentserver_contract.contract.document import load
from agentserver_contract.contract.rules import RULES
from agentserver_contract.contract.source import ContractError

RULES_OF_CONTRACT, BREAKING, SDK_TESTS = "promises", "breaking", "sdk tests"
WITH_CLOCK = "with a clock"
"""The layers for roles and times in the server's own process, whose clock can be moved."""
CALLS = "calls of models"
"""The server's tests of calls with a sandbox's token, which no operation returns."""
SIGN_IN = "sign-in of agents"
"""The server's tests of codes, refreshes and the page on which a person approves, none of which is
in the contract.
"""
LOG = "operations log"
"""The server's tests of keys without a scope, of rows that began at one time, and of retention."""
CONNECTIONS = "connections of executors"
"""The server's tests of how machines and people's own codex are connected, which is not in the
contract.
"""
DELIVERY = "delivery of messages"
"""The server's tests of messages of people, for which somebody has to write to a bot."""
PROVIDER = "with an OpenID provider"
"""The server's tests of logins that are approved there, and of the connections to services that
callers name, of which no run by URL has one.
"""
CLUSTERS = "calls of clusters"
"""The server's tests of the proxy by which sandboxes call clusters. It is not in the contract."""
CHECKS = (
    *(RULES_OF_CONTRACT, BREAKING, SDK_TESTS, WITH_CLOCK, CALLS, SIGN_IN, LOG, CONNECTIONS),
    DELIVERY,
    PROVIDER,
    CLUSTERS,
)

_TESTS_OF_SDK = [
    f"sdk/tests/test_{name}.py"
    for name in ("paths", "responses", "errors", "encode", "retry", "auth", "generated", "model")
]
_TESTS_WITH_CLOCK = [
    *("contract_tests/tests/test_roles.py", "contract_tests/tests/test_times.py"),
    *("-k", "(every_caller_may or sessions_last) and not postgresql"),
]
_TESTS_OF_SIGN_IN = [
    *(f"reference_server/tests/test_{name}.py" for name in ("oauth", "device_pages")),
    *("reference_server/tests/test_register_agent.py", "-k", "not postgresql"),
]
_TESTS_OF_LOG = [
    *(f"reference_server/tests/test_{name}.py" for name in ("operations_log", "turns")),
    *("-k", "not postgresql"),
]
_TESTS_OF_CONNECTIONS = [
    *(
        f"reference_server/tests/test_{name}.py"
        for name in ("executors", "executor_relay", "codex_sessions")
    ),
    *("-k", "not postgresql"),
]
_TESTS_OF_DELIVERY = [
    *("reference_server/tests/test_im_delivery.py", "-k", "not postgresql and not killed"),
]
_TESTS_OF_CALLS = ["reference_server/tests/test_model_calls.py", "-k", "not postgresql"]
_TESTS_WITH_PROVIDER = [
    *(f"reference_server/tests/test_{name}.py" for name in ("credential_logins", "outside")),
    *("-k", "not postgresql"),
]
_TESTS_OF_SERVER = {
    WITH_CLOCK: _TESTS_WITH_CLOCK,
    CALLS: _TESTS_OF_CALLS,
    LOG: _TESTS_OF_LOG,
    SIGN_IN: _TESTS_OF_SIGN_IN,
    CONNECTIONS: _TESTS_OF_CONNECTIONS,
    DELIVERY: _TESTS_OF_DELIVERY,
    PROVIDER: _TESTS_WITH_PROVIDER,
    CLUSTERS: [f"reference_server/tests/test_cluster_{name}.py" for name in ("proxy", "sockets")],
}


def caught_elsewhere(fault: Fault, folder: Path) -> list[str]:
    """Which of these checks catch a fault.

    Args:
        fault: Which.
        folder: Where it is planted.
    """
    return list(_caught(fault, folder))


def _caught(fault: Fault, folder: Path) -> Iterator[str]:
    if fault.side == "contract":
        try:
            contract = load(folder / "openapi.yaml")
            if any(any(rule(contract)) for rule in RULES.values()):
                yield RULES_OF_CONTRACT
            if any(breaking_changes(load(), contract)):
                yield BREAKING
        except ContractError:
            yield RULES_OF_CONTRACT
    elif fault.side == "sdk" and _fail(_TESTS_OF_SDK, folder):
        yield SDK_TESTS
    elif fault.side == "server" and fault.tier == "rule":
        for name, tests in _TESTS_OF_SERVER.items():
            if _fail(tests, folder):
                yield name


def _fail(tests: Sequence[str], folder: Path) -> bool:
    """Whether tests of the project fail with the fault."""
    # A fault that is planted as Python starts has imported what pytest would rewrite.
    options = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", "--assert=plain"]
    done = subprocess.run(  # noqa: S603 (the project's own tests)
        [sys.executable, "-m", "pytest", *options, *tests],
        check=False,
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (folder, *SOURCES)))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 1
