"""The roots of the tree of resources below `with_raw_response`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._operation import AsyncCaller, Caller

if TYPE_CHECKING:
    from agentserver._generated.resources.admin import AsyncRawAdmin, RawAdmin
    from agentserver._generated.resources.agents import AsyncRawAgents, RawAgents
    from agentserver._generated.resources.api_keys import AsyncRawApiKeys, RawApiKeys
    from agentserver._generated.resources.auth import AsyncRawAuth, RawAuth
    from agentserver._generated.resources.credentials import AsyncRawCredentials, RawCredentials
    from agentserver._generated.resources.executors import AsyncRawExecutors, RawExecutors
    from agentserver._generated.resources.health import AsyncRawHealth, RawHealth
    from agentserver._generated.resources.mailbox import AsyncRawMailbox, RawMailbox
    from agentserver._generated.resources.operations_log import (
        AsyncRawOperationsLog,
        RawOperationsLog,
    )
    from agentserver._generated.resources.sandboxes import AsyncRawSandboxes, RawSandboxes
    from agentserver._generated.resources.tasks import AsyncRawTasks, RawTasks
    from agentserver._generated.resources.tokens import AsyncRawTokens, RawTokens
    from agentserver._generated.resources.traces import AsyncRawTraces, RawTraces
    from agentserver._generated.resources.turns import AsyncRawTurns, RawTurns
    from agentserver._generated.resources.workspaces import AsyncRawWorkspaces, RawWorkspaces


class RawResources:
    """What hangs off `Client.with_raw_response`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._caller!r}>"

    @property
    def auth(self) -> RawAuth:
        """Accounts and sessions. A session is a cookie named `agentserver-token` that is valid
        for seven days.
        """
        from agentserver._generated.resources.auth import Auth, RawAuth

        return RawAuth(Auth(self._caller))

    @property
    def workspaces(self) -> RawWorkspaces:
        """Workspaces, their members, their limits and the language-model settings of their
        sandboxes.
        """
        from agentserver._generated.resources.workspaces import RawWorkspaces, Workspaces

        return RawWorkspaces(Workspaces(self._caller))

    @property
    def sandboxes(self) -> RawSandboxes:
        """Sandboxes, in which agents run. A sandbox is created, paused and resumed in the
        background.
        """
        from agentserver._generated.resources.sandboxes import RawSandboxes, Sandboxes

        return RawSandboxes(Sandboxes(self._caller))

    @property
    def traces(self) -> RawTraces:
        """Traces of language-model requests, which the language-model proxy records. A trace
        groups the requests of one piece of work, such as one session of an agent.
        """
        from agentserver._generated.resources.traces import RawTraces, Traces

        return RawTraces(Traces(self._caller))

    @property
    def agents(self) -> RawAgents:
        """Agents and their cards. An agent works in a sandbox and calls the server with the
        token of that sandbox. With its card, it tells the others in its workspace what it can
        do.
        """
        from agentserver._generated.resources.agents import Agents, RawAgents

        return RawAgents(Agents(self._caller))

    @property
    def tasks(self) -> RawTasks:
        """Tasks, which people and agents give to the agents of a workspace, and which these poll
        for.
        """
        from agentserver._generated.resources.tasks import RawTasks, Tasks

        return RawTasks(Tasks(self._caller))

    @property
    def mailbox(self) -> RawMailbox:
        """Messages between the agents of a workspace."""
        from agentserver._generated.resources.mailbox import Mailbox, RawMailbox

        return RawMailbox(Mailbox(self._caller))

    @property
    def api_keys(self) -> RawApiKeys:
        """API keys of a workspace, with which programs call. A key belongs to the workspace: it
        ends when it is revoked or the workspace is deleted, and not when the person who made
        it leaves.
        """
        from agentserver._generated.resources.api_keys import ApiKeys, RawApiKeys

        return RawApiKeys(ApiKeys(self._caller))

    @property
    def turns(self) -> RawTurns:
        """Turns of codex, the coding agent of a workspace: each is one request to it and what it
        has done about it. Turns that continue each other form a thread.
        """
        from agentserver._generated.resources.turns import RawTurns, Turns

        return RawTurns(Turns(self._caller))

    @property
    def operations_log(self) -> RawOperationsLog:
        """What was done in a workspace by its coding agent, with the results."""
        from agentserver._generated.resources.operations_log import OperationsLog, RawOperationsLog

        return RawOperationsLog(OperationsLog(self._caller))

    @property
    def executors(self) -> RawExecutors:
        """Executors: machines on which codex runs commands for a workspace. A machine is
        connected with the command that is returned when its executor is registered; the
        command contains its identity, which ends when the executor is unbound, and when the
        person who registered it can no longer register executors in the workspace.
        """
        from agentserver._generated.resources.executors import Executors, RawExecutors

        return RawExecutors(Executors(self._caller))

    @property
    def tokens(self) -> RawTokens:
        """Codex tokens, with which people open a workspace in their own `codex --remote`. A
        token acts for the member who made it, in one workspace: it ends when it expires or is
        revoked, and when its owner leaves the workspace or becomes a guest.
        """
        from agentserver._generated.resources.tokens import RawTokens, Tokens

        return RawTokens(Tokens(self._caller))

    @property
    def credentials(self) -> RawCredentials:
        """Credentials of a workspace, for services outside: at present for Kubernetes clusters.
        What proves who the user is, a token or a private key, is stored encrypted and never
        shown again. One credential of each kind is the default.
        """
        from agentserver._generated.resources.credentials import Credentials, RawCredentials

        return RawCredentials(Credentials(self._caller))

    @property
    def admin(self) -> RawAdmin:
        """Administration of the whole installation, with its accounts, workspaces, sandboxes and
        limits.
        """
        from agentserver._generated.resources.admin import Admin, RawAdmin

        return RawAdmin(Admin(self._caller))

    @property
    def health(self) -> RawHealth:
        """Whether the server is up."""
        from agentserver._generated.resources.health import Health, RawHealth

        return RawHealth(Health(self._caller))


