"""What a run or a layer needs before it begins, and what is found where it cannot be had."""

from __future__ import annotations

import httpx

from agentserver import AgentserverError, CallError
from agentserver_contract.contract.document import escape
from agentserver_contract.fixtures.accounts import SetupFailed
from agentserver_contract.http.messages import scrubbed
from agentserver_contract.results.findings import Finding

NAME = "preparation"
"""In place of a layer's name, before the first layer."""

UNPREPARED = (AgentserverError, SetupFailed, httpx.TransportError)
"""What is raised where something cannot be had; of a transport, where the server still listens."""

_NO_FAULT = frozenset({405, 429, 501, 502, 503, 504})
"""What an operator, an outside service or something in front of the server may answer."""

_LONGEST = 600
"""So many characters of a response are shown."""


def is_fault(error: AgentserverError) -> bool:
    """Whether a server that refuses what an administrator may do breaks the contract with it."""
    return isinstance(error, CallError) and error.status_code not in _NO_FAULT


def is_server_error(finding: Finding) -> bool:
    """Whether it is in a response with a 5xx that no outside service explains."""
    status = finding.response.status if finding.response is not None else 0
    return status >= 500 and status not in _NO_FAULT


def preparation_failed(
    layer: str, error: AgentserverError | SetupFailed | httpx.TransportError
) -> Finding:
    """The finding that a server refused what a layer needs: the request that it refused."""
    call = error if isinstance(error, CallError) else error.__cause__
    if not isinstance(call, CallError):
        return Finding(
            layer=layer,
            operation="",
            promise="what the layer needs can be created",
            contract="",
            detail=scrubbed(f"{type(error).__name__}: {error}"),
            check=NAME,
        )
    return Finding(
        layer=layer,
        operation=call.operation_id,
        promise="it succeeds where the layer needs it",
        contract=f"/paths/{escape(call.path)}/{call.method.lower()}" if call.path else "",
        detail=scrubbed(f"expected {_expected(call)}, got {error}"),
        check=NAME,
        sent=f"{call.method} {call.path}".strip(),
        received=scrubbed(_received(call)),
    )


def _expected(call: CallError) -> str:
    if call.status_code is None:
        return "a response"
    return "2xx" if call.status_code >= 300 else "a response that fits the contract"


def _received(call: CallError) -> str:
    """What was answered; the body of a success is not kept, as it may be a new credential."""
    if call.status_code is None:
        return "no response"
    return f"{call.status_code}\n{call.body or ''}"[:_LONGEST]
