"""The enum `UserRole`."""

from agentserver._model import OpenEnum


class UserRole(OpenEnum):
    """A role in the installation."""

    USER = "user"
    ADMIN = "admin"
