"""Starting and stopping the command, as a process of its own."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from databases import CHEAPEST, KEY

COMMAND = [sys.executable, "-m", "agentserver_reference"]
ACCOUNT = {"email": "alice@example.com", "password": "correct horse"}
PATIENCE = 60


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """A plain environment, whose user's data directory is in `folder`."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH", "SYSTEMROOT")}
    return {
        **kept,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "share"),
        "AGENTSERVER_PASSWORD_COST": CHEAPEST,
        **variables,
    }


class Server:
    """A running server: what it said on stdout, and how to end it."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.log = folder / "stderr.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--port", "0", *options],
                env=environment(folder, **variables),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        self.ready = self.process.stdout.readline()
        self.before: list[str] = []
        """The lines that it printed before it was ready."""
        while "seed" in self.ready and "listen" not in self.ready:
            self.before.append(self.ready)
            self.ready = self.process.stdout.readline()
        found = re.search(r"http://[^\s,\")]+", self.ready)
        assert found, f"no ready line but {self.ready!r}; stderr: {self.log.read_text()}"
        self.url = found[0].removesuffix("/docs")

    def stop(self) -> int:
        self.process.terminate()
        assert self.process.stdout
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code


@contextmanager
def running(folder: Path, *options: str, **variables: str) -> Iterator[Server]:
    server = Server(folder, *options, **variables)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(PATIENCE)
        if server.process.stdout:
            server.process.stdout.close()


def refused(folder: Path, *arguments: str, **variables: str) -> str:
    """The one line of a start that must fail."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert done.stderr.startswith("agentserver-reference: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_serve_needs_no_configuration_and_keeps_its_state(tmp_path: Path) -> None:
    database = tmp_path / "share" / "agentserver" / "agentserver.db"
    with running(tmp_path) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert str(database) in server.ready
        assert "\x1b" not in server.ready, "no colour where there is no terminal"
        registered = httpx.post(f"{server.url}/api/auth/register", json=ACCOUNT)
        assert registered.status_code == 201
        assert server.stop() == 0
    key = database.with_name("secret.key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert database.parent.stat().st_mode & 0o777 == 0o700
    before = key.read_bytes()
    with running(tmp_path) as server:
        assert httpx.post(f"{server.url}/api/auth/login", json=ACCOUNT).status_code == 200
        assert server.stop() == 0
    assert key.read_bytes() == before


RARELY_NEEDED = {
    *("alembic", "authlib", "google.protobuf", "httpx", "joserfc", "websockets", "yaml"),
    *("asyncpg", "sqlalchemy.dialects.postgresql"),
    "cryptography.hazmat.primitives.serialization",
}
"""What only some servers import, and these not before they need it."""


def test_a_start_imports_only_what_every_server_needs(tmp_path: Path) -> None:
    for _ in range(2):  # on a new database, and on one that is there
        with running(tmp_path, PYTHONPROFILEIMPORTTIME="1") as server:
            assert httpx.get(f"{server.url}/healthz").status_code == 200
            assert server.stop() == 0
        log = server.log.read_text().splitlines()
        imported = {line.rpartition("|")[2].strip() for line in log if "import time:" in line}
        assert {"starlette.applications", "sqlalchemy"} <= imported
        assert not imported & RARELY_NEEDED


def test_the_ready_line_is_json_where_the_log_is(tmp_path: Path) -> None:
    with running(tmp_path, "--log-format", "json", "--database-url", "sqlite://") as server:
        ready = json.loads(server.ready)
        headers = {"X-Request-Id": "mine", "Cookie": "agentserver-token=s3cret"}
        url = f"{ready['url']}/api/workspaces?password=s3cret"
        assert httpx.get(url, headers=headers).status_code == 401
        assert server.stop() == 0
    assert ready == {"event": "listening", "url": server.url, "database": "memory"}
    text = server.log.read_text()
    answered = next(e for e in map(json.loads, text.splitlines()) if e["message"] == "answered")
    assert (answered["request_id"], answered["status"]) == ("mine", 401)
    assert (answered["method"], answered["path"]) == ("GET", "/api/workspaces")
    assert "s3cret" not in text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that only talk to it."""
    with running(tmp_path_factory.mktemp("server"), "--database-url", "sqlite://") as started:
        yield started
        assert started.stop() == 0


def test_internal_routes_have_a_listener_of_their_own(tmp_path: Path) -> None:
    options = ("--ephemeral", "--internal-listen", "127.0.0.1:0")
    with running(tmp_path, *options, INTERNAL_API_SECRET="between-us") as server:
        told = re.search(r"internal: (http://127\.0\.0\.1:\d+)", server.ready)
        assert told, server.ready
        secret = {"X-Internal-Secret": "between-us"}
        path = "/internal/traces?workspace_id=w"
        assert httpx.get(told[1] + path, headers=secret).json() == {"total": 0, "traces": []}
        assert httpx.get(told[1] + path).status_code == 401
        assert httpx.get(server.url + path, headers=secret).status_code == 404
        assert server.stop() == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(told[1] + path)


def test_a_taken_internal_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = refused(
            tmp_path, "serve", "--internal-listen", address, INTERNAL_API_SECRET="between-us"
        )
    assert "--internal-listen: cannot listen on 127.0.0.1 port " in line


def test_the_server_does_not_say_what_it_runs_on(server: Server) -> None:
    answer = httpx.get(f"{server.url}/healthz")
    assert answer.status_code == 200
    assert "server" not in answer.headers


def test_a_chunked_body_is_bounded_and_the_server_goes_on(server: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    try:
        refusal = httpx.post(f"{server.url}/api/auth/login", content=chunks())
    except httpx.WriteError:
        pass  # the server hung up while the rest was still being sent
    else:
        assert refusal.status_code == 413
        assert refusal.headers["connection"] == "close"
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_quoted_path_stays_quoted_over_a_real_socket(server: Server) -> None:
    httpx.post(f"{server.url}/api/auth/register", json=ACCOUNT)
    login = httpx.post(f"{server.url}/api/auth/login", json=ACCOUNT)
    headers = {"Cookie": login.headers["set-cookie"].partition(";")[0]}
    for segment in ("..%2F..%2Fhealthz", "%00", "%FF"):
        answer = httpx.get(f"{server.url}/api/workspaces/{segment}", headers=headers)
        assert (answer.status_code, answer.text) == (403, "not a workspace member\n"), segment


def test_a_request_in_flight_finishes_after_sigterm(tmp_path: Path) -> None:
    body = json.dumps(ACCOUNT).encode()
    head = f"POST /api/auth/register HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with running(tmp_path) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            connection.sendall(head.encode() + body[:10])
            # Another request, answered: the server has read what was sent before it.
            assert httpx.get(f"{server.url}/healthz").status_code == 200
            server.process.terminate()
            wait_until_refused(host, int(port))
            connection.sendall(body[10:])
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert server.process.wait(PATIENCE) == 0


def test_an_answer_that_a_client_reads_slowly_is_sent_whole_after_sigterm(tmp_path: Path) -> None:
    path = "/docs/swagger-ui-bundle.js"
    with running(tmp_path, "--database-url", "sqlite://") as server:
        expected = httpx.get(f"{server.url}{path}").content
        host, port = server.url.removeprefix("http://").split(":")
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE)
            connection.connect((host, int(port)))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            received = connection.recv(1)  # the answer has begun, and is far too long for a buffer
            server.process.terminate()
            wait_until_refused(host, int(port))
            while data := connection.recv(65536):
                received += data
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert len(expected) > 1_000_000
        assert body == expected
        assert server.process.wait(PATIENCE) == 0


def wait_until_refused(host: str, port: int) -> None:
    """Return once the server takes no new connections; each attempt is one it may answer."""
    deadline = threading.Event()
    timer = threading.Timer(PATIENCE, deadline.set)
    timer.start()
    try:
        while not deadline.is_set():
            try:
                socket.create_connection((host, port), PATIENCE).close()
            except OSError:
                return
        pytest.fail("the server still listens after SIGTERM")
    finally:
        timer.cancel()


def test_a_taken_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(tmp_path, "serve", "--port", port)
    assert f"--port: cannot listen on 127.0.0.1 port {port} (Address already in use)" in line


def test_a_data_folder_that_cannot_be_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = refused(tmp_path, "serve", "--port", "0", "--data-dir", str(tmp_path / "file" / "data"))
    assert "--data-dir: " in line


def test_a_newer_database_is_refused_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path, "--data-dir", str(tmp_path)) as server:
        assert server.stop() == 0
    with sqlite3.connect(tmp_path / "agentserver.db") as database:
        database.execute("UPDATE installation SET schema_version = 999")
    database.close()
    line = refused(tmp_path, "serve", "--port", "0", "--data-dir", str(tmp_path))
    assert "schema version 999" in line


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("serve", "--port", "high"), {}, "--port: must be a number"),
        (("serve", "--host", "no such host"), {}, "--host: no such host is not an address"),
        (("serve", "--database-url", "mysql://x/y"), {}, "--database-url: must be sqlite"),
        (("serve", "--database-url", "postgresql://x/y"), {}, "AGENTSERVER_ENCRYPTION_KEY: is"),
        (("serve", "--nonsense"), {}, "unrecognized arguments: --nonsense"),
        ((), {}, "arguments are required: COMMAND"),
        (("dance",), {}, "invalid choice: 'dance'"),
        (("serve",), {"AGENTSERVER_PROT": "1"}, "AGENTSERVER_PROT: is not a setting"),
        (("serve",), {"AGENTSERVER_PUBLIC_URL": "x"}, "AGENTSERVER_PUBLIC_URL: must be an http"),
    ],
)
def test_a_start_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    assert said in refused(tmp_path, *arguments, **variables)


def test_an_unreachable_postgresql_is_refused_in_one_line_without_its_password(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"postgresql://me:hunter2@127.0.0.1:{port}/db"
    options = ("--port", "0", "--database-url", url)
    line = refused(tmp_path, "serve", *options, AGENTSERVER_ENCRYPTION_KEY=KEY)
    assert "hunter2" not in line


def said(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_command_has_help_and_the_server_tells_its_version(tmp_path: Path) -> None:
    assert "serve" in said(tmp_path, "--help")
    assert said(tmp_path, "--version").startswith("agentserver-reference ")
    text = said(tmp_path, "serve", "--help")
    for word in ("--database-url", "[DATABASE_URL]", "PASSWORD_AUTH_ENABLED", "IDLE_TIMEOUT"):
        assert word in text


@pytest.mark.parametrize(("missing", "extra"), [("starlette", "server"), ("asyncpg", "postgres")])
def test_without_its_extra_the_command_names_the_extra(
    tmp_path: Path, missing: str, extra: str
) -> None:
    blocked = (
        f"import sys; sys.modules['{missing}'] = None; "
        "from agentserver_reference.__main__ import main; main(sys.argv[1:])"
    )
    url = "postgresql://me@127.0.0.1/db"
    done = subprocess.run(
        [sys.executable, "-c", blocked, "serve", "--port", "0", "--database-url", url],
        env=environment(tmp_path, AGENTSERVER_ENCRYPTION_KEY=KEY),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert missing in done.stderr
    assert done.stderr.endswith(f"; install agentserver with the extra '{extra}'\n")
    assert done.stderr.count("\n") == 1


def test_what_was_answered_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    answered: list[str] = []
    enough = threading.Event()

    def create_until_the_server_is_gone(url: str, headers: dict[str, str]) -> None:
        with httpx.Client(base_url=url, headers=headers) as client:
            for number in range(10_000):
                try:
                    created = client.post("/api/workspaces", json={"name": f"{number}"})
                except httpx.TransportError:
                    return
                assert created.status_code == 201, created.text
                answered.append(created.json()["id"])
                if number == 20:
                    enough.set()

    with running(tmp_path, QUOTA_MAX_WORKSPACES_PER_USER="0") as server:
        assert httpx.post(f"{server.url}/api/auth/register", json=ACCOUNT).status_code == 201
        session = httpx.post(f"{server.url}/api/auth/login", json=ACCOUNT).headers["set-cookie"]
        headers = {"Cookie": session.partition(";")[0]}
        writer = threading.Thread(
            target=create_until_the_server_is_gone, args=(server.url, headers)
        )
        writer.start()
        assert enough.wait(PATIENCE)
        server.process.kill()  # SIGKILL: nothing of the server's own runs any more
        writer.join(PATIENCE)
    with running(tmp_path) as server:
        listed = httpx.get(f"{server.url}/api/workspaces", headers=headers)
        assert listed.status_code == 200, "the session is kept as well"
        kept = [workspace["id"] for workspace in listed.json()[1:]]
        # One more may have been written whose answer the kill cut off.
        assert kept[: len(answered)] == answered
        assert len(kept) <= len(answered) + 1
        assert server.stop() == 0


def test_a_second_server_on_one_sqlite_file_is_refused_by_name(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        line = refused(tmp_path, "serve", "--port", "0")
        assert f"agentserver.db is used by another server (process {server.process.pid})" in line
        server.process.kill()
        server.process.wait(PATIENCE)
    with running(tmp_path) as server:  # a server that was killed leaves no lock behind
        assert server.stop() == 0


@pytest.fixture
def nothing_ignored() -> Iterator[None]:
    """The signals as a terminal leaves them, also where `nohup` runs the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("nothing_ignored")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_signal_to_stop_ends_the_server_gracefully(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path, "--host", "0.0.0.0", "--database-url", "sqlite://") as server:
        assert server.url.startswith("http://127.0.0.1:"), "an address that works"
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE) == 0
    assert f"stopped pid={server.process.pid}" in server.log.read_text()


