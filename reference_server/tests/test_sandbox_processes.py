"""Sandboxes that are processes: what runs in them, how it ends, and who may signal it."""

import asyncio
import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import httpx
import pytest
from databases import KEY
from people import User, ok, start_server
from serving import in_memory
from test_start import ACCOUNT, Server, running

from agentserver_reference.app import utc_now
from agentserver_reference.sandbox_backends import environment, open_sandbox_backend, process
from agentserver_reference.sandbox_backends.cpu_limits import CpuLimits
from agentserver_reference.sandbox_backends.linux import Family, ProcessId, is_supported
from agentserver_reference.sandbox_backends.process import ProcessBackend
from agentserver_reference.sandbox_backends.protocol import SandboxBackend
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import Store, open_store, sandbox_processes, sandboxes
from agentserver_reference.storage.engine.connection import Connection

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not is_supported(), reason="sandboxes run as processes on Linux only"),
]

T = TypeVar("T")

PATIENCE = 30
MIB = 1024**2

# Beside the first process: one of its group, one of another group, one of another session.
FAMILY = """
sleep 1000 &
set -m; sleep 1001 & set +m
setsid sleep 1002 &
echo ready > started
exec sleep 1003
"""
COMMAND = ("sh", "-c", FAMILY)


async def until(condition: Callable[[], Awaitable[T]]) -> T:
    """Wait until a condition holds, and return what it has found."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await condition()):  # noqa: ASYNC110 - it is another process's
            await asyncio.sleep(0.01)
        return found


def family_of(sandbox_id: str) -> dict[int, str]:
    """The processes that have the mark of a sandbox, each with its state."""
    mark = f"{environment.ID}={sandbox_id}".encode()
    states = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark in (folder / "environ").read_bytes().split(b"\0"):
                states[int(folder.name)] = state_of(int(folder.name))
        except OSError:
            continue
    return {number: state for number, state in states.items() if state != "Z"}


def state_of(number: int) -> str:
    """The state of a process, as in /proc: a letter."""
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]


async def complete_family(sandbox_id: str, folder: Path) -> dict[int, str]:
    """Wait until all four processes of FAMILY are there, and return them."""

    async def all_there() -> dict[int, str]:
        is_ready = (folder / sandbox_id / "home" / "started").exists()
        found = family_of(sandbox_id)
        return found if is_ready and len(found) == 4 else {}

    return await until(all_there)


@attrs.frozen
class House:
    """A server in this process, and a workspace with an owner."""

    store: Store
    backend: ProcessBackend
    admin: User
    owner: User
    workspace_id: str
    folder: Path

    async def create(self, wanted: str = "running", **fields: Any) -> str:
        """Create a sandbox, wait until it is in a state, and return its id."""
        path = f"/api/workspaces/{self.workspace_id}/sandboxes"
        created = ok(await self.owner.request("POST", path, {"name": "A sandbox", **fields}))
        sandbox_id: str = created.json()["id"]
        await self.becomes(sandbox_id, wanted)
        return sandbox_id

    async def becomes(self, sandbox_id: str, wanted: str) -> None:
        """Wait until a sandbox is in a state."""

        async def is_there() -> bool:
            shown = await self.owner.read(f"/api/sandboxes/{sandbox_id}")
            return bool(shown["status"] == wanted)

        await until(is_there)

    async def change(self, sandbox_id: str, verb: str, wanted: str) -> None:
        """Pause or resume a sandbox, and wait until that is done."""
        ok(await self.owner.request("POST", f"/api/sandboxes/{sandbox_id}/{verb}"))
        await self.becomes(sandbox_id, wanted)

    async def delete(self, sandbox_id: str) -> None:
        """Delete a sandbox."""
        ok(await self.owner.request("DELETE", f"/api/sandboxes/{sandbox_id}"))

    async def row(self, sandbox_id: str) -> dict[str, Any] | None:
        """What is kept of its process."""
        return await self.store.read(sandbox_processes.find, sandbox_id)

    async def process(self, sandbox_id: str) -> int:
        """The id of its first process."""
        row = await self.row(sandbox_id)
        assert row is not None
        number: int = row["process_id"]
        return number


@asynccontextmanager
async def open_house(settings: Settings, **changes: Any) -> AsyncIterator[House]:
    """A server whose sandboxes of the type opencode run a command."""
    async with start_server(settings, **{"sandbox_command_opencode": COMMAND, **changes}) as server:
        admin = await server.create_user("admin@example.com")
        owner = await server.create_user("owner@example.com")
        app = server.client._transport.app  # type: ignore[attr-defined]
        yield House(
            server.store,
            app.state.context.sandbox_backend,
            admin,
            owner,
            await owner.create_workspace(),
            settings.data_dir / "sandboxes",
        )


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """A house on each kind of database."""
    async with open_house(settings) as opened:
        yield opened


# --- what runs ------------------------------------------------------------------------------------


def environment_of(number: int) -> dict[str, str]:
    """The environment of a process."""
    text = text_of(f"/proc/{number}/environ")
    return dict(line.split("=", 1) for line in text.split("\0") if line)


async def test_a_sandbox_has_its_own_directory_session_and_environment_and_can_call_a_model(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "secret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the operator's key")
    sandbox_id = await house.create()
    number, home = await house.process(sandbox_id), house.folder / sandbox_id / "home"
    assert os.getsid(number) == os.getpgid(number) == number
    assert os.readlink(f"/proc/{number}/cwd") == str(home)  # noqa: PTH115
    assert home.stat().st_mode & 0o777 == 0o700
    given = environment_of(number)
    token = given["AGENTSERVER_SANDBOX_TOKEN"]
    assert 1024 <= int(given.pop("PORT")) <= 65535
    inherited = {name: os.environ[name] for name in environment.INHERITED if name in os.environ}
    assert given == inherited | {
        "HOME": str(home),
        "PWD": str(home),  # of the shell
        "AGENTSERVER_URL": "http://127.0.0.1:8080",
        "AGENTSERVER_SANDBOX_ID": sandbox_id,
        "AGENTSERVER_SANDBOX_SERVER": str(ProcessId.of_this_process()),
        "AGENTSERVER_SANDBOX_TYPE": "opencode",
        "AGENTSERVER_WORKSPACE_ID": house.workspace_id,
        "AGENTSERVER_SANDBOX_TOKEN": token,
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080",
        "ANTHROPIC_API_KEY": token,
        "ANTHROPIC_AUTH_TOKEN": token,
        "OPENAI_BASE_URL": "http://127.0.0.1:8080/v1",
        "OPENAI_API_KEY": token,
    }
    assert not (house.folder / sandbox_id / "kubeconfig").exists(), "there is no cluster"
    asked = await house.owner.client.post(
        "/v1/messages",
        headers={"x-api-key": token},
        json={"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    )
    assert asked.status_code == 200
    usage = await house.owner.read(f"/api/sandboxes/{sandbox_id}/usage")
    assert len(usage["usage"]) == 1


@pytest.mark.parametrize("proxy", ["http://proxy:8081", "off"])
async def test_a_remote_llm_proxy_is_named_and_none_where_there_is_none(
    settings: Settings, proxy: str
) -> None:
    async with open_house(settings, llm_proxy_url=proxy) as house:
        given = environment_of(await house.process(await house.create()))
    urls = {name: value for name, value in given.items() if name.endswith("_BASE_URL")}
    named = {"ANTHROPIC_BASE_URL": proxy, "OPENAI_BASE_URL": f"{proxy}/v1"}
    assert urls == ({} if proxy == "off" else named)
    assert ("OPENAI_API_KEY" in given) is (proxy != "off")


def kubeconfig_of(given: dict[str, str]) -> Any:
    """What a sandbox's KUBECONFIG contains."""
    path = Path(given["KUBECONFIG"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.glob("kubeconfig*")] == ["kubeconfig"]
    return json.loads(path.read_text())


async def keep_cluster(house: House, name: str) -> str:
    """Keep a credential for a cluster, and return its id."""
    config = """
clusters: [{name: c, cluster: {server: "https://k8s.example.invalid"}}]
users: [{name: u, user: {token: "a-secret-token-of-the-cluster"}}]
"""
    path = f"/api/workspaces/{house.workspace_id}/credentials/k8s"
    kept = await house.owner.request("POST", path, {"display_name": name, "config": config})
    binding_id: str = ok(kept).json()["id"]
    return binding_id


async def test_the_clusters_of_the_workspace_are_in_kubeconfig_behind_the_servers_proxy(
    house: House,
) -> None:
    first, second = [await keep_cluster(house, name) for name in ("Production", "Test: 'é'")]
    number = await house.process(await house.create())
    given = environment_of(number)
    token, found = given["AGENTSERVER_SANDBOX_TOKEN"], kubeconfig_of(given)
    assert found == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {"server": f"http://127.0.0.1:8080/k8s/{binding_id}"},
            }
            for name, binding_id in (("Production", first), ("Test: 'é'", second))
        ],
        "users": [
            {
                "name": f"{name}-user",
                "user": {
                    "token": token,
                    "as": "agentserver-sandbox",
                    "as-user-extra": {"agentserver-token": [token]},
                },
            }
            for name in ("Production", "Test: 'é'")
        ],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": f"{name}-user"}}
            for name in ("Production", "Test: 'é'")
        ],
        "current-context": "Production",
    }
    assert "secret" not in str(found)
    # And a sandbox may call what is in it, as far as the cluster, which does not exist.
    server = found["clusters"][1]["cluster"]["server"]
    asked = await house.owner.client.get(
        f"{server}/version", headers={"Authorization": f"Bearer {token}"}
    )
    assert asked.status_code == 502, asked.text


