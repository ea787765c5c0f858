"""What Schemathesis sends and gets, in the suite's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from agentserver_contract.http.messages import Answer, Request
from agentserver_contract.http.target import request_of

if TYPE_CHECKING:
    from schemathesis import Case, Response


def case_request(case: Case[Any], base_url: str) -> Request:
    """The request that a case would send."""
    arguments: dict[str, Any] = case.as_transport_kwargs(base_url=base_url)
    return request_of(requests.Request(**arguments).prepare())


def answer(response: Response) -> Answer:
    """An answer that came."""
    headers = {name.lower(): tuple(values) for name, values in response.headers.items()}
    return Answer(response.status_code, headers, response.content or b"")


def recorded_request(recorded: Any, base_url: str) -> Request:
    """A request as the engine's recorder keeps it."""
    headers = {name.lower(): values[0] for name, values in recorded.headers.items()}
    target = recorded.uri.removeprefix(base_url)
    return Request(recorded.method, target, headers, recorded.body or None)
