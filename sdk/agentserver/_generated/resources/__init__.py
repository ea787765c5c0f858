"""The roots of the tree of resources, which the clients inherit; the rest comes on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._operation import AsyncCaller, Caller

if TYPE_CHECKING:
    from agentserver._generated.resources.admin import Admin, AsyncAdmin
    from agentserver._generated.resources.agents import Agents, AsyncAgents
    from agentserver._generated.resources.api_keys import ApiKeys, AsyncApiKeys
    from agentserver._generated.resources.auth import AsyncAuth, Auth
    from agentserver._generated.resources.credentials import AsyncCredentials, Credentials
    from agentserver._generated.resources.executors import AsyncExecutors, Executors
    from agentserver._generated.resources.health import AsyncHealth, Health
    from agentserver._generated.resources.mailbox import AsyncMailbox, Mailbox
    from agentserver._generated.resources.operations_log import AsyncOperationsLog, OperationsLog
    from agentserver._generated.resources.sandboxes import AsyncSandboxes, Sandboxes
    from agentserver._generated.resources.tasks import AsyncTasks, Tasks
    from agentserver._generated.resources.tokens import AsyncTokens, Tokens
    from agentserver._generated.resources.traces import AsyncTraces, Traces
    from agentserver._generated.resources.turns import AsyncTurns, Turns
    from agentserver._generated.resources.workspaces import AsyncWorkspaces, Workspaces


class Resources(Caller):
    """What hangs off a `Client`."""

    __slots__ = ()

    @property
    def auth(self) -> Auth:
        """Accounts and sessions. A session is a cookie named `agentserver-token` that is valid
        for seven days.
        """
        from agentserver._generated.resources.auth import Auth

        return Auth(self)

    @property
    def workspaces(self) -> Workspaces:
        """Workspaces, their members, their limits and the language-model settings of their
        sandboxes.
        """
        from agentserver._generated.resources.workspaces import Workspaces

        return Workspaces(self)

    @property
    def sandboxes(self) -> Sandboxes:
        """Sandboxes, in which agents run. A sandbox is created, paused and resumed in the
        background.
        """
        from agentserver._generated.resources.sandboxes import Sandboxes

        return Sandboxes(self)

    @property
    def traces(self) -> Traces:
        """Traces of language-model requests, which the language-model proxy records. A trace
        groups the requests of one piece of work, such as one session of an agent.
        """
        from agentserver._generated.resources.traces import Traces

        return Traces(self)

    @property
    def agents(self) -> Agents:
        """Agents and their cards. An agent works in a sandbox and calls the server with the
        token of that sandbox. With its card, it tells the others in its workspace what it can
        do.
        """
        from agentserver._generated.resources.agents import Agents

        return Agents(self)

    @property
    def tasks(self) -> Tasks:
        """Tasks, which people and agents give to the agents of a workspace, and which these poll
        for.
        """
        from agentserver._generated.resources.tasks import Tasks

        return Tasks(self)

    @property
    def mailbox(self) -> Mailbox:
        """Messages between the agents of a workspace."""
        from agentserver._generated.resources.mailbox import Mailbox

        return Mailbox(self)

    @property
    def api_keys(self) -> ApiKeys:
        """API keys of a workspace, with which programs call. A key belongs to the workspace: it
        ends when it is revoked or the workspace is deleted, and not when the person who made
        it leaves.
        """
        from agentserver._generated.resources.api_keys import ApiKeys

        return ApiKeys(self)

    @property
    def turns(self) -> Turns:
        """Turns of codex, the coding agent of a workspace: each is one request to it and what it
        has done about it. Turns that continue each other form a thread.
        """
        from agentserver._generated.resources.turns import Turns

        return Turns(self)

    @property
    def operations_log(self) -> OperationsLog:
        """What was done in a workspace by its coding agent, with the results."""
        from agentserver._generated.resources.operations_log import OperationsLog

        return OperationsLog(self)

    @property
    def executors(self) -> Executors:
        """Executors: machines on which codex runs commands for a workspace. A machine is
        connected with the command that is returned when its executor is registered; the
        command contains its identity, which ends when the executor is unbound, and when the
        person who registered it can no longer register executors in the workspace.
        """
        from agentserver._generated.resources.executors import Executors

        return Executors(self)

    @property
    def tokens(self) -> Tokens:
        """Codex tokens, with which people open a workspace in their own `codex --remote`. A
        token acts for the member who made it, in one workspace: it ends when it expires or is
        revoked, and when its owner leaves the workspace or becomes a guest.
        """
        from agentserver._generated.resources.tokens import Tokens

        return Tokens(self)

    @property
    def credentials(self) -> Credentials:
        """Credentials of a workspace, for services outside: at present for Kubernetes clusters.
        What proves who the user is, a token or a private key, is stored encrypted and never
        shown again. One credential of each kind is the default.
        """
        from agentserver._generated.resources.credentials import Credentials

        return Credentials(self)

    @property
    def admin(self) -> Admin:
        """Administration of the whole installation, with its accounts, workspaces, sandboxes and
        limits.
        """
        from agentserver._generated.resources.admin import Admin

        return Admin(self)

    @property
    def health(self) -> Health:
        """Whether the server is up."""
        from agentserver._generated.resources.health import Health

        return Health(self)


class AsyncResources(AsyncCaller):
    """What hangs off an `AsyncClient`."""

    __slots__ = ()

    @property
    def auth(self) -> AsyncAuth:
        """Accounts and sessions. A session is a cookie named `agentserver-token` that is valid
        for seven days.
        """
        from agentserver._generated.resources.auth import AsyncAuth

        return AsyncAuth(self)

    @property
    def workspaces(self) -> AsyncWorkspaces:
        """Workspaces, their members, their limits and the language-model settings of their
        sandboxes.
        """
        from agentserver._generated.resources.workspaces import AsyncWorkspaces

        return AsyncWorkspaces(self)

    @property
    def sandboxes(self) -> AsyncSandboxes:
        """Sandboxes, in which agents run. A sandbox is created, paused and resumed in the
        background.
        """
        from agentserver._generated.resources.sandboxes import AsyncSandboxes

        return AsyncSandboxes(self)

    @property
    def traces(self) -> AsyncTraces:
        """Traces of language-model requests, which the language-model proxy records. A trace
        groups the requests of one piece of work, such as one session of an agent.
        """
        from agentserver._generated.resources.traces import AsyncTraces

        return AsyncTraces(self)

    @property
    def agents(self) -> AsyncAgents:
        """Agents and their cards. An agent works in a sandbox and calls the server with the
        token of that sandbox. With its card, it tells the others in its workspace what it can
        do.
        """
        from agentserver._generated.resources.agents import AsyncAgents

        return AsyncAgents(self)

    @property
    def tasks(self) -> AsyncTasks:
        """Tasks, which people and agents give to the agents of a workspace, and which these poll
        for.
        """
        from agentserver._generated.resources.tasks import AsyncTasks

        return AsyncTasks(self)

    @property
    def mailbox(self) -> AsyncMailbox:
        """Messages between the agents of a workspace."""
        from agentserver._generated.resources.mailbox import AsyncMailbox

        return AsyncMailbox(self)

    @property
    def api_keys(self) -> AsyncApiKeys:
        """API keys of a workspace, with which programs call. A key belongs to the workspace: it
        ends when it is revoked or the workspace is deleted, and not when the person who made
        it leaves.
        """
        from agentserver._generated.resources.api_keys import AsyncApiKeys

        return AsyncApiKeys(self)

    @property
    def turns(self) -> AsyncTurns:
        """Turns of codex, the coding agent of a workspace: each is one request to it and what it
        has done about it. Turns that continue each other form a thread.
        """
        from agentserver._generated.resources.turns import AsyncTurns

        return AsyncTurns(self)

    @property
    def operations_log(self) -> AsyncOperationsLog:
        """What was done in a workspace by its coding agent, with the results."""
        from agentserver._generated.resources.operations_log import AsyncOperationsLog

        return AsyncOperationsLog(self)

    @property
    def executors(self) -> AsyncExecutors:
        """Executors: machines on which codex runs commands for a workspace. A machine is
        connected with the command that is returned when its executor is registered; the
        command contains its identity, which ends when the executor is unbound, and when the
        person who registered it can no longer register executors in the workspace.
        """
        from agentserver._generated.resources.executors import AsyncExecutors

        return AsyncExecutors(self)

    @property
    def tokens(self) -> AsyncTokens:
        """Codex tokens, with which people open a workspace in their own `codex --remote`. A
        token acts for the member who made it, in one workspace: it ends when it expires or is
        revoked, and when its owner leaves the workspace or becomes a guest.
        """
        from agentserver._generated.resources.tokens import AsyncTokens

        return AsyncTokens(self)

    @property
    def credentials(self) -> AsyncCredentials:
        """Credentials of a workspace, for services outside: at present for Kubernetes clusters.
        What proves who the user is, a token or a private key, is stored encrypted and never
        shown again. One credential of each kind is the default.
        """
        from agentserver._generated.resources.credentials import AsyncCredentials

        return AsyncCredentials(self)

    @property
    def admin(self) -> AsyncAdmin:
        """Administration of the whole installation, with its accounts, workspaces, sandboxes and
        limits.
        """
        from agentserver._generated.resources.admin import AsyncAdmin

        return AsyncAdmin(self)

    @property
    def health(self) -> AsyncHealth:
        """Whether the server is up."""
        from agentserver._generated.resources.health import AsyncHealth

        return AsyncHealth(self)
