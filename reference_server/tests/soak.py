"""A soak: servers and agents are killed with SIGKILL again and again while clients use them.

    python soak.py [--kills 20] [--seed N]

Clients create, pause, resume and delete sandboxes, and stream what models answer in them. After
each kill, the server is started again, and everything is compared with what clients were told:
each change that was acknowledged is there, none is half done, and no process runs that no sandbox
asks for. What a client was not told may have been done or not, but whole.

Two of the clients give tasks to agents, of which one is killed with each server. No task is lost,
none is begun twice, and none that is over changes.

Then 10,000 tasks are given to eight pollers, on SQLite by one server and on PostgreSQL by four:
each once, the oldest first.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import attrs
import httpx
import people
from databases import CHEAPEST, KEY
from postgres import new_database, own_server
from soak_tasks import Broken, SoakAgent, check_what_is_left
from task_delivery import deliver
from test_start import Server

from agentserver_reference.domain.tasks import RUNNING
from agentserver_reference.sandbox_backends import environment as sandbox_environment
from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store, sandbox_processes

T = TypeVar("T")

CLIENTS = 6
AGENTS = 2
"""How many of the clients have one."""
MOST_SANDBOXES = 5
"""How many a client has at a time."""
ACKNOWLEDGED = 25
"""How many changes are acknowledged, on average, between a start and the next kill."""
TASKS = 10_000
PATIENCE = 60.0
PROCESS, SIMULATED = "opencode", "jupyter"
COMMAND = "sh -c 'sleep 1000 & setsid sleep 1001 & exec sleep 1002'"
PASSING = ("creating", "pausing", "resuming")
QUESTION = {
    "model": "m",
    "max_tokens": 50,
    "stream": True,
    "messages": [{"role": "user", "content": "Hello"}],
}


@attrs.define(eq=False)
class Box:
    """What a client knows of one of its sandboxes."""

    id: str
    name: str
    type: str
    may_be: set[str]
    """The states that it can be in when nothing changes any more."""
    streams: int = 0
    """The answers that were read to their end."""
    broken_streams: int = 0
    """The others."""
    may_be_deleted: bool = False

    @property
    def with_ends(self) -> set[str]:
        """The same, if its server may have been killed: then its process has ended."""
        return self.may_be | ({"offline"} if self.type == PROCESS else set())


@attrs.define
class Report:
    """What a soak has met."""

    database: str
    kills: int = 0
    acknowledged: Counter[str] = attrs.field(factory=Counter)
    refused: Counter[str] = attrs.field(factory=Counter)
    unknown: Counter[str] = attrs.field(factory=Counter)
    """Calls whose outcome the client was not told."""
    done_unknown: int = 0
    """Those of them that had been done."""
    ended: int = 0
    """Sandboxes whose process ended with its server."""
    tasks: Counter[str] = attrs.field(factory=Counter)
    """The statuses of all tasks, in the end."""
    restart_seconds: list[float] = attrs.field(factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        def told(counted: Counter[str]) -> str:
            return ", ".join(f"{number} {what}" for what, number in sorted(counted.items()))

        return (
            f"{self.database}: {self.kills} kills in {self.seconds:.0f} s\n"
            f"  acknowledged: {told(self.acknowledged)}\n"
            f"  refused for the state: {told(self.refused) or 'none'}\n"
            f"  cut off: {told(self.unknown) or 'none'} ({self.done_unknown} had been done)\n"
            f"  sandboxes that ended with their server: {self.ended}\n"
            f"  tasks: {told(self.tasks) or 'none'}\n"
            f"  ready after a kill: {statistics.median(self.restart_seconds):.1f} s median, "
            f"{max(self.restart_seconds):.1f} s at most\n"
        )


@attrs.define
class Servers:
    """The servers of one database, of which some may be down."""

    database_url: str
    folder: Path
    up: dict[int, Server] = attrs.field(factory=dict)
    ports: dict[int, int] = attrs.field(factory=dict)
    """A server that is started again listens where it did, for the agents."""
    dead: list[Server] = attrs.field(factory=list)

    def start(self, number: int) -> None:
        """Start a server, and wait until it is ready."""
        folder = self.folder / f"server-{number}-{len(self.dead)}"
        folder.mkdir()
        server = self.up[number] = Server(
            folder,
            *("--port", str(self.ports.get(number, 0))),
            DATABASE_URL=self.database_url,
            AGENTSERVER_DATA_DIR=str(self.folder),
            AGENTSERVER_ENCRYPTION_KEY=KEY,
            AGENTSERVER_LOG_LEVEL="warning",
            AGENTSERVER_SANDBOX_COMMAND_OPENCODE=COMMAND,
            AGENTSERVER_SANDBOX_SECONDS="1",
            AGENTSERVER_SANDBOX_TOKEN_DIR=str(self.folder / "tokens"),
            QUOTA_MAX_WORKSPACES_PER_USER="0",
        )
        self.ports[number] = int(server.url.rpartition(":")[2])

    def kill(self, number: int) -> None:
        """End a server with SIGKILL."""
        server = self.up.pop(number)
        server.process.kill()
        server.process.wait(PATIENCE)
        assert server.process.stdout is not None
        server.process.stdout.close()
        self.dead.append(server)

    def stop(self) -> None:
        """Stop all servers as an operator does."""
        for server in self.up.values():
            if (status := server.stop()) != 0:
                raise Broken(f"a server stopped with status {status}: {server.log.read_text()}")
        self.up.clear()

    def errors(self) -> list[str]:
        """What the servers have logged as errors."""
        logs = [each.log.read_text() for each in [*self.dead, *self.up.values()]]
        return [line for text in logs for line in text.splitlines() if " error " in line]


def marked_processes() -> dict[str, dict[int, str]]:
    """The processes of each sandbox, each with its state, as in /proc: a letter."""
    start = f"{sandbox_environment.ID}=".encode()
    found: dict[str, dict[int, str]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        for word in words:
            if word.startswith(start) and state != "Z":
                sandbox_id = word.removeprefix(start).decode()
                found.setdefault(sandbox_id, {})[int(folder.name)] = state
    return found


async def until(condition: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Wait until a condition returns something, and return it."""
    ends = time.monotonic() + PATIENCE
    while (found := await condition()) is None:
        if time.monotonic() > ends:
            raise Broken(f"after {PATIENCE:.0f} s still not: {what}")
        await asyncio.sleep(0.05)
    return found


