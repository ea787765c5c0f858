"""What a backend has to do: bring a sandbox into the state that its row asks for.

The server keeps the state of a sandbox in its row, and asks the backend to carry a change on until
it is done or has failed. It asks as often as is needed, from any of its processes, and after a
restart again: so everything that a backend does must do no harm when it is done twice. Only the
server writes the state, and it does nothing with an answer that comes too late, because the sandbox
is in another state by then.

| `status` | to be done | `Event.DONE` | `Event.FAILED` |
|---|---|---|---|
| `creating` | make it within its limits, and start it | it is running | it is not running |
| `pausing` | stop it and keep its data | it is stopped | it goes on running |
| `resuming` | let it go on, or start it anew from its data | it is running | it is not running |

What is found to have ended by itself is `Event.LOST`, whatever was to be done.

A backend for containers (`docker`, `kubernetes`) is a class with these methods
and chooses it in `open_sandbox_backend`. What to mind:

- Name a container after the sandbox's id, so that a second attempt finds what the first has made
  rather than make another one, and so that `look` finds containers whose sandbox is deleted.
- Take the limits from the `Sandbox`, also when it is resumed: never defaults of your own.
- An answer that is None is no failure: the server asks again every half second, and while one of
  its processes asks, another one may ask too.
- What is asked for may have to be done elsewhere, as `process` can only signal what runs on its own
  machine. Answer None then, and let the process that can do it find the wish in the row when it
  looks.
- A start is what needs most care: a server can be killed at any moment of it. Nothing may run that
  neither the database nor the names of the containers tell about.
- What runs in a sandbox needs a token: give it `await sandbox.token()` in its environment, beside
  the address of the LLM proxy (`environment`), and in the `kubeconfig` of `await
  sandbox.clusters()`, and never write it to a log.
- Raise nothing for what can go wrong with one sandbox: log it and answer `Event.FAILED`. What is
  raised is logged, and the change is taken up again later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol, TypeAlias

import attrs

from agentserver_reference.domain.sandboxes import Event

ReadClusters: TypeAlias = Callable[[], Awaitable[Collection[Mapping[str, Any]]]]


@attrs.frozen
class Sandbox:
    """What a backend knows of a sandbox."""

    id: str
    workspace_id: str
    type: str
    status: str
    status_since: str | None
    """Since when it is in this state; None for a row of an old version."""
    cpu: int | None
    """Its limit in millicores."""
    memory: int | None
    """Its limit in bytes."""
    token: Callable[[], Awaitable[str | None]] = attrs.field(repr=False, eq=False)
    """Reads its token, with which it calls models and clusters; None if it has none."""
    clusters: ReadClusters = attrs.field(repr=False, eq=False)
    """Reads `id`, `display_name` and `is_default` of its workspace's credentials for clusters."""

    @classmethod
    def of(
        cls,
        row: dict[str, Any],
        token: Callable[[], Awaitable[str | None]] | None = None,
        clusters: ReadClusters | None = None,
    ) -> Sandbox:
        """Return what a backend knows of a row, and what reads its token and its clusters."""
        given: dict[str, Any] = {
            "token": token or _no_token,
            "clusters": clusters or _no_clusters,
        }
        known = {field.name for field in attrs.fields(cls)} - given.keys()
        return cls(**{name: row[name] for name in known}, **given)


async def _no_token() -> None:
    """The row is gone, and its token with it."""


async def _no_clusters() -> tuple[()]:
    """The row is gone, and what calls clusters with it."""
    return ()


class SandboxBackend(Protocol):
    """Where sandboxes run."""

    @property
    def interval(self) -> float | None:
        """The seconds between two looks of each server process; None: it never needs to look."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Return in a few words how each type of sandbox runs: it is shown to everybody."""
        ...

    async def carry_on(self, sandbox: Sandbox, /) -> Event | None:
        """Work on the change that the sandbox is in.

        Returns:
            What has come of it; None while it takes longer, to be called again in a moment.
        """
        ...

    async def remove(self, sandbox: Sandbox, /) -> None:
        """Stop a sandbox whose row is gone, and remove its data, whatever state it was in."""
        ...

    async def look(self) -> Collection[str]:
        """Find out what has changed by itself, before the server serves and at each interval.

        What belongs to no sandbox any more is removed.

        Returns:
            The ids of the sandboxes that have ended; they become `offline`.
        """
        ...

    async def close(self) -> Collection[str]:
        """Stop what cannot go on without this process of the server, which ends.

        Returns:
            The ids of the sandboxes that have ended; they become `offline`.
        """
        ...
