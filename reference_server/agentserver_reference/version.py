"""The version of the installed package."""

from importlib import metadata


def installed_version() -> str:
    """Return the version of `agentserver`, which the server is a part of."""
    try:
        return metadata.version("agentserver")
    except metadata.PackageNotFoundError:
        return "(not installed)"
