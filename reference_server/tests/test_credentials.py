"""Credentials of workspaces: how they are kept, which are refused, and which is the default."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import yaml
from people import ReferenceServer, User, error_of, ok
from sqlalchemy import select

from agentserver_reference.domain import kubeconfig as domain
from agentserver_reference.domain.addresses import checked_address
from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.domain.yaml_values import DEEPEST
from agentserver_reference.storage import credential_bindings, tables
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

SECRET = "eXaMpLe-Secret-0123456789"
CONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "clusters": [{"name": "k", "cluster": {"server": "https://k8s.example.com:6443"}}],
    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    "users": [{"name": "u", "user": {"token": SECRET}}],
}
IS_DEFAULT = "it is the default: make another credential the default first"
NAME_TAKEN = "display_name: another credential of the workspace has it"


def config(**changes: Any) -> str:
    return yaml.safe_dump(CONFIG | changes)


def of_user(**user: Any) -> str:
    return config(users=[{"name": "u", "user": user}])


def of_cluster(**cluster: Any) -> str:
    return config(
        clusters=[{"name": "k", "cluster": {"server": "https://h.example.com", **cluster}}]
    )


@attrs.frozen
class Credentials:
    """The credentials of a workspace, over HTTP."""

    path: str
    owner: User

    async def create(self, name: str, text: str = "") -> dict[str, Any]:
        body = {"display_name": name, "config": text or config()}
        created: dict[str, Any] = ok(await self.owner.request("POST", self.path, body)).json()
        return created

    async def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.owner.read(self.path)
        return rows

    async def names(self) -> list[str]:
        return [row["display_name"] for row in await self.rows()]

    async def defaults(self) -> list[str]:
        return [row["id"] for row in await self.rows() if row["is_default"]]


@pytest.fixture
async def credentials(server: ReferenceServer) -> Credentials:
    owner = await server.create_user("owner@example.com")
    return Credentials(f"/api/workspaces/{await owner.create_workspace()}/credentials/k8s", owner)


# --- keeping --------------------------------------------------------------------------------------


async def test_a_secret_is_stored_encrypted_and_shown_nowhere(
    server: ReferenceServer, credentials: Credentials
) -> None:
    created = await credentials.create("Production")
    (row,) = await credentials.rows()
    assert row == created | {"created_at": row["created_at"]}
    assert created["auth_type"] == "bearer"
    assert created["server_url"] == "https://k8s.example.com:6443"
    assert created["public_meta"] == {}
    stored = await server.store.read(
        lambda conn: Query(select(*tables.credential_bindings.columns)).all(conn)
    )
    assert SECRET not in str(stored) + str(created) + str(row)
    opened = server.context.cipher.decrypt(
        stored[0]["secret_encrypted"],
        row=created["id"],
        column=credential_bindings.SECRET_COLUMN,
    )
    assert json.loads(opened) == {"token": SECRET}


async def test_a_client_certificate_is_kept_with_the_authority_of_the_cluster(
    credentials: Credentials,
) -> None:
    text = yaml.safe_dump(
        {
            "clusters": [
                {
                    "name": "k",
                    "cluster": {
                        "server": "https://h.example.com/path",
                        "certificate-authority-data": "Y2\nE=",
                    },
                }
            ],
            "users": [
                {
                    "name": "u",
                    "user": {"client-certificate-data": "YQ==", "client-key-data": "Yg=="},
                }
            ],
        }
    )
    created = await credentials.create("By certificate", text)
    assert created["auth_type"] == "client_cert"
    assert created["public_meta"] == {"ca_data_b64": "Y2E="}
    read = domain.read_kubeconfig(text, private_allowed=False)
    assert json.loads(read.secret) == {"cert_pem": "a", "key_pem": "b"}


async def test_a_name_is_taken_for_its_kind_and_workspace_only(
    server: ReferenceServer, credentials: Credentials
) -> None:
    for name in ("Production", "production", "Production "):
        await credentials.create(name)
    body = {"display_name": "Production", "config": config()}
    again = await credentials.owner.request("POST", credentials.path, body)
    assert error_of(again) == (409, NAME_TAKEN)
    other = f"/api/workspaces/{await credentials.owner.create_workspace()}/credentials/k8s"
    assert ok(await credentials.owner.request("POST", other, body)).json()["is_default"]
    assert await credentials.names() == ["Production", "production", "Production "]


@pytest.mark.parametrize("kind", ["kubernetes", "K8S", "k8s%20", "%00", "x" * 300])
async def test_an_unknown_kind_is_404_everywhere(credentials: Credentials, kind: str) -> None:
    created = await credentials.create("Production")
    path = credentials.path.replace("k8s", kind)
    one = f"{path}/{created['id']}"
    for method, at, body in (
        ("GET", path, None),
        ("POST", path, {"display_name": "Other", "config": config()}),
        ("POST", path, {"display_name": "Other", "config": "nonsense"}),
        ("PATCH", one, {"display_name": "Other"}),
        ("POST", f"{one}/set-default", None),
        ("DELETE", one, None),
    ):
        answer = await credentials.owner.request(method, at, body)
        assert answer.status_code == 404, (method, at, answer.text)
    assert await credentials.names() == ["Production"]


async def test_a_credential_is_of_its_workspace_only(
    server: ReferenceServer, credentials: Credentials
) -> None:
    created = await credentials.create("Production")
    other = f"/api/workspaces/{await credentials.owner.create_workspace()}/credentials/k8s"
    for method, at, body in (
        ("PATCH", "", {"display_name": "Taken over"}),
        ("PATCH", "", {}),
        ("POST", "/set-default", None),
        ("DELETE", "", None),
    ):
        answer = await credentials.owner.request(method, f"{other}/{created['id']}{at}", body)
        assert error_of(answer) == (404, "credential not found")
    assert await credentials.owner.read(other) == []
    assert await credentials.names() == ["Production"]


# --- the default ----------------------------------------------------------------------------------


async def test_the_first_one_is_the_default_also_of_several_at_once(
    credentials: Credentials,
) -> None:
    made = await asyncio.gather(*(credentials.create(f"Cluster {n}") for n in range(8)))
    first = [each["id"] for each in made if each["is_default"]]
    assert len(first) == 1
    assert await credentials.defaults() == first


async def test_exactly_one_is_the_default_whoever_changes_it_at_once(
    credentials: Credentials,
) -> None:
    made = [(await credentials.create(f"Cluster {n}"))["id"] for n in range(6)]
    for _ in range(3):
        answers = await asyncio.gather(
            *(
                credentials.owner.request("POST", f"{credentials.path}/{each}/set-default")
                for each in made * 2
            )
        )
        assert {each.status_code for each in answers} == {204}
        assert len(await credentials.defaults()) == 1
    for _ in range(2):  # the second time it is so already
        ok(await credentials.owner.request("POST", f"{credentials.path}/{made[3]}/set-default"))
        assert await credentials.defaults() == [made[3]]


async def test_the_default_goes_only_as_the_last_one(credentials: Credentials) -> None:
    first = (await credentials.create("First"))["id"]
    second = (await credentials.create("Second"))["id"]
    refused = await credentials.owner.request("DELETE", f"{credentials.path}/{first}")
    assert error_of(refused) == (409, IS_DEFAULT)
    ok(await credentials.owner.request("POST", f"{credentials.path}/{second}/set-default"))
    ok(await credentials.owner.request("DELETE", f"{credentials.path}/{first}"))
    ok(await credentials.owner.request("DELETE", f"{credentials.path}/{second}"))
    assert (await credentials.create("Third"))["is_default"]


async def test_the_default_is_not_deleted_while_another_one_is_made(
    credentials: Credentials,
) -> None:
    for number in range(5):
        (default,) = await credentials.defaults() or [(await credentials.create("First"))["id"]]
        await asyncio.gather(
            credentials.owner.request("DELETE", f"{credentials.path}/{default}"),
            credentials.create(f"Other {number}"),
        )
        assert len(await credentials.defaults()) == 1


# --- changing -------------------------------------------------------------------------------------


async def test_a_credential_is_renamed_unless_the_name_is_taken(credentials: Credentials) -> None:
    first = (await credentials.create("First"))["id"]
    await credentials.create("Second")

    async def rename(body: dict[str, Any]) -> tuple[int, str]:
        answer = await credentials.owner.request("PATCH", f"{credentials.path}/{first}", body)
        return answer.status_code, answer.text

    assert await rename({"display_name": "Second"}) == (409, f"{NAME_TAKEN}\n")
    for unchanged in ({}, {"display_name": None}, {"display_name": "First"}, {"is_default": False}):
        assert (await rename(unchanged))[0] == 204
    assert await credentials.names() == ["First", "Second"]
    assert (await rename({"display_name": "Renamed"}))[0] == 204
    assert await credentials.names() == ["Renamed", "Second"]
    assert await credentials.defaults() == [first]


async def test_of_two_renames_to_one_name_at_once_one_is_refused(credentials: Credentials) -> None:
    made = [(await credentials.create(f"Cluster {n}"))["id"] for n in range(3)]
    answers = await asyncio.gather(
        *(
            credentials.owner.request(
                "PATCH", f"{credentials.path}/{each}", {"display_name": "Production"}
            )
            for each in made
        )
    )
    assert sorted(each.status_code for each in answers) == [204, 409, 409]


@pytest.mark.parametrize("role", ["guest", "developer"])
async def test_members_list_and_only_maintainers_and_owners_change(
    server: ReferenceServer, credentials: Credentials, role: str
) -> None:
    created = await credentials.create("Production")
    member = await server.create_user("member@example.com")
    members = credentials.path.replace("credentials/k8s", "members")
    body = {"email": member.email, "role": role}
    ok(await credentials.owner.request("POST", members, body))
    assert len(await member.read(credentials.path)) == 1
    one = f"{credentials.path}/{created['id']}"
    for method, path, sent in (
        ("POST", credentials.path, {"display_name": "Other", "config": config()}),
        ("PATCH", one, {"display_name": "Other"}),
        ("POST", f"{one}/set-default", None),
        ("DELETE", one, None),
    ):
        assert (await member.request(method, path, sent)).status_code == 403
    body = {"role": "maintainer"}
    ok(await credentials.owner.request("PUT", f"{members}/{member.id}", body))
    ok(await member.request("PATCH", one, {"display_name": "Other"}))
    outsider = await server.create_user("outsider@example.com")
    assert (await outsider.get(credentials.path)).status_code == 403


async def test_a_workspace_takes_its_credentials_along(
    server: ReferenceServer, credentials: Credentials
) -> None:
    await credentials.create("Production")
    workspace = credentials.path.removesuffix("/credentials/k8s")
    ok(await credentials.owner.request("DELETE", workspace))
    left = await server.store.read(
        lambda conn: Query(select(tables.credential_bindings.c.id)).all(conn)
    )
    assert left == []


# --- what is refused ------------------------------------------------------------------------------

IN_PLACE = "must be given in place, as {}-data: the server has no file of yours"
NO_WAY = "is not supported: give the user a token"
ALIASES = f"users: [&a {{name: u, user: {{token: {SECRET}}}}}, *a]"
EXEC = {"exec": {"command": "aws", "args": ["eks", SECRET]}}

REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "a word": (lambda: SECRET, "must be a mapping"),
    "a list": (lambda: "[]", "must be a mapping"),
    "not YAML": (lambda: f"users:\n- {{token: {SECRET}", "line 3: must be YAML"),
    "a bad escape": (lambda: f'a: "{SECRET}\\q"', "line 1: must be YAML"),
    "two documents": (lambda: f"{config()}---\n{config()}", "must be one document"),
    "an alias": (lambda: ALIASES, "line 1: must not have aliases"),
    "deep": (
        lambda: "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        f"must not be nested more than {DEEPEST} deep",
    ),
    "nothing": (
        lambda: " ",
        "current-context: is required unless there is exactly one cluster",
    ),
    "another version": (lambda: config(apiVersion="v2"), "apiVersion: must be v1"),
    "another kind": (lambda: config(kind="Secret"), "kind: must be Config"),
    "an unknown context": (
        lambda: config(**{"current-context": SECRET}),
        "current-context: must be a name in contexts",
    ),
    "an unknown user": (
        lambda: config(users=[]),
        "contexts[0].context.user: must be a name in users",
    ),
    "an unknown cluster": (
        lambda: config(clusters=[]),
        "contexts[0].context.cluster: must be a name in clusters",
    ),
    "a name twice": (
        lambda: config(users=[{"name": "u"}, {"name": "u"}]),
        "users[1].name: is there twice",
    ),
    "a name that is a boolean": (
        lambda: config().replace("name: u\n", "name: yes\n"),
        "users[0].name: must be a text; put it in quotes",
    ),
    "a token that is a number": (
        lambda: of_user(token=12345),
        "users[0].user.token: must be a text; put it in quotes",
    ),
    "a token with a line break": (
        lambda: of_user(token=f"{SECRET}\nX: y"),
        "users[0].user.token: must be printable ASCII without blanks",
    ),
    "a token with a NUL": (
        lambda: of_user(token=f"{SECRET}\0"),
        "users[0].user.token: must be printable ASCII without blanks",
    ),
    "no user chosen": (
        lambda: config(
            contexts=[], **{"current-context": ""}, users=[*CONFIG["users"], {"name": "b"}]
        ),
        "current-context: is required unless there is exactly one user",
    ),
    "a command": (lambda: of_user(**EXEC, token=SECRET), f"users[0].user.exec: {NO_WAY}"),
    "a provider": (
        lambda: of_user(**{"auth-provider": {"name": SECRET}}),
        f"users[0].user.auth-provider: {NO_WAY}",
    ),
    "a password": (
        lambda: of_user(username="u", password=SECRET, token=SECRET),
        f"users[0].user.username: {NO_WAY}",
    ),
    "a certificate in a file": (
        lambda: of_user(**{"client-certificate": "/c", "client-key": "/k"}),
        f"users[0].user.client-certificate: {IN_PLACE.format('client-certificate')}",
    ),
    "a token in a file": (
        lambda: of_user(tokenFile="/t"),
        "users[0].user: must have a token, or client-certificate-data and client-key-data",
    ),
    "a certificate without a key": (
        lambda: of_user(**{"client-certificate-data": "YQ=="}),
        "users[0].user: must have a token, or client-certificate-data and client-key-data",
    ),
    "a key that is no Base64": (
        lambda: of_user(**{"client-certificate-data": "YQ==", "client-key-data": SECRET}),
        "users[0].user.client-key-data: must be Base64 of a text in UTF-8",
    ),
    "an authority in a file": (
        lambda: of_cluster(**{"certificate-authority": "/ca"}),
        "clusters[0].cluster.certificate-authority: " + IN_PLACE.format("certificate-authority"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_told_by_its_place_without_any_of_it(case: str) -> None:
    text, line = REFUSED[case]
    with pytest.raises(BadRequest) as refused:
        domain.read_kubeconfig(text(), private_allowed=False)
    assert refused.value.line == f"config: {line}"
    assert SECRET not in refused.value.line


async def test_a_config_that_is_refused_is_not_kept_and_not_repeated(
    credentials: Credentials,
) -> None:
    for text in (SECRET, ALIASES, of_user(**EXEC), of_user(username=SECRET)):
        body = {"display_name": "Production", "config": text}
        refused = await credentials.owner.request("POST", credentials.path, body)
        assert error_of(refused)[0] == 400
        assert refused.text.startswith("config: ")
        assert SECRET not in refused.text
    assert await credentials.rows() == []


def test_the_user_of_a_cluster_without_a_current_context_is_that_of_its_context() -> None:
    users = [{"name": each, "user": {"token": f"token-of-{each}"}} for each in ("a", "b")]
    contexts = [
        {"name": "other", "context": {"cluster": "elsewhere", "user": "a"}},
        {"name": "c", "context": {"cluster": "k", "user": "b"}},
    ]
    text = config(users=users, contexts=contexts, **{"current-context": None})
    read = domain.read_kubeconfig(text, private_allowed=False)
    assert json.loads(read.secret) == {"token": "token-of-b"}


# --- addresses ------------------------------------------------------------------------------------

PUBLIC = "must be an address of the public internet"
PRIVATE_HOSTS = [
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1"),
    *("127.0.0.1", "127.255.255.254", "169.254.169.254", "0.0.0.0", "0.1.2.3"),
    *("127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "0"),
    *("[::1]", "[::]", "[fc00::1]", "[fdff::1]", "[fe80::1]", "[febf::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]", "[0:0:0:0:0:0:0:1]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2002:a00:1::1]"),
    *("100.64.0.1", "224.0.0.1", "255.255.255.255", "[ff02::1]", "[2001:db8::1]"),
    *("localhost", "LOCALHOST", "localhost.", "k8s.localhost"),
]
PUBLIC_HOSTS = ["k8s.example.com", "8.8.8.8", "172.32.0.1", "[2600::1]", "[64:ff9b::808:808]"]
BAD_ADDRESSES = {
    "": "must begin with https://",
    "k8s.example.com": "must begin with https://",
    "http://k8s.example.com": "must begin with https://",
    "ftp://k8s.example.com": "must begin with https://",
    "https://": "must name a host",
    "https:///path": "must name a host",
    "https://:443": "must name a host",
    f"https://user:{SECRET}@k8s.example.com": "must not contain a user or a password",
    f"https://{SECRET}@k8s.example.com": "must not contain a user or a password",
    "https://@k8s.example.com": "must not contain a user or a password",
    f"https://k8s.example.com/?token={SECRET}": "must not contain a query or a fragment",
    "https://k8s.example.com/#": "must not contain a query or a fragment",
    **dict.fromkeys(
        (
            *("https://a b", "https://k8s.example.com\\@10.0.0.1", "https://k8s.example.com:99999"),
            *("https://k8s.example.com:0", "https://[::1", "https://[fe80::1%25eth0]"),
            *("https://%31%30.0.0.1", "https://\uff11\uff10.0.0.1", "https://k8s\n.example.com"),
            "https://k8s.example.com/" + "x" * 2048,
        ),
        "must be an address of at most 2048 characters, in ASCII",
    ),
}


def reason(address: str, *, private_allowed: bool = False) -> str | None:
    try:
        checked_address(
            address, field="server", schemes=("https",), private_allowed=private_allowed
        )
    except BadRequest as refusal:
        return refusal.line
    return None


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_a_private_address_is_refused_in_every_spelling_unless_it_is_allowed(host: str) -> None:
    for port in ("", ":6443"):
        address = f"https://{host}{port}/path"
        assert reason(address) == f"server: {PUBLIC}"
        assert reason(address, private_allowed=True) is None


@pytest.mark.parametrize("host", PUBLIC_HOSTS)
def test_an_address_of_the_internet_is_accepted(host: str) -> None:
    assert reason(f"https://{host}:6443") is reason(f"HTTPS://{host}/a/b") is None


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_what_is_no_plain_address_is_refused_without_repeating_it(address: str) -> None:
    for allowed in (False, True):
        told = reason(address, private_allowed=allowed)
        assert told == f"server: {BAD_ADDRESSES[address]}"


async def test_a_cluster_in_a_private_network_is_refused_unless_the_operator_allows_it(
    credentials: Credentials, server: ReferenceServer
) -> None:
    text = of_cluster(server="https://10.0.0.1:6443")
    body = {"display_name": "Inside", "config": text}
    refused = await credentials.owner.request("POST", credentials.path, body)
    assert error_of(refused) == (400, f"config: clusters[0].cluster.server: {PUBLIC}")
    read = domain.read_kubeconfig(text, private_allowed=True)
    assert read.server_url == "https://10.0.0.1:6443"
