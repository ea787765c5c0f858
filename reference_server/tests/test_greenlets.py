"""Plain functions that wait for coroutines: what they return and raise, and what is kept."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from contextlib import suppress

import pytest

from agentserver_reference.storage.engine.greenlets import FunctionRunner, wait_for

pytestmark = pytest.mark.anyio


async def later(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def failing() -> None:
    await asyncio.sleep(0)
    raise ValueError("later")


async def test_a_function_waits_as_often_as_it_likes() -> None:
    runner = FunctionRunner()
    assert await runner.run(lambda: wait_for(later(1)) + wait_for(later(2))) == 3
    assert await runner.run(lambda: 4) == 4


async def test_what_a_coroutine_raises_can_be_caught_where_it_is_waited_for() -> None:
    def caught() -> str:
        try:
            wait_for(failing())
        except ValueError as error:
            return str(error)
        return ""

    assert await FunctionRunner().run(caught) == "later"


@pytest.mark.parametrize(
    "function", [lambda: wait_for(failing()), lambda: int("later")], ids=["waiting", "at once"]
)
async def test_what_a_function_raises_is_raised_and_the_next_one_runs(
    function: Callable[[], object],
) -> None:
    runner = FunctionRunner()
    with pytest.raises(ValueError, match="later"):
        await runner.run(function)
    assert await runner.run(lambda: wait_for(later(5))) == 5


async def test_a_cancelled_function_ends_where_it_waits() -> None:
    runner, ended = FunctionRunner(), []

    def waiting() -> None:
        try:
            wait_for(asyncio.sleep(60))
        finally:
            ended.append(True)

    task = asyncio.ensure_future(runner.run(waiting))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
    assert await runner.run(lambda: wait_for(later(6))) == 6


class Large:
    """What a function may have to do with."""


async def test_nothing_of_a_function_is_kept_until_the_next_one() -> None:
    runner, kept = FunctionRunner(), []

    def returning(large: Large) -> Callable[[], Large]:
        return lambda: large

    def raising(large: Large) -> Callable[[], Large]:
        def function() -> Large:
            raise ValueError(large)

        return function

    for make in (returning, raising):
        large = Large()
        kept.append(weakref.ref(large))
        function = make(large)
        del large
        with suppress(ValueError):
            await runner.run(function)
        del function
    gc.collect()
    assert [reference() for reference in kept] == [None, None]


async def test_only_a_function_that_is_run_can_wait() -> None:
    coroutine = later(1)
    with pytest.raises(RuntimeError, match="FunctionRunner"):
        wait_for(coroutine)
    coroutine.close()