async def test_kubeconfig_names_the_address_of_the_proxy_that_the_operator_has_set(
    settings: Settings,
) -> None:
    changed = attrs.evolve(settings, cluster_proxy_url="https://agents.example.com/base")
    async with open_house(changed) as house:
        binding_id = await keep_cluster(house, "Production")
        given = environment_of(await house.process(await house.create()))
        found = kubeconfig_of(given)
    (cluster,), (user,) = found["clusters"], found["users"]
    assert cluster["cluster"] == {"server": f"https://agents.example.com/base/k8s/{binding_id}"}
    assert user["user"] == {"token": given["AGENTSERVER_SANDBOX_TOKEN"]}


async def test_clusters_that_have_changed_are_in_kubeconfig_when_a_sandbox_is_resumed(
    house: House,
) -> None:
    first = await keep_cluster(house, "Production")
    sandbox_id = await house.create()
    given = environment_of(await house.process(sandbox_id))
    second = await keep_cluster(house, "Staging")
    path = f"/api/workspaces/{house.workspace_id}/credentials/k8s"
    ok(await house.owner.request("POST", f"{path}/{second}/set-default"))
    ok(await house.owner.request("DELETE", f"{path}/{first}"))
    assert kubeconfig_of(given)["current-context"] == "Production"
    await house.change(sandbox_id, "pause", "paused")
    await house.change(sandbox_id, "resume", "running")
    found = kubeconfig_of(given)
    assert found["current-context"] == "Staging"
    assert [each["name"] for each in found["contexts"]] == ["Staging"]
    ok(await house.owner.request("DELETE", f"{path}/{second}"))
    await house.change(sandbox_id, "pause", "paused")
    await house.change(sandbox_id, "resume", "running")
    assert not (house.folder / sandbox_id / "kubeconfig").exists()


