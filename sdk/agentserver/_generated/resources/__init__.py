"""The roots of the tree of resources, which the clients inherit; the rest comes on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._operation import AsyncCaller, Caller

if TYPE_CHECKING:
    from agentserver._generated.resources.admin import Admin, AsyncAdmin
    from agentserver._generated.resources.auth import AsyncAuth, Auth
    from agentserver._generated.resources.health import AsyncHealth, Health
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
