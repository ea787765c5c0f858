"""The contract tests try every kind of operation that a contract may have, and find its faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from every_kind_sdk import ROOT, build_sdk, run_python

PROGRAM = Path(__file__).with_name("every_kind_run.py")
FOLDERS = [
    ROOT / "contract_tests",
    ROOT / "contract_tests/faults",
    ROOT / "contract_tests/tests",
    ROOT / "reference_server",
    ROOT / "reference_server/tests",
]

NOT_RUN = {
    *("expired-session", "guest", "developer", "maintainer"),
    *("other-agent", "foreign-agent", "ended-agent"),
}
"""The kinds of caller that this contract, which has no workspaces, does not know."""

TAKES = "take_next_parcel"
"""What only an agent's token opens."""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK of the contract with every kind."""
    return build_sdk(tmp_path_factory.mktemp("every-kind"))


def outcome(sdk: Path, *arguments: str) -> Any:
    """What the program prints."""
    ran = run_python([str(PROGRAM), *arguments], sdk, *FOLDERS)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_nothing_is_found_where_nothing_is_wrong_and_every_status_is_met(
    sdk: Path, seed: str
) -> None:
    found = outcome(sdk, seed)
    assert not found["findings"], "\n\n".join(found["findings"])
    assert not found["never succeeded"]
    assert found["not run"].keys() == NOT_RUN
    set_aside = [note for note in found["notes"] if note.startswith("differential, valid: not")]
    assert not set_aside, f"valid requests that the SDK was not compared on: {set_aside}"


def test_what_nobody_can_call_is_told_as_not_run(sdk: Path) -> None:
    found = outcome(sdk, "1", "--sessions-alone")
    assert not found["findings"], "\n\n".join(found["findings"])
    told = {layer for layer, reasons in found["not run"].items() if TAKES in reasons}
    assert told == {"fuzzing", "gate", "refusals", "roles", "transport"}
    reasons = {found["not run"][layer][TAKES] for layer in told}
    assert reasons == {"the run has no agentToken"}


def test_every_fault_is_found_at_its_operation(sdk: Path) -> None:
    found = outcome(sdk, "1", "--faults")
    missed = [
        fault
        for fault, result in found.items()
        if not any(each.startswith(f"{result['operation']}:") for each in result["findings"])
    ]
    assert found
    assert not missed, missed
