"""`agentserver.testing`: the reference server in memory, and what a test can do with it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from agentserver import (
    AsyncClient,
    BadRequest,
    Client,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    ServiceUnavailable,
    TimedOut,
    Unauthenticated,
    WaitFailed,
)
from agentserver.testing import Server


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for tests that leave nothing behind that others see."""
    with Server() as server:
        yield server


# --- people and their clients ---------------------------------------------------------------------


def test_fixtures_are_there_without_an_import(
    agentserver_server: Server,
    agentserver_client: Client,
    async_agentserver_client: AsyncClient,
) -> None:
    created = agentserver_client.workspaces.create(name="Loom")
    seen = asyncio.run(async_agentserver_client.workspaces.get(created.id))
    assert seen == created
    assert agentserver_client.auth.me().role == "user"
    assert agentserver_server.admin.client.auth.me().role == "admin"


def test_each_server_begins_empty() -> None:
    for _ in range(2):
        with Server() as server:
            assert len(server.admin.client.admin.users.list()) == 1


def test_a_person_and_a_workspace_take_a_line_each(shared: Server) -> None:
    ada, bob = shared.person("ada"), shared.person("bob@example.org")
    assert (ada.email, bob.email) == ("ada@example.com", "bob@example.org")
    assert shared.person("ada") is ada
    workspace = shared.workspace("Engine", owner=ada, members={bob: "guest"})
    roles = {each.email: each.role for each in ada.client.workspaces.members.list(workspace.id)}
    assert roles == {ada.email: "owner", bob.email: "guest"}
    with pytest.raises(PermissionDenied):
        bob.client.workspaces.rename(workspace.id, name="Mine")


def test_a_sandbox_takes_a_line(shared: Server) -> None:
    before = shared.clock.now(), len(shared.calls())
    client = shared.person().client
    sandbox = shared.sandbox("Note G", type="jupyter", metadata={"a": 1})
    assert (sandbox.name, sandbox.status, sandbox.type) == ("Note G", "running", "jupyter")
    assert sandbox.workspace_id == client.workspaces.list()[0].id
    assert client.sandboxes.get(sandbox.id) == sandbox
    ada = shared.person("ada")
    workspace = shared.workspace(owner=ada)
    paused = shared.sandbox(workspace=workspace, owner=ada, status="paused")
    assert paused.status == "paused"
    assert ada.client.sandboxes.list(workspace.id) == [paused]
    calls = [call.operation for call in shared.calls()[before[1] :]]
    assert calls == ["workspaces.list", "sandboxes.get", "sandboxes.list"]
    assert shared.clock.now() == before[0]


def test_a_sandbox_in_a_state_that_nobody_can_bring_it_into_is_refused(shared: Server) -> None:
    with pytest.raises(ValueError, match="status must be running or paused"):
        shared.sandbox(status="offline")  # type: ignore[arg-type]


def test_a_program_sees_a_sandbox_change_by_itself() -> None:
    with Server(sandbox_seconds=30, sandbox_failures="resuming") as server:
        began, client = server.clock.now(), server.person().client
        sandbox = server.sandbox(idle_timeout=600)
        # It looks again after 6 seconds at the latest.
        assert 30 <= (server.clock.now() - began).total_seconds() <= 36
        client.sandboxes.pause(sandbox.id)
        assert client.sandboxes.get(sandbox.id).status == "pausing"
        server.clock.advance(30)
        assert client.sandboxes.get(sandbox.id).status == "paused"
        client.sandboxes.resume(sandbox.id)
        with pytest.raises(WaitFailed) as failed:
            client.sandboxes.wait(sandbox.id)
        assert failed.value.state == "offline"


def test_an_unknown_role_is_refused(shared: Server) -> None:
    with pytest.raises(BadRequest, match="role: must be one of"):
        shared.workspace(members={shared.person("ada"): "mantainer"})


def test_one_asynchronous_client_serves_several_event_loops(shared: Server) -> None:
    client = shared.person("ada").async_client
    assert asyncio.run(client.auth.me()) == asyncio.run(client.auth.me())


def test_calls_of_many_tasks_and_threads_are_answered(shared: Server) -> None:
    client = shared.person("many").async_client

    async def create() -> set[str]:
        made = await asyncio.gather(*(client.workspaces.create(name=f"w{n}") for n in range(2)))
        return {each.id for each in made}

    assert len(asyncio.run(create())) == 2