@attrs.define(eq=False)
class User:
    """A client with an account, which uses the sandboxes of its own workspace."""

    number: int
    soak: Soak = attrs.field(repr=False)
    random: random.Random = attrs.field(repr=False)
    http: httpx.AsyncClient = attrs.field(repr=False)
    workspace: str = ""
    boxes: dict[str, Box] = attrs.field(factory=dict)
    """By name."""
    maybe_created: dict[str, str] = attrs.field(factory=dict)
    """The types of sandboxes by their names, of which it is unknown whether they were created."""
    deleted: set[str] = attrs.field(factory=set)
    agent: SoakAgent | None = None
    names: int = 0

    async def sign_up(self) -> None:
        """Register, log in, create a workspace, and approve an agent for it."""
        account = {"email": f"user{self.number}@example.com", "password": "correct horse"}
        for call in ("register", "login"):
            answer = await self.http.post(f"{self._url()}/api/auth/{call}", json=account)
            answer.raise_for_status()
        session = self.http.cookies["agentserver-token"]
        self.http.cookies.clear()
        self.http.headers["Cookie"] = f"agentserver-token={session}"
        created = await self.call("POST", "/api/workspaces", {"name": "Soak"})
        self.workspace = created.json()["id"]
        if self.number < AGENTS:
            person = people.User(self.http, "", account["email"], self.http.headers["Cookie"])
            folder = self.soak.servers.folder / f"agent-{self.number}"
            self.agent = await SoakAgent.register(self._url(), person, self.workspace, folder)

    def _url(self) -> str:
        servers = list(self.soak.servers.up.values())
        if not servers:
            raise httpx.ConnectError("no server is up")
        return self.random.choice(servers).url

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call any of the servers that are up."""
        return await self.http.request(method, self._url() + path, json=body)

    # --- the load -----------------------------------------------------------------------------

    async def use_sandboxes(self) -> None:
        """Do one thing after another, until the soak is over."""
        while not self.soak.is_over:
            await self.soak.gate.wait()
            self.soak.busy += 1
            try:
                await self._do_something()
            finally:
                self.soak.busy -= 1
            await asyncio.sleep(0)

    async def _do_something(self) -> None:
        box = self.random.choice(list(self.boxes.values())) if self.boxes else None
        if not self.soak.servers.up:
            await asyncio.sleep(0.01)  # the next one starts
        elif self.agent is not None and self.random.random() < 0.5:
            await self._create_task(self.agent)
        elif box is None or (len(self.boxes) < MOST_SANDBOXES and self.random.random() < 0.3):
            await self._create()
        elif not box.may_be_deleted:
            await self.random.choice(
                [self._pause, self._pause, self._resume, self._resume, self._delete, self._stream]
            )(box)

    async def _try(
        self, what: str, method: str, path: str, body: Any = None
    ) -> httpx.Response | None:
        """Call, and return the answer; None if it is unknown whether it was done."""
        try:
            answer = await self.call(method, path, body)
        except httpx.ConnectError:
            return httpx.Response(409)  # it was never sent: nothing is done
        except httpx.TransportError:
            answer = None
        if answer is None or answer.status_code >= 500:
            self.soak.report.unknown[what] += 1
            return None
        if answer.is_success:
            self.soak.acknowledge(what)
        elif answer.status_code == 409:
            self.soak.report.refused[what] += 1
        else:
            raise Broken(f"{method} {path} was answered {answer.status_code} {answer.text}")
        return answer

    async def _create(self) -> None:
        self.names += 1
        name, type_ = f"{self.number}-{self.names}", self.random.choice([PROCESS, SIMULATED])
        self.maybe_created[name] = type_
        body = {"name": name, "type": type_}
        answer = await self._try(
            "create", "POST", f"/api/workspaces/{self.workspace}/sandboxes", body
        )
        if answer is None:
            return
        del self.maybe_created[name]
        if answer.is_success:
            self.boxes[name] = Box(answer.json()["id"], name, type_, {"running"})

    async def _create_task(self, agent: SoakAgent) -> None:
        self.names += 1
        prompt = f"task {self.number}-{self.names}"
        agent.maybe_created.add(prompt)
        body = {"target_id": agent.id, "prompt": prompt, "timeout_seconds": 3600}
        path = f"/api/workspaces/{self.workspace}/tasks"
        answer = await self._try("create task", "POST", path, body)
        if answer is None:
            return
        agent.maybe_created.remove(prompt)
        if answer.is_success:
            agent.tasks[answer.json()["task_id"]] = prompt

    async def _pause(self, box: Box) -> None:
        await self._change(box, "pause", "paused")

    async def _resume(self, box: Box) -> None:
        await self._change(box, "resume", "running")

    async def _change(self, box: Box, verb: str, target: str) -> None:
        before = set(box.may_be)
        box.may_be = {*before, target}
        answer = await self._try(verb, "POST", f"/api/sandboxes/{box.id}/{verb}")
        if answer is not None:
            box.may_be = {target} if answer.is_success else before

    async def _delete(self, box: Box) -> None:
        box.may_be_deleted = True
        answer = await self._try("delete", "DELETE", f"/api/sandboxes/{box.id}")
        if answer is None:
            return
        box.may_be_deleted = False
        if answer.is_success:
            del self.boxes[box.name]
            self.deleted.add(box.id)

    async def _stream(self, box: Box) -> None:
        token = await asyncio.to_thread(self._token, box)
        if token is None:
            return
        box.broken_streams += 1
        try:
            async with self.http.stream(
                "POST", f"{self._url()}/v1/messages", json=QUESTION, headers={"x-api-key": token}
            ) as answer:
                text = (await answer.aread()).decode()
        except httpx.ConnectError:
            box.broken_streams -= 1
            return
        except httpx.TransportError:
            self.soak.report.unknown["stream"] += 1
            return
        if answer.status_code == 403:  # it does not run
            box.broken_streams -= 1
            self.soak.report.refused["stream"] += 1
        elif answer.status_code == 200 and "message_stop" in text:
            box.broken_streams -= 1
            box.streams += 1
            self.soak.acknowledge("stream")
        else:
            raise Broken(f"a stream was answered {answer.status_code} {text}")

    def _token(self, box: Box) -> str | None:
        """The token of a sandbox, which only what runs in it has."""
        if box.type == SIMULATED:
            file = self.soak.servers.folder / "tokens" / box.id
            try:
                return file.read_text() or None
            except FileNotFoundError:
                return None
        for number in marked_processes().get(box.id, ()):
            try:
                words = Path(f"/proc/{number}/environ").read_text().split("\0")
            except OSError:
                continue
            given = dict(word.split("=", 1) for word in words if word)
            return given["AGENTSERVER_SANDBOX_TOKEN"]
        return None

    # --- what must hold -----------------------------------------------------------------------

    async def check(self) -> None:
        """Compare all sandboxes with what is known of them. Raises Broken."""
        rows = {row["name"]: row for row in await until(self._settled, "every sandbox has settled")}
        for name, type_ in self.maybe_created.items():
            if name in rows:
                self.soak.report.done_unknown += 1
                self.boxes[name] = Box(rows[name]["id"], name, type_, {"running"})
        self.maybe_created.clear()
        for name, box in list(self.boxes.items()):
            if name not in rows and box.may_be_deleted:
                self.soak.report.done_unknown += 1
                self.deleted.add(box.id)
                del self.boxes[name]
            box.may_be_deleted = False
        _same("the sandboxes that there are", set(self.boxes), set(rows))
        for name, box in self.boxes.items():
            row = rows[name]
            _same(f"id and type of {name}", (box.id, box.type), (row["id"], row["type"]))
            if row["status"] not in box.with_ends:
                raise Broken(f"{name} is {row['status']}, not one of {sorted(box.with_ends)}")
            self.soak.report.ended += row["status"] == "offline" and "offline" not in box.may_be
            box.may_be = {row["status"]}
            await self._check_usage(box)
        for sandbox_id in self.deleted:
            gone = await self.call("GET", f"/api/sandboxes/{sandbox_id}")
            _same("what a deleted sandbox is answered", 404, gone.status_code)
        processes = await asyncio.to_thread(marked_processes)
        for box in self.boxes.values():
            states = set(processes.get(box.id, {}).values())
            (status,) = box.may_be
            if box.type == PROCESS and status != "offline":
                expected = {"T"} if status == "paused" else {"S"}
                _same(f"the states of the processes of {box.name}, {status}", expected, states)
            else:
                _same(f"the processes of {box.name}, {box.type}, {status}", set(), states)
        left = self.deleted & set(processes)
        _same("the deleted sandboxes that have a process", set(), left)
        if self.agent is not None:
            await self._check_tasks(self.agent)

    async def _check_tasks(self, agent: SoakAgent) -> None:
        listed = await self.call("GET", f"/api/workspaces/{self.workspace}/tasks")
        listed.raise_for_status()
        for row in listed.json():
            if row["prompt"] in agent.maybe_created:
                self.soak.report.done_unknown += 1
                agent.tasks[row["task_id"]] = row["prompt"]
        agent.maybe_created.clear()
        for task_id in agent.tasks:
            found = await self.call("GET", f"/api/tasks/{task_id}")
            _same(f"what {task_id} is answered", 200, found.status_code)
            agent.see(task_id, found.json())
        agent.check_log()

    async def no_task_runs(self) -> bool | None:
        """Whether its agent has ended every task that it had begun, in this process or another."""
        for task_id in set(self.agent.tasks) - set(self.agent.over) if self.agent else ():
            found = (await self.call("GET", f"/api/tasks/{task_id}")).json()
            if found["status"] == RUNNING:
                return None
        return True

    async def _settled(self) -> list[dict[str, Any]] | None:
        listed = await self.call("GET", f"/api/workspaces/{self.workspace}/sandboxes")
        listed.raise_for_status()
        rows = [row for row in listed.json() if self.agent is None or row["id"] != self.agent.id]
        processes = await asyncio.to_thread(marked_processes)
        waits = any(row["status"] in PASSING for row in rows) or self.deleted & set(processes)
        # A process that was killed a moment ago is found within a second.
        held = {row["id"] for row in rows if row["type"] == PROCESS and row["status"] != "offline"}
        return None if waits or held - set(processes) else rows

    async def _check_usage(self, box: Box) -> None:
        usage = await self.call("GET", f"/api/sandboxes/{box.id}/usage")
        counted = sum(each["request_count"] for each in usage.json()["usage"])
        if not box.streams <= counted <= box.streams + box.broken_streams:
            raise Broken(
                f"{box.name} has {counted} requests in its usage, but {box.streams} were answered "
                f"and {box.broken_streams} cut off"
            )
        traces = await self.call("GET", f"/api/sandboxes/{box.id}/traces?limit=999")
        in_traces = sum(each["request_count"] for each in traces.json()["traces"])
        _same(f"the requests of {box.name} in its traces and its usage", counted, in_traces)
        box.streams, box.broken_streams = counted, 0


def _settings(database_url: str) -> Settings:
    return Settings.from_environment(
        {}, database_url=database_url, encryption_key=KEY, password_cost=CHEAPEST
    )


def _random(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - it draws no secrets


def _same(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise Broken(f"{what}: expected {expected}, found {found}")


CHANGES = frozenset({"create", "pause", "resume", "delete", "stream"})
"""What is acknowledged at least once before the first kill, however busy the machine is."""


@attrs.define(eq=False)
class Soak:
    """One run of it."""

    servers: Servers
    report: Report
    random: random.Random
    gate: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Open while the clients may begin something."""
    busy: int = 0
    is_over: bool = False
    _acknowledged: int = 0
    _target: int = 0
    _reached: asyncio.Event = attrs.field(factory=asyncio.Event)

    def acknowledge(self, what: str) -> None:
        """Count a change that a client was told."""
        self.report.acknowledged[what] += 1
        self._acknowledged += 1
        if self._acknowledged >= self._target and self.report.acknowledged.keys() >= CHANGES:
            self._reached.set()

    async def run(self, kills: int) -> None:
        """Kill a server so many times. Raises Broken."""
        async with AsyncExitStack() as opened:
            users = [
                User(
                    number,
                    self,
                    _random(self.random.randrange(10**9)),
                    await opened.enter_async_context(httpx.AsyncClient(timeout=PATIENCE)),
                )
                for number in range(CLIENTS)
            ]
            for user in users:
                await user.sign_up()
            agents = [user.agent for user in users if user.agent is not None]
            for agent in agents:
                opened.callback(agent.kill)
                agent.start()
            async with asyncio.TaskGroup() as group:
                for user in users:
                    group.create_task(user.use_sandboxes())
                for _ in range(kills):
                    await self._kill_once(self.random.choice(agents))
                    await self._check(users)
                self.is_over = True
                self.gate.set()
            for user in users:  # an agent may be stopped before it knows what it did when killed
                await until(user.no_task_runs, "every task that was begun is over")
            everything = {box.id for user in users for box in user.boxes.values()}
            everything |= {each for user in users for each in user.deleted}
            for agent in agents:
                await asyncio.to_thread(agent.stop)
        await asyncio.to_thread(self.servers.stop)
        left = everything & set(await asyncio.to_thread(marked_processes))
        _same("the sandboxes that have a process without a server", set(), left)
        await self._check_rows(everything - {each for user in users for each in user.deleted})
        _same("the errors that the servers have logged", [], self.servers.errors())
        settings = _settings(self.servers.database_url)
        self.report.tasks += await check_what_is_left(settings, agents)

    async def _kill_once(self, agent: SoakAgent) -> None:
        self._target = self._acknowledged + self.random.randint(ACKNOWLEDGED // 2, ACKNOWLEDGED * 2)
        self._reached.clear()
        self.gate.set()
        await self._reached.wait()
        number = self.random.choice(list(self.servers.up))
        kills = [agent.kill, lambda: self.servers.kill(number)]
        self.random.shuffle(kills)
        for kill in kills:
            kill()
        self.report.kills += 1
        began = time.monotonic()
        await asyncio.to_thread(self.servers.start, number)
        self.report.restart_seconds.append(time.monotonic() - began)
        agent.start()

    async def _check(self, users: list[User]) -> None:
        self.gate.clear()

        async def idle() -> bool | None:
            return None if self.busy else True

        await until(idle, "every call is answered")
        for user in users:
            await user.check()

    async def _check_rows(self, existing: set[str]) -> None:
        """No row is left of a deleted sandbox's process, and none says that a server runs one."""
        settings = _settings(self.servers.database_url)
        store = open_store(settings)
        await store.open()
        rows = await store.read(sandbox_processes.list_of_host, settings.sandbox_host)
        await store.close()
        _same("rows of deleted sandboxes", set(), {row["sandbox_id"] for row in rows} - existing)
        _same("rows with a server", [], [row for row in rows if row["server_id"] is not None])


def soak(database_url: str, folder: Path, *, servers: int, kills: int, seed: int) -> Report:
    """Run it on an empty database, with so many servers, and return what it has met.

    Raises Broken.
    """
    report = Report(f"{database_url.partition(':')[0]}, {servers} server(s), seed {seed}")
    began, started = time.monotonic(), Servers(database_url, folder)
    try:
        for number in range(servers):
            started.start(number)
        asyncio.run(Soak(started, report, _random(seed)).run(kills))
    finally:
        for number in list(started.up):
            started.kill(number)
    report.seconds = time.monotonic() - began
    return report


def main() -> None:
    """Run it on SQLite with one server, and on PostgreSQL with two."""
    parser = argparse.ArgumentParser(description="Kill servers while clients use sandboxes.")
    parser.add_argument("--kills", type=int, default=20, help="how many times")
    parser.add_argument("--seed", type=int, default=1)
    given = vars(parser.parse_args())
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as name,
        own_server() as postgres,
        new_database(postgres) as postgres_url,
        new_database(postgres) as another_postgres_url,
    ):
        for servers, database_url in ((1, f"sqlite:///{name}/soak.db"), (2, postgres_url)):
            folder = Path(name) / str(servers)
            folder.mkdir()
            print(soak(database_url, folder, servers=servers, **given), flush=True)
        for database_url in (f"sqlite:///{name}/delivery.db", another_postgres_url):
            began = time.monotonic()
            asyncio.run(deliver(_settings(database_url), TASKS))
            kind, seconds = database_url.partition(":")[0], time.monotonic() - began
            print(f"{kind}: {TASKS:,} tasks given once each, in order, in {seconds:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except* Broken as broken:
        sys.exit("".join(f"soak: {each}\n" for each in broken.exceptions))
