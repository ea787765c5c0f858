"""Whoever makes a workspace owns it, and is refused nothing in it that the contract lets owners do.

Schemathesis takes any documented 403 for right: that this one comes to an owner, it cannot know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemathesis.core.failures import Failure

from agentserver_contract.contract.document import Operation
from agentserver_contract.fixtures.accounts import Person
from agentserver_contract.http.target import request_of

if TYPE_CHECKING:
    from schemathesis import Case, Response

_PARAMETER = "workspace_id"
_CREATED, _REFUSED = 201, 403


class OwnerRefused(Failure):
    """An owner was refused what every owner may."""

    kind_title = "An owner is refused in a workspace of their own"


class OwnWorkspaces:
    """Knows what one person has made in a run, and watches that it stays theirs.

    Args:
        person: Whose workspaces are watched.
        owned: Ids of those that they have already.
    """

    def __init__(self, person: Person, owned: set[str]) -> None:
        self._person = person
        self._owned = set(owned)

    def check(self, operation: Operation, response: Response, case: Case[Any]) -> None:
        """Learn what is made and deleted, and raise OwnerRefused at a refusal."""
        if request_of(response.request).session != self._person.session:
            return
        workspace_id = case.path_parameters.get(_PARAMETER)
        if workspace_id is None:
            if operation.path == "/api/workspaces" and response.status_code == _CREATED:
                self._owned.add(str(response.json()["id"]))
        elif workspace_id in self._owned:
            if operation.id == "delete_workspace" and 200 <= response.status_code < 300:
                self._owned.discard(workspace_id)
            elif response.status_code == _REFUSED and operation.required_role != "admin":
                raise OwnerRefused(
                    operation=case.operation.label,
                    message=f"{self._person.name} has made this workspace and still owns it",
                )
