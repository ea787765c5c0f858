"""The rules hold when many ask at once: of one process on SQLite, of three on one PostgreSQL."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from people import PASSWORD, error_of, ok
from postgres import new_database, pgbouncer
from processes import serving_processes

pytestmark = pytest.mark.anyio

MANY = 20
ROUNDS = 8
"""How often a race is run in which the wrong one does not always win."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "pgbouncer"])
def urls(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """The servers under test, on an empty database."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("concurrency")
        with serving_processes(f"sqlite:///{folder / 'test.db'}", 1) as started:
            yield started
    elif request.param == "pgbouncer":
        # With fewer sessions than the servers have connections.
        with (
            new_database(request.getfixturevalue("postgres_server")) as database,
            pgbouncer(database, pool_size=6) as url,
            serving_processes(url, 2) as started,
        ):
            yield started
    else:
        with (
            new_database(request.getfixturevalue("postgres_server")) as url,
            serving_processes(url, 3) as started,
        ):
            yield started


@attrs.frozen
class Account:
    """An account, with a session that every server knows."""

    id: str
    email: str
    headers: dict[str, str]


@attrs.frozen
class Cluster:
    """Asks all servers in turn, many questions at once."""

    clients: list[httpx.AsyncClient]
    turns: Iterator[int] = attrs.field(factory=itertools.count)
    founders: list[httpx.Response] = attrs.field(factory=list)

    async def request(
        self, method: str, path: str, body: Any = None, who: Account | None = None
    ) -> httpx.Response:
        client = self.clients[next(self.turns) % len(self.clients)]
        headers = who.headers if who else {}
        return await client.request(method, path, json=body, headers=headers)

    async def register(self, email: str) -> httpx.Response:
        return await self.request(
            "POST", "/api/auth/register", {"email": email, "password": PASSWORD}
        )

    async def log_in(self, email: str) -> Account:
        body = {"email": email, "password": PASSWORD}
        opened = ok(await self.request("POST", "/api/auth/login", body))
        for client in self.clients:
            client.cookies.clear()
        headers = {"Cookie": opened.headers["set-cookie"].partition(";")[0]}
        account = Account("", email, headers)
        me = ok(await self.request("GET", "/api/auth/me", None, account)).json()
        return attrs.evolve(account, id=me["id"])

    async def create_user(self, email: str) -> Account:
        ok(await self.register(email))
        return await self.log_in(email)

    async def administrators(self) -> list[Account]:
        """Who of the founders is an administrator now."""
        people = [await self.log_in(f"founder{number}@example.com") for number in range(MANY)]
        accounts = [await self.request("GET", "/api/auth/me", None, person) for person in people]
        return [
            person
            for person, account in zip(people, accounts, strict=True)
            if account.json()["role"] == "admin"
        ]

    async def create_workspace(self, who: Account) -> str:
        created = ok(await self.request("POST", "/api/workspaces", {"name": "shared"}, who))
        return f"/api/workspaces/{created.json()['id']}"


@pytest.fixture(scope="module")
async def cluster(urls: list[str]) -> AsyncIterator[Cluster]:
    """A cluster whose founders were the first to register, all at once."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            for url in urls
        ]
        cluster = Cluster(clients)
        cluster.founders.extend(
            await at_once(
                cluster.register(f"founder{number}@example.com") for number in range(MANY)
            )
        )
        yield cluster


async def at_once(calls: Iterable[Coroutine[Any, Any, httpx.Response]]) -> list[httpx.Response]:
    return list(await asyncio.gather(*calls))


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_of_many_who_are_first_exactly_one_is_administrator(cluster: Cluster) -> None:
    assert statuses(cluster.founders) == {201: MANY}
    assert len(await cluster.administrators()) == 1


async def test_an_email_is_given_to_one_of_many(cluster: Cluster) -> None:
    spellings = ["one@example.com", "ONE@example.com", " One@Example.com "]
    answers = await at_once(cluster.register(spellings[n % 3]) for n in range(MANY))
    assert statuses(answers) == {201: 1, 409: MANY - 1}


