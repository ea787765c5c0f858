"""The rules hold when many ask at once: of one process on SQLite, of two on one PostgreSQL."""

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
from people import PASSWORD, ok, said
from postgres import new_database
from processes import serving_processes

pytestmark = pytest.mark.anyio

MANY = 20
ROUNDS = 8
"""How often a race is run in which the wrong one does not always win."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def urls(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """The servers under test, on an empty database."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("concurrency")
        with serving_processes(f"sqlite:///{folder / 'test.db'}", 1) as started:
            yield started
    else:
        with (
            new_database(request.getfixturevalue("postgres_server")) as url,
            serving_processes(url, 2) as started,
        ):
            yield started


@attrs.frozen
class Somebody:
    """An account, with a session that every server knows."""

    id: str
    email: str
    headers: dict[str, str]


@attrs.frozen
class Crowd:
    """Asks all servers in turn, many questions at once."""

    clients: list[httpx.AsyncClient]
    turns: Iterator[int] = attrs.field(factory=itertools.count)
    founders: list[httpx.Response] = attrs.field(factory=list)

    async def ask(
        self, method: str, path: str, body: Any = None, who: Somebody | None = None
    ) -> httpx.Response:
        client = self.clients[next(self.turns) % len(self.clients)]
        headers = who.headers if who else {}
        return await client.request(method, path, json=body, headers=headers)

    async def register(self, email: str) -> httpx.Response:
        return await self.ask("POST", "/api/auth/register", {"email": email, "password": PASSWORD})

    async def log_in(self, email: str) -> Somebody:
        body = {"email": email, "password": PASSWORD}
        opened = ok(await self.ask("POST", "/api/auth/login", body))
        for client in self.clients:
            client.cookies.clear()
        headers = {"Cookie": opened.headers["set-cookie"].partition(";")[0]}
        somebody = Somebody("", email, headers)
        me = ok(await self.ask("GET", "/api/auth/me", None, somebody)).json()
        return attrs.evolve(somebody, id=me["id"])

    async def join(self, email: str) -> Somebody:
        ok(await self.register(email))
        return await self.log_in(email)

    async def administrators(self) -> list[Somebody]:
        """Who of the founders is an administrator now."""
        people = [await self.log_in(f"founder{number}@example.com") for number in range(MANY)]
        accounts = [await self.ask("GET", "/api/auth/me", None, person) for person in people]
        return [
            person
            for person, account in zip(people, accounts, strict=True)
            if account.json()["role"] == "admin"
        ]

    async def create_workspace(self, who: Somebody) -> str:
        created = ok(await self.ask("POST", "/api/workspaces", {"name": "shared"}, who))
        return f"/api/workspaces/{created.json()['id']}"


