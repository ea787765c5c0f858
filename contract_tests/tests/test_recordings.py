"""Recorded exchanges fit the contract, or a named departure of the release says why not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from agentserver_contract import departures
from agentserver_contract.contract.document import JSON, Contract, load
from agentserver_contract.departures import Departure, DepartureError
from agentserver_contract.recordings.exchanges import (
    Exchange,
    Finding,
    RecordingError,
    findings,
    read,
)

CHECKOUT = Path(__file__).parents[2]
RECORDINGS = CHECKOUT / "contract_tests" / "recordings"
RELEASE = "v0.64.12"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(CHECKOUT / "openapi.yaml")


@pytest.fixture(scope="module")
def recorded() -> list[Exchange]:
    return [exchange for path in sorted(RECORDINGS.glob("*.jsonl")) for exchange in read(path)]


@pytest.fixture(scope="module")
def exchanges(contract: Contract, recorded: list[Exchange]) -> list[Exchange]:
    return [exchange for exchange in recorded if exchange.operation_id in contract.operations]


@pytest.fixture(scope="module")
def known() -> list[Departure]:
    return departures.load(departures.file_of(RELEASE))


@pytest.fixture(scope="module")
def found(contract: Contract, exchanges: list[Exchange]) -> list[Finding]:
    return [finding for exchange in exchanges for finding in findings(contract, exchange)]


def test_every_operation_has_a_recorded_success(
    contract: Contract, exchanges: list[Exchange]
) -> None:
    succeeded = {exchange.operation_id for exchange in exchanges if 200 <= exchange.status < 300}
    # The release answers /healthz too, but nobody recorded it.
    assert set(contract.operations) - succeeded <= {"check_health"}


def test_every_finding_is_explained(found: list[Finding], known: list[Departure]) -> None:
    unexplained = departures.account(known, found).unexplained
    assert not unexplained, "\n".join(map(str, unexplained))


def test_every_departure_occurs(found: list[Finding], known: list[Departure]) -> None:
    idle = departures.account(known, found).idle
    assert not idle, "never seen: " + ", ".join(departure.name for departure in idle)


def test_departures_name_operations_of_the_recordings(
    recorded: list[Exchange], known: list[Departure]
) -> None:
    names = {exchange.operation_id for exchange in recorded}
    strangers = {d.name: sorted(d.operations - names) for d in known if d.operations - names}
    assert not strangers


def test_recordings_hold_one_session_value_and_no_request_headers() -> None:
    """What was secret while the server lived is not in the file."""
    for path in RECORDINGS.glob("*.jsonl"):
        cookies = set()
        for line in path.read_text(encoding="utf-8").splitlines():
            exchange = json.loads(line)
            assert "headers" not in exchange["request"], path.name
            cookies.add(exchange["response"]["headers"].get("set-cookie", "").partition(";")[0])
        assert len({cookie for cookie in cookies if not cookie.endswith("=")} - {""}) <= 1


def sound_exchange(**changes: object) -> Exchange:
    """A request and answer that fit the contract in everything, with something changed."""
    answer = {
        "id": "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
        "name": "Right",
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00+08:00",
    }
    sound = Exchange(
        source="planted:1",
        operation_id="create_workspace",
        who="owner",
        note="",
        method="POST",
        path="/api/workspaces",
        content_type=JSON,
        body=b'{"name": "Right"}',
        status=201,
        headers={
            "content-type": "application/json",
            "x-request-id": "3f0f8e9c",
            "x-content-type-options": "nosniff",
        },
        text=json.dumps(answer) + "\n",
        json=answer,
    )
    return dataclasses.replace(sound, **changes)  # type: ignore[arg-type]


def without(exchange: Exchange, name: str) -> dict[str, str]:
    return {key: value for key, value in exchange.headers.items() if key != name}


def test_sound_exchange_has_no_finding(contract: Contract) -> None:
    assert not list(findings(contract, sound_exchange()))


SOUND = sound_exchange()
ERROR = {**SOUND.headers, "content-type": "text/plain; charset=utf-8"}
PLANTED = {
    "undocumented status": (sound_exchange(status=418), ("status", "418", "$")),
    "no request id": (
        sound_exchange(headers=without(SOUND, "x-request-id")),
        ("header", "missing", "X-Request-Id"),
    ),
    "wrong header": (
        sound_exchange(headers={**SOUND.headers, "x-content-type-options": "sniff"}),
        ("header", "const", "X-Content-Type-Options"),
    ),
    "wrong media type": (
        sound_exchange(headers={**SOUND.headers, "content-type": "text/html"}),
        ("media-type", "text/html", "Content-Type"),
    ),
    "no media type": (
        sound_exchange(headers=without(SOUND, "content-type")),
        ("media-type", "none", "Content-Type"),
    ),
    "answer is not JSON": (sound_exchange(text="<p>", json=None), ("schema", "not JSON", "$")),
    "field missing": (
        sound_exchange(json={k: v for k, v in SOUND.json.items() if k != "name"}),
        ("schema", "required", "$.name"),
    ),
    "field of another type": (
        sound_exchange(json={**SOUND.json, "name": None}),
        ("schema", "type", "$.name"),
    ),
    "time without a zone": (
        sound_exchange(json={**SOUND.json, "created_at": "2026-11-23 10:00:00"}),
        ("schema", "format", "$.created_at"),
    ),
    "nobody may not": (sound_exchange(who="nobody"), ("accepted", "no credential", "$")),
    "bad cookie may not": (sound_exchange(who="bad_cookie"), ("accepted", "no credential", "$")),
    "role too low": (
        sound_exchange(
            operation_id="get_workspace",
            note="matrix:outsider",
            who="outsider",
            method="GET",
            path="/api/workspaces/2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            content_type=None,
            body=None,
            status=200,
        ),
        ("accepted", "role", "$"),
    ),
    "no body": (sound_exchange(body=None), ("accepted", "no body", "$")),
    "body is not JSON": (sound_exchange(body=b"{"), ("accepted", "not JSON", "$")),
    "body is not UTF-8": (sound_exchange(body=b'{"name": "\xff"}'), ("accepted", "not UTF-8", "$")),
    "body is called text": (
        sound_exchange(content_type="text/plain; charset=utf-8"),
        ("accepted", "content type", "$"),
    ),
    "trailing text": (sound_exchange(body=b'{"name": "x"} x'), ("accepted", "trailing text", "$")),
    "array": (sound_exchange(body=b"[]"), ("accepted", "type", "$")),
    "NaN": (sound_exchange(body=b'{"name": "x", "y": NaN}'), ("accepted", "not JSON", "$")),
    "infinite": (
        sound_exchange(body=b'{"name": "x", "y": 1e999}'),
        ("accepted", "not finite", "$.y"),
    ),
    "NUL": (sound_exchange(body=b'{"name": "\\u0000"}'), ("accepted", "NUL", "$.name")),
    "half a pair": (
        sound_exchange(body=b'{"name": "\\ud800"}'),
        ("accepted", "lone surrogate", "$.name"),
    ),
    "too long": (
        sound_exchange(body=json.dumps({"name": "x" * 256}).encode()),
        ("accepted", "maxLength", "$.name"),
    ),
    "too large": (
        sound_exchange(body=b'{"name": "x", "y": "' + b"y" * 1024 * 1024 + b'"}'),
        ("accepted", "too large", "$"),
    ),
    "too deep": (
        sound_exchange(body=b'{"name": "x", "y":' + b"[" * 101 + b"]" * 101 + b"}"),
        ("accepted", "nesting", "$.y" + "[0]" * 99),
    ),
    "quota before body": (
        sound_exchange(
            status=403,
            body=b"{}",
            json={"error": "quota_exceeded", "message": "full", "quota": {"current": 1, "max": 1}},
        ),
        ("accepted", "required", "$.name"),
    ),
    "sound request refused": (
        sound_exchange(status=400, headers=ERROR, text="name: is required\n", json=None),
        ("refused", "valid", "$"),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault_is_found_and_nothing_else(contract: Contract, name: str) -> None:
    exchange, expected = PLANTED[name]
    got = [(finding.kind, finding.rule, finding.at) for finding in findings(contract, exchange)]
    assert got == [expected]


def test_refusal_that_depends_on_what_is_stored_is_no_finding(contract: Contract) -> None:
    sent = {"base_url": "https://api.example.com", "models": [{"id": "m", "name": "M"}]}
    refused = sound_exchange(
        operation_id="set_workspace_llm_config",
        method="PUT",
        path="/api/workspaces/2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21/llm-config",
        body=json.dumps(sent).encode(),
        status=400,
        headers=ERROR,
        text="api_key is required\n",
        json=None,
    )
    assert not list(findings(contract, refused))
    whole = dataclasses.replace(refused, body=json.dumps({**sent, "api_key": "k"}).encode())
    assert [finding.kind for finding in findings(contract, whole)] == ["refused"]


def test_planted_fault_without_departure_is_unexplained(
    contract: Contract, known: list[Departure]
) -> None:
    planted = list(findings(contract, sound_exchange(who="nobody", status=201)))
    account = departures.account(known, planted)
    assert [finding.rule for finding in account.unexplained] == ["no credential"]
    assert "create_workspace" in str(account.unexplained[0])
    assert "POST /api/workspaces" in str(account.unexplained[0])


def test_departure_that_does_not_occur_is_named(
    found: list[Finding], known: list[Departure]
) -> None:
    stranger = Departure(
        "never-seen", frozenset({"status"}), frozenset(), "teapot", "no", statuses=frozenset({418})
    )
    idle = departures.account([*known, stranger], found).idle
    assert "never-seen" in [departure.name for departure in idle]


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        ({}, True),
        ({"kinds": frozenset({"schema"})}, False),
        ({"operations": frozenset({"login"})}, False),
        ({"rules": frozenset({"type"})}, False),
        ({"statuses": frozenset({200})}, False),
    ],
)
def test_departure_explains_only_what_fits_in_everything(
    contract: Contract, changes: dict[str, object], matches: bool
) -> None:
    (finding,) = findings(contract, sound_exchange(body=b'{"name": ""}'))
    departure = Departure(
        "empty-name",
        frozenset({"accepted"}),
        frozenset({"create_workspace"}),
        "takes it",
        "no name",
        rules=frozenset({"minLength"}),
        statuses=frozenset({201}),
    )
    assert departure.explains(finding)
    assert dataclasses.replace(departure, **changes).explains(finding) is matches  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["at", "detail", "request", "path", "answer"])
def test_departure_matches_patterns(tmp_path: Path, contract: Contract, key: str) -> None:
    (finding,) = findings(contract, sound_exchange(body=b'{"name": ""}'))
    texts = {
        "at": r"^\$\.name$",
        "detail": "shorter",
        "request": '^{"name": ""}$',
        "path": "^/api/workspaces$",
        "answer": "Right",
    }
    for pattern, matches in ((texts[key], True), ("elsewhere", False)):
        path = tmp_path / "release.toml"
        path.write_text(
            f"[fact]\noperations = '*'\nkind = 'accepted'\n{key} = '{pattern}'\n"
            "answers = 'a'\nwhy = 'b'\n",
            encoding="utf-8",
        )
        (departure,) = departures.load(path)
        assert departure.explains(finding) is matches


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a", "release.toml"),
        ("a = 1", "[a]: must be a table"),
        ("[a]\nkinds = 'status'", "[a]: kinds: unknown key"),
        ("[a]\nkind = 'status'\noperations = '*'\nwhy = 'b'", "[a]: answers: must be a text"),
        ("[a]\nkind = 'odd'\noperations = '*'\nanswers = 'a'\nwhy = 'b'", "[a]: kind: must be of"),
        ("[a]\nkind = 'status'\nanswers = 'a'\nwhy = 'b'", "[a]: operations: must name"),
        (
            "[a]\nkind = 'status'\noperations = '*'\nstatus = '500'\nanswers = 'a'\nwhy = 'b'",
            "[a]: status: '500' is no int",
        ),
        (
            "[a]\nkind = 'status'\noperations = '*'\nat = '['\nanswers = 'a'\nwhy = 'b'",
            "[a]: not a regular expression",
        ),
    ],
)
def test_departures_file_with_a_mistake_is_refused_by_name(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "release.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DepartureError) as caught:
        departures.load(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"operation_id": "make_workspace"},
        {"method": "PUT"},
        {"path": "/api/workspaces/"},
        {"path": "/api/workspaces/x"},
    ],
)
def test_exchange_of_another_operation_is_refused(
    contract: Contract, changes: dict[str, object]
) -> None:
    with pytest.raises(RecordingError, match="planted:1"):
        list(findings(contract, sound_exchange(**changes)))


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"request": {}, "response": {}, "note": ""}'])
def test_line_that_is_no_exchange_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"odd\.jsonl:1"):
        list(read(path))
