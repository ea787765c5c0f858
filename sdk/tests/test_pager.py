"""`Pager` and `AsyncPager`: the rows of a list that comes in pages, and changes between them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

import httpx
import pytest

from agentserver import AsyncClient, Client, ResponseValidationError
from agentserver.pagination import AsyncCursorPager, AsyncPager, Batch, CursorPager, Page, Pager

MOST = 9


def _same(batch: Batch[str]) -> Batch[str]:
    return batch


class Listing:
    """A list on a server, which changes after each request."""

    def __init__(self, rows: Sequence[str], change: Callable[[list[str]], None] | None = None):
        self.rows = list(rows)
        self.asked: list[tuple[int, int]] = []
        self._change = change

    def send(self, limit: int, offset: int) -> Batch[str]:
        assert 1 <= limit <= MOST
        assert offset >= 0
        self.asked.append((limit, offset))
        assert len(self.asked) < 2000, "it does not end"
        batch = Batch(self.rows[offset : offset + limit], len(self.rows))
        if self._change:
            self._change(self.rows)
        return batch

    async def send_async(self, limit: int, offset: int) -> Batch[str]:
        return self.send(limit, offset)

    def pager(self, size: int = 3, start: int = 0) -> Pager[str]:
        return pager(self.send(size, start), self.send, size, start)

    def async_pager(self, size: int = 3) -> AsyncPager[str]:
        return AsyncPager(self.send(size, 0), _same, str, size, MOST, 0, fetch=self.send_async)


def pager(
    first: Batch[str], send: Callable[[int, int], Batch[str]], size: int, start: int = 0
) -> Pager[str]:
    return Pager(first, _same, str, size, MOST, start, fetch=send)


def letters(number: int) -> list[str]:
    return [f"r{n}" for n in range(number)]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6, 7, 20])
@pytest.mark.parametrize("size", [1, 2, 3, MOST])
def test_every_row_is_given_once_in_its_order(number: int, size: int) -> None:
    listing = Listing(letters(number))
    assert list(listing.pager(size)) == letters(number)


def test_pages_are_as_large_as_asked_for_and_fetched_as_needed() -> None:
    listing = Listing(letters(7))
    pages = listing.pager(3).pages()
    assert len(listing.asked) == 1
    assert next(pages) == letters(7)[:3]
    assert len(listing.asked) == 1
    rest = list(pages)
    assert [list(page) for page in rest] == [["r3", "r4", "r5"], ["r6"]]
    assert [page.has_more for page in rest] == [True, False]


def test_a_list_can_begin_further_on() -> None:
    assert list(Listing(letters(8)).pager(start=5)) == ["r5", "r6", "r7"]


def test_the_first_row_and_the_total_need_no_request() -> None:
    listing = Listing(letters(8))
    shown = listing.pager()
    assert (shown.first(), shown.total, repr(shown)) == ("r0", 8, "<Pager of 8 rows>")
    assert len(listing.asked) == 1
    assert Listing([]).pager().first() is None


def test_all_takes_no_more_than_its_limit() -> None:
    listing = Listing(letters(20))
    assert listing.pager().all(limit=4) == letters(4)
    assert len(listing.asked) == 2
    assert listing.pager().all() == letters(20)
    assert listing.pager().all(limit=0) == []


def test_a_pager_can_be_gone_through_again() -> None:
    twice = Listing(letters(5)).pager()
    assert list(twice) == list(twice) == letters(5)


def test_the_asynchronous_pager_does_the_same() -> None:
    async def main() -> None:
        rows = Listing(letters(8)).async_pager()
        assert [row async for row in rows] == letters(8)
        assert [len(page) async for page in rows.pages()] == [3, 3, 2]
        assert await rows.all(limit=4) == letters(4)
        assert await rows.all(limit=0) == []
        assert await rows.all() == letters(8)
        assert rows.first() == "r0"

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(300))
def test_what_stays_is_given_once_whatever_comes_goes_or_moves(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret depends on it
    stable = {row for row in letters(30) if chance.random() < 0.4}
    changes = 0

    def change(rows: list[str]) -> None:
        nonlocal changes
        changes += 1
        if changes > 40:
            return
        for _ in range(chance.randrange(8)):
            other = [row for row in rows if row not in stable]
            match chance.choice(["come", "go", "move", "clear"]):
                case "come":
                    rows.insert(chance.randrange(len(rows) + 1), f"new{chance.random()}")
                case "go" if other:
                    rows.remove(chance.choice(other))
                case "move" if other:
                    row = chance.choice(other)
                    rows.remove(row)
                    rows.insert(0, row)
                case "clear" if chance.random() < 0.2:
                    rows[:] = [row for row in rows if row in stable]

    listing = Listing(letters(30), change)
    given = list(listing.pager(chance.choice([1, 2, 3, 5, MOST])))
    assert len(set(given)) == len(given)
    assert stable <= set(given)
    assert [row for row in given if row in stable] == [r for r in letters(30) if r in stable]


@pytest.mark.parametrize("size", [1, 3])
def test_a_list_in_no_order_ends_all_the_same(size: int) -> None:
    chance = random.Random(1)  # noqa: S311 - no secret depends on it
    listing = Listing(letters(30), chance.shuffle)
    given = list(listing.pager(size))
    assert len(set(given)) == len(given)
    assert len(listing.asked) < 400


def test_a_server_that_sends_less_than_asked_for_is_read_to_the_end() -> None:
    listing = Listing(letters(9))

    def send(_limit: int, offset: int) -> Batch[str]:
        return listing.send(1, offset)

    assert list(pager(send(3, 0), send, 3)) == letters(9)


def test_a_server_that_does_not_know_offset_gives_its_page_once() -> None:
    asked = []

    def send(limit: int, offset: int) -> Batch[str]:
        asked.append(offset)
        return Batch(letters(3), 10)

    assert list(pager(send(3, 0), send, 3)) == letters(3)
    assert len(asked) < 10


def test_a_complete_list_has_the_same_methods() -> None:
    page = Page(letters(3))
    assert [each == page for each in page.pages()] == [True]
    assert (page.first(), Page[str]().first()) == ("r0", None)
    assert page.all() is page
    assert page.all(limit=2) == letters(2)


# --- as the client gives them ---------------------------------------------------------------------

ROW = {
    "sandbox_id": "",
    "workspace_id": "w",
    "source": "auto",
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
    "request_count": 1,
    "total_input_tokens": 1,
    "total_output_tokens": 1,
    "total_cache_read_tokens": 0,
    "total_cache_creation_tokens": 0,
    "models": "m",
}


def sending(listing: Listing) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        limit = int(request.url.params.get("limit", 100))
        offset = int(request.url.params.get("offset", 0))
        listing.asked.append((limit, offset))
        rows = [{"id": row, **ROW} for row in listing.rows[offset : offset + limit]]
        return httpx.Response(200, json={"traces": rows, "total": len(listing.rows)})

    return httpx.MockTransport(answer)


def test_a_list_of_the_client_is_a_pager() -> None:
    listing = Listing(letters(8))
    given = {"base_url": "http://localhost", "session": "s", "transport": sending(listing)}
    with Client(**given) as client:
        assert [trace.id for trace in client.traces.list("w", limit=3)] == letters(8)
        assert listing.asked == [(3, 0), (4, 2), (4, 5)]
        raw = client.with_raw_response.traces.list("w", limit=3)
        assert (raw.status_code, raw.data.total) == (200, 8)
        assert [trace.id for trace in raw.data] == letters(8)
        assert raw.data.answer.to_dict()["total"] == 8


def test_null_is_a_list_without_rows() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"traces": None, "total": 0})

    given = {"base_url": "http://localhost", "session": "s"}
    with Client(**given, transport=httpx.MockTransport(answer)) as client:
        pager = client.traces.list("w")
        assert (list(pager), pager.first(), pager.total) == ([], None, 0)


def test_a_list_of_the_asynchronous_client_is_a_pager() -> None:
    async def main() -> None:
        given = {"base_url": "http://localhost", "session": "s"}
        async with AsyncClient(**given, transport=sending(Listing(letters(250)))) as client:
            pager = await client.traces.list_of_sandbox("s", offset=10)
            assert [trace.id async for trace in pager] == letters(250)[10:]
            raw = await client.with_raw_response.traces.list("w")
            assert len(await raw.data.all()) == 250

    asyncio.run(main())


# --- lists with a cursor --------------------------------------------------------------------------


class Scroll:
    """A list whose pages are asked for by the last row of the one before."""

    def __init__(self, rows: Sequence[str], *, knows_cursor: bool = True) -> None:
        self.rows = list(rows)
        self.asked: list[tuple[int, str | None]] = []
        self._knows_cursor = knows_cursor

    def send(self, limit: int, before: str | None) -> Batch[str]:
        self.asked.append((limit, before))
        known = before is not None and self._knows_cursor
        start = self.rows.index(before) + 1 if known and before is not None else 0
        return Batch(self.rows[start : start + limit], 0)

    async def send_async(self, limit: int, before: str | None) -> Batch[str]:
        return self.send(limit, before)

    def pager(self, size: int = 3) -> CursorPager[str]:
        return CursorPager(self.send(size, None), _same, str, size, MOST, 0, fetch=self.send)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6, 7, 20])
@pytest.mark.parametrize("size", [1, 2, 3, MOST])
def test_a_cursor_gives_every_row_once_in_its_order(number: int, size: int) -> None:
    assert list(Scroll(letters(number)).pager(size)) == letters(number)


def test_pages_of_a_cursor_are_fetched_as_needed_and_not_beyond_a_short_one() -> None:
    scroll = Scroll(letters(5))
    pages = scroll.pager(3).pages()
    assert next(pages) == letters(5)[:3]
    assert len(scroll.asked) == 1
    assert [list(page) for page in pages] == [["r3", "r4"]]
    assert scroll.asked == [(3, None), (3, "r2")]


def test_rows_that_come_meanwhile_move_nothing() -> None:
    scroll = Scroll(letters(6))
    pages = scroll.pager(3).pages()
    found = list(next(pages))
    scroll.rows.insert(0, "new")
    assert found + [row for page in pages for row in page] == letters(6)


def test_a_server_that_ignores_the_cursor_is_noticed() -> None:
    scroll = Scroll(letters(7), knows_cursor=False)
    rows = iter(scroll.pager(3))
    assert [next(rows) for _ in range(3)] == ["r0", "r1", "r2"]
    with pytest.raises(ResponseValidationError, match="gives the same rows again"):
        next(rows)
    assert len(scroll.asked) == 2


def test_a_short_list_of_a_server_that_ignores_the_cursor_is_read() -> None:
    assert list(Scroll(letters(2), knows_cursor=False).pager(3)) == ["r0", "r1"]


def test_a_cursor_is_read_asynchronously_alike() -> None:
    scroll = Scroll(letters(7))
    first = scroll.send(3, None)
    pager = AsyncCursorPager(first, _same, str, 3, MOST, 0, fetch=scroll.send_async)

    async def read() -> Page[str]:
        return await pager.all()

    assert list(asyncio.run(read())) == letters(7)
