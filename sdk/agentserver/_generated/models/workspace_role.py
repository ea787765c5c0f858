"""The enum `WorkspaceRole`."""

from agentserver._model import OpenEnum


class WorkspaceRole(OpenEnum):
    """A role in a workspace, from most to least."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    DEVELOPER = "developer"
    GUEST = "guest"
