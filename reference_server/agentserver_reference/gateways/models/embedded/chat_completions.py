"""The built-in model behind OpenAI's Chat Completions API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentserver_reference.gateways.models.embedded.thinking import (
    MODEL,
    Message,
    Prompt,
    Thought,
    names_of,
    read_limit,
    read_list,
    text_of,
    think,
)
from agentserver_reference.replies import Event

_INSTRUCTIONS = ("system", "developer")


def answer(body: dict[str, Any], new_id: str, now: int) -> dict[str, Any] | Iterator[bytes]:
    """Return a completion, or its chunks."""
    prompt = _read(body)
    thought = think(prompt)
    common = {"id": f"chatcmpl-{new_id}", "created": now, "model": MODEL}
    if body.get("stream") is True:
        options = body.get("stream_options")
        with_usage = isinstance(options, dict) and options.get("include_usage") is True
        events = _events(prompt, thought, common, with_usage=with_usage)
        return (event.encode() for event in events)
    message = {"role": "assistant", "content": None, "refusal": None, **_content(thought, common)}
    return {
        **common,
        "object": "chat.completion",
        "choices": [_choice(thought, message=message)],
        "usage": _usage(prompt, thought),
    }


def _read(body: dict[str, Any]) -> Prompt:
    messages = read_list(body, "messages", is_required=True)
    functions = [tool.get("function") for tool in read_list(body, "tools")]
    tools = names_of(each.get("name") for each in functions if isinstance(each, dict))
    choice = body.get("tool_choice")
    required = next(iter(tools), None) if choice == "required" else None
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        required = choice["function"].get("name")
    conversation = [
        Message(text_of(each.get("content")), is_tool_result=each.get("role") == "tool")
        for each in messages
    ]
    others = [
        message
        for each, message in zip(messages, conversation, strict=True)
        if each.get("role") in ("user", "tool")
    ]
    return Prompt(
        before=" ".join(tools),
        conversation=conversation,
        last=(others or conversation)[-1],
        tools=() if choice == "none" else tools,
        required_tool=next(iter(names_of(iter([required]))), None),
        max_tokens=read_limit(body, "max_completion_tokens", "max_tokens"),
    )


def _content(thought: Thought, common: dict[str, Any]) -> dict[str, Any]:
    if thought.tool is None:
        return {"content": thought.text}
    function = {"name": thought.tool.name, "arguments": thought.tool.text}
    call_id = common["id"].replace("chatcmpl-", "call_")
    return {"tool_calls": [{"id": call_id, "type": "function", "function": function}]}


def _choice(thought: Thought, *, is_last: bool = True, **content: Any) -> dict[str, Any]:
    reason = "length" if thought.is_cut else "stop" if thought.tool is None else "tool_calls"
    end = reason if is_last else None
    return {"index": 0, **content, "logprobs": None, "finish_reason": end}


def _usage(prompt: Prompt, thought: Thought) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt.tokens,
        "completion_tokens": thought.length,
        "total_tokens": prompt.tokens + thought.length,
    }


def _events(
    prompt: Prompt, thought: Thought, common: dict[str, Any], *, with_usage: bool
) -> Iterator[Event]:
    common = {**common, "object": "chat.completion.chunk"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": token} for token in thought.tokens]
    if thought.tool is not None:
        (call,) = _content(thought, common)["tool_calls"]
        deltas.append({"tool_calls": [{"index": 0, **call}]})
    for delta in deltas:
        choice = _choice(thought, is_last=False, delta=delta)
        yield Event.of_json({**common, "choices": [choice]})
    yield Event.of_json({**common, "choices": [_choice(thought, delta={})]})
    if with_usage:
        yield Event.of_json({**common, "choices": [], "usage": _usage(prompt, thought)})
    yield Event("[DONE]")
