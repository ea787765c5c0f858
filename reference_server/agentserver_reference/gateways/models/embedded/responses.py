"""The built-in model behind OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from agentserver_reference.domain.errors import BadRequest
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


def answer(body: dict[str, Any], new_id: str, now: int) -> dict[str, Any] | Iterator[bytes]:
    """Return a response, or its events."""
    prompt = _read(body)
    thought = think(prompt)
    begun = {
        "id": f"resp_{new_id}",
        "object": "response",
        "created_at": now,
        "status": "in_progress",
        "model": MODEL,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": None,
    }
    item = _item(thought, new_id)
    done = begun | {
        "status": "incomplete" if thought.is_cut else "completed",
        "output": [item],
        "incomplete_details": {"reason": "max_output_tokens"} if thought.is_cut else None,
        "usage": _usage(prompt, thought),
    }
    if body.get("stream") is True:
        return (event.encode() for event in _numbered(_events(thought, begun, item, done)))
    return done


def _read(body: dict[str, Any]) -> Prompt:
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    elif not isinstance(given, list):
        raise BadRequest("input: must be a string or a list of objects")
    items = read_list({"input": given}, "input", is_required=True)
    tools = names_of(tool.get("name") for tool in read_list(body, "tools"))
    choice = body.get("tool_choice")
    required = choice.get("name") if isinstance(choice, dict) else None
    if choice == "required":
        required = next(iter(tools), None)
    conversation = [
        Message(text_of(each), is_tool_result=each.get("type") == "function_call_output")
        for each in items
    ]
    others = [
        message
        for each, message in zip(items, conversation, strict=True)
        if each.get("role") == "user" or message.is_tool_result
    ]
    return Prompt(
        before=" ".join([text_of(body.get("instructions")), *tools]),
        conversation=conversation,
        last=(others or conversation)[-1],
        tools=() if choice == "none" else tools,
        required_tool=next(iter(names_of(iter([required]))), None),
        max_tokens=read_limit(body, "max_output_tokens"),
    )


def _item(thought: Thought, new_id: str) -> dict[str, Any]:
    if thought.tool is not None:
        return {
            "type": "function_call",
            "id": f"fc_{new_id}",
            "call_id": f"call_{new_id}",
            "name": thought.tool.name,
            "arguments": thought.tool.text,
            "status": "completed",
        }
    return {
        "type": "message",
        "id": f"msg_{new_id}",
        "role": "assistant",
        "status": "incomplete" if thought.is_cut else "completed",
        "content": [_text(thought.text)],
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(prompt: Prompt, thought: Thought) -> dict[str, Any]:
    return {
        "input_tokens": prompt.tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": thought.length,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt.tokens + thought.length,
    }


Fields = dict[str, Any]


def _events(
    thought: Thought, begun: Fields, item: Fields, done: Fields
) -> Iterator[tuple[str, Fields]]:
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    place = {"output_index": 0}
    in_progress = {**item, "status": "in_progress"}
    if thought.tool is None:
        yield "response.output_item.added", {**place, "item": {**in_progress, "content": []}}
        yield from _text_events(thought, {**place, "item_id": item["id"], "content_index": 0})
    else:
        yield "response.output_item.added", {**place, "item": {**in_progress, "arguments": ""}}
        of_item = {**place, "item_id": item["id"]}
        arguments = thought.tool.text
        yield "response.function_call_arguments.delta", {**of_item, "delta": arguments}
        named = {"name": item["name"], "arguments": arguments}
        yield "response.function_call_arguments.done", {**of_item, **named}
    yield "response.output_item.done", {**place, "item": item}
    yield f"response.{done['status']}", {"response": done}


def _text_events(thought: Thought, of_part: Fields) -> Iterator[tuple[str, Fields]]:
    yield "response.content_part.added", {**of_part, "part": _text("")}
    for token in thought.tokens:
        yield "response.output_text.delta", {**of_part, "delta": token, "logprobs": []}
    yield "response.output_text.done", {**of_part, "text": thought.text, "logprobs": []}
    yield "response.content_part.done", {**of_part, "part": _text(thought.text)}


def _numbered(events: Iterator[tuple[str, Fields]]) -> Iterator[Event]:
    for number, (name, fields) in zip(count(), events, strict=False):
        yield Event.of_json({"type": name, "sequence_number": number, **fields}, name=name)