async def test_a_member_is_added_once(cluster: Cluster) -> None:
    owner, member = (
        await cluster.create_user("owner1@example.com"),
        await cluster.create_user("member@example.com"),
    )
    path = f"{await cluster.create_workspace(owner)}/members"
    answers = await at_once(
        cluster.request("POST", path, {"email": member.email}, owner) for _ in range(MANY)
    )
    assert statuses(answers) == {201: 1, 409: MANY - 1}
    assert len((await cluster.request("GET", path, None, owner)).json()) == 2


async def test_a_limit_of_five_workspaces_is_never_six(cluster: Cluster) -> None:
    (admin, *_) = await cluster.administrators()
    for number in range(ROUNDS):
        keen = await cluster.create_user(f"keen{number}@example.com")
        quota = f"/api/admin/users/{keen.id}/quota"
        ok(await cluster.request("PUT", quota, {"max_workspaces": 5}, admin))
        answers = await at_once(
            cluster.request("POST", "/api/workspaces", {"name": "more"}, keen) for _ in range(MANY)
        )
        assert statuses(answers) == {201: 4, 403: MANY - 4}, "one was there: the default workspace"
        counted = await cluster.request("GET", "/api/workspaces/quota", None, keen)
        assert counted.json() == {"current": 5, "max": 5}


async def test_an_owner_stays_when_all_of_them_leave_at_once(cluster: Cluster) -> None:
    owners = [await cluster.create_user(f"leaving{number}@example.com") for number in range(4)]
    for _ in range(ROUNDS):
        path = await cluster.create_workspace(owners[0])
        for owner in owners[1:]:
            body = {"email": owner.email, "role": "owner"}
            ok(await cluster.request("POST", f"{path}/members", body, owners[0]))
        answers = await at_once(leave(cluster, path, owners[n % 4], n) for n in range(MANY))
        assert set(statuses(answers)) <= {204, 403, 409}, [answer.text for answer in answers]
        assert statuses(answers)[409] > 0, "no request was rejected to keep an owner"
        lists = [await cluster.request("GET", f"{path}/members", None, owner) for owner in owners]
        (members, *_) = [listed.json() for listed in lists if listed.is_success]
        assert [member["role"] for member in members].count("owner") == 1


def leave(
    cluster: Cluster, path: str, owner: Account, number: int
) -> Coroutine[Any, Any, httpx.Response]:
    """An owner goes, or ceases to be one."""
    myself = f"{path}/members/{owner.id}"
    if number % 2:
        return cluster.request("DELETE", myself, None, owner)
    return cluster.request("PUT", myself, {"role": "guest"}, owner)


async def test_an_administrator_stays_when_all_of_them_step_down_at_once(cluster: Cluster) -> None:
    (first, *_) = await cluster.administrators()
    admins = [first]
    for number in range(4):
        founder = await cluster.log_in(f"founder{number}@example.com")
        admins.append(founder)

    def give(one: Account, role: str, by: Account) -> Coroutine[Any, Any, httpx.Response]:
        return cluster.request("PUT", f"/api/admin/users/{one.id}/role", {"role": role}, by)

    left = first
    for _ in range(ROUNDS):
        for one in admins:
            ok(await give(one, "admin", left))
        answers = await at_once(
            give(one, "user", one) for one in itertools.islice(itertools.cycle(admins), MANY)
        )
        assert set(statuses(answers)) <= {204, 403, 409}, [answer.text for answer in answers]
        (left,) = await cluster.administrators()


async def test_overrides_set_by_many_at_once_are_all_kept(cluster: Cluster) -> None:
    (admin, *_) = await cluster.administrators()
    workspace_id = (await cluster.create_workspace(admin)).rpartition("/")[2]
    path = f"/api/admin/workspaces/{workspace_id}/quota"
    limits = [
        "max_sandboxes",
        "max_sandbox_cpu",
        "max_sandbox_memory",
        "max_idle_timeout",
        "max_total_cpu",
        "max_total_memory",
        "max_drive_size",
    ]
    answers = await at_once(cluster.request("PUT", path, {limit: 7}, admin) for limit in limits)
    assert statuses(answers) == {204: len(limits)}
    overrides = (await cluster.request("GET", path, None, admin)).json()["overrides"]
    assert {limit: overrides[limit] for limit in limits} == dict.fromkeys(limits, 7)


