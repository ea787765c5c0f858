"""The pool of connections to PostgreSQL: who gets one, and that none is lost."""

from __future__ import annotations

import asyncio

import pytest

from agentserver_reference.storage.engine import pool as module
from agentserver_reference.storage.engine.pool import Pool

pytestmark = pytest.mark.anyio


class Raw:
    """A connection without a server."""

    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True

    async def close(self) -> None:
        self.closed = True


async def connect() -> Raw:
    return Raw()


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_last_used_connection_is_used_first() -> None:
    pool = Pool(connect, 2)
    first, second = await pool.acquire(), await pool.acquire()
    pool.release(first)
    pool.release(second)
    assert await pool.acquire() is second


async def test_a_released_connection_belongs_to_the_request_that_has_waited_longest() -> None:
    pool = Pool(connect, 1)
    held = await pool.acquire()
    waiting = [asyncio.ensure_future(pool.acquire()) for _ in range(2)]
    await turns()
    pool.release(held)
    assert pool.take_idle() is None, "a request that arrives now must not overtake"
    await turns()
    assert waiting[0].done()
    assert not waiting[1].done()
    pool.release(await waiting[0])
    assert await waiting[1] is held


async def test_a_request_that_is_cancelled_with_its_connection_passes_it_on() -> None:
    pool = Pool(connect, 1)
    held = await pool.acquire()
    cancelled, next_one = (asyncio.ensure_future(pool.acquire()) for _ in range(2))
    await turns()
    pool.release(held)
    cancelled.cancel()
    assert await next_one is held


async def test_a_closed_connection_makes_room_for_a_new_one() -> None:
    pool = Pool(connect, 1)
    held = await pool.acquire()
    waiting = asyncio.ensure_future(pool.acquire())
    await turns()
    held.terminate()
    pool.release(held)
    opened = await waiting
    assert opened is not held
    assert not opened.is_closed()


async def test_a_connection_that_cannot_be_opened_lets_the_next_request_try() -> None:
    results = iter([OSError("refused"), Raw()])

    async def connect_later() -> Raw:
        await turns(1)
        result = next(results)
        if isinstance(result, OSError):
            raise result
        return result

    pool = Pool(connect_later, 1)
    first = asyncio.ensure_future(pool.acquire())
    await turns(1)
    second = asyncio.ensure_future(pool.acquire())
    with pytest.raises(OSError, match="refused"):
        await first
    assert not (await second).is_closed()


async def test_old_connections_are_closed_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(connect, 2)
    held = await pool.acquire()
    pool.release(held)
    monkeypatch.setattr(module, "IDLE_SECONDS", -1)
    assert await pool.acquire() is not held
    assert held.is_closed()


async def test_a_closed_pool_closes_what_is_used_and_refuses_who_waits() -> None:
    pool = Pool(connect, 1)
    held = await pool.acquire()
    waiting = asyncio.ensure_future(pool.acquire())
    await turns()
    await pool.close()
    assert held.is_closed()
    for refused in (waiting, pool.acquire()):
        with pytest.raises(ConnectionError, match="closed"):
            await refused
