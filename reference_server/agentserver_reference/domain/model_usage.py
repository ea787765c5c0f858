"""What an answer of a language model says about itself, whether it is streamed or not."""

from __future__ import annotations

import json
import re
from typing import Any

import attrs

_COUNTS = {
    "input_tokens": "input_tokens",
    "prompt_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "completion_tokens": "output_tokens",
    "cache_creation_input_tokens": "cache_creation_input_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
}
"""How the APIs name the counts."""

_DETAILS = ("input_tokens_details", "prompt_tokens_details")
_ENDS = frozenset(
    {"message_stop", "response.completed", "response.incomplete", "response.failed", "error"}
)
_DONE = b"[DONE]"
_LARGEST_COUNT = 2**53 - 1


@attrs.define
class Outcome:
    """What is known of a request so far."""

    model: str = ""
    message_id: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


@attrs.define
class Meter:
    """Reads an answer along while it is passed on, in whatever pieces it comes."""

    streaming: bool
    """Whether it is a stream of events; otherwise it is one JSON object."""
    outcome: Outcome = attrs.field(factory=Outcome)
    has_begun: bool = False
    """Whether a part of the answer itself has come, as opposed to its preamble."""
    is_complete: bool = False
    """Whether the last event has come, after which clients read no further."""
    _unread: bytearray = attrs.field(factory=bytearray, repr=False)

    def feed(self, chunk: bytes) -> None:
        """Read the next piece."""
        self._unread += chunk
        if not self.streaming:
            return
        *lines, rest = bytes(self._unread).split(b"\n")
        self._unread = bytearray(rest)
        for line in lines:
            field, _, data = line.partition(b":")
            if field == b"data":
                self._read(data.strip())

    def end(self) -> None:
        """Read what can only be read as a whole."""
        if not self.streaming:
            self._read(bytes(self._unread))

    def _read(self, data: bytes) -> None:
        if data == _DONE:
            self.is_complete = True
            return
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return  # it is passed on all the same: clients may know what to do with it
        if not isinstance(event, dict):
            return
        kind = str(event.get("type"))
        self.has_begun |= kind.endswith(("_delta", ".delta")) and kind != "message_delta"
        self.has_begun |= _has_delta(event.get("choices"))
        self.is_complete |= kind in _ENDS
        for part in (event, event.get("message"), event.get("response")):
            if isinstance(part, dict):
                self._take(part)

    def _take(self, part: dict[str, Any]) -> None:
        outcome = self.outcome
        for name, given in (("model", part.get("model")), ("message_id", part.get("id"))):
            if isinstance(given, str) and given:
                setattr(outcome, name, _storable(given))
        usage = part.get("usage")
        if not isinstance(usage, dict):
            return
        for name, field in _COUNTS.items():
            if _is_count(usage.get(name)):
                setattr(outcome, field, usage[name])
        for name in _DETAILS:
            details = usage.get(name)
            if isinstance(details, dict) and _is_count(details.get("cached_tokens")):
                outcome.cache_read_input_tokens = details["cached_tokens"]


def asking_for_usage(body: bytes) -> bytes | None:
    """Return the body of a streamed chat completion so that its usage is streamed too.

    None if the client asks for that itself, or for no stream.
    """
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(wanted, dict) or wanted.get("stream") is not True:
        return None
    options = wanted.get("stream_options") or {}
    if not isinstance(options, dict) or options.get("include_usage") is True:
        return None
    return json.dumps(wanted | {"stream_options": options | {"include_usage": True}}).encode()


@attrs.define
class WithoutUsage:
    """Takes the event with the usage, which the client has not asked for, out of a stream."""

    _unsent: bytes = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return the events that have come to their end."""
        *events, self._unsent = _END_OF_EVENT.split(self._unsent + chunk)
        ends = events[1::2]
        return b"".join(
            event + end
            for event, end in zip(events[::2], ends, strict=True)
            if not _is_usage_alone(event)
        )

    def end(self) -> bytes:
        """Return what is left."""
        return self._unsent


_END_OF_EVENT = re.compile(rb"(\r?\n\r?\n)")


def _is_usage_alone(event: bytes) -> bool:
    _, _, data = event.partition(b"data:")
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(chunk, dict) and chunk.get("choices") == [] and "usage" in chunk


def _has_delta(choices: Any) -> bool:
    if not isinstance(choices, list):
        return False
    deltas = [choice.get("delta") for choice in choices if isinstance(choice, dict)]
    return any(
        isinstance(delta, dict) and (delta.get("content") or delta.get("tool_calls"))
        for delta in deltas
    )


def _storable(text: str) -> str:
    """Return a text without what no database takes."""
    return text[:255].replace("\0", "").encode("utf-8", "replace").decode()


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_COUNT