async def test_defaults_set_for_the_first_time_by_many_at_once_are_kept(cluster: Cluster) -> None:
    (admin, *_) = await cluster.administrators()
    answers = await at_once(
        cluster.request("PUT", "/api/admin/quotas/defaults", {"ws_max_idle_timeout": 9}, admin)
        for _ in range(MANY)
    )
    assert statuses(answers) == {200: MANY}


async def test_a_workspace_may_go_while_others_work_in_it(cluster: Cluster) -> None:
    owner, other = (
        await cluster.create_user("goes@example.com"),
        await cluster.create_user("joins@example.com"),
    )
    path = await cluster.create_workspace(owner)
    config = {"base_url": "https://a.example", "api_key": "k", "models": [{"id": "m", "name": "M"}]}
    calls = [
        ("POST", f"{path}/members", {"email": other.email}),
        ("PUT", f"{path}/llm-config", config),
        ("PATCH", path, {"name": "renamed"}),
        ("DELETE", f"{path}/members/{other.id}", None),
        ("DELETE", path, None),
    ]
    answers = await at_once(cluster.request(*calls[n % len(calls)], owner) for n in range(MANY))
    assert set(statuses(answers)) <= {200, 201, 204, 403, 409}, [a.text for a in answers]
    gone = await cluster.request("GET", path, None, owner)
    assert error_of(gone) == (403, "not a workspace member")


async def with_limits(cluster: Cluster, owner: Account, **limits: int) -> str:
    """The path of a new workspace with these limits."""
    (admin, *_) = await cluster.administrators()
    path = await cluster.create_workspace(owner)
    quota = f"/api/admin/workspaces/{path.rpartition('/')[2]}/quota"
    ok(await cluster.request("PUT", quota, limits, admin))
    return path


async def create_sandboxes(
    cluster: Cluster, path: str, owner: Account, number: int
) -> list[httpx.Response]:
    """The answers to so many who create a sandbox at once."""
    body = {"name": "A sandbox", "cpu": 1000}
    return await at_once(
        cluster.request("POST", f"{path}/sandboxes", body, owner) for _ in range(number)
    )


async def rest(cluster: Cluster, path: str, owner: Account) -> Counter[str]:
    """How many sandboxes are in which state, as soon as none is in one that passes."""
    while True:
        rows = ok(await cluster.request("GET", f"{path}/sandboxes", None, owner)).json()
        found = Counter(row["status"] for row in rows)
        if found.keys() <= {"running", "paused", "offline"}:
            return found


async def test_of_fifty_sandboxes_at_a_limit_of_twenty_there_are_twenty(cluster: Cluster) -> None:
    owner = await cluster.create_user("fifty@example.com")
    path = await with_limits(cluster, owner, max_sandboxes=20)
    assert statuses(await create_sandboxes(cluster, path, owner, 50)) == {201: 20, 403: 30}
    assert await rest(cluster, path, owner) == {"running": 20}


async def test_the_budget_holds_when_many_create_and_resume_at_once(cluster: Cluster) -> None:
    owner = await cluster.create_user("budget@example.com")
    path = await with_limits(cluster, owner, max_sandboxes=0, max_total_cpu=5000)
    for expected in ({"running": 5}, {"running": 5, "paused": 5}):
        assert statuses(await create_sandboxes(cluster, path, owner, MANY)) == {
            201: 5,
            403: MANY - 5,
        }
        assert await rest(cluster, path, owner) == expected
        rows = (await cluster.request("GET", f"{path}/sandboxes", None, owner)).json()
        ids = [row["id"] for row in rows]
        running = [row["id"] for row in rows if row["status"] == "running"]
        await at_once(
            cluster.request("POST", f"/api/sandboxes/{each}/pause", None, owner) for each in running
        )
        await rest(cluster, path, owner)
    answers = await at_once(
        cluster.request("POST", f"/api/sandboxes/{each}/resume", None, owner) for each in ids
    )
    assert statuses(answers) == {200: 5, 403: 5}
    assert await rest(cluster, path, owner) == {"running": 5, "paused": 5}


async def test_of_many_who_pause_or_resume_a_sandbox_one_does(cluster: Cluster) -> None:
    owner = await cluster.create_user("pauses@example.com")
    path = await cluster.create_workspace(owner)
    (created,) = await create_sandboxes(cluster, path, owner, 1)
    sandbox = f"/api/sandboxes/{created.json()['id']}"
    for verb in ("pause", "resume") * 2:
        await rest(cluster, path, owner)
        answers = await at_once(
            cluster.request("POST", f"{sandbox}/{verb}", None, owner) for _ in range(MANY)
        )
        assert statuses(answers) == {200: 1, 409: MANY - 1}


