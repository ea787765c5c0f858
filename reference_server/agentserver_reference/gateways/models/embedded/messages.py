"""The built-in model behind Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentserver_reference.gateways.models.embedded.thinking import (
    MODEL,
    Message,
    Prompt,
    Thought,
    ToolCall,
    names_of,
    read_limit,
    read_list,
    text_of,
    think,
)
from agentserver_reference.replies import Event


def count_tokens(body: dict[str, Any], new_id: str, now: int) -> dict[str, Any]:
    """Return how long a request is."""
    return {"input_tokens": _read(body).tokens}


def answer(body: dict[str, Any], new_id: str, now: int) -> dict[str, Any] | Iterator[bytes]:
    """Return a message, or its events."""
    prompt = _read(body)
    thought = think(prompt)
    message_id = f"msg_{new_id}"
    if body.get("stream") is True:
        return (event.encode() for event in _events(prompt, thought, message_id))
    content: dict[str, Any] = {"type": "text", "text": thought.text}
    if thought.tool is not None:
        content = _tool_use(thought.tool, message_id) | {"input": thought.tool.arguments}
    return _message(prompt, message_id) | {
        "content": [content],
        "stop_reason": _stop_reason(thought),
        "usage": _usage(prompt, thought.length),
    }


def _read(body: dict[str, Any]) -> Prompt:
    messages = read_list(body, "messages", is_required=True)
    tools = names_of(tool.get("name") for tool in read_list(body, "tools"))
    given = body.get("tool_choice")
    choice = given if isinstance(given, dict) else {}
    required = {"any": next(iter(tools), None), "tool": choice.get("name")}
    kind = str(choice.get("type"))
    conversation = [_message_of(each) for each in messages]
    others = [
        message
        for each, message in zip(messages, conversation, strict=True)
        if each.get("role") == "user"
    ]
    return Prompt(
        before=" ".join([text_of(body.get("system")), *tools]),
        conversation=conversation,
        last=(others or conversation)[-1],
        tools=() if kind == "none" else tools,
        required_tool=next(iter(names_of(iter([required.get(kind)]))), None),
        max_tokens=read_limit(body, "max_tokens"),
    )


def _message_of(message: dict[str, Any]) -> Message:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    last = parts[-1] if parts and isinstance(parts[-1], dict) else {}
    if last.get("type") == "tool_result":
        return Message(text_of(last), is_tool_result=True)
    return Message(text_of(content))


def _message(prompt: Prompt, message_id: str) -> dict[str, Any]:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(prompt, 0),
    }


def _usage(prompt: Prompt, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": prompt.tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    }


def _tool_use(tool: ToolCall, message_id: str) -> dict[str, Any]:
    tool_id = message_id.replace("msg_", "toolu_")
    return {"type": "tool_use", "id": tool_id, "name": tool.name, "input": {}}


def _stop_reason(thought: Thought) -> str:
    if thought.tool is not None:
        return "tool_use"
    return "max_tokens" if thought.is_cut else "end_turn"


def _events(prompt: Prompt, thought: Thought, message_id: str) -> Iterator[Event]:
    yield _event("message_start", message=_message(prompt, message_id))
    if thought.tool is None:
        yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        deltas = [{"type": "text_delta", "text": token} for token in thought.tokens]
    else:
        block = _tool_use(thought.tool, message_id)
        yield _event("content_block_start", index=0, content_block=block)
        deltas = [{"type": "input_json_delta", "partial_json": thought.tool.text}]
    for delta in deltas:
        yield _event("content_block_delta", index=0, delta=delta)
    yield _event("content_block_stop", index=0)
    end = {"stop_reason": _stop_reason(thought), "stop_sequence": None}
    yield _event("message_delta", delta=end, usage={"output_tokens": thought.length})
    yield _event("message_stop")


def _event(name: str, **fields: Any) -> Event:
    return Event.of_json({"type": name, **fields}, name=name)
