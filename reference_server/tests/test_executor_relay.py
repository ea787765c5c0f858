"""The relay: frames go to whom their stream belongs, and who may no longer use it is cut off."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from harnesses import (
    DATA,
    HANDSHAKE,
    PROFILE,
    RESUME,
    Harness,
    connecting,
    encrypted,
    field,
    frame,
    reset,
)
from listening import SECONDS
from machines import Machine, Site, running, site
from people import User, ok
from sqlalchemy import select
from timeline import Timeline
from websockets.exceptions import InvalidStatus

from agentserver_reference.gateways.executors import frames, relay
from agentserver_reference.services import executor_connections
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import tables
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

one_process = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What each process does by itself does not depend on the database."""


@asynccontextmanager
async def two_processes(settings: Settings) -> AsyncIterator[tuple[Site, httpx.AsyncClient]]:
    """A server, and a client of another one where there may be another."""
    timeline = Timeline()
    async with site(settings, timeline) as here:
        if settings.is_postgresql:
            async with running(settings, timeline) as (client, _):
                yield here, client
        else:
            yield here, here.client


async def mint(here: Site, user: User | None = None, **changes: Any) -> dict[str, Any]:
    body = {"workspace_id": here.workspace_id, "name": "Laptop"} | changes
    made: dict[str, Any] = ok(
        await (user or here.owner).request("POST", "/api/codex/tokens", body)
    ).json()
    return made


async def harness_of(
    here: Site, machine: Machine, client: httpx.AsyncClient | None = None, **changes: Any
) -> Harness:
    return Harness(client or here.client, (await mint(here, **changes))["token"], machine.id)


async def received(here: Site, socket: Any) -> bytes:
    """The next frame, which may be on its way through the database."""
    async with asyncio.timeout(SECONDS):
        waiting = asyncio.ensure_future(socket.recv())
        while not waiting.done():
            await here.timeline.advance(0.1)
            await asyncio.sleep(0)
        found: bytes = await waiting
    return found


async def is_closed(here: Site, socket: Any, seconds: float = 5) -> int:
    """With which code the server closes it, within so many seconds."""
    await here.timeline.advance(seconds)
    async with asyncio.timeout(SECONDS):
        await socket.wait_closed()
    code: int = socket.close_code
    return code


async def rows_of(here: Site, table: Any) -> list[dict[str, Any]]:
    return await here.context.store.read(lambda conn: Query(select(*table.columns)).all(conn))


def refused(answer: httpx.Response) -> tuple[int, str]:
    line: str = answer.json()["error"]
    return answer.status_code, line


UNAUTHORIZED = (401, "unauthorized")
NOT_AUTHORIZED = (403, "the harness is not authorized")


# --- frames ---------------------------------------------------------------------------------------


async def test_frames_go_to_whom_their_stream_belongs_through_whichever_process(
    settings: Settings,
) -> None:
    async with two_processes(settings) as (here, client):
        machine = await here.register()
        url = (await encrypted(machine))["url"]
        async with machine.connecting(url) as executor:
            harness = await harness_of(here, machine, client)
            async with (
                connecting(await harness.url()) as one,
                connecting(await harness.url()) as two,
            ):
                opened = [frame("a", RESUME), frame("a", HANDSHAKE, b"hello")]
                for each in opened:
                    await one.send(each)
                assert [await received(here, executor) for _ in opened] == opened
                await two.send(frame("b", HANDSHAKE, bytes(60_000)))
                assert await received(here, executor) == frame("b", HANDSHAKE, bytes(60_000))
                for stream_id in ("b", "a"):
                    await executor.send(frame(stream_id, DATA, stream_id.encode()))
                assert await received(here, one) == frame("a", DATA, b"a")
                assert await received(here, two) == frame("b", DATA, b"b")
                # Who leaves ends its streams, and no others.
                await one.close()
                assert await received(here, executor) == reset("a")
                await executor.send(frame("a", DATA, b"too late"))
                await executor.send(frame("b", DATA, b"still here"))
                assert await received(here, two) == frame("b", DATA, b"still here")
                await executor.close()
                assert await received(here, two) == reset("b")
                assert await is_closed(here, two) == 1008
        await here.timeline.settle()
        assert await rows_of(here, tables.executor_harnesses) == []
        assert await rows_of(here, tables.executor_frames) == []


