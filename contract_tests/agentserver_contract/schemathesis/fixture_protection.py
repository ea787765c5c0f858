"""Keeps the scene standing while chance plays in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentserver_contract.contract.schemas import lacks_kept
from agentserver_contract.fixtures.accounts import People, Person
from agentserver_contract.fixtures.examples import COLLEAGUE, Scene, add_workspace

if TYPE_CHECKING:
    from schemathesis import Case


class Stage:
    """Turns the few calls away that would leave nothing to try for the rest of a run.

    Args:
        people: The people of the run.
        scene: What must stay.
        owner: Name of the person whose workspace it is.
        caller: Who calls, and must keep their own rights.
    """

    def __init__(self, people: People, scene: Scene, owner: str, caller: Person) -> None:
        self._people = people
        self._scene = scene
        self._owner = owner
        self._caller = caller
        self._workspace_id = scene.parameters["workspace_id"]
        self.owned = {self._workspace_id}
        """The workspaces that were made for the run."""

    def before_call(self, case: Case[Any]) -> None:
        """Aim what would end the caller's rights or the scene's workspace at another.

        And where a body counts on a value that is stored already, see to it that one is.
        """
        values = case.path_parameters
        operation_id = case.operation.definition.raw["operationId"]
        if lacks_kept(operation_id, case.body) and self._workspace_id in values.values():
            operation = self._scene.contract.operations[operation_id]
            session = self._people[self._owner].session
            self._people.target.send(self._scene.request(operation, session))
        if values.get("user_id") == self._caller.id:
            values["user_id"] = self._people[COLLEAGUE].id
        deletes = case.method == "DELETE" and case.operation.path.endswith("/{workspace_id}")
        if deletes and values["workspace_id"] == self._workspace_id:
            values["workspace_id"] = add_workspace(self._people, self._owner, {})
            self.owned.add(values["workspace_id"])
