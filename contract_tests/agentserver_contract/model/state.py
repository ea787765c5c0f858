"""What the model expects of the server: the state of each tag, and the times of writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from agentserver import CallError
from agentserver_contract.http.messages import Exchange, Response, scrubbed

S = TypeVar("S")


class ContractViolation(Exception):
    """The server did something else than the model expects.

    Args:
        sdk_method: The SDK method of the operation, as in `workspaces.members.add`.
        promise: What the contract promises, in one line.
        actual: What the server did instead: an answer, an error of the SDK, or a description.
        exchange: The request and the answer that show it, where single ones do.
    """

    def __init__(
        self, sdk_method: str, promise: str, actual: object, exchange: Exchange | None = None
    ) -> None:
        super().__init__(promise)
        self.sdk_method = sdk_method
        self.promise = promise
        self.actual = actual
        self.exchange = exchange

    @property
    def response(self) -> Response | None:
        """The raw answer, where it is known: the SDK keeps it for errors only."""
        if self.exchange is not None:
            return self.exchange.response
        if isinstance(self.actual, CallError) and self.actual.status_code is not None:
            headers = {name: (value,) for name, value in self.actual.headers.items()}
            return Response(self.actual.status_code, headers, (self.actual.body or "").encode())
        return self.actual if isinstance(self.actual, Response) else None

    @property
    def description(self) -> str:
        """What the server did, as a report shows it."""
        if isinstance(self.actual, Response):
            return self.actual.as_text()
        return scrubbed(str(self.actual))


class ModelState:
    """The state of all tags, each kept by the class that its module defines.

    `state[Workspaces]` is the one `Workspaces` of a run, which is created empty on first use.
    """

    def __init__(self) -> None:
        self._by_class: dict[type[Any], Any] = {}
        self.secrets: set[str] = set()
        """What no answer may contain: passwords, sessions, and every key that was sent."""

    def __getitem__(self, cls: type[S]) -> S:
        """The one instance of a class of state."""
        if cls not in self._by_class:
            self._by_class[cls] = cls()
        found: S = self._by_class[cls]
        return found


@dataclass
class Timestamp:
    """When something was last written: it moves with every write and at no other time."""

    current: datetime | None = None
    """As it was read after the last write; None until it has been."""
    previous: datetime | None = None
    """As it was before the last write."""

    def advance(self) -> None:
        """Note a write: the next reading may show a new time."""
        self.previous, self.current = self.current or self.previous, None

    def accepts(self, seen: datetime, *, strictly: bool) -> bool:
        """Whether a time that was read is possible. The next readings must then show the same.

        Args:
            seen: The time that was read.
            strictly: Whether two writes never have the same time.
        """
        if self.current is not None:
            return seen == self.current
        self.current = seen
        if self.previous is None:
            return True
        return seen > self.previous if strictly else seen >= self.previous
