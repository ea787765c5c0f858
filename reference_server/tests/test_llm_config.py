"""A workspace's own language-model endpoint, over HTTP, on both databases."""

import pytest
from people import ReferenceServer, User, error_of, ok
from sqlalchemy import select

from agentserver_reference.storage.tables import llm_configs

pytestmark = pytest.mark.anyio

CONFIG = {
    "base_url": "https://api.example.com/v1/",
    "api_key": "sk-0123456789abcdef",
    "models": [{"id": "z", "name": "Z"}, {"id": "a", "name": "A"}],
}
NONE = {"configured": False, "base_url": "", "api_key": "", "updated_at": None}


@pytest.fixture
async def alice(server: ReferenceServer) -> User:
    return await server.create_user("alice@example.com")


@pytest.fixture
async def path(alice: User) -> str:
    return f"/api/workspaces/{await alice.create_workspace()}/llm-config"


async def test_without_a_configuration_there_are_no_models_at_all(alice: User, path: str) -> None:
    assert await alice.read(path) == NONE


async def test_a_configuration_is_shown_with_its_key_masked(alice: User, path: str) -> None:
    stored = ok(await alice.request("PUT", path, CONFIG))
    assert (stored.status_code, stored.json()) == (200, {"ok": True})
    assert await alice.read(path) == {
        "configured": True,
        "base_url": "https://api.example.com/v1/",
        "api_key": "sk-...cdef",
        "models": CONFIG["models"],
        "updated_at": "2026-11-23T10:00:00Z",
    }


async def test_unknown_fields_of_a_model_are_dropped(alice: User, path: str) -> None:
    models = [{"id": "m", "name": "M", "price": 3}]
    ok(await alice.request("PUT", path, CONFIG | {"models": models}))
    assert (await alice.read(path))["models"] == [{"id": "m", "name": "M"}]


async def test_a_key_left_out_stays_and_the_rest_is_replaced(
    server: ReferenceServer, alice: User, path: str
) -> None:
    ok(await alice.request("PUT", path, CONFIG))
    server.clock.advance(hours=1)
    change = {"base_url": "http://10.0.0.1:8000", "models": [{"id": "m", "name": "M"}]}
    ok(await alice.request("PUT", path, change))
    assert await alice.read(path) == change | {
        "configured": True,
        "api_key": "sk-...cdef",
        "updated_at": "2026-11-23T11:00:00Z",
    }


async def test_the_first_configuration_needs_a_key(alice: User, path: str) -> None:
    without = {field: CONFIG[field] for field in ("base_url", "models")}
    refused = await alice.request("PUT", path, without)
    assert error_of(refused) == (400, "api_key: is required, as none is stored")
    assert await alice.read(path) == NONE


async def test_deleting_forgets_the_key_and_answers_the_same_again(alice: User, path: str) -> None:
    ok(await alice.request("PUT", path, CONFIG))
    for _ in range(2):
        assert (await alice.request("DELETE", path)).status_code == 204
    assert await alice.read(path) == NONE
    without = {field: CONFIG[field] for field in ("base_url", "models")}
    assert (await alice.request("PUT", path, without)).status_code == 400


async def test_the_key_lies_encrypted_in_the_database(
    server: ReferenceServer, alice: User, path: str
) -> None:
    ok(await alice.request("PUT", path, CONFIG))
    stored = await server.store.read(lambda conn: conn.execute(select(llm_configs)).all())
    assert "https://api.example.com" in repr(stored)
    assert "0123456789" not in repr(stored)


async def test_one_workspaces_key_does_not_open_in_another(
    server: ReferenceServer, alice: User, path: str
) -> None:
    ok(await alice.request("PUT", path, CONFIG))
    other = await alice.create_workspace()
    ok(await alice.request("PUT", f"/api/workspaces/{other}/llm-config", CONFIG))
    moved = await server.store.read(
        lambda conn: conn.execute(select(llm_configs.c.api_key_encrypted)).scalars()
    )
    assert len(set(moved)) == 2


@pytest.mark.parametrize(
    "base_url",
    ["http://localhost:11434", "HTTPS://example.com", "http://[::1]:80/v1", "http://192.168.0.1"],
)
async def test_private_addresses_are_allowed(alice: User, path: str, base_url: str) -> None:
    ok(await alice.request("PUT", path, CONFIG | {"base_url": base_url}))
    assert (await alice.read(path))["base_url"] == base_url


@pytest.mark.parametrize(
    "base_url",
    ["ftp://example.com", "https://", "https://:443", "https://u:p@example.com", "https://a b"],
)
async def test_an_address_that_is_none_is_refused(alice: User, path: str, base_url: str) -> None:
    status, line = error_of(await alice.request("PUT", path, CONFIG | {"base_url": base_url}))
    assert status == 400
    assert line.startswith("base_url: "), line
    assert await alice.read(path) == NONE
