"""Every parameter that libpq knows in a URL is honoured, or rejected by name."""

import asyncio
import ctypes
import ctypes.util
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from databases import KEY
from sqlalchemy import text

from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import StoreError, StoreUnreachable, open_store
from agentserver_reference.storage.engine import libpq
from agentserver_reference.storage.engine.libpq import KNOWN, PERMITTED, REJECTED, read_url

pytestmark = pytest.mark.anyio

URL = "postgresql://db.example.com/agents"


class Option(ctypes.Structure):
    """`PQconninfoOption` of libpq."""

    _fields_ = (
        ("keyword", ctypes.c_char_p),
        ("envvar", ctypes.c_char_p),
        ("compiled", ctypes.c_char_p),
        ("value", ctypes.c_char_p),
        ("label", ctypes.c_char_p),
        ("dispchar", ctypes.c_char_p),
        ("dispsize", ctypes.c_int),
    )


@pytest.fixture
def libpq_options() -> dict[str, str]:
    """The parameters that this machine's libpq knows, with their defaults."""
    library = ctypes.util.find_library("pq")
    if library is None:
        pytest.skip("no libpq: install Debian's package libpq5")
    defaults = ctypes.CDLL(library).PQconndefaults
    defaults.restype = ctypes.POINTER(Option)
    options, found = defaults(), {}
    for option in options:
        if option.keyword is None:
            return found
        found[option.keyword.decode()] = (option.compiled or b"").decode()
    return found


def test_every_parameter_of_libpq_is_known_and_its_default_is_accepted(
    libpq_options: dict[str, str],
) -> None:
    assert libpq_options.keys() - KNOWN == {"authtype", "tty"} & libpq_options.keys()
    for name in libpq_options.keys() & KNOWN - {"service"}:
        read_url(f"{URL}?{name}={libpq_options[name]}", 5)


@pytest.mark.parametrize("name", sorted(REJECTED))
def test_a_parameter_that_cannot_be_honoured_is_rejected_by_name_without_its_value(
    name: str,
) -> None:
    settings = Settings.from_environment(
        {}, database_url=f"{URL}?{name}=something", encryption_key=KEY
    )
    with pytest.raises(StoreError, match=rf"^DATABASE_URL: {name} is not supported: ") as refused:
        open_store(settings)
    assert "something" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(PERMITTED))
def test_of_some_parameters_certain_values_are_honoured_and_the_others_are_rejected(
    name: str,
) -> None:
    for value in PERMITTED[name][0]:
        assert name not in read_url(f"{URL}?{name}={value}", 5).url
    with pytest.raises(StoreError, match=rf"^DATABASE_URL: {name}=require is not supported: "):
        read_url(f"{URL}?{name}=require", 5)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("", 5), ("10", 10), ("1", 2), ("0", None), ("-1", None)],
)
def test_a_connection_may_take_as_long_as_libpq_allows_it(
    given: str, seconds: float | None
) -> None:
    assert read_url(f"{URL}?connect_timeout={given}", 5).connect_timeout == seconds


@pytest.mark.parametrize("name", ["connect_timeout", "keepalives", *sorted(libpq.SOCKET_OPTIONS)])
def test_a_number_that_is_none_is_rejected_by_name(name: str) -> None:
    with pytest.raises(StoreError, match=rf"^DATABASE_URL: {name}=soon is not a whole number$"):
        read_url(f"{URL}?{name}=soon", 5)


def test_the_url_is_shown_without_any_password() -> None:
    shown = read_url(
        "postgresql://ada:hidden@one.example:1,two.example:2/agents"
        "?password=hidden&sslpassword=hidden&connect_timeout=3",
        5,
    ).shown
    assert shown == "postgresql://ada@one.example:1,two.example:2/agents"


@pytest.mark.parametrize(
    "hosts",
    ["", "db", "db:5432", "a:1,b:2", "a,b", "[::1]:5432,b", "%2Fvar%2Frun:5432", "u:p%40w@a:1,b"],
)
def test_a_url_may_name_several_hosts(hosts: str) -> None:
    given = f"postgresql://{hosts}/agents"
    settings = Settings.from_environment({}, database_url=given, encryption_key=KEY)
    assert settings.resolved_database_url == given
    read_url(given, 5)


@pytest.mark.parametrize("hosts", ["a:port", "a:1:2", "[::1", "a:123456", "a:65536", "a:1,b:99999"])
def test_a_url_with_an_impossible_port_is_rejected(hosts: str) -> None:
    with pytest.raises(SettingsError, match="^--database-url: must be sqlite"):
        Settings.from_environment({}, database_url=f"postgresql://{hosts}/a", encryption_key=KEY)


async def setting(url: str, name: str) -> str:
    """Return a setting of a session that the store opens for a URL."""
    settings = Settings.from_environment({}, database_url=url, encryption_key=KEY)
    store = open_store(settings)
    await store.open()
    try:
        return await store.read(
            lambda conn: conn.execute(
                text("SELECT current_setting(:name)"), {"name": name}
            ).scalar_one()
        )
    finally:
        await store.close()


