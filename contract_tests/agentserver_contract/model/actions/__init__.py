"""What people do in the model, by what it is about; each module adds its transitions."""

from agentserver_contract.model.actions import (
    accounts,
    endpoints,
    limits,
    members,
    requests,
    workspaces,
)

__all__ = ["accounts", "endpoints", "limits", "members", "requests", "workspaces"]