@one_process
async def test_what_belongs_to_no_stream_is_dropped(settings: Settings) -> None:
    async with site(settings) as here:
        machine = await here.register()
        async with machine.connecting((await encrypted(machine))["url"]) as executor:
            harness = await harness_of(here, machine)
            async with (
                connecting(await harness.url()) as one,
                connecting(await harness.url()) as two,
            ):
                await one.send(frame("a", DATA, b"1"))
                assert await received(here, executor) == frame("a", DATA, b"1")
                for dropped in (
                    "text",
                    b"",
                    b"\xff",
                    frame("", DATA, b"no stream"),
                    frame("a" * 129, DATA, b"an id that codex would not take"),
                    frame("a", DATA, b"the stream of another"),
                ):
                    await two.send(dropped)
                await two.send(frame("b", DATA, b"2"))
                assert await received(here, executor) == frame("b", DATA, b"2")
                await executor.send(frame("c", DATA, b"of nobody"))
                # A stream that was ended can be opened again, by whoever does.
                await one.send(frame("a", 8, field(1, b"bye")))
                assert await received(here, executor) == frame("a", 8, field(1, b"bye"))
                await two.send(frame("a", DATA, b"3"))
                assert await received(here, executor) == frame("a", DATA, b"3")
                await executor.send(frame("a", DATA, b"4"))
                assert await received(here, two) == frame("a", DATA, b"4")
                await two.send(frame("a", DATA, bytes(relay.LONGEST_FRAME)))
                assert await is_closed(here, two, 0) == 1008
                assert {await received(here, executor) for _ in "ab"} == {reset("a"), reset("b")}
                await one.send(frame("d", DATA, b"5"))
                assert await received(here, executor) == frame("d", DATA, b"5")


@one_process
async def test_who_takes_no_frames_does_not_hold_up_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PATIENCE", 0.1)
    random = os.urandom(500_000)  # what is encrypted cannot be compressed
    async with site(settings) as here:
        machine = await here.register()
        async with machine.connecting((await encrypted(machine))["url"]) as executor:
            harness = await harness_of(here, machine)
            async with (
                connecting(await harness.url()) as slow,
                connecting(await harness.url()) as quick,
            ):
                for socket, stream_id in ((slow, "slow"), (quick, "quick")):
                    await socket.send(frame(stream_id, HANDSHAKE, b"hello"))
                    assert await received(here, executor) == frame(stream_id, HANDSHAKE, b"hello")
                slow.transport.pause_reading()
                for _ in range(64):
                    await executor.send(frame("slow", DATA, random))
                await executor.send(frame("quick", DATA, b"at last"))
                async with asyncio.timeout(SECONDS):
                    assert await quick.recv() == frame("quick", DATA, b"at last")
                slow.transport.abort()


def test_what_the_server_writes_is_read_as_it_was_meant() -> None:
    assert frames.reset("a", "disconnected") == reset("a")
    assert frames.read(reset("a")) == frames.Address("a", is_last=True)
    assert frames.read(frame("é" * 64, DATA, b"x")) == frames.Address("é" * 64, is_last=False)


# --- who may --------------------------------------------------------------------------------------


@one_process
async def test_a_harness_is_told_what_the_executor_has_said(settings: Settings) -> None:
    async with site(settings) as here:
        machine, key = await here.register(), {"x25519": "eA==", "ml_kem": ["é", 1, None]}
        registered = await encrypted(machine, key)
        assert registered.pop("url").startswith("ws://")
        registration_id = registered.pop("executor_registration_id")
        ids = {"id", "executor_id", "environment_id"}
        assert registered == dict.fromkeys(ids, machine.id) | {"security_profile": PROFILE}
        harness = await harness_of(here, machine)
        assert refused(await harness.ask()) == (409, "the executor is not online")
        assert (await encrypted(machine, key))["executor_registration_id"] != registration_id
        registered = await encrypted(machine, key)
        async with machine.connecting(registered["url"]):
            given = ok(await harness.ask()).json()
            assert given.pop("url").startswith(
                f"{here.client.base_url}/codex-exec/{machine.id}/harness?token=".replace(
                    "http", "ws"
                )
            )
            assert len(given.pop("harness_key_authorization")) == 64
            assert given == {
                "environment_id": machine.id,
                "security_profile": PROFILE,
                "executor_registration_id": registered["executor_registration_id"],
                "executor_public_key": key,
            }
            (token,) = await here.owner.read(f"/api/codex/tokens?workspace_id={here.workspace_id}")
            assert token["last_used_at"] == "2026-11-23T10:00:00Z"
            assert refused(await harness.ask({})) == (400, "bad body")
        async with machine.connecting(await machine.ticket()):
            refusal = "the executor has a codex without the encrypted relay"
            assert refused(await harness.ask()) == (409, refusal)
        said = {"security_profile": PROFILE}
        assertion = machine.assertion(await machine.task())
        assert refused(await machine.ask_for_ticket(assertion, said=said)) == (400, "bad body")


