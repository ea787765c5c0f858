"""A server that answers from a script over a real socket, and calls that run without any."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agentserver import Client
from agentserver._limits import Phase
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation
from agentserver._transport import Failure, Kind, LogIn, Reply, Runtime, Send, Sleep, drive

CREDENTIAL_VARIABLES = (
    "AGENTSERVER_URL",
    "AGENTSERVER_TOKEN",
    "AGENTSERVER_EMAIL",
    "AGENTSERVER_PASSWORD",
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings and the proxy of the machine that runs the tests."""
    for name in CREDENTIAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# --- a real server --------------------------------------------------------------------------------


@dataclass
class Answer:
    """What the scripted server does with one request."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = "application/json"
    then: str = ""
    """`close` or `hang`: no answer at all; `truncate`: a body that ends too early."""


@dataclass
class Request:
    """A request that the scripted server received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: tuple[str, int]


class ScriptedServer:
    """Answers requests from a script, in the order they come, and keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.by_path: dict[str, Answer] = {}
        self._script: deque[Answer] = deque()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def will(self, *answers: Answer) -> None:
        """Add to the script."""
        self._script.extend(answers)

    def next_answer(self, request: Request) -> Answer:
        """The answer to a request."""
        with self._lock:
            self.requests.append(request)
            if request.path in self.by_path:
                return self.by_path[request.path]
            if self._script:
                return self._script.popleft()
        return Answer(500, b"the script is at its end\n", type="text/plain")

    def stop(self) -> None:
        """Let hanging requests go and shut down."""
        self._over.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                request = Request(self.command, self.path, headers, body, self.client_address)
                answer = scripted.next_answer(request)
                if answer.then in ("close", "hang"):
                    if answer.then == "hang":
                        scripted._over.wait()
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                if answer.body or answer.status != 204:
                    short = 10 if answer.then == "truncate" else 0
                    self.send_header("Content-Length", str(len(answer.body) + short))
                    self.send_header("Content-Type", answer.type)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = answer.then == "truncate"

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A scripted server on a real port."""
    started = ScriptedServer()
    yield started
    started.stop()


@pytest.fixture
def answer() -> type[Answer]:
    """The class of scripted answers."""
    return Answer


# --- calls made by hand ---------------------------------------------------------------------------


def make_call(
    method: str = "GET",
    *,
    id: str = "some_operation",
    path: str = "/api/things",
    security: tuple[str, ...] = (),
    optional: bool = False,
    success: int = 200,
    content: bool = True,
    consumes: bool = False,
    query: tuple[tuple[str, str], ...] = (),
    body: Any = OMIT,
    decode: Callable[..., Any] = lambda wire, decoding: wire,
) -> Call[Any]:
    """A call of an operation that no contract describes."""
    operation = Operation[Any](
        id=id,
        method=method,
        path="/api/things",
        security=security,
        security_optional=optional,
        success={success: decode if content else None},
        errors={},
        consumes=consumes,
    )
    return Call(operation, path, query=query, body=body)


@pytest.fixture
def call() -> Callable[..., Call[Any]]:
    """Makes calls of operations that no contract describes."""
    return make_call


def make_reply(
    status: int = 200, body: Any = "fine", *, type: str = "application/json", **headers: str
) -> Reply:
    """An answer; a body that is no text or bytes is sent as JSON."""
    if not isinstance(body, (str, bytes)) or (type == "application/json" and body == "fine"):
        body = json.dumps(body)
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": type, **named}, (), content)


@pytest.fixture
def reply() -> Callable[..., Reply]:
    """Makes answers."""
    return make_reply


_PHASES: Mapping[str, Phase] = {
    "connect": "connect",
    "tls": "connect",
    "connect timeout": "connect",
    "pool timeout": "pool",
    "write timeout": "write",
}


def make_failure(kind: Kind) -> Failure:
    """No answer, for a reason that has its usual phase."""
    return Failure(kind, _PHASES.get(kind, "read"))


@pytest.fixture
def failure() -> Callable[..., Failure]:
    """Makes what stands for no answer."""
    return make_failure


@dataclass
class Run:
    """What a call did, and how it ended."""

    sent: list[Send] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    result: Any = None
    error: Exception | None = None


class FlowRunner:
    """Runs calls against scripted answers, with a clock of its own and without I/O."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.takes = 0.0
        """Seconds that each sending takes."""
        self.chances = 1.0
        self.ids = 0
        self.runtime = Runtime(
            clock=lambda: self.time,
            now=lambda: 1_800_000_000.0,
            random=lambda: self.chances,
            new_id=self._new_id,
        )

    def _new_id(self) -> str:
        self.ids += 1
        return f"request-{self.ids}"

    def client(self, base_url: str = "https://agents.example", **settings: Any) -> Client:
        """A client that runs by this clock."""
        return Client(base_url, _runtime=self.runtime, **settings)

    def run(
        self, call: Call[Any], *outcomes: Any, client: Client | None = None, **settings: Any
    ) -> Run:
        """Run a call to its end; each request gets the next of `outcomes`."""
        client = client or self.client(**settings)
        run, left = Run(), deque(outcomes)

        def perform(step: Any) -> Any:
            if isinstance(step, Sleep):
                run.slept.append(step.seconds)
                self.time += step.seconds
                return None
            if isinstance(step, LogIn):
                return drive(client._login_flow(step), perform)
            run.sent.append(step)
            self.time += self.takes
            assert left, f"sent {len(run.sent)} times, more often than was answered"
            return left.popleft()

        try:
            run.result = drive(client._flow(call), perform)
        except Exception as error:  # the test looks at it
            run.error = error
        assert not left, f"sent only {len(run.sent)} times; {len(left)} answers are left"
        return run


@pytest.fixture
def flow() -> FlowRunner:
    """Runs calls without I/O."""
    return FlowRunner()
