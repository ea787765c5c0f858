"""A workspace with its people, and the contract's own examples made true in it.

The contract has an example for every path parameter and every request body. With the ids and
addresses of real things in the place of the examples' own, each example is a request that works,
and no layer has to describe an operation a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from agentserver_contract.contract import JSON, Contract, Located, Operation
from agentserver_contract.people import People, Person
from agentserver_contract.target import cookie
from agentserver_contract.wire import Request

COLLEAGUE = "colleague"
"""Who is given roles and quotas, and removed."""

NEWCOMER = "newcomer"
"""Who is added."""


class NoExample(LookupError):
    """The contract has no example where a request needs one."""


@dataclass(frozen=True)
class Scene:
    """Real values for what the contract's examples speak of."""

    contract: Contract
    parameters: Mapping[str, str]
    """Values of path parameters, by name."""
    bodies: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Fields of request bodies that the example alone cannot know, by operationId."""
    left_out: frozenset[str] = frozenset()
    """Fields that no body has, whatever its example says."""

    def request(self, operation: Operation, session: str | None) -> Request:
        """The operation's example as a request that works for whoever may make it.

        Raises:
            NoExample: The contract gives no value for a path parameter or the body.
        """
        path = operation.path
        for parameter in _path_parameters(operation):
            value = quote(self._parameter(parameter.value), safe="")
            path = path.replace(f"{{{parameter.value['name']}}}", value)
        headers = cookie(session) if session is not None else {}
        if operation.body is None:
            return Request(operation.method, path, headers)
        body = json.dumps(self.body(operation)).encode()
        return Request(operation.method, path, {**headers, "content-type": JSON}, body)

    def body(self, operation: Operation) -> dict[str, Any]:
        """The example of the operation's request body, made true."""
        media = _media(self.contract, operation).value
        named = [example["value"] for example in media.get("examples", {}).values()]
        examples = [media["example"]] if "example" in media else named
        if not examples:
            raise NoExample(f"{operation}: its request body has no example")
        body = {**examples[0], **self.bodies.get(operation.id, {})}
        return {name: value for name, value in body.items() if name not in self.left_out}

    def document(self) -> dict[str, Any]:
        """The contract with these values as its examples."""
        document = deepcopy(dict(self.contract.document))
        for operation in self.contract.operations.values():
            for parameter in _path_parameters(operation):
                value = self._parameter(parameter.value)
                _at(document, parameter.pointer)["example"] = value
            if operation.id in self.bodies and operation.body is not None:
                # Inlined, as operations may share a body that only one of them fills like this.
                media = {**_media(self.contract, operation).value, "example": self.body(operation)}
                _at(document, operation.pointer)["requestBody"] = {
                    "required": operation.body_required,
                    "content": {JSON: media},
                }
        return document

    def _parameter(self, parameter: Mapping[str, Any]) -> str:
        value = self.parameters.get(parameter["name"], parameter.get("example"))
        if value is None:
            raise NoExample(f"path parameter {parameter['name']} has no example")
        return str(value)


def set_scene(
    contract: Contract, people: People, owner: str, members: Mapping[str, str], caller: Person
) -> Scene:
    """Make a workspace and what the examples need around it.

    Args:
        contract: Whose examples are made true.
        people: The people of the run.
        owner: Name of the person who creates the workspace.
        members: Roles by name of those who are added to it, the colleague's among them.
        caller: Who will make the requests; the one who logs in where that is what is asked.
    """
    workspace_id = add_workspace(people, owner, members)
    account = {"email": caller.email, "password": caller.password}
    return Scene(
        contract,
        {"workspace_id": workspace_id, "user_id": people[COLLEAGUE].id},
        {
            "register_user": {"email": people.spare.email, "password": people.spare.password},
            "login": account,
            "add_workspace_member": {"email": people[NEWCOMER].email},
        },
    )


def add_workspace(people: People, owner: str, members: Mapping[str, str]) -> str:
    """Make a workspace with these members, and return its id."""
    with people.target.client(session=people[owner].session) as client:
        workspace = client.workspaces.create(name=f"Contract workspace of {owner}")
        for name, role in members.items():
            client.workspaces.members.add(workspace.id, email=people[name].email, role=role)
        return workspace.id


def _path_parameters(operation: Operation) -> list[Located]:
    return [parameter for parameter in operation.parameters if parameter.value["in"] == "path"]


def _media(contract: Contract, operation: Operation) -> Located:
    """The media type object around the operation's request body."""
    if operation.body is None:
        raise NoExample(f"{operation} reads no body")
    return contract.locate(operation.body.pointer.removesuffix("/schema"))


def _at(document: dict[str, Any], pointer: str) -> dict[str, Any]:
    """The object at a JSON pointer."""
    found: dict[str, Any] = document
    for step in pointer.split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found
