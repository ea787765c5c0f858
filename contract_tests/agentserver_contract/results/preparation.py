"""What a layer needs before it can try anything, and what is found where it cannot be had."""

from __future__ import annotations

from agentserver import AgentserverError
from agentserver_contract.fixtures.accounts import SetupFailed
from agentserver_contract.http.messages import scrubbed
from agentserver_contract.results.findings import Finding


def preparation_failed(layer: str, error: AgentserverError | SetupFailed) -> Finding:
    """The finding that a server refused what a layer needs: the operation at fault is named."""
    return Finding(
        layer=layer,
        operation=getattr(error, "operation_id", None) or "",
        promise="what the layer needs can be created",
        contract="",
        detail=scrubbed(f"{type(error).__name__}: {error}"),
        check="preparation",
    )
