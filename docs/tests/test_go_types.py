"""The types of the Go package have the places that the page names."""

from __future__ import annotations

import tomllib
from pkgutil import resolve_name

import go_types_page
import pytest
from go_types_page import DATA, SERVER, in_sdk, places
from substitutions import ROOT

from agentserver_contract.contract.document import load

CONTRACT = load(ROOT / "openapi.yaml")
PLACES = places()
every_type = pytest.mark.parametrize("name", PLACES)


def test_every_exported_type_has_a_place_and_no_other() -> None:
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    assert len(set(data["types"])) == len(data["types"])
    assert set(data["types"]) == set(data["places"])


@every_type
def test_what_a_place_names_in_the_contract_exists(name: str) -> None:
    known = CONTRACT.schemas.keys() | CONTRACT.operations.keys()
    missing = set(PLACES[name].contract) - known
    assert not missing, f"{name}: neither a schema nor an operation: {', '.join(missing)}"


@every_type
def test_what_a_place_names_in_the_server_exists(name: str) -> None:
    for each in PLACES[name].server:
        resolve_name(f"{SERVER}.{each}")


@every_type
def test_everything_in_the_contract_is_in_the_sdk_too(name: str) -> None:
    for each in PLACES[name].contract:
        assert list(in_sdk(CONTRACT, each)), f"{each} is neither a model nor taken by a method"


@every_type
def test_what_has_no_counterpart_of_its_own_says_why(name: str) -> None:
    place = PLACES[name]
    has_its_own = list(place.contract) == [name] and bool(place.server)
    assert has_its_own != bool(place.note), place


@every_type
def test_what_the_contract_has_by_this_name_is_not_said_to_be_missing(name: str) -> None:
    assert PLACES[name].contract or name not in CONTRACT.schemas, PLACES[name].note


def test_every_type_has_a_row_of_the_page() -> None:
    text = go_types_page.page(CONTRACT)
    assert [name for name in PLACES if f"\n| `{name}`" not in text] == []
