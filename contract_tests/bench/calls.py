"""One GET of a small object by the SDK, and by what else one could take, on the same server.

Raw httpx is `client.get(url, headers={"cookie": ...}).raise_for_status().json()`: a dictionary. The
generated client and the SDK make an object of it. The OpenAI SDK asks for a model of its own, an
answer of as many bytes. Every client is made as its documentation makes it, but that httpx and the
generated client keep as many connections as the SDK, and as long: httpx looks at each idle one
whenever it needs one, which with many at once takes longer than the calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from types import ModuleType
from typing import Any

import httpx
import openai
from canned import SESSION, WORKSPACE_ID
from children import canned_server, free_port, serving
from measuring import Effort, Row, beside, in_turns
from stock_client import stock_client

from agentserver import AsyncClient, Client
from agentserver._http import LIMITS

_PATH = f"/api/workspaces/{WORKSPACE_ID}"
_COOKIE = f"agentserver-token={SESSION}"
_AT_ONCE = 50
_HTTPX, _STOCK, _OPENAI = "httpx", "the generated client", "the OpenAI SDK"
_TARGETS = {_HTTPX: 1.10, _STOCK: None, _OPENAI: None}

Callers = dict[str, Callable[[], Any]]
AsyncCallers = dict[str, Callable[[], Awaitable[Any]]]


def rows(effort: Effort) -> Iterator[Row]:
    """Synchronous and asynchronous, alone and with many at once."""
    port = free_port()
    with serving(canned_server(port), port) as server, stock_client() as stock:
        with ExitStack() as stack:
            callers = _callers(stack, server.url, *stock)
            pool = stack.enter_context(ThreadPoolExecutor(_AT_ONCE))
            yield from _beside_each("sync, 1 at once", effort, _one_by_one(callers, effort.calls))
            yield from _beside_each(
                f"sync, {_AT_ONCE} at once", effort, _in_threads(callers, pool, effort.calls)
            )
        with asyncio.Runner() as runner:
            yield from _asynchronous(runner, server.url, stock, effort)


def _beside_each(what: str, effort: Effort, subjects: dict[str, Callable[[], float]]) -> list[Row]:
    taken = in_turns(effort.rounds, subjects)
    return [
        beside("calls", what, "µs", taken["SDK"], name, taken[name], at_most=target)
        for name, target in _TARGETS.items()
    ]


def _callers(stack: ExitStack, url: str, stock: ModuleType, operation: ModuleType) -> Callers:
    client = stack.enter_context(Client(url, session=SESSION))
    raw = stack.enter_context(httpx.Client(limits=LIMITS))
    generated = stack.enter_context(
        stock.Client(url, headers={"cookie": _COOKIE}, httpx_args={"limits": LIMITS})
    )
    other = stack.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key=SESSION))
    headers = {"cookie": _COOKIE}
    return {
        "SDK": lambda: client.workspaces.get(WORKSPACE_ID),
        _HTTPX: lambda: raw.get(url + _PATH, headers=headers).raise_for_status().json(),
        _STOCK: lambda: operation.sync(WORKSPACE_ID, client=generated),
        _OPENAI: lambda: other.models.retrieve("model"),
    }


def _one_by_one(callers: Callers, calls: int) -> dict[str, Callable[[], float]]:
    def timed(call: Callable[[], Any]) -> float:
        started = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - started) / calls * 1e6

    return {name: lambda call=call: timed(call) for name, call in callers.items()}


def _in_threads(
    callers: Callers, pool: ThreadPoolExecutor, calls: int
) -> dict[str, Callable[[], float]]:
    def timed(call: Callable[[], Any]) -> float:
        started = time.perf_counter()
        for _ in pool.map(lambda _: call(), range(calls)):
            pass
        return (time.perf_counter() - started) / calls * 1e6

    return {name: lambda call=call: timed(call) for name, call in callers.items()}


def _asynchronous(
    runner: asyncio.Runner, url: str, stock: tuple[ModuleType, ModuleType], effort: Effort
) -> Iterator[Row]:
    stack = AsyncExitStack()
    callers = runner.run(_async_callers(stack, url, *stock))
    for at_once in (1, _AT_ONCE):
        subjects = {
            name: partial(_run, runner, call, effort.calls, at_once)
            for name, call in callers.items()
        }
        yield from _beside_each(f"async, {at_once} at once", effort, subjects)
    runner.run(stack.aclose())


def _run(
    runner: asyncio.Runner, call: Callable[[], Awaitable[Any]], calls: int, at_once: int
) -> float:
    return runner.run(_gathered(call, calls, at_once))


async def _async_callers(
    stack: AsyncExitStack, url: str, stock: ModuleType, operation: ModuleType
) -> AsyncCallers:
    client = await stack.enter_async_context(AsyncClient(url, session=SESSION))
    raw = await stack.enter_async_context(httpx.AsyncClient(limits=LIMITS))
    generated = await stack.enter_async_context(
        stock.Client(url, headers={"cookie": _COOKIE}, httpx_args={"limits": LIMITS})
    )
    other = await stack.enter_async_context(
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=SESSION)
    )
    headers = {"cookie": _COOKIE}

    async def get() -> Any:
        return (await raw.get(url + _PATH, headers=headers)).raise_for_status().json()

    return {
        "SDK": lambda: client.workspaces.get(WORKSPACE_ID),
        _HTTPX: get,
        _STOCK: lambda: operation.asyncio(WORKSPACE_ID, client=generated),
        _OPENAI: lambda: other.models.retrieve("model"),
    }


async def _gathered(call: Callable[[], Awaitable[Any]], calls: int, at_once: int) -> float:
    started = time.perf_counter()
    for _ in range(calls // at_once):
        if at_once == 1:
            await call()
        else:
            await asyncio.gather(*(call() for _ in range(at_once)))
    return (time.perf_counter() - started) / calls * 1e6