async def test_a_type_without_a_command_is_simulated(house: House) -> None:
    sandbox_id = await house.create(type="jupyter")
    assert await house.row(sandbox_id) is None
    await house.change(sandbox_id, "pause", "paused")
    await house.delete(sandbox_id)


async def test_the_memory_of_each_process_is_limited(house: House) -> None:
    number = await house.process(await house.create(memory=64 * MIB))
    assert resource.prlimit(number, resource.RLIMIT_DATA) == (64 * MIB, 64 * MIB)


async def test_a_command_that_needs_more_memory_than_it_may_have_does_not_get_it(
    settings: Settings,
) -> None:
    hungry = f"data = bytearray({256 * MIB}); open('done', 'w')"
    command = (sys.executable, "-S", "-c", hungry)
    async with open_house(settings, sandbox_command_opencode=command) as house:
        folder = house.folder / await house.create("offline", memory=64 * MIB)
        assert "MemoryError" in (folder / "output.log").read_text()
        assert not (folder / "home" / "done").exists()


@pytest.mark.skipif(CpuLimits.find() is None, reason="no control group can be made here")
async def test_cpu_is_limited_where_a_control_group_can_be_made(house: House) -> None:
    sandbox_id = await house.create(cpu=500)
    group = f"/agentserver-{sandbox_id}"
    for number in await complete_family(sandbox_id, house.folder):
        assert any(line.endswith(group) for line in text_of(f"/proc/{number}/cgroup").splitlines())
    (limit,) = limits_in_groups(group)
    assert limit in ("50000\n", "50000 100000\n")
    await house.delete(sandbox_id)
    assert limits_in_groups(group) == []


