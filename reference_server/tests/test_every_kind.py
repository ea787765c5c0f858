"""The server supports every kind of operation that a contract may contain."""

from collections.abc import AsyncIterator
from typing import Any

import attrs
import httpx
import pytest
from every_kind import (
    AGENT_TOKEN,
    API_KEY,
    READ_ONLY_API_KEY,
    SESSION_TOKEN,
    USER_ID,
    PostOffice,
    every_kind_app,
    populate,
)
from people import error_of, ok
from serving import in_memory

pytestmark = pytest.mark.anyio

SESSION = {"Cookie": f"agentserver-token={SESSION_TOKEN}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@attrs.frozen
class Office:
    """The server, and the calls of its handlers."""

    client: httpx.AsyncClient
    handlers: PostOffice

    async def send(self, key: str = "order-17", **parcel: Any) -> httpx.Response:
        headers = SESSION | {"Idempotency-Key": key}
        body = {"size": "small", **parcel}
        return await self.client.post("/api/parcels", json=body, headers=headers)

    async def list(self, query: str = "", **headers: str) -> httpx.Response:
        return await self.client.get(f"/api/parcels{query}", headers=SESSION | headers)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    handlers = PostOffice()
    app = every_kind_app(in_memory(), handlers)
    async with app.router.lifespan_context(app):
        await populate(app)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Office(client, handlers)


async def test_a_handler_chooses_between_two_successes(office: Office) -> None:
    sent = ok(await office.send("first", weight=1.5))
    assert (sent.status_code, sent.json()["weight"]) == (201, 1.5)
    queued = ok(await office.send("second"))
    assert (queued.status_code, queued.json()) == (202, {"position": 1})


async def test_a_success_with_a_body_may_stand_beside_one_without(office: Office) -> None:
    sent = ok(await office.send(weight=1)).json()
    taken = await office.client.get("/api/parcels/next", headers=bearer(AGENT_TOKEN))
    assert (taken.status_code, taken.json()) == (200, sent)
    none = await office.client.get("/api/parcels/next", headers=bearer(AGENT_TOKEN))
    assert (none.status_code, none.content) == (204, b"")


async def test_a_redirect_is_a_success_without_a_body(office: Office) -> None:
    sent = ok(await office.send(weight=1)).json()
    answer = await office.client.get(f"/api/parcels/{sent['id']}/collect", headers=SESSION)
    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["location"] == f"https://post.example/counters/4?parcel={sent['id']}"
    assert "content-type" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    unknown = await office.client.get("/api/parcels/unknown/collect", headers=SESSION)
    assert error_of(unknown) == (404, "parcel not found")


async def test_parameters_reach_the_handler_each_of_its_type(office: Office) -> None:
    query = (
        "?limit=10&min_weight=5e-1&fragile=true&size=small&label=gift&label=for%20you"
        f"&since=2026-11-23T10:00:00Z&sender_id={USER_ID}&unknown=x"
    )
    headers = {"accept-language": "de-AT"}
    ok(await office.list(query, **headers))
    call = office.handlers.calls[-1]
    assert call.query == {
        "limit": 10,
        "min_weight": 0.5,
        "fragile": True,
        "size": "small",
        "label": ["gift", "for you"],
        "since": "2026-11-23T10:00:00Z",
        "sender_id": USER_ID,
    }
    assert call.headers == {"Accept-Language": "de-AT"}


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("limit=0", "limit: must be at least 1"),
        ("limit=ten", "limit: must be a whole number"),
        ("min_weight=heavy", "min_weight: must be a number"),
        ("fragile=1", "fragile: must be true or false"),
        ("size=huge", "size: must be one of small, medium, large"),
        ("label=" + "x" * 21, "label[0]: must have at most 20 characters"),
        ("label=ok&label=", "label[1]: must have at least 1 character"),
        ("&".join(f"label={n}" for n in range(6)), "label: must have at most 5 items"),
        ("since=yesterday", "since: must be a valid date-time"),
        ("sender_id=me", "sender_id: must be a valid uuid"),
    ],
)
async def test_a_wrong_parameter_is_refused_by_name(office: Office, query: str, line: str) -> None:
    assert error_of(await office.list(f"?{query}")) == (400, line)
    assert office.handlers.calls == []


