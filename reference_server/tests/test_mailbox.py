"""Messages go to one reader each, the oldest first."""

import asyncio

import pytest
from agents import House, add_agent
from people import error_of, ok

pytestmark = pytest.mark.anyio


async def test_a_message_is_read_as_it_was_sent(house: House) -> None:
    message = await house.first.send(house.second.id, "Hello\nü 😀")
    custom = await house.first.send(house.second.id, " ", msg_type="question")
    assert await house.second.read("/api/agent/mailbox/inbox") == [
        {
            "id": message,
            "from": house.first.id,
            "text": "Hello\nü 😀",
            "msg_type": "text",
            "created_at": "2026-11-23T10:00:00Z",
        },
        {
            "id": custom,
            "from": house.first.id,
            "text": " ",
            "msg_type": "question",
            "created_at": "2026-11-23T10:00:00Z",
        },
    ]
    assert await house.second.inbox() == []


async def test_messages_are_read_oldest_first_and_once(house: House) -> None:
    texts = [str(number) for number in range(16)]
    for text in texts:
        await house.first.send(house.second.id, text)
    assert await house.first.inbox() == []
    assert await house.second.inbox("?limit=2") == texts[:2]
    assert await house.second.inbox() == texts[2:12]
    assert await house.second.inbox("?limit=100") == texts[12:]
    assert await house.second.inbox() == []


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", ""])
async def test_another_limit_is_refused_and_reads_nothing(house: House, limit: str) -> None:
    await house.first.send(house.second.id, "Hello")
    answer = await house.second.request("GET", f"/api/agent/mailbox/inbox?limit={limit}")
    assert error_of(answer)[0] == 400
    assert await house.second.inbox() == ["Hello"]


async def test_eight_readers_at_the_same_time_get_each_message_once(house: House) -> None:
    texts = [str(number) for number in range(80)]
    for text in texts:
        await house.first.send(house.second.id, text)
    read: list[str] = []

    async def read_until_empty() -> None:
        while found := await house.second.inbox("?limit=3"):
            assert found == sorted(found, key=int)
            read.extend(found)

    await asyncio.gather(*(read_until_empty() for _ in range(8)))
    assert sorted(read, key=int) == texts


async def test_messages_stay_in_the_workspace(house: House) -> None:
    stranger = await add_agent(house.server, await house.owner.create_workspace(), "Stranger")
    path = "/api/agent/mailbox/send"
    answer = await house.first.request("POST", path, {"to": stranger.id, "text": "Hello"})
    assert error_of(answer) == (403, "target agent not in workspace")
    answer = await house.first.request("POST", path, {"to": "unknown", "text": "Hello"})
    assert error_of(answer) == (404, "target agent not found")
    assert await stranger.inbox() == []
    await house.first.send(house.first.id, "to myself")
    assert await house.first.inbox() == ["to myself"]


@pytest.mark.parametrize("gone", ["first", "second"])
async def test_messages_go_with_their_sender_and_with_their_recipient(
    house: House, gone: str
) -> None:
    await house.first.send(house.second.id, "Hello")
    ok(await house.owner.request("DELETE", f"/api/sandboxes/{getattr(house, gone).id}"))
    if gone == "first":
        assert await house.second.inbox() == []
    else:
        answer = await house.second.request("GET", "/api/agent/mailbox/inbox")
        assert error_of(answer) == (401, "unauthorized")
