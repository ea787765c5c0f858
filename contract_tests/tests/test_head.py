"""What the tool promises of HEAD, and which answers break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agentserver_contract.contract.document import Contract, Operation, load
from agentserver_contract.http.head import wrong_head
from agentserver_contract.http.messages import Request, Response

GET = Request("GET", "/api/workspaces/any", {})
FULL = Response(
    200,
    {
        "content-type": ("application/json",),
        "content-length": ("2",),
        "x-request-id": ("1",),
        "x-content-type-options": ("nosniff",),
    },
    b"{}",
)
HEAD = replace(FULL, body=b"")


def without(response: Response, *names: str, **headers: str) -> Response:
    """The response without some headers, and with others."""
    kept = {name: value for name, value in response.headers.items() if name not in names}
    return replace(response, headers={**kept, **{n: (v,) for n, v in headers.items()}})


def sends(*answers: Response) -> Callable[[Request], Response]:
    """Answers GET and HEAD in turn, again and again."""

    def send(request: Request) -> Response:
        return answers[request.method == "HEAD"]

    return send


@pytest.fixture
def read(contract: Contract) -> Operation:
    return contract.operations["get_workspace"]


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        without(HEAD, "content-length"),
        without(HEAD, "x-request-id", **{"x-request-id": "2"}),
    ],
    ids=["the same", "no length", "another request id"],
)
def test_answer_to_head_like_that_to_get_is_right(read: Operation, head: Response) -> None:
    assert wrong_head(read, GET, sends(FULL, head))[0] == []


def test_answer_that_a_proxy_compressed_is_right(read: Operation) -> None:
    compressed = without(FULL, "content-length", **{"content-encoding": "gzip"})
    assert wrong_head(read, GET, sends(compressed, HEAD))[0] == []


@pytest.mark.parametrize(
    ("head", "wrong"),
    [
        (replace(HEAD, status=405), "GET is 200, and HEAD is 405"),
        (FULL, "a body of 2 bytes"),
        (without(HEAD, "content-length", **{"content-length": "0"}), "content-length is 0"),
        (without(HEAD, "content-type"), "content-type is application/json"),
        (without(HEAD, "x-request-id"), "lacks X-Request-Id"),
    ],
)
def test_answer_to_head_that_differs_is_wrong(read: Operation, head: Response, wrong: str) -> None:
    (found,), exchange = wrong_head(read, GET, sends(FULL, head))
    assert wrong in found
    assert (exchange.request.method, exchange.response) == ("HEAD", head)


@pytest.mark.parametrize("lengths", ["23333", "233 344 44", "234 456 678 88"])
def test_what_changed_between_get_and_head_is_asked_again(read: Operation, lengths: str) -> None:
    left = iter(lengths.replace(" ", ""))

    def send(request: Request) -> Response:
        length = next(left)
        answer = HEAD if request.method == "HEAD" else replace(FULL, body=b"x" * int(length))
        return without(answer, "content-length", **{"content-length": length})

    assert wrong_head(read, GET, send)[0] == []


def test_head_is_405_where_get_changes_state() -> None:
    path = Path(__file__).parent / "data" / "every_kind.yaml"
    operation = load(path).operations["take_next_parcel"]
    asked: list[str] = []

    def refuses(request: Request) -> Response:
        asked.append(request.method)
        return Response(405, {})

    get = Request("GET", "/api/parcels/next", {})
    assert wrong_head(operation, get, refuses)[0] == []
    assert asked == ["HEAD"], "GET would take a parcel"
    assert wrong_head(operation, get, sends(FULL, HEAD))[0] == [
        "GET changes state, and HEAD is 200, not 405"
    ]