@one_process
async def test_only_a_valid_token_of_its_workspace_uses_an_executor(settings: Settings) -> None:
    async with site(settings) as here:
        machine = await here.register()
        async with machine.connecting((await encrypted(machine))["url"]):
            maker = await here.add_member("maker@example.com", "developer")
            harness = await harness_of(here, machine, user=maker)
            ok(await harness.ask())
            other_workspace = await here.owner.create_workspace()
            other = await harness_of(here, machine, workspace_id=other_workspace)
            assert refused(await other.ask()) == (404, "unknown executor")
            unknown = Harness(here.client, harness.token, "exe_unknown")
            assert refused(await unknown.ask()) == (404, "unknown executor")
            ended = await mint(here, ttl_days=1)
            for token in ("x", ended["token"][:-1] + "!", here.owner.cookie.split("=")[1]):
                wrong = Harness(here.client, token, machine.id)
                assert refused(await wrong.ask()) == UNAUTHORIZED, token
            ok(await here.owner.request("DELETE", f"/api/codex/tokens/{ended['id']}"))
            assert (
                refused(await Harness(here.client, ended["token"], machine.id).ask())
                == UNAUTHORIZED
            )
            url, shown = await harness.url(), await harness.shown()
            members = f"/api/workspaces/{here.workspace_id}/members"
            ok(await here.owner.request("DELETE", f"{members}/{maker.id}"))
            assert refused(await harness.ask()) == UNAUTHORIZED
            with pytest.raises(InvalidStatus):
                await connecting(url)
            assertion = machine.assertion(await machine.task())
            assert refused(await machine.ask_about(shown, assertion=assertion)) == NOT_AUTHORIZED


@one_process
async def test_a_ticket_and_an_authorization_are_used_once(settings: Settings) -> None:
    async with site(settings) as here:
        machine, spared = await here.register("a"), await here.register("b")
        task = await machine.task()
        async with machine.connecting((await encrypted(machine))["url"]):
            harness = await harness_of(here, machine)
            url = await harness.url()
            for wrong in (
                url[:-1],
                url.replace(machine.id, spared.id),
                url.replace("/harness", ""),
            ):
                with pytest.raises(InvalidStatus) as answer:
                    await connecting(wrong)
                assert answer.value.response.status_code == 401
            async with connecting(url):
                with pytest.raises(InvalidStatus) as answer:
                    await connecting(url)
                assert answer.value.response.status_code == 401
            shown = await harness.shown()
            assertion = machine.assertion(task)
            for changes in (
                {"harness_public_key": "that of another"},
                {"harness_key_authorization": "x"},
                {"executor_registration_id": "x"},
            ):
                assert (
                    refused(await machine.ask_about(shown | changes, assertion=assertion))
                    == NOT_AUTHORIZED
                )
            for proof in ("", harness.token, spared.assertion(await spared.task())):
                assert refused(await machine.ask_about(shown, assertion=proof)) == UNAUTHORIZED
            answers = await asyncio.gather(
                *(machine.ask_about(shown, assertion=assertion) for _ in range(3))
            )
            assert sorted(each.status_code for each in answers) == [200, 401, 401]
            assert {"valid": True} in [each.json() for each in answers]
            here.timeline.now += timedelta(seconds=1)
            again = machine.assertion(task)
            assert refused(await machine.ask_about(shown, assertion=again)) == NOT_AUTHORIZED
            # In the same second, a machine makes the same assertion for another harness.
            assert ok(await machine.ask_about(await harness.shown(), assertion=again)).json()
            late, url = await harness.shown(), await harness.url()
            here.timeline.now += timedelta(minutes=5)
            last = machine.assertion(task)
            assert refused(await machine.ask_about(late, assertion=last)) == NOT_AUTHORIZED
            with pytest.raises(InvalidStatus):
                await connecting(url)


