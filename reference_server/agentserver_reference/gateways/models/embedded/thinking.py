"""What the built-in model answers, in none of the APIs' forms.

A token is a word with the space after it, so that counts can be foreseen. A tool is called if the
last message says `use NAME` or `call NAME`, possibly with its input as JSON, or if the request
requires one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from agentserver_reference.domain.errors import BadRequest

MODEL = "built-in"
"""Its name, whatever model a request asks for."""

INTRODUCTION = "This is the built-in model of agentserver, not a language model."
LONGEST_QUOTE = 1000

_TOKEN = re.compile(r"\s*\S+\s*")


@attrs.frozen
class Message:
    """One message of a conversation."""

    text: str
    is_tool_result: bool = False


@attrs.frozen
class Prompt:
    """What a request says."""

    before: str
    """Everything that is not the conversation itself: instructions, and the names of tools."""
    conversation: Sequence[Message]
    last: Message
    """The last message that is not the model's own, nor an instruction."""
    tools: Sequence[str] = ()
    required_tool: str | None = None
    max_tokens: int | None = None

    @property
    def tokens(self) -> int:
        """How long it is."""
        return count(" ".join([self.before, *(each.text for each in self.conversation)]))


@attrs.frozen
class ToolCall:
    """The model asks for a tool to be called."""

    name: str
    arguments: dict[str, Any]

    @property
    def text(self) -> str:
        """The arguments as JSON."""
        return json.dumps(self.arguments)


@attrs.frozen
class Thought:
    """What the model answers."""

    tokens: tuple[str, ...]
    """The text, token by token; empty for the call of a tool."""
    tool: ToolCall | None = None
    is_cut: bool = False
    """Whether `max_tokens` ended it."""

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.tokens)

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return len(self.tokens) if self.tool is None else count(self.tool.text)


def think(prompt: Prompt) -> Thought:
    """Return the answer to a prompt, which is always the same."""
    tool = _tool_for(prompt)
    if tool is not None:
        return Thought((), tool)
    said = "The tool answered" if prompt.last.is_tool_result else "You wrote"
    tokens = _TOKEN.findall(f"{INTRODUCTION} {said}: {prompt.last.text[:LONGEST_QUOTE]}")
    kept = tuple(tokens[: prompt.max_tokens])
    return Thought(kept, is_cut=len(kept) < len(tokens))


def _tool_for(prompt: Prompt) -> ToolCall | None:
    text = prompt.last.text
    if prompt.required_tool is not None:
        return ToolCall(prompt.required_tool, _first_object(text))
    if prompt.last.is_tool_result:
        return None
    for name in prompt.tools:
        asked = re.search(rf"\b(?:use|call) `?{re.escape(name)}(?![\w-])", text, re.IGNORECASE)
        if asked:
            return ToolCall(name, _first_object(text[asked.end() :]))
    return None


def _first_object(text: str) -> dict[str, Any]:
    """Return the first JSON object in a text; an empty one if there is none."""
    start = text.find("{")
    if start < 0:
        return {}
    try:
        found, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def count(text: str) -> int:
    """Return how many tokens a text has."""
    return len(text.split())


def text_of(content: Any) -> str:
    """Return the text of a message's content, which is a text or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(filter(None, map(text_of, content)))
    if isinstance(content, dict):
        given = next((content[key] for key in _TEXTS if content.get(key)), "")
        return text_of(given)
    return ""


_TEXTS = ("text", "content", "output")


def read_list(body: dict[str, Any], name: str, *, is_required: bool = False) -> list[Any]:
    """Return the objects in a list of the request. Raises BadRequest if it is none."""
    value = body.get(name)
    if value is None and not is_required:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadRequest(f"{name}: must be a list of objects")
    if is_required and not value:
        raise BadRequest(f"{name}: must not be empty")
    return value


def read_limit(body: dict[str, Any], *names: str) -> int | None:
    """Return the first of these numbers that is given. Raises BadRequest if it is not above 0."""
    for name in names:
        value = body.get(name)
        if value is not None:
            if type(value) is not int or value < 1:
                raise BadRequest(f"{name}: must be a whole number above 0")
            return value
    return None


def names_of(tools: Iterator[Any]) -> tuple[str, ...]:
    """Return the names of tools that have one."""
    return tuple(name for name in tools if isinstance(name, str) and name)
