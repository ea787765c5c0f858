"""JSON of any form that callers keep here, but for texts that not every database can store."""

from typing import Any

from agentserver_reference.domain.errors import BadRequest


def check_free_json(name: str, value: Any) -> None:
    """Raise BadRequest, naming the field, if a key or a text at any depth contains NUL."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and "\0" in each:
            raise BadRequest(f"{name}: must not contain NUL")
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