class AsyncRawResources:
    """What hangs off `AsyncClient.with_raw_response`."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._caller!r}>"

    @property
    def auth(self) -> AsyncRawAuth:
        """Accounts and sessions. A session is a cookie named `agentserver-token` that is valid
        for seven days.
        """
        from agentserver._generated.resources.auth import AsyncAuth, AsyncRawAuth

        return AsyncRawAuth(AsyncAuth(self._caller))

    @property
    def workspaces(self) -> AsyncRawWorkspaces:
        """Workspaces, their members, their limits and the language-model settings of their
        sandboxes.
        """
        from agentserver._generated.resources.workspaces import AsyncRawWorkspaces, AsyncWorkspaces

        return AsyncRawWorkspaces(AsyncWorkspaces(self._caller))

    @property
    def sandboxes(self) -> AsyncRawSandboxes:
        """Sandboxes, in which agents run. A sandbox is created, paused and resumed in the
        background.
        """
        from agentserver._generated.resources.sandboxes import AsyncRawSandboxes, AsyncSandboxes

        return AsyncRawSandboxes(AsyncSandboxes(self._caller))

    @property
    def traces(self) -> AsyncRawTraces:
        """Traces of language-model requests, which the language-model proxy records. A trace
        groups the requests of one piece of work, such as one session of an agent.
        """
        from agentserver._generated.resources.traces import AsyncRawTraces, AsyncTraces

        return AsyncRawTraces(AsyncTraces(self._caller))

    @property
    def agents(self) -> AsyncRawAgents:
        """Agents and their cards. An agent works in a sandbox and calls the server with the
        token of that sandbox. With its card, it tells the others in its workspace what it can
        do.
        """
        from agentserver._generated.resources.agents import AsyncAgents, AsyncRawAgents

        return AsyncRawAgents(AsyncAgents(self._caller))

    @property
    def tasks(self) -> AsyncRawTasks:
        """Tasks, which people and agents give to the agents of a workspace, and which these poll
        for.
        """
        from agentserver._generated.resources.tasks import AsyncRawTasks, AsyncTasks

        return AsyncRawTasks(AsyncTasks(self._caller))

    @property
    def mailbox(self) -> AsyncRawMailbox:
        """Messages between the agents of a workspace."""
        from agentserver._generated.resources.mailbox import AsyncMailbox, AsyncRawMailbox

        return AsyncRawMailbox(AsyncMailbox(self._caller))

    @property
    def api_keys(self) -> AsyncRawApiKeys:
        """API keys of a workspace, with which programs call. A key belongs to the workspace: it
        ends when it is revoked or the workspace is deleted, and not when the person who made
        it leaves.
        """
        from agentserver._generated.resources.api_keys import AsyncApiKeys, AsyncRawApiKeys

        return AsyncRawApiKeys(AsyncApiKeys(self._caller))

    @property
    def turns(self) -> AsyncRawTurns:
        """Turns of codex, the coding agent of a workspace: each is one request to it and what it
        has done about it. Turns that continue each other form a thread.
        """
        from agentserver._generated.resources.turns import AsyncRawTurns, AsyncTurns

        return AsyncRawTurns(AsyncTurns(self._caller))

    @property
    def operations_log(self) -> AsyncRawOperationsLog:
        """What was done in a workspace by its coding agent, with the results."""
        from agentserver._generated.resources.operations_log import (
            AsyncOperationsLog,
            AsyncRawOperationsLog,
        )

        return AsyncRawOperationsLog(AsyncOperationsLog(self._caller))

    @property
    def executors(self) -> AsyncRawExecutors:
        """Executors: machines on which codex runs commands for a workspace. A machine is
        connected with the command that is returned when its executor is registered; the
        command contains its identity, which ends when the executor is unbound, and when the
        person who registered it can no longer register executors in the workspace.
        """
        from agentserver._generated.resources.executors import AsyncExecutors, AsyncRawExecutors

        return AsyncRawExecutors(AsyncExecutors(self._caller))

    @property
    def tokens(self) -> AsyncRawTokens:
        """Codex tokens, with which people open a workspace in their own `codex --remote`. A
        token acts for the member who made it, in one workspace: it ends when it expires or is
        revoked, and when its owner leaves the workspace or becomes a guest.
        """
        from agentserver._generated.resources.tokens import AsyncRawTokens, AsyncTokens

        return AsyncRawTokens(AsyncTokens(self._caller))

    @property
    def credentials(self) -> AsyncRawCredentials:
        """Credentials of a workspace, for services outside: at present for Kubernetes clusters.
        What proves who the user is, a token or a private key, is stored encrypted and never
        shown again. One credential of each kind is the default.
        """
        from agentserver._generated.resources.credentials import (
            AsyncCredentials,
            AsyncRawCredentials,
        )

        return AsyncRawCredentials(AsyncCredentials(self._caller))

    @property
    def admin(self) -> AsyncRawAdmin:
        """Administration of the whole installation, with its accounts, workspaces, sandboxes and
        limits.
        """
        from agentserver._generated.resources.admin import AsyncAdmin, AsyncRawAdmin

        return AsyncRawAdmin(AsyncAdmin(self._caller))

    @property
    def health(self) -> AsyncRawHealth:
        """Whether the server is up."""
        from agentserver._generated.resources.health import AsyncHealth, AsyncRawHealth

        return AsyncRawHealth(AsyncHealth(self._caller))
