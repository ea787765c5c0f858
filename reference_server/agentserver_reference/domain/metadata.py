"""What callers keep with a thing: any JSON, but for texts that not every database can store."""

from typing import Any

from agentserver_reference.domain.errors import BadRequest


def check_metadata(value: Any) -> None:
    """Raise BadRequest if a key or a text at any depth contains NUL."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and "\0" in each:
            raise BadRequest("metadata: must not contain NUL")
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
