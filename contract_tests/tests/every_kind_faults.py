"""Faults of the server of the contract with every kind of operation, and of its SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import every_kind
from answers import Answer

from agentserver import _auth, _encode, _retry, _transport
from agentserver._generated.api.parcels import list_parcels
from agentserver._operation import Operation
from agentserver_reference.security.bearer import bearer
from agentserver_reference.security.principal import Principal


def _unchanged(answer: Answer) -> Answer:
    return answer


@dataclass(frozen=True)
class Fault:
    """One fault."""

    operation: str
    """The operation that has it."""
    patched: AbstractContextManager[Any] = nullcontext()
    """Changes code of the server or of the SDK, as long as it lasts."""
    changed: Callable[[Answer], Answer] = _unchanged
    """Changes the server's responses."""


def _with_header(status: int, name: str, value: str | None) -> Callable[[Answer], Answer]:
    def changed(answer: Answer) -> Answer:
        if answer.status == status:
            answer.set_header(name, value)
        return answer

    return changed


def _queued_as_text(answer: Answer) -> Answer:
    if answer.status == 202:
        body = {name: str(value) for name, value in json.loads(answer.body).items()}
        answer.set_body(json.dumps(body).encode())
    return answer


def _query_of(change: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    def changed(arguments: Mapping[str, Any]) -> Any:
        return _encode.query({name: change(value) for name, value in arguments.items()})

    return patch.object(list_parcels, "_query", changed)


_ANY_TOKEN = bearer(re.compile(r".+"), every_kind._resolve)
_WITHOUT_LIMITS = Principal(every_kind.USER_ID, "user")

FAULTS: Mapping[str, Fault] = {
    "a header of another value": Fault(
        "collect_parcel", changed=_with_header(302, "x-content-type-options", "sniff")
    ),
    "a redirect without its address": Fault(
        "collect_parcel", changed=_with_header(302, "location", None)
    ),
    "a redirect to what is no address": Fault(
        "collect_parcel", changed=_with_header(302, "location", "counter 4")
    ),
    "the second success with another body": Fault("send_parcel", changed=_queued_as_text),
    "a token of another kind is accepted": Fault(
        "get_parcel", patch.dict(every_kind.SCHEMES, apiKey=_ANY_TOKEN)
    ),
    "a token without the scope is accepted": Fault(
        "send_parcel",
        patch.dict(every_kind._BEARERS, {every_kind.READ_ONLY_API_KEY: _WITHOUT_LIMITS}),
    ),
    "the SDK drops header parameters": Fault(
        "list_parcels", patch.object(list_parcels, "_headers", lambda given: ())
    ),
    "the SDK joins the items of an array": Fault(
        "list_parcels",
        _query_of(lambda value: ",".join(value) if isinstance(value, list) else value),
    ),
    "the SDK rounds numbers": Fault(
        "list_parcels", _query_of(lambda value: int(value) if isinstance(value, float) else value)
    ),
    "the SDK sends a token where a session is asked for": Fault(
        "collect_parcel",
        patch.object(_auth.Credentials, "bearer", lambda self, scheme: self.given.token),
    ),
    "the SDK repeats a GET that takes something away": Fault(
        "take_next_parcel",
        patch.object(_transport, "rule_for", lambda operation, retry: _retry.READ),
    ),
    "the SDK reads each success like the first": Fault(
        "send_parcel",
        patch.object(Operation, "decoder", lambda self, status: next(iter(self.success.values()))),
    ),
}