def text_of(path: str) -> str:
    """The text of a file."""
    return Path(path).read_text()


def limits_in_groups(group: str) -> list[str]:
    """The limits of the control groups of this name, in whichever version of them."""
    files = (f"**{group}/cpu.cfs_quota_us", f"**{group}/cpu.max")
    return [each.read_text() for file in files for each in Path("/sys/fs/cgroup").glob(file)]


def open_backend() -> SandboxBackend:
    """A backend with a command for one type."""
    settings = in_memory(sandbox_command_jupyter="sh")
    return open_sandbox_backend(settings, open_store(settings), utc_now, lambda: "http://test")


def test_where_no_control_group_can_be_made_cpu_is_told_to_be_unlimited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CpuLimits.find(tmp_path) is None
    monkeypatch.setattr(CpuLimits, "find", lambda: None)
    told = open_backend().describe()
    assert told["jupyter"] == "process, memory limited, CPU unlimited"
    assert told["opencode"] == "simulated"


# --- the life of a process ------------------------------------------------------------------------


async def test_all_processes_of_a_sandbox_stop_go_on_and_end_together(house: House) -> None:
    sandbox_id = await house.create()
    family = await complete_family(sandbox_id, house.folder)
    await house.change(sandbox_id, "pause", "paused")
    assert family_of(sandbox_id) == dict.fromkeys(family, "T")
    await house.change(sandbox_id, "resume", "running")
    assert family_of(sandbox_id) == dict.fromkeys(family, "S")
    await house.change(sandbox_id, "pause", "paused")
    await house.delete(sandbox_id)
    assert family_of(sandbox_id) == {}
    assert not (house.folder / sandbox_id).exists()
    assert await house.row(sandbox_id) is None


@pytest.mark.parametrize("is_paused", [False, True])
async def test_a_sandbox_whose_process_dies_is_offline_and_starts_anew_with_its_own_limits(
    house: House, is_paused: bool
) -> None:
    sandbox_id = await house.create(memory=64 * MIB)
    await complete_family(sandbox_id, house.folder)
    if is_paused:
        await house.change(sandbox_id, "pause", "paused")
    (house.folder / sandbox_id / "home" / "kept").touch()
    limits = {"max_sandbox_memory": 32 * MIB}
    ok(await house.admin.request("PUT", "/api/admin/quotas/defaults", limits))
    before = await house.process(sandbox_id)
    os.kill(before, signal.SIGKILL)
    await house.becomes(sandbox_id, "offline")
    assert family_of(sandbox_id) == {}, "nothing of it goes on without the first process"
    await house.change(sandbox_id, "resume", "running")
    number = await house.process(sandbox_id)
    assert number != before
    assert resource.prlimit(number, resource.RLIMIT_DATA)[0] == 64 * MIB
    assert (house.folder / sandbox_id / "home" / "kept").exists()


@pytest.fixture
def inherits_orphans() -> Iterator[None]:
    """This process as the first one of a container, which inherits the children of the dead."""
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


PR_SET_CHILD_SUBREAPER = 36


@pytest.mark.usefixtures("inherits_orphans")
async def test_dead_processes_do_not_pile_up_in_a_container(house: House) -> None:
    sandbox_id = await house.create()
    family = await complete_family(sandbox_id, house.folder)
    await house.delete(sandbox_id)
    assert [each for each in family if ProcessId.of(each) is not None] == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("no-such-program",), "there is no program no-such-program"),
        (("false",), "the command ended at once, with status 1"),
        (("true",), "the command ended at once, with status 0"),
    ],
)
async def test_a_start_that_fails_stays_visible_says_why_and_is_tried_again(
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    command: tuple[str, ...],
    reason: str,
) -> None:
    async with open_house(settings, sandbox_command_opencode=command) as house:
        sandbox_id = await house.create("offline")
        (record,) = [each for each in caplog.records if each.message == "sandbox not started"]
        assert record.event_fields == {"sandbox": sandbox_id, "reason": reason}  # type: ignore[attr-defined]
        house.backend._commands["opencode"] = COMMAND
        await house.change(sandbox_id, "resume", "running")


