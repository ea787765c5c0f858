"""What an operation refuses because of how things stand: data, one line for each refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from agentserver_contract.contract.document import Operation
from agentserver_contract.contract.roles import caller_of
from agentserver_contract.fixtures.accounts import ABSENT, People, Person, email_of
from agentserver_contract.fixtures.examples import Scene
from agentserver_contract.http.messages import Request

QUOTA = "a workspace over the limit"
LAST_ADMINISTRATOR = "another role for the last administrator"


@dataclass(frozen=True)
class Conflict:
    """One request that is sound in itself, and refused.

    Texts may name people of the run and what is known of them: `{owner.email}`.
    """

    name: str
    operation: str
    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    """Of the body, in which the request differs from the operation's example."""
    without: str = ""
    """A field that is left out."""
    user: str = ""
    """Whose id stands in the path, if it is not the example's."""

    def request(self, operation: Operation, people: People, scene: Scene) -> Request:
        """The request, as somebody who may make it."""
        named = people.by_name
        fields = {name: text.format_map(named) for name, text in self.fields.items()}
        body = {**scene.bodies.get(operation.id, {}), **fields}
        parameters = dict(scene.parameters)
        if self.user:
            parameters["user_id"] = people[self.user].id
        changed = replace(scene, parameters=parameters, bodies={operation.id: body})
        if self.without:
            changed = replace(changed, left_out=frozenset({self.without}))
        caller = caller_of(operation)
        return changed.request(operation, people[caller].session if caller is not None else None)


_NOBODY = email_of(ABSENT)

CONFLICTS = (
    Conflict("an address that is taken", "register_user", 409, {"email": "{owner.email}"}),
    Conflict("an address without an account", "login", 401, {"email": _NOBODY}),
    Conflict(
        "another password", "login", 401, {"email": "{owner.email}", "password": "not the one"}
    ),
    Conflict("an address without an account", "add_workspace_member", 404, {"email": _NOBODY}),
    Conflict("a member once more", "add_workspace_member", 409, {"email": "{colleague.email}"}),
    Conflict(
        "a role for somebody who is no member",
        *("update_workspace_member_role", 404),
        user="outsider",
    ),
    Conflict(
        "another role for the last owner",
        *("update_workspace_member_role", 409, {"role": "developer"}),
        user="owner",
    ),
    Conflict("the last owner's leaving", "remove_workspace_member", 409, user="owner"),
    Conflict("no key where none is stored", "set_workspace_llm_config", 400, without="api_key"),
    Conflict(QUOTA, "create_workspace", 403),
    Conflict(LAST_ADMINISTRATOR, "admin_update_user_role", 409, {"role": "user"}, user="admin"),
)


def impossible(conflict: Conflict, people: People) -> str | None:
    """Why a conflict cannot be brought about here, if it cannot."""
    if conflict.name != LAST_ADMINISTRATOR:
        return None
    with people.target.client(session=people["admin"].session) as client:
        administrators = [user for user in client.admin.users.list() if user.role == "admin"]
    return None if len(administrators) == 1 else "there are several administrators"


@contextmanager
def brought_about(conflict: Conflict, people: People) -> Iterator[None]:
    """How things must stand, while the request is sent; all else stands so already."""
    if conflict.name != QUOTA:
        yield
        return
    owner: Person = people["owner"]
    with people.target.client(session=owner.session) as client:
        owned = client.workspaces.get_creation_quota().current
    with people.target.client(session=people["admin"].session) as client:
        quota = client.admin.users.quota
        before = quota.get(owner.id).overrides
        quota.set(owner.id, max_workspaces=owned)
        try:
            yield
        finally:
            if before is None:
                quota.delete(owner.id)
            else:
                quota.set(owner.id, max_workspaces=before.max_workspaces)
