"""Known departures explain what a run meets, each what it is about and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agentserver_contract import departures
from agentserver_contract.contract.document import Contract
from agentserver_contract.data.tables import tables
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.layers import gate
from agentserver_contract.results.findings import Finding
from agentserver_contract.variants.bodies import MALFORMED

LISTED = """
[no-role-is-checked]
operations = ['rename_workspace', 'delete_workspace']
layer = 'roles'
check = 'matrix'
status = 200
promise = '^developer'
answers = 'Developers rename.'
why = 'Only maintainers may.'

[fails-on-nul]
operations = '*'
kind = 'status'
status = 500
answers = 'It fails.'
why = 'It should refuse.'
"""
MET = Finding(
    layer="roles",
    operation="rename_workspace",
    promise="developer is refused with 403 (rename_workspace)",
    contract="",
    detail="expected 403, got 200",
    check="matrix",
    response=Response(200, {}, b"{}"),
)


@pytest.fixture
def listed(tmp_path: Path) -> list[departures.Departure]:
    path = tmp_path / "listed.toml"
    path.write_text(LISTED)
    return departures.load(path)


def explained(
    contract: Contract, listed: list[departures.Departure], finding: Finding
) -> list[str]:
    return [*departures.account(contract, listed, [finding]).explained]


def test_finding_of_a_layer_is_explained(
    contract: Contract, listed: list[departures.Departure]
) -> None:
    account = departures.account(contract, listed, [MET])
    assert [*account.explained] == ["no-role-is-checked"]
    assert [departure.name for departure in account.not_met] == ["fails-on-nul"]


@pytest.mark.parametrize(
    "other",
    [
        replace(MET, layer="fuzzing"),
        replace(MET, operation="get_workspace"),
        replace(MET, check="declared"),
        replace(MET, promise="guest is refused with 403 (rename_workspace)"),
        replace(MET, response=Response(500, {})),
        replace(MET, response=None),
    ],
    ids=["layer", "operation", "check", "promise", "status", "no answer"],
)
def test_every_key_must_match(
    contract: Contract, listed: list[departures.Departure], other: Finding
) -> None:
    assert not explained(contract, listed, other)


def met(check: str, status: int, body: bytes) -> Finding:
    return replace(
        MET,
        layer="fuzzing",
        check=check,
        request=Request("PATCH", "/api/workspaces/any", {}, b'{"name": "\\u0000"}'),
        response=Response(status, {"content-type": ("text/plain; charset=utf-8",)}, body),
    )


def test_finding_is_explained_by_the_facts_of_its_exchange(
    contract: Contract, listed: list[departures.Departure]
) -> None:
    assert explained(contract, listed, met("not_a_server_error", 500, b"no\n")) == ["fails-on-nul"]


def test_call_of_the_model_is_explained_by_the_facts_of_its_exchange(
    contract: Contract, listed: list[departures.Departure]
) -> None:
    call = replace(met("set_name", 500, b"no\n"), layer="model", promise="this call succeeds")
    assert explained(contract, listed, call) == ["fails-on-nul"]
    assert not explained(contract, listed, replace(call, request=None)), "by no act's name"


def test_headers_of_an_answer_are_matched_in_lines(tmp_path: Path, contract: Contract) -> None:
    path = tmp_path / "headers.toml"
    path.write_text(
        "[a]\noperations = '*'\nlayer = 'roles'\nheaders = '(?ms)^allow: \\w+$.*^allow: \\w+$'\n"
        "answers = 'a'\nwhy = 'b'\n"
    )
    listed = departures.load(path)
    twice = replace(MET, response=Response(405, {"allow": ("GET", "PUT")}))
    once = replace(MET, response=Response(405, {"allow": ("GET, PUT",)}))
    assert explained(contract, listed, twice) == ["a"]
    assert not explained(contract, listed, once)


def test_fact_explains_only_checks_that_look_at_it(
    contract: Contract, listed: list[departures.Departure]
) -> None:
    assert not explained(contract, listed, met("foreign_write", 500, b"no\n"))
    assert not explained(contract, listed, met("negative_data_rejection", 200, b"{}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer = 'roles'\nkind = 'status'", "either this or layer"),
        ("", "either this or layer"),
        ("layer = 'magic'", "layer: must be of"),
    ],
    ids=["both", "neither", "no such layer"],
)
def test_table_with_a_mistake_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "listed.toml"
    path.write_text(f"[a]\noperations = '*'\nanswers = 'a'\nwhy = 'b'\n{text}\n")
    with pytest.raises(departures.DepartureError, match=message):
        departures.load(path)


def test_listed_facts_of_the_release_name_checks_that_exist(contract: Contract) -> None:
    statuses = {str(s) for each in contract.operations.values() for s in each.responses}
    known = {
        "refusals": {"an unknown id", *MALFORMED, *(each.name for each in tables().conflicts)},
        gate.NAME: statuses,
    }
    for departure in departures.load(departures.file_of("v0.64.12")):
        assert "model" not in departure.layers or not departure.checks, "by what came, not by how"
        of_layers = [known[layer] for layer in departure.layers if layer in known]
        if of_layers:
            unknown = departure.checks - set().union(*of_layers)
            assert not unknown, f"[{departure.name}] lists what nothing checks: {sorted(unknown)}"
        assert departure.operations <= contract.operations.keys(), departure.name
