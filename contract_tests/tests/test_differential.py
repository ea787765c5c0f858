"""The differential finds what an SDK does otherwise, and nothing where it does the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import attrs
import pytest

from agentserver import NotFound, _auth, _encode, _transport
from agentserver._generated.api.workspaces import create_workspace, get_workspace
from agentserver_contract.contract.document import JSON, Contract
from agentserver_contract.http import differential
from agentserver_contract.http.differential import Differential, same_json
from agentserver_contract.http.messages import Exchange, Request, Response, cookie

SESSION = "0123456789abcdef" * 4
WORKSPACE = {
    "id": "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21",
    "name": "My workspace",
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
}


@pytest.fixture
def compare(contract: Contract) -> Iterator[Any]:
    """Compares one exchange; returns what kinds of things differ."""
    with Differential(contract) as compared:

        def kinds(
            operation_id: str, request: Request, response: Response, *, valid: bool = True
        ) -> list[str]:
            operation = contract.operations[operation_id]
            exchange = Exchange(request, response)
            found = [
                [each.kind for each in compared.compare(operation, exchange, valid=valid)]
                for _ in range(4)
            ]
            assert found[0] == found[1] == found[2]
            # The fourth time the asynchronous client has its turn as well.
            assert found[3] == found[0] * 2, "the asynchronous client differs from the other"
            return found[0]

        yield kinds


def create(body: Any, **headers: str) -> Request:
    sent = {**cookie(SESSION), "content-type": JSON, **headers}
    return Request("POST", "/api/workspaces", sent, json.dumps(body).encode())


def answered(status: int, value: Any) -> Response:
    if isinstance(value, str):
        return Response(status, {"content-type": ("text/plain; charset=utf-8",)}, value.encode())
    return Response(status, {"content-type": (JSON,)}, json.dumps(value).encode())


CREATED = answered(201, WORKSPACE)


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (create({"name": "My workspace"}), CREATED),
        (create({"name": "\N{GRINNING FACE} <&> \\ \x01"}), CREATED),
        (create({"name": "My workspace"}), answered(403, "forbidden\n")),
        (create({"name": "My workspace", "unknown": [1]}), CREATED),
    ],
    ids=["a success", "odd characters", "a refusal", "a field that the contract does not know"],
)
def test_what_the_sdk_says_alike_is_no_difference(
    compare: Any, request_: Request, response: Response
) -> None:
    assert compare("create_workspace", request_, response) == []


@pytest.mark.parametrize(
    "request_",
    [
        create({}),
        create({"name": 5}),
        create({"name": None}),
        create(["name"]),
        create({"name": "My workspace"}, **{"content-type": "text/plain"}),
        Request("GET", "/api/workspaces", cookie(SESSION)),
    ],
    ids=["no name", "a number", "null", "no object", "another media type", "another method"],
)
def test_what_the_sdk_cannot_say_is_no_difference_where_it_is_wrong_anyway(
    compare: Any, request_: Request
) -> None:
    refused = answered(400, "name: must be a string\n")
    assert compare("create_workspace", request_, refused, valid=False) == []


def test_valid_request_that_the_sdk_cannot_say_is_a_difference(compare: Any) -> None:
    assert compare("create_workspace", create({}), CREATED) == ["call"]


def test_quota_error_carries_its_numbers(compare: Any) -> None:
    quota = {"error": "quota_exceeded", "message": "full", "quota": {"current": 5, "max": 5}}
    assert compare("create_workspace", create({"name": "x"}), answered(403, quota)) == []


def test_answer_that_breaks_the_contract_is_refused_by_strict_decoding(compare: Any) -> None:
    broken = answered(201, {**WORKSPACE, "created_at": "yesterday"})
    assert compare("create_workspace", create({"name": "x"}), broken) == []


def drops_the_last(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return dict(list(arguments.items())[:-1])


def drops_what_is_empty(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value}


def sends_text(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in arguments.items()}


def adds_a_default(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {**arguments, "limit": 10}


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (drops_the_last, "My workspace"),
        (drops_what_is_empty, ""),
        (sends_text, 5),
        (sends_text, None),
        (adds_a_default, "My workspace"),
    ],
)
def test_sdk_that_sends_another_body_is_seen(
    compare: Any, monkeypatch: pytest.MonkeyPatch, fault: Any, name: Any
) -> None:
    right = _encode.body
    monkeypatch.setattr(create_workspace, "_body", lambda given, **kw: right(fault(given), **kw))
    valid = bool(name) and isinstance(name, str)
    assert compare("create_workspace", create({"name": name}), CREATED, valid=valid) == ["body"]


@pytest.mark.parametrize("fault", [str.upper, lambda text: quote(text, safe="")])
def test_sdk_that_calls_another_path_is_seen(
    compare: Any, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    right = _encode.segment
    monkeypatch.setattr(get_workspace, "_segment", lambda name, value: fault(right(name, value)))
    request = Request("GET", "/api/workspaces/a%20b", cookie(SESSION))
    assert compare("get_workspace", request, answered(200, WORKSPACE)) == ["path"]


def test_sdk_that_takes_no_credential_along_is_seen(
    compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = attrs.evolve(get_workspace.OPERATION, security=())
    monkeypatch.setattr(get_workspace, "OPERATION", open_to_all)
    request = Request("GET", "/api/workspaces/1", cookie(SESSION))
    assert compare("get_workspace", request, answered(200, WORKSPACE)) == ["credential"]


def test_sdk_that_sends_a_token_beside_the_session_is_seen(
    compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_auth.Credentials, "bearer", lambda self, scheme: self.given.token)
    request = Request("GET", "/api/workspaces/1", cookie(SESSION))
    assert compare("get_workspace", request, answered(200, WORKSPACE)) == ["credential"]


def test_call_without_a_credential_may_be_refused_by_the_sdk(compare: Any) -> None:
    request = Request("GET", "/api/workspaces/1", {})
    assert compare("get_workspace", request, answered(401, "unauthorized\n")) == []


def test_sdk_that_loses_the_result_is_seen(compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loses = attrs.evolve(create_workspace.OPERATION, success={201: lambda wire, how: None})
    monkeypatch.setattr(create_workspace, "OPERATION", loses)
    assert "result" in compare("create_workspace", create({"name": "x"}), CREATED)


def test_sdk_that_decodes_an_attribute_otherwise_is_seen(
    compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = create_workspace.OPERATION.decoder(201)
    assert callable(right)

    def swaps(wire: Any, how: Any) -> Any:
        return Swapped(right({**wire, "name": wire["id"]}, how), wire)

    swapped = attrs.evolve(create_workspace.OPERATION, success={201: swaps})
    monkeypatch.setattr(create_workspace, "OPERATION", swapped)
    assert compare("create_workspace", create({"name": "x"}), CREATED) == ["attribute $.name"]


class Swapped:
    """A model that returns the answer as it was, and shows something else."""

    def __init__(self, model: Any, wire: Any) -> None:
        self._model = model
        self._wire = wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def to_dict(self) -> Any:
        return self._wire


def test_sdk_that_raises_another_error_is_seen(
    compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transport, "class_for", lambda status: NotFound)
    refusal = answered(403, "forbidden\n")
    assert compare("create_workspace", create({"name": "x"}), refusal) == ["error class"]


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 1.0), (1, True), (0, False), (None, False), ("1", 1), ([1], [1, 1]), ({"a": 1}, {})],
)
def test_json_values_of_different_types_differ(left: Any, right: Any) -> None:
    assert not same_json(left, right)
    assert not same_json(right, left)


def test_divergence_shows_no_password() -> None:
    shown = str(differential.Divergence("body", {"password": "hunter2"}, {"password": "hunter3"}))
    assert "hunter" not in shown
