"""The catalogue of faults fits the sources, and what is planted is found, or said to be missed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from catalogue import CHECKOUT, CatalogueError, Edit, Fault, catalogue, kinds
from matrix import idle, matrix, rate, summary, survivors
from verdicts import Question, Trial, Verdict

from agentserver_contract.contract.document import Contract, load

FAULTS = catalogue()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_can_be_planted(fault: Fault, tmp_path: Path) -> None:
    for path, text in fault.texts().items():
        if path.suffix == ".py":
            compile(text, str(path), "exec")
        else:
            (tmp_path / path.name).write_text(text, encoding="utf-8")
            assert load(tmp_path / path.name).operations
        assert text != path.read_text(encoding="utf-8")


def test_every_operation_has_a_fault_on_each_side(contract: Contract) -> None:
    named = {
        operation for fault in FAULTS if fault.side == "server" for operation in fault.operations
    }
    assert named == set(contract.operations)
    everywhere = {operation for fault in FAULTS for operation in fault.operations}
    assert everywhere <= set(contract.operations)


def test_every_kind_of_fault_is_planted() -> None:
    assert {fault.kind for fault in FAULTS} == set(kinds())


def test_fault_whose_text_has_gone_is_told_by_name() -> None:
    fault = FAULTS[0]
    gone = replace(fault, edits=(Edit(fault.edits[0].file, "a text that nobody wrote", ""),))
    with pytest.raises(CatalogueError, match=f"{fault.id}: .* 0 times, not once"):
        gone.texts()


def trial(fault: Fault, *verdicts: Verdict) -> Trial:
    found = Trial(Question(fault, 1))
    for verdict in verdicts:
        found.take(verdict)
    return found


def test_matrix_tells_caught_from_missed_and_from_not_asked() -> None:
    trials = {
        "one": trial(FAULTS[0], Verdict("roles", "missed"), Verdict("model", "caught")),
        "two": trial(FAULTS[1], Verdict("roles", "stuck")),
        "three": trial(FAULTS[2], Verdict("roles", "missed"), Verdict("model", "missed")),
    }
    lines = [line.split() for line in matrix(trials).splitlines()]
    assert lines[:4] == [["roles", "model"], ["one", ".", "x"], ["two", "!"], ["three", ".", "."]]
    assert survivors(trials) == ["three"]
    assert rate(trials) == pytest.approx(2 / 3)
    assert summary(trials).splitlines() == [
        "roles: 1 of 3 caught, 1 by no other",
        "model: 1 of 2 caught, 1 by no other",
    ]


def test_layer_that_is_asked_twice_has_caught_what_it_caught_once() -> None:
    found = trial(
        FAULTS[0],
        Verdict("differential", "missed"),
        Verdict("differential", "caught"),
        Verdict("differential", "missed"),
    )
    assert [verdict.word for verdict in found.verdicts] == ["caught"]


def test_layer_is_needless_that_never_is_the_only_one() -> None:
    faults = {"one": replace(FAULTS[0], only="roles"), "two": replace(FAULTS[1], only="model")}
    trials = {
        "one": trial(FAULTS[0], Verdict("roles", "caught"), Verdict("model", "missed")),
        "two": trial(FAULTS[1], Verdict("roles", "caught"), Verdict("model", "caught")),
    }
    assert idle(faults, trials) == ["model"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "contract_tests" / "faults"), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_planted_fault_is_found_and_a_blind_layer_lets_it_pass(tmp_path: Path) -> None:
    options = ["--no-control", "--seeds", "1", "--only", "workspace-read-by-outsiders"]
    seeing = run(*options, "--layer", "roles", "--json", str(tmp_path / "trials.json"))
    assert seeing.returncode == 0, seeing.stdout + seeing.stderr
    assert "outsider is refused with 403" in (tmp_path / "trials.json").read_text()
    blind = run(*options, "--layer", "promises")
    assert blind.returncode == 1, blind.stdout + blind.stderr
    assert "survived: workspace-read-by-outsiders" in blind.stdout


def test_unknown_fault_ends_with_status_2() -> None:
    ended = run("--only", "no-such-fault")
    assert ended.returncode == 2
    assert ended.stderr == "faults: no-such-fault: no such fault\n"
