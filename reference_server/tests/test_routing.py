"""The way from a path to what answers it."""

from urllib.parse import quote

import pytest

from agentserver_reference.contract import Operation, load_contract
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.http.routing import MethodNotAllowed, Router

OPERATIONS = load_contract().operations


def router_of(*paths: str) -> Router[str]:
    router: Router[str] = Router()
    for path in paths:
        method, _, template = path.partition(" ")
        router.add_path(template)[method] = path
    return router


def contract_router() -> Router[str]:
    return router_of(*(f"{operation.method} {operation.path}" for operation in OPERATIONS))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_every_operation_is_reached_by_its_path(operation: Operation) -> None:
    path = operation.path.replace("{", "some-").replace("}", "")
    target, parameters = contract_router().find(operation.method, path.encode())
    assert target == f"{operation.method} {operation.path}"
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    assert parameters == {name: f"some-{name}" for name in names}


def test_a_concrete_path_wins_over_a_template_whatever_the_order() -> None:
    paths = ("GET /w/{id}", "GET /w/quota", "PATCH /w/{id}")
    for order in (paths, paths[::-1]):
        router = router_of(*order)
        assert router.find("GET", b"/w/quota") == ("GET /w/quota", {})
        assert router.find("GET", b"/w/other") == ("GET /w/{id}", {"id": "other"})


def test_a_path_belongs_to_one_template_whatever_the_method() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        router_of("GET /w/quota", "PATCH /w/{id}").find("PATCH", b"/w/quota")
    assert refused.value.allow == "GET"


def test_a_concrete_segment_that_leads_nowhere_gives_way_to_the_template() -> None:
    router = router_of("GET /w/quota/limits", "GET /w/{id}/members")
    assert router.find("GET", b"/w/quota/members") == ("GET /w/{id}/members", {"id": "quota"})


def test_a_path_that_is_open_at_its_end_takes_what_no_other_one_does() -> None:
    router = router_of("GET /w/{id}/{path...}", "GET /w/{id}", "GET /w/{id}/members")
    assert router.find("GET", b"/w/1/members") == ("GET /w/{id}/members", {"id": "1"})
    assert router.find("GET", b"/w/1") == ("GET /w/{id}", {"id": "1"})
    for path in ("", "members/", "a/b", "/a//"):
        found = router.find("GET", f"/w/1/{path}".encode())
        assert found == ("GET /w/{id}/{path...}", {"id": "1", "path": path})
    assert router.find("GET", b"/w/1/a%2Fb")[1]["path"] == "a/b"
    with pytest.raises(NotFound):
        router.find("GET", b"/w//a/b")


@pytest.mark.parametrize(
    "path",
    [b"/", b"//", b"", b"/w", b"/w/", b"/w//members", b"/w/1/", b"//w/1", b"/w/1/x", b"/W/1"],
)
def test_a_path_that_is_not_there_is_missing(path: bytes) -> None:
    with pytest.raises(NotFound):
        router_of("GET /w/{id}", "GET /w/{id}/members").find("GET", path)


@pytest.mark.parametrize(
    "value", ["a/b", "..", ".", "a b", "ü", "\N{PILE OF POO}", "%2F", "a?b", "+"]
)
def test_a_value_that_was_quoted_stays_in_its_segment(value: str) -> None:
    path = f"/w/{quote(value, safe='')}/members".encode()
    router = router_of("GET /w/{id}/members")
    assert router.find("GET", path) == ("GET /w/{id}/members", {"id": value})


@pytest.mark.parametrize(
    "segment", [b"%00", b"%FF", b"\xff", b"%ED%A0%80", b"a%00b", b"%", b"%zz", b"x" * 5000]
)
def test_an_id_that_cannot_exist_is_some_id(segment: bytes) -> None:
    _, parameters = router_of("GET /w/{id}").find("GET", b"/w/" + segment)
    assert "\0" not in parameters["id"], "a database refuses NUL"
    assert parameters["id"].encode("utf-8"), "a database refuses lone surrogates"


def test_another_method_is_refused_with_those_that_the_path_takes() -> None:
    router = router_of("GET /w/{id}", "PATCH /w/{id}", "DELETE /w/{id}")
    for method in ("POST", "HEAD", "OPTIONS", "TRACE", "BREW"):
        with pytest.raises(MethodNotAllowed) as refused:
            router.find(method, b"/w/1")
        assert refused.value.allow == "DELETE, GET, PATCH"


def test_two_names_for_one_segment_are_a_fault_of_the_contract() -> None:
    with pytest.raises(ValueError, match="another path of this form"):
        router_of("GET /w/{id}", "PATCH /w/{workspace_id}")
