"""A request that works, on its way to becoming one that is wrong in one place, or in several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agentserver_contract.contract.document import Operation
from agentserver_contract.fixtures.examples import Examples
from agentserver_contract.http.messages import Request

Change = Callable[[Request], Request]


@dataclass(frozen=True)
class Draft:
    """What a request is made of."""

    operation: Operation
    examples: Examples
    credential: Mapping[str, str]
    """The header that carries the caller's credential; empty without one."""
    changes: tuple[Change, ...] = ()
    """What is done to the request in the end, in this order."""

    def changed(self, change: Change) -> Draft:
        """The same with one more change of the request."""
        return replace(self, changes=(*self.changes, change))

    def with_id(self, parameter: str, value: str) -> Draft:
        """The same with another id in the path, or wherever the operation takes it."""
        parameters = {**self.examples.parameters, parameter: value}
        examples = replace(self.examples, parameters=parameters)
        if any(each.name == parameter and each.required for each in self.operation.fields):
            examples = examples.with_body(self.operation, {parameter: value})
        return replace(self, examples=examples)

    def request(self) -> Request:
        """The request."""
        request = self.examples.request(self.operation, self.credential)
        for change in self.changes:
            request = change(request)
        return request
