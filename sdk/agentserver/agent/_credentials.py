"""The credentials of registered agents, in the place that the system has for such things."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from attrs import field, frozen

from agentserver._errors import ConfigurationError
from agentserver._secret import Secret

from ._state import make_private, write

_FILE: Final = "credentials.json"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9-]+")


@frozen
class Identity:
    """What a registration gave."""

    server: str
    """The base URL of the server."""
    workspace_id: str
    sandbox_id: str
    """The agent's id."""
    name: str
    token: Secret
    """By which the agent calls; also that of the proxy for language models."""
    tunnel_token: Secret = field(repr=False)


@frozen
class Place:
    """Where the credentials of one agent are, and whatever else belongs to it."""

    folder: Path

    def load(self) -> Identity | None:
        """The credentials; None where there are none.

        Raises:
            ConfigurationError: the file is there and cannot be read.
        """
        path = self.folder / _FILE
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            token, tunnel = Secret(value.pop("token")), Secret(value.pop("tunnel_token"))
            return Identity(**value, token=token, tunnel_token=tunnel)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            pass
        raise ConfigurationError(f"{path} cannot be read: remove it to register the agent anew")

    def save(self, identity: Identity) -> None:
        """Write the credentials, for their owner alone."""
        make_private(self.folder)
        value = {
            "server": identity.server,
            "workspace_id": identity.workspace_id,
            "sandbox_id": identity.sandbox_id,
            "name": identity.name,
            "token": identity.token.reveal(),
            "tunnel_token": identity.tunnel_token.reveal(),
        }
        write(self.folder / _FILE, value, flush=True)


@frozen
class Store:
    """The credentials of all agents of a person: a folder by server, workspace and name."""

    root: Path

    def find(self, server: str, name: str, workspace_id: str | None) -> Place | None:
        """The place of an agent; None where it is not registered.

        Raises:
            ConfigurationError: it is registered in several workspaces, and none was named.
        """
        found = [
            place
            for path in sorted((self.root / _readable(server)).glob(f"*/{_readable(name)}/{_FILE}"))
            for place in [Place(path.parent)]
            if self._fits(place.load(), server, name, workspace_id)
        ]
        if len(found) > 1:
            raise ConfigurationError(
                f"{name!r} is registered in {len(found)} workspaces of {server}: "
                "give the id of one as workspace="
            )
        return found[0] if found else None

    def place(self, server: str, name: str, workspace_id: str) -> Place:
        """Where the credentials of an agent belong."""
        return Place(self.root / _readable(server) / _readable(workspace_id) / _readable(name))

    @staticmethod
    def _fits(found: Identity | None, server: str, name: str, workspace_id: str | None) -> bool:
        return (
            found is not None
            and (found.server, found.name) == (server, name)
            and workspace_id in (None, found.workspace_id)
        )


def system_store() -> Store:
    """The store of the person who runs the program.

    Raises:
        ConfigurationError: the extra ``agent`` is not installed.
    """
    try:
        import platformdirs
    except ImportError:
        raise ConfigurationError(
            "an agent's credentials need a place: install agentserver with the extra 'agent', or "
            "give a folder of your own as folder="
        ) from None
    return Store(Path(platformdirs.user_data_dir("agentserver", appauthor=False)) / "agents")


def _readable(text: str) -> str:
    """A name of a folder that tells what it is for; no two texts share one."""
    readable = _UNSAFE.sub("_", text)[:80]
    if readable == text:
        return text
    return f"{readable}-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