@pytest.fixture(scope="module")
async def crowd(urls: list[str]) -> AsyncIterator[Crowd]:
    """A crowd whose founders were the first to register, all at once."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            for url in urls
        ]
        crowd = Crowd(clients)
        crowd.founders.extend(
            await at_once(crowd.register(f"founder{number}@example.com") for number in range(MANY))
        )
        yield crowd


async def at_once(calls: Iterable[Coroutine[Any, Any, httpx.Response]]) -> list[httpx.Response]:
    return list(await asyncio.gather(*calls))


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_of_many_who_are_first_exactly_one_is_administrator(crowd: Crowd) -> None:
    assert statuses(crowd.founders) == {201: MANY}
    assert len(await crowd.administrators()) == 1


async def test_an_email_is_given_to_one_of_many(crowd: Crowd) -> None:
    spellings = ["one@example.com", "ONE@example.com", " One@Example.com "]
    answers = await at_once(crowd.register(spellings[n % 3]) for n in range(MANY))
    assert statuses(answers) == {201: 1, 409: MANY - 1}


async def test_a_member_is_added_once(crowd: Crowd) -> None:
    owner, member = await crowd.join("owner1@example.com"), await crowd.join("member@example.com")
    path = f"{await crowd.create_workspace(owner)}/members"
    answers = await at_once(
        crowd.ask("POST", path, {"email": member.email}, owner) for _ in range(MANY)
    )
    assert statuses(answers) == {201: 1, 409: MANY - 1}
    assert len((await crowd.ask("GET", path, None, owner)).json()) == 2


async def test_a_limit_of_five_workspaces_is_never_six(crowd: Crowd) -> None:
    (admin, *_) = await crowd.administrators()
    for number in range(ROUNDS):
        keen = await crowd.join(f"keen{number}@example.com")
        quota = f"/api/admin/users/{keen.id}/quota"
        ok(await crowd.ask("PUT", quota, {"max_workspaces": 5}, admin))
        answers = await at_once(
            crowd.ask("POST", "/api/workspaces", {"name": "more"}, keen) for _ in range(MANY)
        )
        assert statuses(answers) == {201: 4, 403: MANY - 4}, "one was there: the default workspace"
        counted = await crowd.ask("GET", "/api/workspaces/quota", None, keen)
        assert counted.json() == {"current": 5, "max": 5}


async def test_an_owner_stays_when_all_of_them_leave_at_once(crowd: Crowd) -> None:
    owners = [await crowd.join(f"leaving{number}@example.com") for number in range(4)]
    for _ in range(ROUNDS):
        path = await crowd.create_workspace(owners[0])
        for owner in owners[1:]:
            body = {"email": owner.email, "role": "owner"}
            ok(await crowd.ask("POST", f"{path}/members", body, owners[0]))
        answers = await at_once(leave(crowd, path, owners[n % 4], n) for n in range(MANY))
        assert set(statuses(answers)) <= {204, 403, 409}, [answer.text for answer in answers]
        assert statuses(answers)[409] > 0, "nobody was told that an owner must stay"
        lists = [await crowd.ask("GET", f"{path}/members", None, owner) for owner in owners]
        (members, *_) = [listed.json() for listed in lists if listed.is_success]
        assert [member["role"] for member in members].count("owner") == 1


def leave(
    crowd: Crowd, path: str, owner: Somebody, number: int
) -> Coroutine[Any, Any, httpx.Response]:
    """An owner goes, or ceases to be one."""
    myself = f"{path}/members/{owner.id}"
    if number % 2:
        return crowd.ask("DELETE", myself, None, owner)
    return crowd.ask("PUT", myself, {"role": "guest"}, owner)


async def test_an_administrator_stays_when_all_of_them_step_down_at_once(crowd: Crowd) -> None:
    (first, *_) = await crowd.administrators()
    admins = [first]
    for number in range(4):
        founder = await crowd.log_in(f"founder{number}@example.com")
        admins.append(founder)

    def give(one: Somebody, role: str, by: Somebody) -> Coroutine[Any, Any, httpx.Response]:
        return crowd.ask("PUT", f"/api/admin/users/{one.id}/role", {"role": role}, by)

    left = first
    for _ in range(ROUNDS):
        for one in admins:
            ok(await give(one, "admin", left))
        answers = await at_once(
            give(one, "user", one) for one in itertools.islice(itertools.cycle(admins), MANY)
        )
        assert set(statuses(answers)) <= {204, 403, 409}, [answer.text for answer in answers]
        (left,) = await crowd.administrators()


async def test_overrides_set_by_many_at_once_are_all_kept(crowd: Crowd) -> None:
    (admin, *_) = await crowd.administrators()
    workspace_id = (await crowd.create_workspace(admin)).rpartition("/")[2]
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
    answers = await at_once(crowd.ask("PUT", path, {limit: 7}, admin) for limit in limits)
    assert statuses(answers) == {204: len(limits)}
    overrides = (await crowd.ask("GET", path, None, admin)).json()["overrides"]
    assert {limit: overrides[limit] for limit in limits} == dict.fromkeys(limits, 7)


async def test_defaults_set_for_the_first_time_by_many_at_once_are_kept(crowd: Crowd) -> None:
    (admin, *_) = await crowd.administrators()
    answers = await at_once(
        crowd.ask("PUT", "/api/admin/quotas/defaults", {"ws_max_idle_timeout": 9}, admin)
        for _ in range(MANY)
    )
    assert statuses(answers) == {200: MANY}


async def test_a_workspace_may_go_while_others_work_in_it(crowd: Crowd) -> None:
    owner, other = await crowd.join("goes@example.com"), await crowd.join("joins@example.com")
    path = await crowd.create_workspace(owner)
    config = {"base_url": "https://a.example", "api_key": "k", "models": [{"id": "m", "name": "M"}]}
    calls = [
        ("POST", f"{path}/members", {"email": other.email}),
        ("PUT", f"{path}/llm-config", config),
        ("PATCH", path, {"name": "renamed"}),
        ("DELETE", f"{path}/members/{other.id}", None),
        ("DELETE", path, None),
    ]
    answers = await at_once(crowd.ask(*calls[n % len(calls)], owner) for n in range(MANY))
    assert set(statuses(answers)) <= {200, 201, 204, 403, 409}, [a.text for a in answers]
    gone = await crowd.ask("GET", path, None, owner)
    assert said(gone) == (403, "not a workspace member")


async def test_writes_of_every_kind_at_once_neither_fail_nor_wait_for_each_other_forever(
    crowd: Crowd,
) -> None:
    (admin, *_) = await crowd.administrators()
    people = [await crowd.join(f"mixed{number}@example.com") for number in range(4)]
    ok(await crowd.ask("PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 0}, admin))
    for one in people[:2]:
        ok(await crowd.ask("PUT", f"/api/admin/users/{one.id}/role", {"role": "admin"}, admin))
    paths = [await crowd.create_workspace(people[0]) for _ in range(2)]
    for path in paths:
        for one in people[1:]:
            body = {"email": one.email, "role": "owner"}
            ok(await crowd.ask("POST", f"{path}/members", body, people[0]))
    drawn = random.Random(9)  # noqa: S311 - it draws calls, not secrets
    for _ in range(ROUNDS):
        calls = [a_write(drawn, crowd, people, paths) for _ in range(2 * MANY)]
        answers = await at_once(calls)
        # 401 after a logout, 404 and 403 after a removal, 409 for the last owner or administrator.
        failed = [each for each in answers if each.status_code >= 500]
        assert not failed, [(each.request.method, str(each.request.url)) for each in failed]
        assert statuses(answers)[400] == 0, [each.text for each in answers]


def a_write(
    drawn: random.Random, crowd: Crowd, people: list[Somebody], paths: list[str]
) -> Coroutine[Any, Any, httpx.Response]:
    """One of the writes, by one person about another, in one of the workspaces."""
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
            ("PUT", "/api/admin/quotas/defaults", {"max_sandbox_cpu": 1000}),
            ("POST", "/api/auth/login", {"email": other.email, "password": PASSWORD}),
            ("POST", "/api/auth/register", {"email": other.email, "password": PASSWORD}),
            *([("DELETE", path, None)] if drawn.random() < 0.02 else []),
        ]
    )
    return crowd.ask(method, target, body, who)