async def test_a_server_that_stops_takes_its_sandboxes_along(settings: Settings) -> None:
    async with open_house(settings) as house:
        running_one, paused_one = await house.create(), await house.create()
        for sandbox_id in (running_one, paused_one):
            await complete_family(sandbox_id, house.folder)
        await house.change(paused_one, "pause", "paused")
    assert family_of(running_one) == family_of(paused_one) == {}
    async with start_server(settings) as server:
        rows = await server.store.read(sandboxes.list_of, house.workspace_id)
        assert [row["status"] for row in rows] == ["offline", "offline"]


async def test_what_the_server_did_not_get_to_do_for_a_deleted_sandbox_is_done_when_it_looks(
    house: House,
) -> None:
    sandbox_id = await house.create()
    await complete_family(sandbox_id, house.folder)
    await house.store.write(sandboxes.remove, sandbox_id)

    async def is_gone() -> bool:
        return await house.row(sandbox_id) is None

    await until(is_gone)
    assert family_of(sandbox_id) == {}
    assert not (house.folder / sandbox_id).exists()


async def test_a_start_that_is_cut_off_before_it_is_written_down_leaves_no_process(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        child.stdin.close()  # as the end of the server does

    monkeypatch.setattr(process, "_let_begin", cut_off)
    sandbox_id = await house.create("offline")
    assert family_of(sandbox_id) == {}
    assert not (house.folder / sandbox_id / "home" / "started").exists()


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that belongs to no sandbox."""
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as started:
        yield started
        started.kill()


async def test_what_is_left_of_a_server_is_ended_but_not_what_another_has_started_since(
    house: House,
) -> None:
    sandbox_id = await house.create()
    family = await complete_family(sandbox_id, house.folder)
    late = attrs.evolve(house.backend._server, started=f"{house.backend._server.started}0")
    left = process._Row(sandbox_id, "host", None, late, "creating")
    assert left.family.kill()
    assert family_of(sandbox_id) == family


async def test_a_process_id_that_another_process_has_now_is_never_signalled(
    house: House, innocent: subprocess.Popen[bytes]
) -> None:
    sandbox_id = await house.create()
    row = await house.row(sandbox_id)
    assert row is not None
    server = row["server_id"], row["server_started"]
    own = ProcessId.of(innocent.pid)
    assert own is not None
    # Both may have started in one tick of the clock, so the start is made to differ.
    reused = ProcessId(own.number, own.started + "0")

    def reuse(conn: Connection) -> bool:
        """End the process and record the other one, with no time between for the server to look."""
        recorded = sandbox_processes.record(conn, sandbox_id, server, attrs.astuple(reused))
        os.kill(row["process_id"], signal.SIGKILL)
        return recorded

    assert await house.store.write(reuse)
    await house.becomes(sandbox_id, "offline")
    await house.delete(sandbox_id)
    assert state_of(innocent.pid) == "S"
    assert Family(reused, frozenset({b"NO=mark"})).members() == []
    assert Family(own, frozenset({b"NO=mark"})).members() == [innocent.pid]


async def test_a_sandbox_that_was_simulated_before_its_type_had_a_command_is_offline(
    settings: Settings,
) -> None:
    async with open_house(settings, sandbox_command_opencode=None) as house:
        sandbox_id = await house.create()
    command = attrs.evolve(settings, sandbox_command_opencode=COMMAND)
    async with start_server(command) as server:
        row = await server.store.read(sandboxes.find, sandbox_id)
        assert row is not None
        assert row["status"] == "offline"


# --- servers that are killed, and several of them -------------------------------------------------


@attrs.frozen
class Remote:
    """A client of a server that is a process of its own."""

    server: Server
    client: httpx.AsyncClient

    async def create(self, workspace_id: str) -> str:
        """Create a sandbox, wait until it is running, and return its id."""
        path = f"/api/workspaces/{workspace_id}/sandboxes"
        created = await self.client.post(path, json={"name": "A sandbox"})
        assert created.status_code == 201, created.text
        sandbox_id: str = created.json()["id"]
        await self.becomes(sandbox_id, "running")
        return sandbox_id

    async def becomes(self, sandbox_id: str, wanted: str) -> None:
        """Wait until a sandbox is in a state."""

        async def is_there() -> bool:
            shown = await self.client.get(f"/api/sandboxes/{sandbox_id}")
            return bool(shown.json()["status"] == wanted)

        await until(is_there)

    async def change(self, sandbox_id: str, verb: str, wanted: str) -> None:
        """Pause or resume a sandbox, and wait until that is done."""
        changed = await self.client.post(f"/api/sandboxes/{sandbox_id}/{verb}")
        assert changed.status_code == 200, changed.text
        await self.becomes(sandbox_id, wanted)

    def kill(self) -> None:
        """End the server with SIGKILL: nothing of its own runs any more."""
        self.server.process.kill()
        self.server.process.wait(PATIENCE)


@contextmanager
def started(
    folder: Path, database_url: str, host: str = "one", command: str = FAMILY
) -> Iterator[Server]:
    """A server that is a process of its own, with the folder of a machine."""
    folder.mkdir(exist_ok=True)
    variables = {
        "DATABASE_URL": database_url,
        "AGENTSERVER_DATA_DIR": str(folder),
        "AGENTSERVER_ENCRYPTION_KEY": KEY,
        "AGENTSERVER_SANDBOX_HOST": host,
        "AGENTSERVER_SANDBOX_COMMAND_OPENCODE": f"sh -c '{command}'",
    }
    with running(folder, **variables) as server:
        yield server


@asynccontextmanager
async def client_of(server: Server, session: str | None = None) -> AsyncIterator[Remote]:
    """A client with a session: a given one, or that of a new account."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        if session is None:
            for call in ("register", "login"):
                answer = await client.post(f"/api/auth/{call}", json=ACCOUNT)
                assert answer.is_success, answer.text
            session = client.cookies["agentserver-token"]
            client.cookies.clear()
        client.headers["Cookie"] = f"agentserver-token={session}"
        yield Remote(server, client)


def session_of(remote: Remote) -> str:
    """The token of a client's session, for a client of another server."""
    return remote.client.headers["Cookie"].partition("=")[2]


async def new_workspace(remote: Remote) -> str:
    """Create a workspace, and return its id."""
    created = await remote.client.post("/api/workspaces", json={"name": "A workspace"})
    workspace_id: str = created.json()["id"]
    return workspace_id


async def test_the_next_start_ends_what_a_killed_server_has_left(
    database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "one"
    with started(folder, database_url) as server:
        async with client_of(server) as remote:
            session, workspace = session_of(remote), await new_workspace(remote)
            ids = [await remote.create(workspace) for _ in range(3)]
            for sandbox_id in ids:
                await complete_family(sandbox_id, folder / "sandboxes")
            await remote.change(ids[1], "pause", "paused")
            remote.kill()
    assert [len(family_of(each)) for each in ids] == [4, 4, 4], "there is something to end"
    with started(folder, database_url) as server:
        assert [family_of(each) for each in ids] == [{}, {}, {}], "before the server is ready"
        async with client_of(server, session) as remote:
            for sandbox_id in ids:
                await remote.becomes(sandbox_id, "offline")
            await remote.change(ids[1], "resume", "running")
            assert len(await complete_family(ids[1], folder / "sandboxes")) == 4
        assert server.stop() == 0
    assert family_of(ids[1]) == {}


async def test_what_a_killed_server_with_a_database_in_memory_left_is_ended_as_well(
    tmp_path: Path,
) -> None:
    with started(tmp_path / "one", "sqlite://") as server:
        async with client_of(server) as remote:
            sandbox_id = await remote.create(await new_workspace(remote))
            remote.kill()
    assert family_of(sandbox_id)
    with started(tmp_path / "one", "sqlite://"):
        assert family_of(sandbox_id) == {}
        assert limits_in_groups(f"/agentserver-{sandbox_id}") == []


async def test_only_the_server_of_a_machine_signals_what_runs_there(
    new_postgres_url: str, tmp_path: Path
) -> None:
    """Another server leaves its wish in the row, for the right one to take up."""
    one, two = tmp_path / "one", tmp_path / "two"
    with started(one, new_postgres_url) as first, started(two, new_postgres_url, "two") as second:
        async with client_of(first) as here, client_of(second, session_of(here)) as there:
            sandbox_id = await here.create(await new_workspace(here))
            where, other = (one, two) if (one / "sandboxes" / sandbox_id).exists() else (two, one)
            near, far = (here, there) if where is one else (there, here)
            family = await complete_family(sandbox_id, where / "sandboxes")
            await far.change(sandbox_id, "pause", "paused")
            assert family_of(sandbox_id) == dict.fromkeys(family, "T")
            await far.change(sandbox_id, "resume", "running")
            assert family_of(sandbox_id) == dict.fromkeys(family, "S")
            os.kill(min(family), signal.SIGKILL)
            await far.becomes(sandbox_id, "offline")
            await far.change(sandbox_id, "resume", "running")
            await complete_family(sandbox_id, where / "sandboxes")
            assert not (other / "sandboxes" / sandbox_id).exists(), "it stays where its data is"
            near.kill()
            assert len(family_of(sandbox_id)) == 4
            deleted = await far.client.delete(f"/api/sandboxes/{sandbox_id}")
            assert deleted.status_code == 204
            assert len(family_of(sandbox_id)) == 4, "it cannot be reached from there"
        name = "one" if where is one else "two"
        with started(where, new_postgres_url, name):
            assert family_of(sandbox_id) == {}
            assert not (where / "sandboxes" / sandbox_id).exists()


async def test_a_second_server_on_the_same_machine_ends_what_the_first_has_left(
    new_postgres_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "one"
    with started(folder, new_postgres_url) as first, started(folder, new_postgres_url) as second:
        async with client_of(first) as here, client_of(second, session_of(here)) as there:
            sandbox_id = await here.create(await new_workspace(here))
            await complete_family(sandbox_id, folder / "sandboxes")
            server = environment_of(min(family_of(sandbox_id)))["AGENTSERVER_SANDBOX_SERVER"]
            is_first = server.startswith(f"{first.process.pid}@")
            owner, other = (here, there) if is_first else (there, here)
            await other.change(sandbox_id, "pause", "paused")
            await other.change(sandbox_id, "resume", "running")
            owner.kill()
            await other.becomes(sandbox_id, "offline")
            assert family_of(sandbox_id) == {}
            await other.change(sandbox_id, "resume", "running")


# --- what is told ---------------------------------------------------------------------------------


def test_the_start_and_the_console_tell_how_each_type_runs(tmp_path: Path) -> None:
    with started(tmp_path / "one", "sqlite://") as server:
        page = httpx.get(f"{server.url}/docs").text
        assert re.search(r"<dt>opencode</dt><dd>process, memory limited, CPU [a-z ]+</dd>", page)
        assert "<dt>jupyter</dt><dd>simulated</dd>" in page
        assert server.stop() == 0
    log = server.log.read_text()
    assert "sandboxes=opencode: process, memory limited, CPU " in log
    assert "; others: simulated" in log


@pytest.mark.parametrize("text", ["'", " "])
def test_a_command_that_cannot_be_read_is_refused_in_one_line(text: str) -> None:
    name = "AGENTSERVER_SANDBOX_COMMAND_NANOCLAW"
    with pytest.raises(SettingsError, match=f"^{name}: must be a command with its arguments"):
        Settings.from_environment({name: text})


def test_a_command_is_read_as_a_shell_does() -> None:
    given = {"AGENTSERVER_SANDBOX_COMMAND_CLAUDECODE": "claude -p 'two words'"}
    assert Settings.from_environment(given).sandbox_commands == {
        "claudecode": ("claude", "-p", "two words")
    }


def test_on_a_system_that_cannot_do_it_a_command_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with pytest.raises(SettingsError, match=r"^AGENTSERVER_SANDBOX_COMMAND_JUPYTER: .* Linux only"):
        open_backend()