# --- what ends it ---------------------------------------------------------------------------------


async def _revoke(here: Site, machine: Machine, token_id: str, maker_id: str) -> None:
    ok(await here.owner.request("DELETE", f"/api/codex/tokens/{token_id}"))


async def _remove_member(here: Site, machine: Machine, token_id: str, maker_id: str) -> None:
    ok(
        await here.owner.request(
            "DELETE", f"/api/workspaces/{here.workspace_id}/members/{maker_id}"
        )
    )


async def _unbind(here: Site, machine: Machine, token_id: str, maker_id: str) -> None:
    await here.unbind(machine.id)


async def _delete_workspace(here: Site, machine: Machine, token_id: str, maker_id: str) -> None:
    ok(await here.owner.request("DELETE", f"/api/workspaces/{here.workspace_id}"))


End = Callable[[Site, Machine, str, str], Awaitable[None]]


@pytest.mark.parametrize(
    ("database_url", "end"),
    [
        ("sqlite", _revoke),
        ("postgresql", _remove_member),
        ("postgresql", _unbind),
        ("sqlite", _delete_workspace),
    ],
    indirect=["database_url"],
)
async def test_whatever_ends_it_cuts_a_harness_off_within_five_seconds_in_every_process(
    settings: Settings, end: End
) -> None:
    async with two_processes(settings) as (here, client):
        machine = await here.register()
        maker = await here.add_member("maker@example.com", "developer")
        made, spared = await mint(here, maker), await mint(here)
        async with (
            machine.connecting((await encrypted(machine))["url"]),
            connecting(await Harness(client, made["token"], machine.id).url()) as cut,
            connecting(await Harness(client, spared["token"], machine.id).url()) as kept,
        ):
            await here.timeline.advance(5)
            await end(here, machine, made["id"], maker.id)
            assert await is_closed(here, cut) == 1008
            if end in (_revoke, _remove_member):
                await here.timeline.advance(60)
                await kept.send(b"still here")
            else:
                assert await is_closed(here, kept) == 1008


@one_process
async def test_it_ends_with_the_connection_of_the_executor(settings: Settings) -> None:
    async with site(settings) as here:
        machine = await here.register()
        async with machine.connecting((await encrypted(machine))["url"]):
            harness = await harness_of(here, machine)
            url = await harness.url()
            async with (
                connecting(await harness.url()) as old,
                machine.connecting((await encrypted(machine))["url"]),
            ):
                assert await is_closed(here, old) == 1008
                with pytest.raises(InvalidStatus):
                    await connecting(url)
                async with connecting(await harness.url()) as new:
                    await here.timeline.advance(10)
                    await new.send(b"still here")


@one_process
async def test_what_dead_servers_have_left_is_removed(settings: Settings) -> None:
    async with site(settings) as here:
        machine = await here.register()
        async with machine.connecting((await encrypted(machine))["url"]):
            harness = await harness_of(here, machine)
            async with connecting(await harness.url()):
                (row,) = await rows_of(here, tables.executor_harnesses)

                def add(conn: Any) -> None:
                    conn.execute(
                        tables.executor_frames.insert(),
                        {
                            "socket_id": "gone",
                            "sender_id": row["id"],
                            "frame": b"x",
                            "expires_at": "2026-11-23T10:01:00Z",
                        },
                    )

                await here.context.store.write(add)
                work = UnitOfWork(here.context)
                await executor_connections.remove_expired(work)
                assert len(await rows_of(here, tables.executor_frames)) == 1
                here.timeline.now += timedelta(minutes=1)
                await executor_connections.remove_expired(work)
                assert await rows_of(here, tables.executor_frames) == []
                assert await rows_of(here, tables.executor_harnesses) == []
