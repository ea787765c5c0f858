"""Recorded exchanges fit the contract, or a named departure of the release says why not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from agentserver_contract import departures
from agentserver_contract.contract.document import JSON, Contract, load
from agentserver_contract.departures import Departure, DepartureError
from agentserver_contract.http.messages import Exchange, Request, Response
from agentserver_contract.recordings.exchanges import Recorded, RecordingError, findings, read
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.conformance import LAYER as EXCHANGE
from agentserver_contract.results.findings import Finding

CHECKOUT = Path(__file__).parents[2]
RECORDINGS = CHECKOUT / "contract_tests" / "recordings"
RELEASE = "v0.64.12"
ELSEWHERE = frozenset({"submit_turn"})
"""Operations that the release does not serve, so that nothing of them was recorded."""
NOT_RECORDED = {
    *("address-before-password", "api-key-scopes-many", "credential-before-body"),
    *("homeserver-refused", "sandbox-of-a-workspace-that-goes", "token-days-of-any-size"),
    *("token-days-zero", "trace-unknown-labelled-json"),
}
"""Departures that no recorded exchange shows: they are known from runs on the release, and from how
it reads a body."""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(CHECKOUT / "openapi.yaml")


@pytest.fixture(scope="module")
def all_recorded() -> list[Recorded]:
    return [each for path in sorted(RECORDINGS.glob("*.jsonl")) for each in read(path)]


@pytest.fixture(scope="module")
def recorded(contract: Contract, all_recorded: list[Recorded]) -> list[Recorded]:
    return [each for each in all_recorded if each.operation_id in contract.operations]


@pytest.fixture(scope="module")
def listed() -> list[Departure]:
    return departures.load(departures.file_of(RELEASE))


@pytest.fixture(scope="module")
def of_exchanges(listed: list[Departure]) -> list[Departure]:
    """The listed facts that single exchanges show, without their secrets: these are replaced."""
    return [each for each in listed if each.is_of_exchanges and each.checks != {"secret"}]


@pytest.fixture(scope="module")
def found(contract: Contract, recorded: list[Recorded]) -> list[Finding]:
    return [finding for each in recorded for finding in findings(contract, each)]


def test_every_operation_has_a_recorded_success(
    contract: Contract, recorded: list[Recorded]
) -> None:
    succeeded = {
        each.operation_id
        for each in recorded
        if contract.operations[each.operation_id].is_success(each.exchange.response.status)
    }
    # The release answers /healthz too, but that was not recorded.
    assert set(contract.operations) - succeeded <= {"check_health", *ELSEWHERE}


def test_every_finding_is_explained(
    contract: Contract, found: list[Finding], of_exchanges: list[Departure]
) -> None:
    unexplained = departures.account(contract, of_exchanges, found).unexplained
    assert not unexplained, findings_text(unexplained)


def test_every_departure_occurs(
    contract: Contract, found: list[Finding], of_exchanges: list[Departure]
) -> None:
    recorded = [each for each in of_exchanges if not each.operations <= ELSEWHERE]
    not_met = departures.account(contract, recorded, found).not_met
    assert {each.name for each in not_met} == NOT_RECORDED


def test_departures_name_operations_of_the_recordings(
    all_recorded: list[Recorded], listed: list[Departure]
) -> None:
    names = {each.operation_id for each in all_recorded} | ELSEWHERE
    unknown = {d.name: sorted(d.operations - names) for d in listed if d.operations - names}
    assert not unknown


def test_recordings_contain_one_session_and_no_request_headers() -> None:
    """What was secret while the server ran is not in the file."""
    for path in RECORDINGS.glob("*.jsonl"):
        cookies = set()
        for line in path.read_text(encoding="utf-8").splitlines():
            exchange = json.loads(line)
            assert "headers" not in exchange["request"], path.name
            cookies.add(exchange["response"]["headers"].get("set-cookie", "").partition(";")[0])
        assert len({cookie for cookie in cookies if not cookie.endswith("=")} - {""}) <= 1


VALUE = {
    "id": "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
    "name": "Right",
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00+08:00",
}
HEADERS = {
    "content-type": "application/json",
    "x-request-id": "3f0f8e9c",
    "x-content-type-options": "nosniff",
}
OF_ERROR = {**HEADERS, "content-type": "text/plain; charset=utf-8"}


def recorded_as(
    *,
    operation_id: str = "create_workspace",
    caller: str = "owner",
    note: str = "",
    method: str = "POST",
    path: str = "/api/workspaces",
    content_type: str = JSON,
    sent: bytes | None = b'{"name": "Right"}',
    status: int = 201,
    headers: Mapping[str, str] = HEADERS,
    received: object = VALUE,
) -> Recorded:
    """An exchange that fits the contract in everything, apart from what is given."""
    body = received.encode() if isinstance(received, str) else json.dumps(received).encode()
    return Recorded(
        Exchange(
            Request(method, path, {} if sent is None else {"content-type": content_type}, sent),
            Response(status, {name: (value,) for name, value in headers.items()}, body),
        ),
        source="planted:1",
        operation_id=operation_id,
        caller=caller,
        note=note,
    )


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in HEADERS.items() if key != name}


def test_exchange_that_fits_has_no_finding(contract: Contract) -> None:
    assert not list(findings(contract, recorded_as()))


PLANTED = {
    "undocumented status": (recorded_as(status=418), ("status", "418", "$")),
    "no request id": (
        recorded_as(headers=without("x-request-id")),
        ("header", "missing", "X-Request-Id"),
    ),
    "wrong header": (
        recorded_as(headers={**HEADERS, "x-content-type-options": "sniff"}),
        ("header", "const", "X-Content-Type-Options"),
    ),
    "wrong media type": (
        recorded_as(headers={**HEADERS, "content-type": "text/html"}),
        ("media-type", "text/html", "Content-Type"),
    ),
    "no media type": (
        recorded_as(headers=without("content-type")),
        ("media-type", "none", "Content-Type"),
    ),
    "response is not JSON": (recorded_as(received="<p>"), ("schema", "not JSON", "$")),
    "field missing": (
        recorded_as(received={k: v for k, v in VALUE.items() if k != "name"}),
        ("schema", "required", "$.name"),
    ),
    "field of another type": (
        recorded_as(received={**VALUE, "name": None}),
        ("schema", "type", "$.name"),
    ),
    "time without a zone": (
        recorded_as(received={**VALUE, "created_at": "2026-11-23 10:00:00"}),
        ("schema", "format", "$.created_at"),
    ),
    "anonymous may not": (recorded_as(caller="nobody"), ("accepted", "no credential", "$")),
    "bad cookie may not": (recorded_as(caller="bad_cookie"), ("accepted", "no credential", "$")),
    "role too low": (
        recorded_as(
            operation_id="get_workspace",
            note="matrix:outsider",
            caller="outsider",
            method="GET",
            path="/api/workspaces/2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
            sent=None,
            status=200,
        ),
        ("accepted", "role", "$"),
    ),
    "task of another agent": (
        recorded_as(
            operation_id="update_agent_task_status",
            note="matrix:other_agent",
            caller="bearer",
            method="PUT",
            path="/api/agent/tasks/task_2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21/status",
            sent=b'{"status": "running"}',
            status=200,
            headers=without("content-type"),
            received="",
        ),
        ("accepted", "role", "$"),
    ),
    "no body": (recorded_as(sent=None), ("accepted", "no body", "$")),
    "body is not JSON": (recorded_as(sent=b"{"), ("accepted", "not JSON", "$")),
    "body is not UTF-8": (recorded_as(sent=b'{"name": "\xff"}'), ("accepted", "not UTF-8", "$")),
    "body is called text": (
        recorded_as(content_type="text/plain; charset=utf-8"),
        ("accepted", "content type", "$"),
    ),
    "trailing text": (recorded_as(sent=b'{"name": "x"} x'), ("accepted", "trailing text", "$")),
    "array": (recorded_as(sent=b"[]"), ("accepted", "type", "$")),
    "NaN": (recorded_as(sent=b'{"name": "x", "y": NaN}'), ("accepted", "not JSON", "$")),
    "infinite": (
        recorded_as(sent=b'{"name": "x", "y": 1e999}'),
        ("accepted", "not finite", "$.y"),
    ),
    "NUL": (recorded_as(sent=b'{"name": "\\u0000"}'), ("accepted", "NUL", "$.name")),
    "half a pair": (
        recorded_as(sent=b'{"name": "\\ud800"}'),
        ("accepted", "lone surrogate", "$.name"),
    ),
    "too long": (
        recorded_as(sent=json.dumps({"name": "x" * 256}).encode()),
        ("accepted", "maxLength", "$.name"),
    ),
    "too large": (
        recorded_as(sent=b'{"name": "x", "y": "' + b"y" * 1024 * 1024 + b'"}'),
        ("accepted", "too large", "$"),
    ),
    "too deep": (
        recorded_as(sent=b'{"name": "x", "y":' + b"[" * 101 + b"]" * 101 + b"}"),
        ("accepted", "nesting", "$.y" + "[0]" * 99),
    ),
    "quota before body": (
        recorded_as(
            status=403,
            sent=b"{}",
            received={
                "error": "quota_exceeded",
                "message": "full",
                "quota": {"current": 1, "max": 1},
            },
        ),
        ("accepted", "required", "$.name"),
    ),
    "sound request refused": (
        recorded_as(status=400, headers=OF_ERROR, received="name: is required\n"),
        ("refused", "valid", "$"),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault_is_found_and_nothing_else(contract: Contract, name: str) -> None:
    exchange, expected = PLANTED[name]
    got = [(finding.check, finding.rule, finding.at) for finding in findings(contract, exchange)]
    assert got == [expected]


def test_any_agent_may_ask_for_its_own(contract: Contract) -> None:
    polled = recorded_as(
        operation_id="poll_agent_tasks",
        note="matrix:other_agent",
        caller="bearer",
        method="GET",
        path="/api/agent/tasks/poll",
        sent=None,
        status=200,
        received=[],
    )
    assert not list(findings(contract, polled))


def test_refusal_that_depends_on_what_is_stored_is_no_finding(contract: Contract) -> None:
    sent = {"base_url": "https://api.example.com", "models": [{"id": "m", "name": "M"}]}
    refused = recorded_as(
        operation_id="set_workspace_llm_config",
        method="PUT",
        path="/api/workspaces/2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21/llm-config",
        sent=json.dumps(sent).encode(),
        status=400,
        headers=OF_ERROR,
        received="api_key is required\n",
    )
    assert not list(findings(contract, refused))
    whole = json.dumps({**sent, "api_key": "k"}).encode()
    request = dataclasses.replace(refused.exchange.request, body=whole)
    with_key = dataclasses.replace(
        refused, exchange=dataclasses.replace(refused.exchange, request=request)
    )
    assert [finding.check for finding in findings(contract, with_key)] == ["refused"]


def test_planted_fault_without_departure_is_unexplained(
    contract: Contract, of_exchanges: list[Departure]
) -> None:
    planted = list(findings(contract, recorded_as(caller="nobody", status=201)))
    (finding,) = departures.account(contract, of_exchanges, planted).unexplained
    assert (finding.operation, finding.rule) == ("create_workspace", "no credential")
    assert "planted:1: nobody" in finding.sent
    assert "-X POST" in finding.sent


def test_departure_that_does_not_occur_is_named(
    contract: Contract, found: list[Finding], of_exchanges: list[Departure]
) -> None:
    unseen = Departure(
        "never-seen",
        frozenset({EXCHANGE}),
        frozenset(),
        "teapot",
        "no",
        checks=frozenset({"status"}),
        statuses=frozenset({418}),
    )
    not_met = departures.account(contract, [*of_exchanges, unseen], found).not_met
    assert "never-seen" in [departure.name for departure in not_met]


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        ({}, True),
        ({"checks": frozenset({"schema"})}, False),
        ({"layers": frozenset({"fuzzing"})}, False),
        ({"operations": frozenset({"login"})}, False),
        ({"rules": frozenset({"type"})}, False),
        ({"statuses": frozenset({200})}, False),
    ],
)
def test_departure_explains_only_what_fits_in_everything(
    contract: Contract, changes: dict[str, object], matches: bool
) -> None:
    (finding,) = findings(contract, recorded_as(sent=b'{"name": ""}'))
    departure = Departure(
        "empty-name",
        frozenset({EXCHANGE}),
        frozenset({"create_workspace"}),
        "takes it",
        "no name",
        checks=frozenset({"accepted"}),
        rules=frozenset({"minLength"}),
        statuses=frozenset({201}),
    )
    assert departure.explains(finding)
    assert dataclasses.replace(departure, **changes).explains(finding) is matches  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["at", "detail", "request", "path", "answer"])
def test_departure_matches_patterns(tmp_path: Path, contract: Contract, key: str) -> None:
    (finding,) = findings(contract, recorded_as(sent=b'{"name": ""}'))
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
        list(findings(contract, recorded_as(**changes)))


def test_recorded_query_is_part_of_what_was_sent(tmp_path: Path) -> None:
    line = {
        "operation_id": "read_agent_inbox",
        "who": "bearer",
        "note": "",
        "request": {
            "method": "GET",
            "path": "/api/agent/mailbox/inbox",
            "query": {"limit": ["1", "2 3"]},
            "json": None,
            "raw": None,
        },
        "response": {"status": 400, "headers": {}, "text": "limit", "json": None},
    }
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(line), encoding="utf-8")
    (recorded,) = read(path)
    assert recorded.exchange.request.query == "limit=1&limit=2+3"
    assert recorded.exchange.request.path == "/api/agent/mailbox/inbox"


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"request": {}, "response": {}, "note": ""}'])
def test_line_that_is_no_exchange_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"odd\.jsonl:1"):
        list(read(path))
