"""What a test lets go wrong: each rule is met by the calls that it is about, so many times."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from attrs import define, field, frozen


@frozen
class Answer:
    """An answer of a test's own."""

    status: int
    headers: Mapping[str, str] = field(factory=dict)
    content: bytes = b""

    def headers_for(self, request_id: str) -> dict[str, str]:
        """Its headers, and those that every answer of the server has."""
        common = {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff"}
        return {**common, **self.headers}

    def to(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request."""
        headers = self.headers_for(request.headers.get("x-request-id", ""))
        return httpx.Response(self.status, headers=headers, content=self.content)


@define(eq=False)
class Rule:
    """What happens to calls instead of the usual, or beside it."""

    operation: str | None
    """Calls of which method of the SDK; None for all."""
    times: int | None
    """How many calls are left that meet it; None for no end."""
    answer: Answer | None = None
    """What is answered in the server's place."""
    delay: float = 0.0
    """Seconds that the answer takes."""
    drops: bool = False
    """Whether the connection breaks before the answer, after the server has done its work."""


@define(eq=False)
class Rules:
    """The rules of a test, of which a call meets the first that fits."""

    _rules: list[Rule] = field(factory=list)

    def add(self, rule: Rule) -> None:
        """Add a rule behind the others."""
        if rule.times is not None and rule.times < 1:
            raise ValueError("times must be 1 or more, or None for every call")
        self._rules.append(rule)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._rules.clear()

    def met_by(self, operation: str) -> Rule | None:
        """The rule that a call meets, counted as met."""
        for rule in self._rules:
            if rule.operation in (None, operation):
                if rule.times is not None:
                    rule.times -= 1
                    if not rule.times:
                        self._rules.remove(rule)
                return rule
        return None
