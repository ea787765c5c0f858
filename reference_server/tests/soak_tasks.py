"""The tasks of the soak, and the agents that do them: processes that are killed now and then."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import httpx
import soak_agent
from agents_signing_in import Person, Program
from people import Clock, User, ok

from agentserver import Secret
from agentserver.agent._credentials import Identity, Place
from agentserver_reference.app import create_app
from agentserver_reference.domain.tasks import CLAIM, FAILED, FINAL, PENDING
from agentserver_reference.services import tasks as service
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings

PATIENCE = 60
INTERRUPTED = "interrupted: the agent ended while it worked on it"


class Broken(AssertionError):
    """A promise is broken; the text says which."""


@attrs.define(eq=False)
class SoakAgent:
    """An agent of a workspace, and what its owner knows of the tasks that it was given."""

    id: str
    url: str
    folder: Path
    tasks: dict[str, str] = attrs.field(factory=dict)
    """The ids of those whose creation was acknowledged, or that were found, and their prompts."""
    maybe_created: set[str] = attrs.field(factory=set)
    """The prompts of the others."""
    over: dict[str, tuple[object, ...]] = attrs.field(factory=dict)
    """The final status, result and reason of those that were seen with one."""
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    async def register(cls, url: str, owner: User, workspace_id: str, folder: Path) -> SoakAgent:
        """Register an agent, as somebody does who approves it in a browser."""
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            program = Program(client)
            code = await program.start()
            ok(await Person(attrs.evolve(owner, client=client)).decide(code, workspace_id))
            token = ok(await program.poll(code)).json()["access_token"]
            made = ok(
                await client.post(
                    "/api/agent/register",
                    json={"name": soak_agent.NAME, "type": "custom"},
                    headers={"Authorization": f"Bearer {token}"},
                )
            ).json()
        tokens = Secret(made["proxy_token"]), Secret(made["tunnel_token"])
        Place(folder).save(
            Identity(url, workspace_id, made["sandbox_id"], soak_agent.NAME, *tokens)
        )
        return cls(made["sandbox_id"], url, folder)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    # --- its process --------------------------------------------------------------------------

    def start(self) -> None:
        """Start it where it was."""
        with (self.folder / "stderr").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, soak_agent.__file__, self.url, str(self.folder), str(self._log)],
                stderr=errors,
            )

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def stop(self) -> None:
        """Stop it as an operator does; what it works on is finished. Raises Broken."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(PATIENCE)
        self._process = None
        if status not in (0, -signal.SIGTERM):  # the latter where it had not begun
            errors = (self.folder / "stderr").read_text()
            raise Broken(f"an agent ended with {status}: {errors}")

    # --- what must hold -----------------------------------------------------------------------

    def see(self, task_id: str, task: Mapping[str, object]) -> None:
        """Compare a task with what was seen of it before. Raises Broken."""
        status, result, reason = found = tuple(
            map(task.get, ("status", "result", "failure_reason"))
        )
        if self.over.get(task_id, found) != found:
            raise Broken(f"{task_id} was {self.over[task_id]} and became {found}")
        if status in FINAL:
            self.over[task_id] = found
        if status == "completed" and result != self.tasks[task_id].upper():
            raise Broken(f"{task_id}, {self.tasks[task_id]!r}, was completed with {result!r}")
        if status == FAILED and reason != INTERRUPTED:
            raise Broken(f"{task_id} failed: {reason}")

    def check_log(self) -> None:
        """No task was begun twice, and what is completed was ended. Raises Broken."""
        lines = self._log.read_text().split("\n") if self._log.exists() else []
        counted = Counter(lines[:-1])
        twice = [line for line, number in counted.items() if number > 1]
        if twice:
            raise Broken(f"more than once in an agent's log: {twice}")
        for task_id, (status, *_) in self.over.items():
            if status == "completed" and f"ended {task_id}" not in counted:
                raise Broken(f"{task_id} is completed, though no function has ended it")


async def check_what_is_left(settings: Settings, agents: list[SoakAgent]) -> Counter[str]:
    """Two minutes later, nobody who is gone holds a task; their statuses. Raises Broken.

    The servers and agents must have been stopped.
    """
    app = create_app(settings, clock=Clock(datetime.now(UTC) + CLAIM + timedelta(seconds=1)))
    statuses = Counter[str]()
    async with app.router.lifespan_context(app):
        work = UnitOfWork(app.state.context)
        await service.end_overdue(work)
        for agent in agents:
            for task_id in agent.tasks:
                found = await service.get(work, task_id)
                agent.see(task_id, found)
                if found["status"] not in FINAL | {PENDING}:
                    raise Broken(f"{task_id} is still {found['status']}, and nobody works on it")
                statuses[found["status"]] += 1
            agent.check_log()
    return statuses