def test_a_client_of_httpx_can_be_used(shared: Server) -> None:
    with httpx.Client(transport=shared.transport, base_url="http://localhost") as client:
        assert client.post("/api/auth/login", content=b"{").status_code == 400
    assert (shared.calls()[-1].operation, shared.calls()[-1].json) == ("auth.login", None)


def test_settings_are_those_of_the_reference_server() -> None:
    limit = {"QUOTA_MAX_WORKSPACES_PER_USER": "1"}
    with Server(quota_environment=limit) as server, pytest.raises(QuotaExceeded):
        server.person().client.workspaces.create(name="One more")


def test_a_server_that_is_not_running_says_so() -> None:
    with pytest.raises(RuntimeError, match="with statement"):
        Server().person()


def test_credentials_stand_in_no_repr(shared: Server) -> None:
    ada = shared.person("ada")
    ada.client.auth.login(email=ada.email, password=ada.password)
    assert ada.password not in repr((ada, shared, shared.calls()[-1]))


# --- what it was asked ----------------------------------------------------------------------------


def test_calls_are_logged_without_those_of_the_preparation(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    workspace = agentserver_server.workspace()
    agentserver_client.workspaces.rename(workspace.id, name="Loom")
    with pytest.raises(NotFound):
        agentserver_client.request("GET", "/api/nothing")
    rename, unlisted = agentserver_server.calls()
    assert (rename.operation, rename.method) == ("workspaces.rename", "PATCH")
    assert (rename.path, rename.json) == (f"/api/workspaces/{workspace.id}", {"name": "Loom"})
    assert (rename.status, rename.at) == (200, agentserver_server.clock.now())
    assert (unlisted.operation, unlisted.status) == ("", 404)
    assert agentserver_server.calls("workspaces.rename") == [rename]


def test_a_misspelt_operation_is_refused_with_the_nearest(shared: Server) -> None:
    with pytest.raises(ValueError, match="did you mean workspaces.create?"):
        shared.calls("workspace.create")
    with pytest.raises(ValueError, match="no method of the SDK"):
        shared.fail(503, "xyz")


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_failure_is_retried_and_the_clock_turned_on_instead_of_waiting(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    began = agentserver_server.clock.now()
    agentserver_server.fail(429, "workspaces.list", retry_after=7)
    assert len(agentserver_client.workspaces.list()) == 1
    statuses = [call.status for call in agentserver_server.calls()]
    assert statuses == [429, 200]
    assert agentserver_server.clock.now() - began >= timedelta(seconds=7)


def test_a_failure_happens_so_many_times(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    once = agentserver_client.with_options(max_retries=0)
    agentserver_server.fail(503, times=2, message="down for maintenance")
    for _ in range(2):
        with pytest.raises(ServiceUnavailable, match="down for maintenance"):
            once.workspaces.list()
    once.workspaces.list()
    agentserver_server.fail(429, times=None)
    for _ in range(3):
        with pytest.raises(RateLimited):
            once.workspaces.list()
    agentserver_server.work_as_usual()
    once.workspaces.list()


def test_a_refusal_leaves_everything_as_it_was(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    agentserver_server.fail(403, "workspaces.create", message="not today")
    with pytest.raises(PermissionDenied, match="not today"):
        agentserver_client.workspaces.create(name="Loom")
    assert [each.name for each in agentserver_client.workspaces.list()] == ["Default workspace"]


def test_a_dropped_answer_leaves_the_work_done(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    agentserver_server.drop_answer("workspaces.create")
    with pytest.raises(OutcomeUnknown):
        agentserver_client.workspaces.create(name="Loom")
    assert "Loom" in [each.name for each in agentserver_client.workspaces.list()]
    assert agentserver_server.calls()[0].status is None


@pytest.mark.parametrize(("seconds", "is_late"), [(29.0, False), (31.0, True)])
def test_an_answer_later_than_the_limit_times_out_without_waiting(
    agentserver_server: Server, agentserver_client: Client, seconds: float, is_late: bool
) -> None:
    once = agentserver_client.with_options(max_retries=0, timeout=30.0)
    began = agentserver_server.clock.now()
    agentserver_server.delay(seconds, "workspaces.list")
    if is_late:
        with pytest.raises(TimedOut) as caught:
            once.workspaces.list()
        assert caught.value.phase == "read"
    else:
        once.workspaces.list()
    passed = agentserver_server.clock.now() - began
    assert passed == timedelta(seconds=min(seconds, 30.0))


def test_the_deadline_ends_a_call_whose_answer_is_late(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    began = agentserver_server.clock.now()
    agentserver_server.delay(100.0, "workspaces.list", times=None)
    with pytest.raises(TimedOut):
        agentserver_client.with_options(deadline=90.0, timeout=200.0).workspaces.list()
    assert agentserver_server.clock.now() - began == timedelta(seconds=90)
    assert [call.status for call in agentserver_server.calls()] == [None]


def test_an_asynchronous_call_meets_the_same(
    agentserver_server: Server, async_agentserver_client: AsyncClient
) -> None:
    async def main() -> None:
        agentserver_server.fail(503, "workspaces.list")
        assert len(await async_agentserver_client.workspaces.list()) == 1
        agentserver_server.drop_answer("workspaces.create")
        with pytest.raises(OutcomeUnknown):
            await async_agentserver_client.workspaces.create(name="Loom")
        agentserver_server.delay(1000.0, "workspaces.create")
        with pytest.raises(OutcomeUnknown):
            await async_agentserver_client.workspaces.create(name="Loom")

    asyncio.run(main())


WORKSPACE = {
    "id": "w1",
    "name": "Recorded",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def test_an_answer_of_ones_own_is_given_and_has_the_usual_headers(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    agentserver_server.respond("workspaces.get", WORKSPACE)
    answer = agentserver_client.with_raw_response.workspaces.get("w1")
    assert answer.data.name == "Recorded"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_answer_that_breaks_the_contract_must_be_asked_for(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    with pytest.raises(ValueError, match="get_workspace responded with 200"):
        agentserver_server.respond("workspaces.get", {"id": 1})
    with pytest.raises(ValueError, match="documented are"):
        agentserver_server.respond("workspaces.get", WORKSPACE, status=202)
    with pytest.raises(PermissionDenied):  # nothing was set up
        agentserver_client.workspaces.get("w1")
    agentserver_server.respond("workspaces.get", {**WORKSPACE, "name": None}, check=False)
    assert agentserver_client.workspaces.get("w1").id == "w1"


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"status": 200}, "status must be from 400 to 599"),
        ({"status": 503, "times": 0}, "times must be 1 or more"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    shared: Server, arguments: dict[str, int], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        shared.fail(**arguments)
    with pytest.raises(ValueError, match="above 0"):
        shared.delay(0)


# --- its clock ------------------------------------------------------------------------------------


def test_the_clock_stands_still_and_is_turned_on() -> None:
    start = datetime(2030, 1, 31, 12, tzinfo=UTC)
    with Server(now=start) as server:
        assert server.workspace().created_at == start
        server.clock.advance(30, minutes=1, hours=1, days=1)
        expected = start + timedelta(days=1, hours=1, minutes=1, seconds=30)
        assert server.workspace().created_at == expected
        with pytest.raises(ValueError, match="time cannot go back"):
            server.clock.advance(-1)


def test_a_session_ends_and_a_client_with_a_password_logs_in_again(
    agentserver_server: Server, agentserver_client: Client
) -> None:
    session = agentserver_server.person().credentials["session"]
    held = agentserver_server.client(session=session)
    assert held.auth.me() == agentserver_client.auth.me()
    agentserver_server.clock.advance(days=8)
    with pytest.raises(Unauthenticated):
        held.auth.me()
    agentserver_client.auth.me()
    assert agentserver_server.calls("auth.login")


def test_background_work_is_done_when_the_clock_has_been_turned_on() -> None:
    with Server() as server:
        server.person()
        context = server._app.state.context

        def count() -> int:
            async def read() -> Any:
                return await context.store.read(
                    lambda connection: connection.raw.execute("SELECT count(*) FROM sessions")
                )

            return int(server.portal.call(read).fetchone()[0])

        assert count() == 2
        server.clock.advance(days=8)
        assert count() == 0


# --- the plugin -----------------------------------------------------------------------------------


def _run(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )


def test_the_plugin_costs_a_run_without_it_next_to_nothing() -> None:
    done = _run(
        """
        import sys
        import pytest, agentserver
        before = set(sys.modules)
        import agentserver._pytest_plugin
        print(sorted(set(sys.modules) - before))
        """
    )
    assert done.stdout.strip() == "['agentserver._pytest_plugin']", done.stderr


def test_without_the_reference_server_one_line_says_what_is_missing() -> None:
    done = _run(
        """
        import sys
        sys.modules["starlette"] = None
        from agentserver import ConfigurationError
        from agentserver.testing import Server
        try:
            Server()
        except ConfigurationError as error:
            print(error)
        """
    )
    assert "install agentserver with the extra 'server'" in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1
