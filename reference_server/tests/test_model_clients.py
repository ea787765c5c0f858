"""The SDKs of Anthropic and OpenAI as clients of the LLM proxy, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import httpx
import openai
import pytest
from calling import Caller, add_caller
from listening import listening
from people import Clock, ReferenceServer
from serving import in_memory

from agentserver_reference.app import create_app

pytestmark = pytest.mark.anyio

SAID = "This is the built-in model of agentserver, not a language model. You wrote: Hello"
ASKED: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    """A running sandbox of a server on a real socket."""
    app = create_app(in_memory(), validate_responses=True)
    async with (
        listening(app) as running,
        httpx.AsyncClient(base_url=f"http://{running.address}") as client,
    ):
        server = ReferenceServer(client, Clock(), app.state.context)
        yield await add_caller(server, await server.create_user("owner@example.com"))


@asynccontextmanager
async def of_anthropic(
    caller: Caller, **credential: str
) -> AsyncIterator[anthropic.AsyncAnthropic]:
    address = str(caller.server.client.base_url)
    credential = credential or {"api_key": caller.token}
    client = anthropic.AsyncAnthropic(base_url=address, max_retries=0, **credential)  # type: ignore[arg-type]
    async with client:
        yield client


@asynccontextmanager
async def of_openai(caller: Caller) -> AsyncIterator[openai.AsyncOpenAI]:
    address = f"{caller.server.client.base_url}/v1"
    async with openai.AsyncOpenAI(base_url=address, api_key=caller.token, max_retries=0) as client:
        yield client


async def test_anthropics_sdk_reads_answers_and_streams(caller: Caller) -> None:
    async with of_anthropic(caller) as client:
        whole = await client.messages.create(model="m", max_tokens=99, messages=ASKED)
        async with client.messages.stream(model="m", max_tokens=99, messages=ASKED) as stream:
            pieces = [text async for text in stream.text_stream]
            final = await stream.get_final_message()
        counted = await client.messages.count_tokens(model="m", messages=ASKED)
        models = [model.id async for model in client.models.list()]
    assert [block.text for block in whole.content if block.type == "text"] == [SAID]
    assert "".join(pieces) == SAID
    assert len(pieces) > 1
    assert counted.input_tokens == whole.usage.input_tokens == final.usage.input_tokens
    assert models == ["built-in"]
    (row,) = await caller.usage()
    assert row["request_count"] == 2
    assert row["input_tokens"] == whole.usage.input_tokens + final.usage.input_tokens
    assert row["output_tokens"] == whole.usage.output_tokens + final.usage.output_tokens


async def test_anthropics_sdk_calls_a_tool_and_gives_its_result(caller: Caller) -> None:
    tools: list[Any] = [{"name": "weather", "input_schema": {"type": "object"}}]
    messages: list[Any] = [{"role": "user", "content": 'use weather {"city": "Rome"}'}]
    async with of_anthropic(caller, auth_token=caller.token) as client:
        async with client.messages.stream(
            model="m", max_tokens=99, messages=messages, tools=tools
        ) as stream:
            asked = await stream.get_final_message()
        (call,) = asked.content
        assert call.type == "tool_use"
        assert (asked.stop_reason, call.name, call.input) == (
            "tool_use",
            "weather",
            {"city": "Rome"},
        )
        messages += [
            {"role": "assistant", "content": [call.model_dump()]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}],
            },
        ]
        answer = await client.messages.create(
            model="m", max_tokens=99, messages=messages, tools=tools
        )
    (block,) = answer.content
    assert block.type == "text"
    assert block.text.endswith("The tool answered: Sunny")


async def test_anthropics_sdk_knows_each_error(caller: Caller) -> None:
    await caller.limit(caller.owner, 1)
    async with of_anthropic(caller) as client:
        await client.messages.create(model="m", max_tokens=9, messages=ASKED)
        with pytest.raises(anthropic.RateLimitError, match="quota exceeded") as limited:
            await client.messages.create(model="m", max_tokens=9, messages=ASKED)
        assert int(limited.value.response.headers["retry-after"]) > 0
        await caller.limit(caller.owner, 9)
        with pytest.raises(anthropic.BadRequestError, match="must not be empty"):
            await client.messages.create(model="m", max_tokens=9, messages=[])
    async with of_anthropic(caller, api_key="wrong") as stranger:
        with pytest.raises(anthropic.AuthenticationError, match="invalid api key"):
            await stranger.messages.create(model="m", max_tokens=9, messages=ASKED)


async def test_openais_sdk_reads_chat_completions(caller: Caller) -> None:
    async with of_openai(caller) as client:
        whole = await client.chat.completions.create(model="m", messages=ASKED)
        stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        models = [model.id async for model in client.models.list()]
    assert whole.choices[0].message.content == "".join(pieces) == SAID
    assert models == ["built-in"]
    assert whole.usage is not None
    (row,) = await caller.usage()
    assert (row["provider"], row["request_count"]) == ("openai", 2)
    assert row["input_tokens"] == 2 * whole.usage.prompt_tokens
    assert row["output_tokens"] == 2 * whole.usage.completion_tokens


async def test_openais_sdk_calls_a_tool(caller: Caller) -> None:
    function = {"name": "weather", "parameters": {"type": "object"}}
    tools: list[Any] = [{"type": "function", "function": function}]
    messages: list[Any] = [{"role": "user", "content": 'use weather {"city": "Rome"}'}]
    async with of_openai(caller) as client:
        async with client.chat.completions.stream(
            model="m", messages=messages, tools=tools
        ) as stream:
            asked = (await stream.get_final_completion()).choices[0]
        assert asked.finish_reason == "tool_calls"
        assert asked.message.tool_calls is not None
        (call,) = asked.message.tool_calls
        assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Rome"}')
        result = {"role": "tool", "tool_call_id": call.id, "content": "Sunny"}
        answer = await client.chat.completions.create(
            model="m", messages=[*messages, asked.message.model_dump(), result], tools=tools
        )
    assert str(answer.choices[0].message.content).endswith("The tool answered: Sunny")


async def test_openais_sdk_reads_responses(caller: Caller) -> None:
    tools: list[Any] = [{"type": "function", "name": "weather", "parameters": {}, "strict": False}]
    async with of_openai(caller) as client:
        whole = await client.responses.create(model="m", input="Hello")
        async with client.responses.stream(model="m", input="Hello") as stream:
            pieces = [
                event.delta async for event in stream if event.type == "response.output_text.delta"
            ]
            final = await stream.get_final_response()
        async with client.responses.stream(model="m", input="call weather", tools=tools) as stream:
            asked = await stream.get_final_response()
    assert whole.output_text == final.output_text == "".join(pieces) == SAID
    (item,) = asked.output
    assert item.type == "function_call"
    assert (item.name, item.arguments) == ("weather", "{}")
    assert whole.usage is not None
    assert final.usage is not None
    (row,) = await caller.usage()
    assert row["request_count"] == 3


async def test_openais_sdk_knows_each_error(caller: Caller) -> None:
    await caller.limit(caller.owner, 1)
    async with of_openai(caller) as client:
        await client.responses.create(model="m", input="Hello")
        with pytest.raises(openai.RateLimitError, match="quota exceeded"):
            await client.responses.create(model="m", input="Hello")


async def test_fifty_streams_at_once_are_recorded_each(caller: Caller) -> None:
    async with of_anthropic(caller) as client:

        async def ask() -> str:
            async with client.messages.stream(model="m", max_tokens=99, messages=ASKED) as stream:
                return "".join([text async for text in stream.text_stream])

        assert set(await asyncio.gather(*(ask() for _ in range(50)))) == {SAID}
    (row,) = await caller.usage()
    assert (row["request_count"], row["output_tokens"]) == (50, 50 * len(SAID.split()))
