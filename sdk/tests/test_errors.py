"""The errors: one root, a class for each status, and the same facts on all of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import agentserver
from agentserver import (
    AgentserverError,
    CallError,
    ClientError,
    PermissionDenied,
    QuotaExceeded,
    ServerError,
    StatusError,
)
from agentserver._errors import class_for

CLASSES = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "PermissionDenied",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    413: "PayloadTooLarge",
    415: "UnsupportedMediaType",
    422: "UnprocessableEntity",
    429: "RateLimited",
    500: "InternalServerError",
    501: "NotSupported",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
QUOTA = {
    "error": "quota_exceeded",
    "message": "Workspace limit reached (5/5).",
    "quota": {"current": 5, "max": 5},
}


@pytest.fixture
def raised(flow, call, reply) -> Callable[..., Any]:
    """The error that an answer is made into."""

    def run(*answer: Any, method: str = "POST", **kinds: Any) -> Any:
        error = flow.run(call(method), reply(*answer, **kinds), max_retries=0).error
        assert isinstance(error, CallError)
        return error

    return run


def all_errors() -> list[type[AgentserverError]]:
    exported = [getattr(agentserver, name) for name in agentserver.__all__]
    return [e for e in exported if isinstance(e, type) and issubclass(e, Exception)]


def test_every_error_of_the_sdk_has_one_root() -> None:
    found = all_errors()
    assert len(found) > 30
    assert all(issubclass(error, AgentserverError) for error in found)


def test_every_error_class_is_exported() -> None:
    from agentserver import _errors

    defined = {
        n
        for n, v in vars(_errors).items()
        if isinstance(v, type) and v.__module__ == _errors.__name__
    }
    assert defined == {error.__name__ for error in all_errors()}


@pytest.mark.parametrize(("status", "name"), CLASSES.items())
def test_every_documented_status_has_a_class_of_its_own(status, name, raised) -> None:
    assert type(raised(status, "no\n", type="text/plain")).__name__ == name


@pytest.mark.parametrize(
    ("status", "base"),
    [
        (402, ClientError),
        (499, ClientError),
        (520, ServerError),
        (599, ServerError),
        (304, StatusError),
        (600, StatusError),
        (999, StatusError),
    ],
)
def test_a_status_without_a_class_is_its_nearest_base(status, base, raised) -> None:
    error = raised(status, "odd\n", type="text/plain")
    assert type(error) is base
    assert error.status_code == status


def test_an_error_carries_the_facts_of_its_call(server, answer, call) -> None:
    server.will(
        answer(
            409,
            b"email already taken\n",
            type="text/plain; charset=utf-8",
            headers={"X-Request-Id": "theirs-1", "X-Secret": "hidden"},
        )
    )
    with agentserver.Client(server.url) as client, pytest.raises(agentserver.Conflict) as caught:
        client._call(call("POST", id="register_user"))
    error = caught.value
    assert error.status_code == 409
    assert error.operation_id == "register_user"
    assert (error.method, error.path) == ("POST", "/api/things")
    assert error.message == "email already taken"
    assert error.body == "email already taken\n"
    assert error.request_id == "theirs-1"
    assert error.headers["content-type"] == "text/plain; charset=utf-8"
    assert "x-secret" not in error.headers
    assert error.attempts == 1
    assert 0 < error.elapsed < 10
    assert error.retry_after is None
    assert str(error) == "register_user 409: email already taken [request theirs-1]"


@pytest.mark.parametrize("theirs", ["", "with space", "x" * 200])
def test_a_request_id_that_is_none_gives_way_to_the_one_sent(theirs, raised) -> None:
    assert raised(400, "no", type="text/plain", x_request_id=theirs).request_id == "request-1"


@pytest.mark.parametrize(
    ("type_", "body", "message"),
    [
        ("text/plain", "plain words\n", "plain words"),
        ("text/plain", '{"message": "not parsed"}', '{"message": "not parsed"}'),
        ("application/json", '{"message": "m", "error": "e"}', "m"),
        ("application/json", '{"error": "e"}', "e"),
        ("application/problem+json", '{"message": "m"}', "m"),
        ("application/json", "no JSON", "no JSON"),
        ("application/json", "[1]", "[1]"),
        ("application/json", '{"message": {"odd": 1}}', '{"message": {"odd": 1}}'),
        ("text/plain", "two\r\nlines\x1b[31m", "two lines [31m"),
        ("text/plain", "", ""),
        ("text/html", "<html>", "the answer is a web page, not one of this API"),
        ("", "untyped", "untyped"),
        ("text/plain", b"\xff\xfe", "��"),
    ],
)
def test_the_message_is_read_by_the_type_that_came(type_, body, message, raised) -> None:
    assert raised(400, body, type=type_).message == message


def test_a_long_message_is_cut_and_a_long_body_bounded(raised) -> None:
    error = raised(400, "é" * 200_000, type="text/plain")
    assert len(error.message) == 500
    assert len(str(error).splitlines()) == 1
    assert len(error.body.encode()) <= 64 * 1024


def test_a_full_quota_tells_how_full(raised) -> None:
    error = raised(403, QUOTA)
    assert type(error) is QuotaExceeded
    assert isinstance(error, PermissionDenied)
    assert (error.current, error.max, error.code) == (5, 5, "quota_exceeded")
    assert error.message == "Workspace limit reached (5/5)."


@pytest.mark.parametrize(
    "body",
    [
        {"error": "resource_budget_exceeded", "message": "over budget"},
        {"error": "quota_exceeded"},
        {"error": ["quota_exceeded"]},
        ["quota_exceeded"],
    ],
)
def test_a_403_that_names_no_quota_is_only_a_403(body, raised) -> None:
    assert type(raised(403, body)) is PermissionDenied


def test_what_the_server_echoes_of_a_credential_is_blotted_out(flow, call, reply) -> None:
    from agentserver import Secret

    echo = 'cookie "s-echoed", body {"password": "quo\\"ted"}'
    made = call("POST", security=("sessionCookie",), body={"password": Secret('quo"ted')})
    error: Any = flow.run(made, reply(400, echo, type="text/plain"), session="s-echoed").error
    for text in (error.message, error.body, str(error), repr(error)):
        assert "s-echoed" not in text
        assert "ted" not in text.replace("Request", "")
    assert "***" in error.message


def test_errors_survive_pickle_and_deepcopy(raised, flow, call, failure) -> None:

    errors = [
        raised(403, QUOTA, x_request_id="r-1"),
        raised(429, "later", type="text/plain", retry_after="9"),
        raised(404, "unknown " * 100, type="text/plain"),
        raised(200, "<html>", type="text/html"),
        flow.run(call(), failure("read timeout"), max_retries=0).error,
        flow.run(call("POST"), failure("broken")).error,
        flow.run(call(security=("bearerToken",))).error,
    ]
    for error in errors:
        pickled = pickle.dumps(error)
        assert len(pickled) < 5000
        for twin in (pickle.loads(pickled), copy.deepcopy(error), copy.copy(error)):  # noqa: S301
            assert type(twin) is type(error)
            assert (str(twin), repr(twin), vars(twin)) == (str(error), repr(error), vars(error))


@pytest.mark.parametrize("error", all_errors())
def test_every_error_can_be_raised_by_a_test_double(error) -> None:
    assert isinstance(pickle.loads(pickle.dumps(error("words"))), error)  # noqa: S301
    assert "words" in str(error("words"))


def test_every_status_class_names_its_status() -> None:
    assert {status: class_for(status).__name__ for status in CLASSES} == CLASSES


@pytest.mark.parametrize(
    ("body", "media_type", "message"),
    [
        ({"message": "m", "error": "e", "detail": "d"}, "application/json", "m"),
        ({"error": "e", "detail": "d"}, "application/json", "e"),
        ({"type": "about:blank", "title": "t", "detail": "d"}, "application/problem+json", "d"),
        ({"title": "t", "status": 409}, "application/problem+json; charset=utf-8", "t"),
        ({"detail": "d"}, "application/json", "d"),
        (
            {"detail": [{"loc": ["body"], "msg": "field required"}]},
            "application/json",
            "field required",
        ),
        ({"error": {"code": 7, "message": "inside"}}, "application/json", "inside"),
        ({"message": None, "detail": "d"}, "application/json", "d"),
        ({"message": "", "detail": " "}, "application/json", ""),
        (["no object"], "application/json", '["no object"]'),
    ],
)
def test_a_message_is_found_where_frameworks_put_it(
    body, media_type, message, flow, call, reply
) -> None:
    error = flow.run(call("POST"), reply(409, body, type=media_type)).error
    assert error.message == message
