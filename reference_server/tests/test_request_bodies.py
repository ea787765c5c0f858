"""What the server makes of a request body."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from serving import PASSWORD, session_cookie

pytestmark = pytest.mark.anyio

URL = "/api/auth/register"
EMAIL = "alice@example.com"
MIB = 1024 * 1024


async def register(client: httpx.AsyncClient, content: bytes, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(URL, content=content, headers=names)


def account(**changes: Any) -> bytes:
    return json.dumps({"email": EMAIL, "password": PASSWORD, **changes}).encode()


def assert_refused(response: httpx.Response, status: int, line: str) -> None:
    assert (response.status_code, response.text) == (status, line + "\n")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "body: must be JSON"),
        (b"  ", "body: must be JSON"),
        (b"{", "body: must be JSON"),
        (b"{'email': 1}", "body: must be JSON"),
        (account() + b"x", "body: must be JSON"),
        (account() + account(), "body: must be JSON"),
        (b"\xef\xbb\xbf" + account(), "body: must be JSON"),
        (account().decode().encode("utf-16"), "body: must be JSON"),
        (account(x=float("nan")), "body: must be JSON"),
        (account(x=float("inf")), "body: must be JSON"),
        (b'{"x": 007}', "body: must be JSON"),
        (b'{"x": 1e999}', "body: must be JSON"),
        (b'{"x": "\xff"}', "body: must be JSON"),
        (b'{"x": "\\ud800"}', "body: must be JSON"),
        (b'{"x": "\\udc00\\ud800"}', "body: must be JSON"),
        (b'{"x": "' + b"\xed\xa0\x80" + b'"}', "body: must be JSON"),
        (b"[]", "body: must be one JSON object"),
        (b"null", "body: must be one JSON object"),
        (b'"text"', "body: must be one JSON object"),
        (b"[" + account() + b"]", "body: must be one JSON object"),
        (b'{"x": ' + b"[" * 100 + b"]" * 100 + b"}", "body: must not nest more than 100 levels"),
        (b'{"x": ' + b"[" * 9000 + b"]" * 9000 + b"}", "body: must not nest more than 100 levels"),
        (b"{}", "email: is required"),
        (account(email=1), "email: must be a string"),
        (account(email=None), "email: must be a string"),
        (account(email="a@" + "b" * 253), "email: must have at most 254 characters"),
        (account(email="alice"), "email: must look like alice@example.com"),
        (account(email="a@b@c"), "email: must look like alice@example.com"),
        (account(email="a\0@b"), "email: must not contain NUL"),
        (account(password=""), "password: must have at least 1 character"),
        (account(password="a" * 73), "password: must have at most 72 characters"),
        (account(password="é" * 37), "password: must have at most 72 bytes of UTF-8"),
        (account(password="a\0b"), "password: must not contain NUL"),
        (account(Email=EMAIL).replace(b'"email"', b'"EMAIL"'), "email: is required"),
    ],
)
async def test_a_body_that_breaks_a_rule_is_400_with_the_field_and_the_rule(
    client: httpx.AsyncClient, content: bytes, line: str
) -> None:
    assert_refused(await register(client, content), 400, line)


@pytest.mark.parametrize(
    "content",
    [
        account(),
        b" \r\n" + account() + b"\n ",
        account(unknown={"nested": ["\0", 1.5]}),
        account(password="é" * 36),
        account(email="first@example.com")[:-1] + b', "email": "alice@example.com"}',
        account()[:-1] + b', "x": ' + b"[" * 99 + b"]" * 99 + b"}",
    ],
)
async def test_a_body_within_the_rules_is_taken(client: httpx.AsyncClient, content: bytes) -> None:
    response = await register(client, content)
    assert response.status_code == 201, response.text
    assert response.json()["email"] == EMAIL, "of two equal keys the last counts"


@pytest.mark.parametrize("password", ["hunter2" * 20, "hunter2\0", ["hunter2"]])
async def test_no_refusal_quotes_a_secret(client: httpx.AsyncClient, password: Any) -> None:
    response = await register(client, account(password=password))
    assert response.status_code == 400
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "*/*", "", "json"],
)
async def test_another_media_type_is_415(client: httpx.AsyncClient, media_type: str) -> None:
    response = await register(client, account(), content_type=media_type)
    assert_refused(response, 415, "Content-Type: must be application/json")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/json"},
        {"content_type": "application/json; charset=utf-8"},
        {"content_type": "Application/JSON ;x=y"},
    ],
)
async def test_json_is_read_with_and_without_being_said(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await register(client, account(), **headers)).status_code == 201


async def test_a_body_of_just_one_mebibyte_is_read(client: httpx.AsyncClient) -> None:
    content = account().ljust(MIB)
    assert (await register(client, content)).status_code == 201


async def test_a_longer_body_is_413(client: httpx.AsyncClient) -> None:
    response = await register(client, account().ljust(MIB + 1))
    assert_refused(response, 413, "body: must not be over 1048576 bytes")


async def test_a_longer_body_in_chunks_is_413_before_all_of_it_was_read(
    client: httpx.AsyncClient,
) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b" " * 65536

    response = await client.post(URL, content=chunks())
    assert_refused(response, 413, "body: must not be over 1048576 bytes")
    assert sent == 17, "one chunk more than the limit, and no more"


async def test_a_body_on_an_operation_without_one_is_ignored(client: httpx.AsyncClient) -> None:
    cookie = await session_cookie(client)
    response = await client.request(
        "GET", "/api/workspaces", content=b"{", headers={"cookie": cookie}
    )
    assert response.status_code == 200


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("br", 415), ("Identity", 401)])
async def test_a_compressed_body_is_415(
    client: httpx.AsyncClient, encoding: str, status: int
) -> None:
    account = {"email": "a@example.com", "password": "correct horse battery"}
    headers = {"Content-Encoding": encoding}
    answer = await client.post("/api/auth/login", json=account, headers=headers)
    assert answer.status_code == status
