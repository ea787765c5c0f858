"""`--seed` makes what is missing, once, and says which line of the file is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import httpx
import pytest
from serving import in_memory
from sqlalchemy import func, select
from starlette.applications import Starlette
from test_start import refused, running

from agentserver_reference.app import create_app
from agentserver_reference.contract import load_contract
from agentserver_reference.seed.document import read_seed
from agentserver_reference.seed.making import Made, make
from agentserver_reference.settings import SettingsError
from agentserver_reference.storage.tables import sessions

pytestmark = pytest.mark.anyio

SEED = """\
people:
  - email: grace@example.com
    password: nanoseconds
    quota: {max_workspaces: 7}
  - email: ada@example.com
    role: admin
  - email: Lin@example.com
workspaces:
  - name: Research
    owner: Grace@example.com
    members:
      - email: lin@example.com
        role: guest
      - email: ada@example.com
    quota: {max_sandboxes: 3}
    llm_quota: {max_rpd: 100}
quota_defaults:
  max_workspaces_per_user: 2
"""


@attrs.frozen
class Server:
    app: Starlette
    client: httpx.AsyncClient
    folder: Path

    async def seed(self, text: str = SEED) -> list[Made]:
        """Make a seed, and return what was made."""
        file, made = self.folder / "seed.yaml", list[Made]()
        file.write_text(text, encoding="utf-8")
        contract = load_contract()
        await make(self.app, contract, read_seed(file, contract), made.append)
        return made

    async def log_in(self, email: str, password: str) -> dict[str, str]:
        account = {"email": email, "password": password}
        answer = await self.client.post("/api/auth/login", json=account)
        assert answer.status_code == 200, answer.text
        self.client.cookies.clear()
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


@asynccontextmanager
async def empty_server(folder: Path) -> AsyncIterator[Server]:
    app = create_app(in_memory(), validate_responses=True)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Server(app, client, folder)


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Server]:
    async with empty_server(tmp_path) as server:
        yield server


async def test_everything_in_the_file_is_made(empty: Server) -> None:
    made = await empty.seed()
    assert [one.what for one in made] == [
        "account ada@example.com, the administrator",
        "account grace@example.com",
        "account Lin@example.com",
        "quota defaults max_workspaces_per_user",
        "quota of grace@example.com",
        "workspace Research of Grace@example.com",
        "member lin@example.com (guest) of Research",
        "member ada@example.com (developer) of Research",
        "quota of Research",
        "llm_quota of Research",
    ]
    passwords = {one.what.split()[1].strip(","): one.password for one in made if one.password}
    assert passwords.keys() == {"ada@example.com", "Lin@example.com"}, "the other one was given"
    ada = await empty.log_in("ada@example.com", passwords["ada@example.com"] or "")
    grace = await empty.log_in("grace@example.com", "nanoseconds")
    listed = (await empty.client.get("/api/workspaces", headers=grace)).json()
    workspace = next(each for each in listed if each["name"] == "Research")
    url = f"/api/workspaces/{workspace['id']}/members"
    members = (await empty.client.get(url, headers=grace)).json()
    assert {each["email"]: each["role"] for each in members} == {
        "grace@example.com": "owner",
        "Lin@example.com": "guest",
        "ada@example.com": "developer",
    }
    quota = await empty.client.get("/api/workspaces/quota", headers=grace)
    assert quota.json()["max"] == 7
    quota = await empty.client.get("/api/workspaces/quota", headers=ada)
    assert quota.json()["max"] == 2


async def test_a_second_time_makes_nothing_and_leaves_what_was_changed(empty: Server) -> None:
    (ada, *_) = await empty.seed()
    session = await empty.log_in("ada@example.com", ada.password or "")
    users = (await empty.client.get("/api/admin/users", headers=session)).json()
    grace = next(each["id"] for each in users if each["email"] == "grace@example.com")
    changes = (
        (f"/api/admin/users/{grace}/role", {"role": "admin"}),
        (f"/api/admin/users/{grace}/quota", {"max_workspaces": 9}),
        ("/api/admin/quotas/defaults", {"max_workspaces_per_user": 8}),
    )
    for url, body in changes:
        answer = await empty.client.put(url, json=body, headers=session)
        assert answer.is_success, answer.text
    assert await empty.seed(SEED.replace("nanoseconds", "another one")) == []
    as_grace = await empty.log_in("grace@example.com", "nanoseconds")
    me = (await empty.client.get("/api/auth/me", headers=as_grace)).json()
    assert me["role"] == "admin"
    quota = (await empty.client.get("/api/workspaces/quota", headers=as_grace)).json()
    assert quota["max"] == 9


async def test_what_is_added_to_the_file_is_made(empty: Server) -> None:
    await empty.seed()
    more = SEED.replace("people:\n", "people:\n  - email: new@example.com\n")
    more = more.replace("    members:\n", "    members:\n      - email: new@example.com\n")
    assert [one.what for one in await empty.seed(more)] == [
        "account new@example.com",
        "member new@example.com (developer) of Research",
    ]


async def test_no_session_is_left_open(empty: Server) -> None:
    await empty.seed()
    count = select(func.count()).select_from(sessions)
    found = await empty.app.state.context.store.read(lambda conn: conn.execute(count).scalars())
    assert found == [0]


async def test_what_the_server_refuses_is_told_with_its_line(empty: Server) -> None:
    with pytest.raises(SettingsError) as refusal:
        await empty.seed(SEED.replace("Grace@", "nobody@"))
    assert str(refusal.value) == (
        f"--seed: {empty.folder / 'seed.yaml'}: line 10: workspaces[0].owner: "
        "is not the address of an account"
    )


WRONG = {
    "people: [": "line 1: must be YAML",
    "[]": "line 1: must have fields: people, workspaces, quota_defaults",
    "person: []": "line 1: person: is unknown; known are people, workspaces, quota_defaults",
    "people: {}": "line 1: people: must be a list",
    "people:\n- password: x": "line 2: people[0].email: is required",
    "people:\n- email: x\n": "line 2: people[0].email: must",
    "people:\n- email: a@example.com\n  password: 12345678": (
        "line 3: people[0].password: must be a string"
    ),
    "people:\n- email: a@example.com\n  role: king": "line 3: people[0].role: must be one of",
    "people:\n- email: a@example.com\n- email: A@example.com": (
        "line 3: people[1]: is the same as people[0]"
    ),
    "people:\n- email: a@example.com\n  quota:\n    max_workspaces: -1": (
        "line 4: people[0].quota.max_workspaces: must be at least 0"
    ),
    "people:\n- email: a@example.com\n  quota: {most: 1}": (
        "line 3: people[0].quota.most: is unknown; known are max_workspaces"
    ),
    "workspaces:\n- name: A": "line 2: workspaces[0].owner: must be the e-mail address",
    "workspaces:\n- owner: a@example.com": "line 2: workspaces[0].name: is required",
    "workspaces:\n- name: A\n  owner: a@example.com\n  members:\n  - role: guest": (
        "line 5: workspaces[0].members[0].email: is required"
    ),
    "workspaces:\n- name: A\n  owner: a@example.com\n  members:\n  - email: A@example.com": (
        "line 5: workspaces[0].members[0]: is the same as workspaces[0].owner"
    ),
}


@pytest.mark.parametrize("text", WRONG)
async def test_a_mistake_is_told_with_file_line_place_and_rule(text: str, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as refusal:
        read_seed(file, load_contract())
    assert str(refusal.value).startswith(f"--seed: {file}: {WRONG[text]}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n"people": }', "line 2: must be JSON"),
        ('{"people": [{"email": "x"}]}', "people[0].email: must"),
    ],
)
async def test_a_mistake_in_json_is_told_too(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match=re.escape(message)):
        read_seed(file, load_contract())


@pytest.mark.parametrize("content", [None, b"\xff"])
async def test_a_file_that_cannot_be_read_is_told(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(f"--seed: {file}: ")):
        read_seed(file, load_contract())


def test_the_command_makes_the_seed_before_it_is_ready(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    file.write_text(json.dumps({"people": [{"email": "ada@example.com"}]}))
    options = ("--seed", str(file), "--log-format", "json")
    with running(tmp_path, *options) as server:
        first = json.loads(server.before[0])
        assert first["made"] == "account ada@example.com, the administrator"
        account = {"email": "ada@example.com", "password": first["password"]}
        assert httpx.post(f"{server.url}/api/auth/login", json=account).status_code == 200
        assert server.stop() == 0
    assert first["password"] not in server.log.read_text()
    with running(tmp_path, *options) as server:
        assert server.before == []
        assert server.stop() == 0


def test_a_wrong_seed_stops_the_start_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text("people:\n- email: ada@example.com\n  rule: admin\n")
    line = refused(tmp_path, "serve", "--port", "0", "--ephemeral", "--seed", str(file))
    assert f"--seed: {file}: line 3: people[0].rule: is unknown" in line


def test_ephemeral_keeps_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "--ephemeral", DATABASE_URL=f"sqlite:///{tmp_path}/a.db") as server:
        assert "data: memory" in server.ready
        assert server.stop() == 0
    assert [each.name for each in tmp_path.iterdir()] == ["stderr.log"]


@pytest.mark.parametrize("option", ["--database-url", "--data-dir"])
def test_ephemeral_is_refused_with_a_place_for_data(tmp_path: Path, option: str) -> None:
    line = refused(tmp_path, "serve", "--ephemeral", option, "sqlite:////tmp/a.db")
    assert f"--ephemeral: keeps nothing, so it cannot be combined with {option}" in line
