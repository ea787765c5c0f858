"""The enum `WorkspaceRole`."""

from agentserver._model import OpenEnum


class WorkspaceRole(OpenEnum):
    """A role in a workspace, from the most to the least privileged."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    DEVELOPER = "developer"
    GUEST = "guest"