def test_sigterm_ends_a_start_whose_database_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/db"
        options = ["serve", "--port", "0", "--database-url", url, "--database-timeout", "300"]
        process = subprocess.Popen(
            [*COMMAND, *options], env=environment(tmp_path, AGENTSERVER_ENCRYPTION_KEY=KEY)
        )
        try:
            connection, _ = silent.accept()
            process.terminate()
            assert process.wait(PATIENCE) == 0
            connection.close()
        finally:
            process.kill()
            process.wait(PATIENCE)


def test_a_terminal_that_lacks_a_letter_does_not_stop_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "d漢"
    variables = {"PYTHONIOENCODING": "cp1252"}
    with running(tmp_path, "--data-dir", str(folder), **variables) as server:
        assert "d\\u6f22" in server.ready
        assert server.stop() == 0


def test_a_closed_pipe_does_not_stop_the_server(tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    reading, writing = os.pipe()
    os.close(reading)
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--database-url", "sqlite://"],
            env=environment(tmp_path),
            stdout=writing,
            stderr=stderr,
        )
    os.close(writing)
    try:
        with watched(log, "started"):
            process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)
    assert "stopped" in log.read_text()
    assert "Traceback" not in log.read_text()


@contextmanager
def watched(log: Path, word: str) -> Iterator[None]:
    """Enter the block once the log has the word."""
    deadline = threading.Event()
    timer = threading.Timer(PATIENCE, deadline.set)
    timer.start()
    try:
        while word not in log.read_text():
            assert not deadline.wait(0.05), log.read_text()
        yield
    finally:
        timer.cancel()