async def test_a_header_is_read_and_refused_by_its_name(office: Office) -> None:
    refused = await office.list(**{"Accept-Language": "german"})
    assert error_of(refused) == (400, "Accept-Language: must have at most 5 characters")
    missing = await office.client.post("/api/parcels", json={"size": "small"}, headers=SESSION)
    assert error_of(missing) == (400, "Idempotency-Key: is required")


async def test_who_calls_is_checked_before_parameters(office: Office) -> None:
    answer = await office.client.get("/api/parcels?limit=0")
    assert error_of(answer) == (401, "unauthorized")


@pytest.mark.parametrize("credential", [SESSION, bearer(API_KEY), bearer(READ_ONLY_API_KEY)])
async def test_any_one_of_an_operations_credentials_will_do(
    office: Office, credential: dict[str, str]
) -> None:
    path = f"/api/parcels/{ok(await office.send(weight=1)).json()['id']}"
    ok(await office.client.get(path, headers=credential))
    principal = office.handlers.calls[-1].principal
    assert principal is not None
    assert principal.user_id == USER_ID


@pytest.mark.parametrize(
    "credential",
    [
        {},
        bearer(AGENT_TOKEN),
        bearer("pak_unknown"),
        bearer("xpak_send"),
        bearer(API_KEY + " x"),
        bearer(""),
        bearer(SESSION_TOKEN),
        {"Authorization": f"Basic {API_KEY}"},
        {"Authorization": API_KEY},
        {"Cookie": f"agentserver-token={API_KEY}"},
    ],
)
async def test_a_credential_of_another_kind_or_form_is_none(
    office: Office, credential: dict[str, str]
) -> None:
    answer = await office.client.get("/api/parcels/any", headers=credential)
    assert error_of(answer) == (401, "unauthorized")


async def test_a_valid_credential_counts_beside_one_that_has_ended(office: Office) -> None:
    ended = {"Cookie": "agentserver-token=" + "00" * 32}
    answer = await office.client.get("/api/parcels/any", headers=ended | bearer(API_KEY))
    assert error_of(answer) == (404, "parcel not found")


async def test_two_authorization_headers_are_no_credential(office: Office) -> None:
    headers = [("Authorization", f"Bearer {API_KEY}")] * 2
    answer = await office.client.get("/api/parcels/any", headers=headers)
    assert error_of(answer) == (401, "unauthorized")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_the_word_bearer_is_read_in_any_case(office: Office, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {API_KEY}"}
    answer = await office.client.get("/api/parcels/any", headers=headers)
    assert error_of(answer) == (404, "parcel not found")


@pytest.mark.parametrize("credential", [SESSION, bearer(API_KEY)])
async def test_what_is_for_agents_takes_no_other_credential(
    office: Office, credential: dict[str, str]
) -> None:
    answer = await office.client.get("/api/parcels/next", headers=credential)
    assert error_of(answer) == (401, "unauthorized")


async def test_a_credential_without_the_scope_is_forbidden(office: Office) -> None:
    parcel, key = {"size": "small", "weight": 1}, {"Idempotency-Key": "k"}
    for token, status in ((READ_ONLY_API_KEY, 403), (API_KEY, 201)):
        headers = bearer(token) | key
        answer = await office.client.post("/api/parcels", json=parcel, headers=headers)
        assert answer.status_code == status, answer.text
    assert (await office.send("another", weight=1)).is_success, "a session has every scope"


async def test_a_call_shows_no_bearer_token(office: Office) -> None:
    await office.client.get("/api/parcels/any", headers=bearer(API_KEY))
    shown = repr(office.handlers.calls[-1])
    assert "get_parcel" in shown
    assert API_KEY not in shown
