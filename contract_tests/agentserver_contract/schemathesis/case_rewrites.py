"""On somebody's server, a case that would be held back is made one about what the run owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zlib import crc32

from agentserver_contract.contract.document import Contract, Located
from agentserver_contract.fixtures.accounts import ABSENT, People, email_of
from agentserver_contract.fixtures.examples import Scene
from agentserver_contract.http.guard import NO_SUCH, SAFE_METHODS, Guard
from agentserver_contract.http.target import Target

if TYPE_CHECKING:
    from schemathesis import Case


class Home:
    """Brings cases home, where there is a guard; without one they stay as they are.

    Args:
        target: Whose guard tells what the run owns.
        people: Whose addresses may be named.
        scene: What else the run has.
    """

    def __init__(self, target: Target, people: People, scene: Scene) -> None:
        self._guard = target.guard
        self._people = people
        self._scene = scene
        self._addresses = {
            operation.id: email
            for operation in scene.contract.operations.values()
            if (email := _address(scene.contract, operation.body)) is not None
        }

    def bring(self, case: Case[Any]) -> None:
        """Replace foreign ids and addresses in a write; what breaks the contract stays broken."""
        if self._guard is None or case.method in SAFE_METHODS:
            return
        drawn = {draw.parameter_name for draw in case.meta.pool_draws} if case.meta else set()
        for name, value in case.path_parameters.items():
            if isinstance(value, str) and not self._guard.owns(value):
                # What a server has shown is somebody's; anything else need only stay unknown.
                own = self._scene.parameters.get(name) if name in drawn else None
                case.path_parameters[name] = own or f"{NO_SUCH}{value}"
        self._bring_address(case, self._guard)

    def _bring_address(self, case: Case[Any], guard: Guard) -> None:
        operation_id = case.operation.definition.raw.get("operationId")
        schema = self._addresses.get(operation_id)
        if schema is None or not isinstance(case.body, Mapping):
            return
        email, spare = case.body.get("email"), self._people.spare
        registers = operation_id == "register_user"
        if registers and (email, case.body.get("password")) == (spare.email, spare.password):
            return
        if not isinstance(email, str) or not self._scene.contract.validator(schema).is_valid(email):
            return
        if not guard.is_own_email(email):
            everybody = [person.email for person in self._people.by_name.values()]
            everybody += [] if registers else [email_of(ABSENT)]
            chosen = everybody[crc32(email.encode("utf-8", "replace")) % len(everybody)]
            case.body = {**case.body, "email": chosen}


def _address(contract: Contract, body: Located | None) -> Located | None:
    """Where a request body has the address of an account."""
    if body is None:
        return None
    schema = contract.follow(body)
    if "email" not in schema.value.get("properties", {}):
        return None
    return schema.child("properties", "email")
