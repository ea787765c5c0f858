"""The process of a workspace: `codex app-server`, which speaks JSON-RPC by WebSockets.

It listens on the loopback interface, to who knows a secret that is made for each process.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Self

import anyio
import anyio.to_thread
import attrs
from websockets.asyncio.client import connect

from agentserver_reference.sandbox_backends.environment import INHERITED
from agentserver_reference.sandbox_backends.linux import Family, ProcessId, mark

SERVER = "AGENTSERVER_CODEX_SERVER"
"""The variable that names the process of the server that has started it."""

HOME = "CODEX_HOME"

PATIENCE = 20
"""Seconds for a process to say where it listens, and to accept a connection."""

_TOKEN = "AGENTSERVER_CODEX_TOKEN"  # noqa: S105 - the name of a variable
_ADDRESS = re.compile(rb"ws://127\.0\.0\.1:[0-9]+")


class CodexUnavailable(Exception):
    """Codex could not be started or reached; the text says why, for people."""


@attrs.frozen
class Start:
    """How codex is started for a workspace."""

    command: Sequence[str]
    folder: Path
    """The workspace's own: `home` is codex's, and in `work` it works."""
    environ: Mapping[str, str] = attrs.field(repr=False)
    """The server's own environment, of which little is passed on."""
    server: str
    """Names the process of the server."""
    models: str
    """The address of the language models' API."""
    model: str
    token: str = attrs.field(repr=False)

    @property
    def home(self) -> Path:
        """Where codex keeps its settings and threads."""
        return self.folder / "home"

    @property
    def marks(self) -> Mapping[str, str]:
        """The variables by which the processes are known."""
        return {SERVER: self.server, HOME: str(self.home)}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the process."""
        return {
            **{name: self.environ[name] for name in INHERITED if name in self.environ},
            **self.marks,
            "HOME": str(self.folder / "work"),
            _TOKEN: self.token,
        }

    @property
    def configuration(self) -> str:
        """What stands in its configuration, as TOML."""
        # What JSON writes for a text is one in TOML as well.
        marks = ", ".join(f"{name} = {json.dumps(value)}" for name, value in self.marks.items())
        return f"""\
# Written by agentserver whenever it starts codex.
model = {json.dumps(self.model)}
model_provider = "agentserver"
approval_policy = "never"
sandbox_mode = "workspace-write"
check_for_update_on_startup = false

[analytics]
enabled = false

[shell_environment_policy]
inherit = "core"
set = {{ {marks} }}

[model_providers.agentserver]
name = "agentserver"
base_url = {json.dumps(self.models)}
env_key = "{_TOKEN}"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


class AppServer:
    """A process that was started."""

    def __init__(self, process: asyncio.subprocess.Process, start: Start, secret: str) -> None:
        marks = frozenset[bytes]().union(*(mark(*each) for each in start.marks.items()))
        self._process = process
        self._family = Family(ProcessId.of(process.pid), marks)
        self._secret = secret
        self._address = ""
        self._output: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, start: Start) -> Self:
        """Start the process, and wait until it listens. Raises CodexUnavailable."""
        await anyio.to_thread.run_sync(_prepare, start)
        secret = secrets.token_hex(32)
        program = shutil.which(start.command[0], path=start.environment.get("PATH"))
        if program is None:
            raise CodexUnavailable(f"codex could not be started: no program {start.command[0]}")
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *start.command[1:],
                *("app-server", "--listen", "ws://127.0.0.1:0", "--ws-auth", "capability-token"),
                *("--ws-token-sha256", sha256(secret.encode()).hexdigest()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                cwd=start.folder / "work",
                env=start.environment,
                start_new_session=True,
            )
        except OSError as error:
            raise CodexUnavailable(f"codex could not be started: {error.strerror}") from None
        started = cls(process, start, secret)
        try:
            await started._listens()
        except BaseException:
            await started.end()
            raise
        return started

    async def _listens(self) -> None:
        """Wait until the process says where it listens. Raises CodexUnavailable."""
        output = self._process.stderr
        if output is None:
            raise CodexUnavailable("codex has no output")
        try:
            async with asyncio.timeout(PATIENCE):
                while line := await _line(output):
                    found = _ADDRESS.search(line)
                    if found is not None:
                        self._address = found[0].decode()
                        break
        except TimeoutError:
            raise CodexUnavailable("codex does not say where it listens") from None
        if not self._address:
            raise CodexUnavailable("codex has ended at its start")
        self._output = asyncio.create_task(_drop(output))

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    def connect(self) -> connect:
        """Return what opens a WebSocket. Raises OSError, or what `websockets` does."""
        return connect(
            self._address,
            additional_headers={"Authorization": f"Bearer {self._secret}"},
            open_timeout=PATIENCE,
            close_timeout=1,
            max_size=None,
            proxy=None,
            ping_interval=None,
        )

    async def end(self) -> None:
        """End the process, and all that it has started."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._family.kill)
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
            if self._output is not None:
                self._output.cancel()


def _prepare(start: Start) -> None:
    """Make the folders, and write the configuration."""
    for folder in (start.home, start.folder / "work"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = start.home / "config.toml"
    configuration.touch(mode=0o600)
    configuration.write_text(start.configuration, encoding="utf-8")


async def _line(output: asyncio.StreamReader) -> bytes:
    """Return the next line, or a part of one that is too long; empty at the end."""
    try:
        return await output.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await output.readexactly(error.consumed)


async def _drop(output: asyncio.StreamReader) -> None:
    while await output.read(1 << 16):
        pass
