"""A cancelled call leaves the pool whole: no request and no connection stays behind in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from agentserver import AsyncClient

CHANCE = random.Random(5)  # noqa: S311  # turns of a loop, no secret
BODY = b'{"a": 1}'


class Server:
    """Answers in an event loop, after as many turns of it as a random number says."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.silent = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if self.silent:
                    await reader.read()  # until the client hangs up
                    break
                await self._turns()
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n"
                if self._chance.random() < 0.2:
                    head += b"Connection: close\r\n"
                writer.write(head + b"\r\n" + BODY[:4])
                await self._turns()
                writer.write(BODY[4:])
                if b"close" in head:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _turns(self) -> None:
        for _ in range(self._chance.randrange(6)):
            await asyncio.sleep(0)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def cancelled_natively(call: Awaitable[Any], after: int) -> bool:
    task = asyncio.ensure_future(call)
    await turns(after)
    cancelled = task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() or task.exception() is None
    return cancelled and task.cancelled()


async def cancelled_by_scope(call: Awaitable[Any], after: int) -> bool:
    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            await call

        tasks.start_soon(run)
        await turns(after)
        tasks.cancel_scope.cancel()
    return tasks.cancel_scope.cancelled_caught


async def cancelled_twice(call: Awaitable[Any], after: int) -> bool:
    task = asyncio.ensure_future(call)
    await turns(after)
    task.cancel()
    await turns(1)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


async def cancelled_by_timeout(call: Awaitable[Any], after: int) -> bool:
    try:
        async with asyncio.timeout(after / 20_000):
            await call
    except TimeoutError:
        return True
    return False


def pools_of(client: AsyncClient) -> list[Any]:
    [hidden] = client._shared.pools.values()
    given = client._shared.connection.sender
    if given.client is not None:
        return [given.client._transport._pool]
    if given.transport is not None:
        return [given.transport._pool]
    return [transport._pool for transport in hidden()._connections._by_way.values()]


def own() -> dict[str, Any]:
    return {}


WAYS = [cancelled_natively, cancelled_by_scope, cancelled_twice, cancelled_by_timeout]
SENDERS: dict[str, Callable[[], dict[str, Any]]] = {
    "own connections": own,
    "an httpx client": lambda: {"http_client": httpx.AsyncClient(trust_env=False)},
    "an httpx transport": lambda: {"transport": httpx.AsyncHTTPTransport()},
}


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("cancel", WAYS)
def test_cancelled_calls_leave_nothing_in_the_pool(cancel, sender, call) -> None:
    chance = random.Random(5)  # noqa: S311  # turns of a loop, no secret

    async def main() -> None:
        started = await asyncio.start_server(Server(chance).serve, "127.0.0.1", 0)
        async with started:
            port = started.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            async with AsyncClient(url, **SENDERS[sender]()) as client:
                assert await client._call(call()) == {"a": 1}
                cancelled = 0
                while cancelled < 125:
                    at_once = [
                        cancel(client._call(call()), chance.randrange(60))
                        for _ in range(chance.randrange(1, 12))
                    ]
                    cancelled += sum(await asyncio.gather(*at_once))
                for pool in pools_of(client):
                    assert pool._requests == []
                    assert all(each.is_idle() or each.is_closed() for each in pool.connections), (
                        pool.connections
                    )
                assert await client._call(call()) == {"a": 1}

    asyncio.run(main())


def test_more_calls_than_connections_can_be_cancelled_while_they_wait(call) -> None:
    server = Server(CHANCE)

    async def main() -> None:
        started = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        async with started:
            url = f"http://127.0.0.1:{started.sockets[0].getsockname()[1]}"
            async with AsyncClient(url) as client:
                server.silent = True
                calls = [asyncio.ensure_future(client._call(call())) for _ in range(130)]
                await turns(200)
                for each in calls:
                    each.cancel()
                await asyncio.wait(calls)
                server.silent = False
                [pool] = pools_of(client)
                assert pool._requests == []
                assert await client._call(call()) == {"a": 1}

    asyncio.run(main())


def test_a_cancelled_call_ends_at_once_and_raises_what_cancelled_it(call) -> None:
    server = Server(CHANCE)
    server.silent = True

    async def main() -> None:
        started = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        async with started:
            url = f"http://127.0.0.1:{started.sockets[0].getsockname()[1]}"
            async with AsyncClient(url) as client:
                task = asyncio.ensure_future(client._call(call()))
                await turns(30)
                task.cancel("enough")
                with pytest.raises(asyncio.CancelledError, match="enough") as caught:
                    await task
                assert caught.value.__context__ is None
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client._call(call()), 0.05)

    asyncio.run(main())


def test_a_cancelled_login_leaves_the_lock_to_the_next(call) -> None:
    server = Server(CHANCE)
    server.silent = True

    async def main() -> None:
        started = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        async with started:
            url = f"http://127.0.0.1:{started.sockets[0].getsockname()[1]}"
            async with AsyncClient(url, email="a@example.org", password="word word") as client:
                made = call(security=("sessionCookie",))
                calls = [asyncio.ensure_future(client._call(made)) for _ in range(3)]
                await turns(30)
                for each in calls:
                    each.cancel()
                await asyncio.wait(calls)
                assert not client._pool().login_lock.locked()

    asyncio.run(main())
