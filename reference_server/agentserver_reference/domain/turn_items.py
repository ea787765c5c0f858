"""What the operations log says of the items of a turn: commands, and calls of tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

Item = Mapping[str, Any]


@attrs.frozen
class Done:
    """Something that was done in a turn."""

    tool: str
    arguments: dict[str, Any]
    is_error: bool
    result: str | None


def done_in(item: Item) -> Done | None:
    """Return what an item has done; None for one that only says something."""
    read = _KINDS.get(str(item.get("type")))
    return None if read is None else read(item)


def _command(item: Item) -> Done:
    failed = _is_failed(item) or item.get("exitCode") not in (None, 0)
    return Done(
        "commandExecution", _some(item, "command", "cwd"), failed, _text(item, "aggregatedOutput")
    )


def _change(item: Item) -> Done:
    return Done("fileChange", _some(item, "changes"), _is_failed(item), None)


def _mcp_call(item: Item) -> Done:
    tool = f"{item.get('server')}.{item.get('tool')}"[:_LONGEST_TOOL]
    result = item.get("error") or item.get("result")
    return Done(tool, _object(item), _is_failed(item), _json(result))


def _call(item: Item) -> Done:
    tool = str(item.get("tool"))[:_LONGEST_TOOL]
    failed = _is_failed(item) or item.get("success") is False
    return Done(tool, _object(item), failed, _json(item.get("contentItems")))


_LONGEST_TOOL = 255
_KINDS: Mapping[str, Callable[[Item], Done]] = {
    "commandExecution": _command,
    "fileChange": _change,
    "mcpToolCall": _mcp_call,
    "dynamicToolCall": _call,
}
"""By the types of codex."""


def _is_failed(item: Item) -> bool:
    return item.get("status") != "completed"


def _some(item: Item, *names: str) -> dict[str, Any]:
    return {name: item[name] for name in names if item.get(name) is not None}


def _object(item: Item) -> dict[str, Any]:
    given = item.get("arguments")
    return given if isinstance(given, dict) else {} if given is None else {"arguments": given}


def _text(item: Item, name: str) -> str | None:
    found = item.get(name)
    return found if isinstance(found, str) else None


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