def also(url: str, parameters: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{parameters}"


@pytest.mark.parametrize(
    ("parameters", "name", "value"),
    [
        ("application_name=my%20server", "application_name", "my server"),
        ("fallback_application_name=mine", "application_name", "mine"),
        ("application_name=a&fallback_application_name=b", "application_name", "a"),
        ("options=-c%20statement_timeout%3D12345", "statement_timeout", "12345ms"),
        ("statement_timeout=12345", "statement_timeout", "12345ms"),
        ("target_session_attrs=read-write", "transaction_read_only", "off"),
        ("client_encoding=auto", "client_encoding", "UTF8"),
        ("sslmode=disable&channel_binding=prefer&gssencmode=disable", "port", None),
    ],
)
async def test_a_session_has_what_the_url_says(
    postgres_url: str, parameters: str, name: str, value: str | None
) -> None:
    found = await setting(also(postgres_url, parameters), name)
    assert found == value or (value is None and found)


async def test_an_unknown_parameter_is_rejected_by_the_server_by_name(postgres_url: str) -> None:
    with pytest.raises(StoreUnreachable, match='unrecognized configuration parameter "misspelt"'):
        await setting(also(postgres_url, "misspelt=1"), "port")


async def test_a_server_without_the_wanted_attribute_is_refused(postgres_url: str) -> None:
    with pytest.raises(StoreUnreachable, match="target attribute") as refused:
        await setting(also(postgres_url, "target_session_attrs=standby"), "port")
    assert "\n" not in str(refused.value)


def parameters_of(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    host = parts.hostname or dict(parse_qsl(parts.query))["host"]
    database = {"dbname": parts.path.lstrip("/"), "host": host, "user": parts.username or ""}
    optional = {"port": str(parts.port or ""), "password": parts.password or ""}
    return database | {name: value for name, value in optional.items() if value}


async def test_a_service_gives_what_the_url_does_not(postgres_url: str, tmp_path: Path) -> None:
    file = tmp_path / "services"
    lines = [f"{name}={value}" for name, value in parameters_of(postgres_url).items()]
    file.write_text("\n".join(["[agents]", *lines, "application_name=from the service"]))
    url = f"postgresql://?service=agents&servicefile={file}"
    assert await setting(url, "application_name") == "from the service"
    assert await setting(f"{url}&application_name=mine", "application_name") == "mine"
    with pytest.raises(StoreError, match="^DATABASE_URL: service=other: is not defined in "):
        await setting(f"postgresql://?service=other&servicefile={file}", "port")


def test_a_parameter_of_a_service_is_rejected_as_one_of_the_url_is(tmp_path: Path) -> None:
    file = tmp_path / "services"
    file.write_text("[agents]\nhost=db\nchannel_binding=require\n")
    with pytest.raises(StoreError, match="^DATABASE_URL: channel_binding=require is not"):
        read_url(f"postgresql://?service=agents&servicefile={file}", 5)
    file.write_text("no section")
    with pytest.raises(StoreError, match="is not a service file"):
        read_url(f"postgresql://?service=agents&servicefile={file}", 5)


@asynccontextmanager
async def over_tcp(url: str) -> AsyncIterator[str]:
    """The URL of a TCP port behind which the PostgreSQL at `url` answers."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if parts.hostname:
            return await asyncio.open_connection(parts.hostname, parts.port or 5432)
        return await asyncio.open_unix_connection(f"{query['host']}/.s.PGSQL.5432")

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await connect()
        try:
            await asyncio.gather(
                copy(reader, server_writer), copy(server_reader, writer), return_exceptions=True
            )
        finally:
            for each in (writer, server_writer):
                each.transport.abort()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        credentials = parts.netloc.rpartition("@")[0]
        yield f"postgresql://{credentials}@127.0.0.1:{port}{parts.path}"


@pytest.mark.parametrize(
    ("parameters", "options"),
    [
        ("", {"SO_KEEPALIVE": 1}),
        ("?keepalives=0&keepalives_idle=7", {"SO_KEEPALIVE": 0}),
        (
            "?keepalives_idle=7&keepalives_interval=3&keepalives_count=4&tcp_user_timeout=9000",
            {
                "SO_KEEPALIVE": 1,
                "TCP_KEEPIDLE": 7,
                "TCP_KEEPINTVL": 3,
                "TCP_KEEPCNT": 4,
                "TCP_USER_TIMEOUT": 9000,
            },
        ),
    ],
)
async def test_sockets_have_the_options_that_the_url_says(
    postgres_url: str,
    parameters: str,
    options: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sockets: list[dict[str, int]] = []
    init = libpq.asyncpg.Connection.__init__

    def recording(
        self: object, protocol: object, transport: asyncio.Transport, *rest: object
    ) -> None:
        raw = transport.get_extra_info("socket")
        sockets.append(
            {
                name: raw.getsockopt(
                    socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP,
                    getattr(socket, name),
                )
                for name in options
            }
        )
        init(self, protocol, transport, *rest)

    monkeypatch.setattr(libpq.asyncpg.Connection, "__init__", recording)
    async with over_tcp(postgres_url) as url:
        await setting(url + parameters, "port")
    assert sockets
    assert all(found == options for found in sockets)


async def test_tls_that_the_server_does_not_have_is_an_error_and_not_left_out(
    postgres_url: str,
) -> None:
    async with over_tcp(postgres_url) as url:
        assert await setting(f"{url}?sslmode=prefer", "port")
        with pytest.raises(StoreUnreachable, match="SSL"):
            await setting(f"{url}?sslmode=require", "port")


async def test_the_next_host_is_tried_when_one_does_not_answer(postgres_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with over_tcp(postgres_url) as url:
        credentials, _, rest = url.removeprefix("postgresql://").rpartition("@")
        assert await setting(f"postgresql://{credentials}@127.0.0.1:{port},{rest}", "port")
