"""Sandboxes change their states as the life cycle says, within the limits, and by themselves."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest
from people import ReferenceServer, User, error_of, ok
from timeline import Timeline

from agentserver_reference.app import create_app
from agentserver_reference.domain import sandboxes as domain
from agentserver_reference.domain.sandboxes import LIFE_CYCLE, PASSING, Event
from agentserver_reference.sandbox_backends.protocol import Sandbox
from agentserver_reference.sandbox_backends.simulated import SimulatedBackend
from agentserver_reference.settings import Settings
from agentserver_reference.storage import sandboxes

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
MIB = 1024**2


@attrs.frozen
class House:
    """A server whose time the test controls, and a workspace with an owner."""

    server: ReferenceServer
    timeline: Timeline
    admin: User
    owner: User
    workspace_id: str

    @property
    def path(self) -> str:
        """Where its sandboxes are listed and created."""
        return f"/api/workspaces/{self.workspace_id}/sandboxes"

    async def try_create(self, name: str = "A sandbox", **fields: Any) -> httpx.Response:
        """Create a sandbox, and return the answer."""
        return await self.owner.request("POST", self.path, {"name": name, **fields})

    async def create(self, name: str = "A sandbox", **fields: Any) -> str:
        """Create a sandbox, wait until it is running, and return its path."""
        created = ok(await self.try_create(name, **fields)).json()
        await self.timeline.settle()
        return f"/api/sandboxes/{created['id']}"

    async def create_in(self, status: str) -> str:
        """Put a sandbox of this state into the database, and return its path."""
        sandbox_id = f"in-{status}"
        await self.server.store.write(
            sandboxes.add,
            sandbox_id=sandbox_id,
            workspace_id=self.workspace_id,
            name="A sandbox",
            type="opencode",
            status=status,
            is_local=False,
            now=self.timeline(),
            size=domain.Size(1000, MIB),
        )
        return f"/api/sandboxes/{sandbox_id}"

    async def status(self, path: str) -> str:
        """The state of a sandbox now."""
        status: str = (await self.owner.read(path))["status"]
        return status

    async def post(self, path: str, verb: str) -> httpx.Response:
        """Pause or resume a sandbox, and let everything happen that follows at once."""
        answer = await self.owner.request("POST", f"{path}/{verb}")
        await self.timeline.settle()
        return answer

    async def limit(self, **limits: int) -> None:
        """Override limits of the workspace."""
        path = f"/api/admin/workspaces/{self.workspace_id}/quota"
        ok(await self.admin.request("PUT", path, limits))


@asynccontextmanager
async def open_house(
    settings: Settings, *, headers: Mapping[str, str] | None = None, **changes: Any
) -> AsyncIterator[House]:
    """A house whose server has these settings."""
    timeline = Timeline()
    app = create_app(
        attrs.evolve(settings, **changes),
        clock=timeline,
        wait=timeline.wait,
        validate_responses=True,
    )
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as client:
            server = ReferenceServer(client, timeline, app.state.context)  # type: ignore[arg-type]
            admin = await server.create_user("admin@example.com")
            owner = await server.create_user("owner@example.com")
            await timeline.settle()
            yield House(server, timeline, admin, owner, await owner.create_workspace())


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """A house on each kind of database, where a change takes no time."""
    async with open_house(settings) as opened:
        yield opened


# --- the life cycle -------------------------------------------------------------------------------


async def test_a_sandbox_is_created_with_the_defaults_and_starts_by_itself(house: House) -> None:
    created = ok(await house.try_create("Mine")).json()
    sandbox_id, short_id = created["id"], created["short_id"]
    assert created == {
        "id": sandbox_id,
        "short_id": short_id,
        "workspace_id": house.workspace_id,
        "name": "Mine",
        "type": "opencode",
        "status": "creating",
        "created_at": "2026-11-23T10:00:00Z",
        "last_activity_at": "2026-11-23T10:00:00Z",
        "paused_at": None,
        "is_local": False,
        "cpu": 2000,
        "memory": 2048 * MIB,
    }
    await house.timeline.settle()
    running = created | {"status": "running"}
    assert await house.owner.read(f"/api/sandboxes/{sandbox_id}") == running
    assert await house.owner.read(house.path) == [running]


async def test_everything_that_is_given_is_kept(house: House) -> None:
    metadata = {"a": [1, None, 2**70, 0.5], "ä": {"": {}}, "text": "two\nlines"}
    given = {
        "name": "Mine",
        "type": "jupyter",
        "cpu": 1,
        "memory": 1,
        "idle_timeout": 1800,
        "metadata": metadata,
    }
    shown = await house.owner.read(await house.create(**given))
    assert {name: shown[name] for name in given} == given


async def test_null_is_the_same_as_nothing_given(house: House) -> None:
    given = {"cpu": None, "memory": None, "idle_timeout": None, "metadata": None}
    shown = await house.owner.read(await house.create(**given))
    assert (shown["cpu"], shown["memory"]) == (2000, 2048 * MIB)
    assert shown.keys().isdisjoint({"idle_timeout", "metadata"})


async def test_changes_take_the_time_that_the_settings_name(settings: Settings) -> None:
    async with open_house(settings, sandbox_seconds=10) as house:
        path = await house.create()
        for verb, passing, final in (
            (None, "creating", "running"),
            ("pause", "pausing", "paused"),
            ("resume", "resuming", "running"),
        ):
            if verb is not None:
                assert ok(await house.post(path, verb)).json() == {"status": passing}
            await house.timeline.advance(9)
            assert await house.status(path) == passing
            await house.timeline.advance(1)
            assert await house.status(path) == final


async def test_the_times_of_a_pause_and_of_a_resume_are_shown(house: House) -> None:
    path = await house.create()
    await house.timeline.advance(60)
    ok(await house.post(path, "pause"))
    paused = await house.owner.read(path)
    assert (paused["paused_at"], paused["last_activity_at"]) == (at(60), at(0))
    await house.timeline.advance(60)
    ok(await house.post(path, "resume"))
    resumed = await house.owner.read(path)
    assert (resumed["paused_at"], resumed["last_activity_at"]) == (None, at(120))


def at(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_a_start_that_fails_stays_visible_and_is_tried_again(settings: Settings) -> None:
    async with open_house(settings, sandbox_failures=frozenset({"creating"})) as house:
        path = await house.create()
        assert await house.status(path) == "offline"
        ok(await house.post(path, "resume"))
        assert await house.status(path) == "running"


async def test_a_sandbox_that_cannot_be_paused_is_never_shown_as_paused(settings: Settings) -> None:
    async with open_house(settings, sandbox_failures=frozenset({"pausing"})) as house:
        path = await house.create()
        ok(await house.post(path, "pause"))
        shown = await house.owner.read(path)
        assert (shown["status"], shown["paused_at"]) == ("running", None)


async def test_a_resume_that_fails_ends_offline(settings: Settings) -> None:
    async with open_house(settings, sandbox_failures=frozenset({"resuming"})) as house:
        path = await house.create()
        ok(await house.post(path, "pause"))
        ok(await house.post(path, "resume"))
        assert await house.status(path) == "offline"


@pytest.mark.parametrize("status", LIFE_CYCLE)
async def test_a_request_that_the_state_does_not_permit_is_refused_and_changes_nothing(
    settings: Settings, status: str
) -> None:
    async with open_house(settings, sandbox_seconds=3600) as house:
        path = await house.create_in(status)
        before = await house.owner.read(path)
        for verb, word in (("pause", "paused"), ("resume", "resumed")):
            if Event(verb) not in LIFE_CYCLE[status]:
                line = f"sandbox cannot be {word} in current state: {status}"
                assert error_of(await house.post(path, verb)) == (409, line)
        assert await house.owner.read(path) == before


@pytest.mark.parametrize("status", LIFE_CYCLE)
async def test_a_sandbox_is_renamed_and_deleted_in_every_state(
    settings: Settings, status: str
) -> None:
    async with open_house(settings, sandbox_seconds=3600) as house:
        path = await house.create_in(status)
        before = await house.owner.read(path)
        renamed = ok(await house.owner.request("PATCH", path, {"name": "New"})).json()
        assert renamed == before | {"name": "New"} == await house.owner.read(path)
        assert ok(await house.owner.request("DELETE", path)).status_code == 204
        assert error_of(await house.owner.get(path)) == (404, "sandbox not found")
        assert error_of(await house.owner.request("DELETE", path)) == (404, "sandbox not found")


async def test_a_change_that_comes_too_late_changes_nothing(house: House) -> None:
    path = await house.create()
    late = path.rpartition("/")[2], "creating", Event.FAILED, house.timeline()
    assert await house.server.store.write(sandboxes.change, *late) is None
    assert await house.status(path) == "running"


@pytest.mark.parametrize("status", sorted(PASSING))
async def test_a_change_that_an_ended_process_left_is_taken_up_by_the_next_start(
    settings: Settings, status: str
) -> None:
    async with open_house(settings, sandbox_seconds=3600) as before:
        path = await before.create_in(status)
        workspace = before.workspace_id
    timeline = Timeline()
    app = create_app(settings, clock=timeline, wait=timeline.wait)
    async with app.router.lifespan_context(app):
        await timeline.settle()
        (row,) = await app.state.context.store.read(sandboxes.list_of, workspace)
        assert (row["id"], row["status"]) == (path.rpartition("/")[2], LIFE_CYCLE[status]["done"])


async def test_a_change_that_another_process_left_is_taken_up_by_the_leader(house: House) -> None:
    path = await house.create_in("resuming")
    assert await house.status(path) == "resuming"
    await house.timeline.advance(20)
    assert await house.status(path) == "running"


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"cpu": 2001}, "cpu: must be between 1 and 2000 millicores"),
        ({"cpu": 0}, "cpu: must be at least 1"),
        ({"memory": 2048 * MIB + 1}, "memory: must be between 1 and 2147483648 bytes"),
        ({"idle_timeout": 1801}, "idle_timeout: must be between 1 and 1800 seconds"),
        ({"idle_timeout": 0}, "idle_timeout: must be between 1 and 1800 seconds"),
        ({"type": "custom"}, None),
        ({"metadata": {"a": [{"b\0": 1}]}}, "metadata: must not contain NUL"),
        ({"metadata": {"a": [{"b": "\0"}]}}, "metadata: must not contain NUL"),
    ],
)
async def test_what_is_over_a_limit_is_refused(
    house: House, given: dict[str, Any], line: str | None
) -> None:
    status, found = error_of(await house.try_create(**given))
    assert status == 400
    assert line in (None, found)
    assert await house.owner.read(house.path) == []


async def test_without_a_limit_of_idle_timeouts_any_is_allowed(house: House) -> None:
    await house.limit(max_idle_timeout=0)
    for seconds in (0, 2**31 - 1):
        shown = await house.owner.read(await house.create(idle_timeout=seconds))
        assert shown["idle_timeout"] == seconds


async def test_a_limit_of_no_cpu_is_a_limit(house: House) -> None:
    await house.limit(max_sandbox_cpu=0)
    assert (await house.try_create(cpu=1)).status_code == 400
    assert "cpu" not in await house.owner.read(await house.create())


async def test_the_quota_counts_sandboxes_in_every_state(house: House) -> None:
    await house.limit(max_sandboxes=len(LIFE_CYCLE))
    for status in LIFE_CYCLE:
        await house.create_in(status)
    refused = await house.try_create()
    assert refused.status_code == 403
    assert refused.json() == {
        "error": "quota_exceeded",
        "message": "Sandbox limit reached (6/6). Ask an administrator for a higher quota.",
        "quota": {"current": 6, "max": 6},
    }
    await house.limit(max_sandboxes=0)
    await house.create()


BUDGET = {
    "error": "resource_budget_exceeded",
    "message": "The workspace's CPU or memory is used up. Pause or delete a sandbox, "
    "or ask an administrator for more.",
}


@pytest.mark.parametrize("limit", [{"max_total_cpu": 2000}, {"max_total_memory": 2 * MIB}])
async def test_the_budget_is_of_the_sandboxes_that_use_it(
    house: House, limit: dict[str, int]
) -> None:
    await house.limit(**limit)
    size = {"cpu": 1000, "memory": MIB}
    first, _second = await house.create(**size), await house.create(**size)
    refused = await house.try_create(cpu=1, memory=1)
    assert (refused.status_code, refused.json()) == (403, BUDGET)
    ok(await house.post(first, "pause"))
    await house.create(**size)
    refused = await house.post(first, "resume")
    assert (refused.status_code, refused.json()) == (403, BUDGET)
    assert await house.status(first) == "paused"


@pytest.mark.parametrize("status", LIFE_CYCLE)
async def test_paused_and_offline_sandboxes_use_no_budget(settings: Settings, status: str) -> None:
    async with open_house(settings, sandbox_seconds=3600) as house:
        await house.create_in(status)
        await house.limit(max_total_cpu=1999)
        answer = await house.try_create(cpu=1000)
        assert answer.status_code == (201 if status in ("paused", "offline") else 403)


# --- who may --------------------------------------------------------------------------------------


async def test_an_unknown_sandbox_is_unknown_and_a_foreign_one_forbidden(house: House) -> None:
    path = await house.create()
    for method, suffix in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/pause"),
        ("POST", "/resume"),
    ):
        # The body is wrong: who may comes first.
        for where, who, refusal in (
            (path, None, (401, "unauthorized")),
            ("/api/sandboxes/none", None, (401, "unauthorized")),
            ("/api/sandboxes/none", house.admin, (404, "sandbox not found")),
            (path, house.admin, (403, "not a workspace member")),
        ):
            headers = {"Cookie": who.cookie} if who else {}
            answer = await house.server.client.request(method, where + suffix, headers=headers)
            assert error_of(answer) == refusal, (method, where, suffix)
    assert await house.status(path) == "running"


async def test_guests_only_read(house: House) -> None:
    guest = await house.server.create_user("guest@example.com")
    body = {"email": guest.email, "role": "guest"}
    members = f"/api/workspaces/{house.workspace_id}/members"
    ok(await house.owner.request("POST", members, body))
    path = await house.create()
    assert [each["id"] for each in await guest.read(house.path)] == [path.rpartition("/")[2]]
    ok(await guest.get(path))
    for method, where in (
        ("POST", house.path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/pause"),
        ("POST", f"{path}/resume"),
    ):
        assert error_of(await guest.request(method, where)) == (403, "insufficient permissions")


async def test_whoever_is_no_member_any_more_may_nothing_at_once(house: House) -> None:
    member = await house.server.create_user("member@example.com")
    members = f"/api/workspaces/{house.workspace_id}/members"
    ok(await house.owner.request("POST", members, {"email": member.email}))
    path = await house.create()
    ok(await member.request("PATCH", path, {"name": "Theirs"}))
    ok(await house.owner.request("DELETE", f"{members}/{member.id}"))
    refused = await member.request("PATCH", path, {"name": "Still theirs"})
    assert error_of(refused) == (403, "not a workspace member")


# --- what follows a deletion ----------------------------------------------------------------------


async def test_a_deleted_sandbox_is_stopped_and_so_are_those_of_a_deleted_workspace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []

    async def remove(_self: SimulatedBackend, sandbox: Sandbox) -> None:
        stopped.append(sandbox.id)

    monkeypatch.setattr(SimulatedBackend, "remove", remove)
    paths = [await house.create() for _ in range(3)]
    ids = [path.rpartition("/")[2] for path in paths]
    ok(await house.owner.request("DELETE", paths[0]))
    assert stopped == ids[:1]
    ok(await house.owner.request("DELETE", f"/api/workspaces/{house.workspace_id}"))
    assert stopped == ids
    assert error_of(await house.owner.get(paths[1])) == (404, "sandbox not found")


async def test_a_sandbox_that_is_deleted_while_it_starts_is_gone(settings: Settings) -> None:
    async with open_house(settings, sandbox_seconds=10) as house:
        path = await house.create()
        ok(await house.owner.request("DELETE", path))
        await house.timeline.advance(60)
        assert error_of(await house.owner.get(path)) == (404, "sandbox not found")


# --- the idle timeout -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_sandbox", "of_workspace", "of_installation", "paused"),
    [
        (None, None, 300, True),
        (None, None, 360, False),
        (None, None, 0, False),
        (None, 300, 3600, True),
        (None, 0, 300, False),
        (None, 3600, 300, False),
        (300, 3600, 3600, True),
        (3600, 3600, 300, False),
        (0, 0, 300, False),
        (300, 0, 0, True),
    ],
)
async def test_the_sandboxs_own_timeout_goes_before_the_workspaces_and_the_installations(
    house: House,
    of_sandbox: int | None,
    of_workspace: int | None,
    of_installation: int,
    paused: bool,
) -> None:
    defaults = {"max_idle_timeout": of_installation}
    ok(await house.admin.request("PUT", "/api/admin/quotas/defaults", defaults))
    if of_workspace is not None:
        await house.limit(max_idle_timeout=of_workspace)
    given = {} if of_sandbox is None else {"idle_timeout": of_sandbox}
    path = await house.create(**given)
    await house.timeline.advance(301)
    assert await house.status(path) == "running", "the sweep comes once a minute"
    await house.timeline.advance(59)
    assert await house.status(path) == ("paused" if paused else "running")


async def test_a_sandbox_that_is_active_in_the_last_moment_is_not_paused(house: House) -> None:
    path = await house.create()
    sandbox_id = path.rpartition("/")[2]
    for seen, paused in ((at(1), False), (at(0), True)):
        store = house.server.store
        answer = await store.write(sandboxes.pause_idle, sandbox_id, seen, house.timeline())
        assert answer is paused


async def test_reading_a_sandbox_is_no_activity(house: House) -> None:
    path = await house.create(idle_timeout=60)
    for _ in range(3):
        await house.timeline.advance(60)
        shown = await house.owner.read(path)
    assert shown["status"] == "paused"
    assert shown["last_activity_at"] == at(0)


# --- web addresses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "domain_name"),
    [
        ("test", "one.example"),
        ("one.example", "one.example"),
        ("api.two.example:8080", "two.example"),
        ("notwo.example", "one.example"),
    ],
)
async def test_the_web_address_is_below_the_domain_that_was_asked_and_has_no_token(
    settings: Settings, host: str, domain_name: str
) -> None:
    domains = ("one.example", "two.example")
    async with open_house(settings, base_domains=domains, headers={"Host": host}) as house:
        for type_, prefix in {**domain.SUBDOMAINS, "nanoclaw": None}.items():
            shown = await house.owner.read(await house.create(type=type_))
            urls = {name: value for name, value in shown.items() if name.endswith("_url")}
            address = f"https://{prefix}-{shown['short_id']}.{domain_name}/"
            assert urls == ({f"{type_}_url": address} if prefix else {})


async def test_an_operator_chooses_how_web_addresses_begin(settings: Settings) -> None:
    chosen = {"base_domains": ("one.example",), "subdomain_prefix_claudecode": "my-claude"}
    async with open_house(settings, **chosen) as house:
        shown = await house.owner.read(await house.create(type="claudecode"))
        address = f"https://my-claude-{shown['short_id']}.one.example/"
        assert shown["claudecode_url"] == address
        other = await house.owner.read(await house.create(type="opencode"))
        assert other["opencode_url"].startswith("https://code-")


# --- the table of the life cycle ------------------------------------------------------------------


def test_every_state_leads_somewhere_and_can_be_reached() -> None:
    reached = {state for events in LIFE_CYCLE.values() for state in events.values()}
    assert reached | {"creating"} == set(LIFE_CYCLE)
    for state in PASSING:
        assert LIFE_CYCLE[state].keys() - {Event.LOST} == {Event.DONE, Event.FAILED}
        assert PASSING.isdisjoint(LIFE_CYCLE[state].values()), "the end is no passing state"


def test_short_ids_are_eight_letters_and_digits() -> None:
    assert {len(domain.short_id(token)) for token in ("0", "f" * 64, "123456789abcdef")} == {8}


async def test_a_change_in_the_background_that_fails_is_logged_and_taken_up_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_self: SimulatedBackend, _sandbox: Sandbox) -> None:
        raise LookupError("the reason")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedBackend, "carry_on", fail)
        path = await house.create()
        await asyncio.sleep(0)
        assert await house.status(path) == "creating"
    errors = [each.message for each in caplog.records if each.levelno == logging.ERROR]
    assert errors == ["background work failed"]
    await house.timeline.advance(20)
    assert await house.status(path) == "running"
