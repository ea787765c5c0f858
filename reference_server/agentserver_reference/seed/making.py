"""Makes what a seed file asks for, by the contract's operations. What exists is left as it is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from starlette.applications import Starlette

from agentserver_reference.context import Context
from agentserver_reference.contract import Contract
from agentserver_reference.domain.emails import email_key
from agentserver_reference.domain.quotas import LIMITS
from agentserver_reference.domain.roles import ADMIN
from agentserver_reference.seed.calls import Answer, InProcess
from agentserver_reference.seed.document import Person, Seed, Workspace
from agentserver_reference.services import auth
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import quotas, users


@attrs.frozen
class Made:
    """Something that was made."""

    what: str
    """For people to read, such as `account ada@example.com (admin)`."""
    password: str | None = attrs.field(default=None, repr=False)
    """A password that was generated, which is shown nowhere else."""


async def make(
    app: Starlette, contract: Contract, seed: Seed, report: Callable[[Made], None]
) -> None:
    """Make what the seed asks for and does not exist yet.

    What was made before an error stays, and is left as it is the next time.

    Arguments:
        app: the application, whose lifespan has begun.
        contract: its contract.
        seed: what is asked for.
        report: is called with everything as soon as it is made.

    Raises:
        SettingsError: the server refuses something; naming the place in the file.
    """
    making = _Making(seed, InProcess(app, contract), app.state.context, report)
    try:
        await making.run()
    finally:
        await making.end_sessions()


@attrs.frozen
class _Making:
    seed: Seed
    server: InProcess
    context: Context
    report: Callable[[Made], None]
    sessions: dict[str, str] = attrs.field(factory=dict)
    """The tokens of the sessions that were opened, by the account's id."""

    async def run(self) -> None:
        new = await self._register()
        if not (administrators := await self.context.store.read(users.admins)):
            return  # no account exists, so there is nothing else to make
        admin = await self._session(administrators[0])
        listed = (await self.server.call("admin_list_users", admin)).json()
        accounts = {email_key(each["email"]): each for each in listed}
        await self._set_defaults(admin)
        for person in self.seed.people:
            account = accounts[email_key(person.email)]
            if person.at in new:
                await self._set_role(admin, person, account)
            await self._set_quota(admin, person, account)
        for workspace in self.seed.workspaces:
            await self._make_workspace(admin, workspace, accounts)

    async def end_sessions(self) -> None:
        for token in self.sessions.values():
            await self.server.call("logout", token)

    async def _session(self, user_id: str) -> str:
        if user_id not in self.sessions:
            work = UnitOfWork(self.context)
            self.sessions[user_id] = await auth.open_session_for(work, user_id)
        return self.sessions[user_id]

    async def _register(self) -> set[str]:
        """Register who is not yet; return the places of those who are new."""
        new = set()
        # The first account of an installation becomes its administrator.
        for person in sorted(self.seed.people, key=lambda person: person.role != ADMIN):
            is_first = not await self.context.store.read(users.exist)
            password = person.password or secrets.token_urlsafe(18)
            body = {"email": person.email, "password": password}
            answer = await self.server.call("register_user", body=body)
            if answer.status == 409:
                continue
            self._check(answer, person.at)
            new.add(person.at)
            generated = None if person.password else password
            first = ", the administrator" if is_first else ""
            self.report(Made(f"account {person.email}{first}", generated))
        return new

    async def _set_role(self, admin: str, person: Person, account: Mapping[str, Any]) -> None:
        if person.role in (None, account["role"]):
            return
        answer = await self.server.call(
            "admin_update_user_role", admin, body={"role": person.role}, user_id=account["id"]
        )
        self._check(answer, f"{person.at}.role")
        self.report(Made(f"role {person.role} of {person.email}"))

    async def _set_quota(self, admin: str, person: Person, account: Mapping[str, Any]) -> None:
        if person.quota is None:
            return
        at, path = f"{person.at}.quota", {"user_id": account["id"]}
        stored = await self.server.call("admin_get_user_quota", admin, **path)
        if self._check(stored, at)["overrides"] is None:
            answer = await self.server.call(
                "admin_set_user_quota", admin, body=person.quota, **path
            )
            self._check(answer, at)
            self.report(Made(f"quota of {person.email}"))

    async def _set_defaults(self, admin: str) -> None:
        stored = await self.context.store.read(quotas.stored_settings)
        known = {limit.name for limit in LIMITS if limit.setting in stored}
        wanted = self.seed.quota_defaults or {}
        missing = {name: value for name, value in wanted.items() if name not in known}
        if missing:
            answer = await self.server.call("admin_set_quota_defaults", admin, body=missing)
            self._check(answer, "quota_defaults")
            self.report(Made(f"quota defaults {', '.join(missing)}"))

    async def _make_workspace(
        self, admin: str, workspace: Workspace, accounts: Mapping[str, Mapping[str, Any]]
    ) -> None:
        owner = accounts.get(email_key(workspace.owner))
        if owner is None:
            raise self.seed.error(f"{workspace.at}.owner", "is not the address of an account")
        session = await self._session(owner["id"])
        listed = (await self.server.call("admin_list_workspaces", admin)).json()
        found = [
            each["id"]
            for each in listed
            if each["name"] == workspace.name and each["owner"]["id"] == owner["id"]
        ]
        if found:
            path = {"workspace_id": found[0]}
        else:
            body = {"name": workspace.name}
            answer = await self.server.call("create_workspace", session, body=body)
            path = {"workspace_id": self._check(answer, workspace.at)["id"]}
            self.report(Made(f"workspace {workspace.name} of {workspace.owner}"))
        await self._add_members(session, workspace, path)
        await self._set_workspace_limits(admin, workspace, path)

    async def _add_members(
        self, session: str, workspace: Workspace, path: Mapping[str, str]
    ) -> None:
        listed = await self.server.call("list_workspace_members", session, **path)
        present = {email_key(each["email"]) for each in self._check(listed, workspace.at)}
        for member in workspace.members:
            if email_key(member.email) in present:
                continue
            body = {"email": member.email} | ({"role": member.role} if member.role else {})
            answer = await self.server.call("add_workspace_member", session, body=body, **path)
            role = self._check(answer, member.at)["role"]
            self.report(Made(f"member {member.email} ({role}) of {workspace.name}"))

    async def _set_workspace_limits(
        self, admin: str, workspace: Workspace, path: Mapping[str, str]
    ) -> None:
        for name, limits, operation, part in (
            ("quota", workspace.quota, "workspace_quota", "overrides"),
            ("llm_quota", workspace.llm_quota, "workspace_llm_quota", "workspace_quota"),
        ):
            if limits is None:
                continue
            at = f"{workspace.at}.{name}"
            stored = await self.server.call(f"admin_get_{operation}", admin, **path)
            if self._check(stored, at)[part] is None:
                answer = await self.server.call(
                    f"admin_set_{operation}", admin, body=limits, **path
                )
                self._check(answer, at)
                self.report(Made(f"{name} of {workspace.name}"))

    def _check(self, answer: Answer, at: str) -> Any:
        """Return the body of an answer, or raise the error that it is."""
        if not answer.ok:
            raise self.seed.error(at, f"the server answered {answer.status} {answer.line}")
        return answer.json() if answer.body else None