async def test_writes_of_every_kind_at_once_neither_fail_nor_wait_for_each_other_forever(
    cluster: Cluster,
) -> None:
    (admin, *_) = await cluster.administrators()
    people = [await cluster.create_user(f"mixed{number}@example.com") for number in range(4)]
    ok(
        await cluster.request(
            "PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 0}, admin
        )
    )
    for one in people[:2]:
        ok(
            await cluster.request(
                "PUT", f"/api/admin/users/{one.id}/role", {"role": "admin"}, admin
            )
        )
    paths = [await cluster.create_workspace(people[0]) for _ in range(2)]
    sandboxes: list[str] = []
    for path in paths:
        created = await create_sandboxes(cluster, path, people[0], 2)
        sandboxes += [f"/api/sandboxes/{each.json()['id']}" for each in created]
        for one in people[1:]:
            body = {"email": one.email, "role": "owner"}
            ok(await cluster.request("POST", f"{path}/members", body, people[0]))
    drawn = random.Random(9)  # noqa: S311 - it draws calls, not secrets
    for _ in range(ROUNDS):
        calls = [a_write(drawn, cluster, people, paths, sandboxes) for _ in range(2 * MANY)]
        answers = await at_once(calls)
        # 401 after a logout, 404 and 403 after a removal, 409 for the last owner or administrator.
        failed = [each for each in answers if each.status_code >= 500]
        assert not failed, [(each.request.method, str(each.request.url)) for each in failed]
        assert statuses(answers)[400] == 0, [each.text for each in answers]


def a_write(
    drawn: random.Random,
    cluster: Cluster,
    people: list[Account],
    paths: list[str],
    sandboxes: list[str],
) -> Coroutine[Any, Any, httpx.Response]:
    """One of the writes, by one person about another, in one of the workspaces."""
    sandbox = drawn.choice(sandboxes)
    who, other, path = drawn.choice(people), drawn.choice(people), drawn.choice(paths)
    workspace_id = path.rpartition("/")[2]
    user, workspace = f"/api/admin/users/{other.id}", f"/api/admin/workspaces/{workspace_id}"
    role = drawn.choice(["guest", "maintainer", "owner", "owner"])
    config = {"base_url": "https://a.example", "api_key": "k", "models": [{"id": "m", "name": "M"}]}
    method, target, body = drawn.choice(
        [
            ("POST", "/api/workspaces", {"name": "another"}),
            ("PATCH", path, {"name": "renamed"}),
            ("POST", f"{path}/members", {"email": other.email, "role": role}),
            ("PUT", f"{path}/members/{other.id}", {"role": role}),
            ("DELETE", f"{path}/members/{other.id}", None),
            ("PUT", f"{path}/llm-config", config),
            ("DELETE", f"{path}/llm-config", None),
            ("PUT", f"{user}/role", {"role": drawn.choice(["admin", "user", "admin"])}),
            ("PUT", f"{user}/quota", {"max_workspaces": 0}),
            ("DELETE", f"{user}/quota", None),
            ("PUT", f"{workspace}/quota", {"max_sandboxes": 3}),
            ("DELETE", f"{workspace}/quota", None),
            ("PUT", f"{workspace}/llm-quota", {"max_rpd": 5}),
            ("DELETE", f"{workspace}/llm-quota", None),
            ("POST", f"{path}/sandboxes", {"name": "another"}),
            ("POST", f"{sandbox}/pause", None),
            ("POST", f"{sandbox}/resume", None),
            ("PATCH", sandbox, {"name": "renamed"}),
            ("PUT", "/api/admin/quotas/defaults", {"max_sandbox_cpu": 1000}),
            ("POST", "/api/auth/login", {"email": other.email, "password": PASSWORD}),
            ("POST", "/api/auth/register", {"email": other.email, "password": PASSWORD}),
            *([("DELETE", path, None)] if drawn.random() < 0.02 else []),
            *([("DELETE", sandbox, None)] if drawn.random() < 0.05 else []),
        ]
    )
    return cluster.request(method, target, body, who)
