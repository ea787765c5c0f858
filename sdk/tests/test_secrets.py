"""No credential is seen anywhere: each kind of them, in each way a call can go, in every place."""

from __future__ import annotations

import asyncio
import copy
import gzip
import logging
import pickle
import socket
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from agentserver import (
    AgentserverError,
    AsyncClient,
    Client,
    OutcomeUnknown,
    Secret,
    Timeout,
)
from agentserver._secret import scrub

HERE = Path(__file__).parent
VALUE = "S3CR3T-value-0123456789"
LOGIN = "agentserver-token=" + VALUE + "; Path=/; HttpOnly"

# --- the credential kinds: settings of the client, and what to do with it -------------------------

Use = Callable[[Any, Any], Any]


def _call(**made: Any) -> Use:
    return lambda client, call: client._call(call(**made))


KINDS: dict[str, tuple[dict[str, Any], Use]] = {
    "session": ({"session": VALUE}, _call(security=("sessionCookie",))),
    "token": ({"token": VALUE}, _call(security=("bearerToken",))),
    "password of the client": (
        {"email": "a@example.org", "password": VALUE},
        _call(security=("sessionCookie",)),
    ),
    "password given to login": (
        {},
        lambda client, call: client.auth.login(email="a@example.org", password=VALUE),
    ),
    "password given to register": (
        {},
        lambda client, call: client.auth.register(email="a@example.org", password=VALUE),
    ),
    "session from Set-Cookie": (
        {"email": "a@example.org", "password": "another-password"},
        _call(security=("sessionCookie",)),
    ),
    "session made just now": ({}, _call(method="POST")),
}

# --- the ways a call can go: what the server does -------------------------------------------------

WAYS: dict[str, dict[str, Any]] = {
    "success": {"body": b'{"id": "1", "status": "ok", "email": "a@example.org"}'},
    "connection broken": {"then": "close"},
    "time out": {"then": "hang"},
    "401": {"status": 401, "body": b"unauthorized\n", "type": "text/plain"},
    "500 that echoes": {"status": 500, "body": f"cookie {VALUE}".encode(), "type": "text/plain"},
    "broken JSON": {"body": b'{"token": "' + VALUE.encode() + b'"'},
    "web page": {"body": b"<html>" + VALUE.encode(), "type": "text/html"},
    "404 that echoes in headers": {
        "status": 404,
        "headers": {"Server": VALUE, "X-Request-Id": VALUE, "X-Other": VALUE},
    },
    "problem that echoes": {
        "status": 422,
        "body": b'{"detail": "no ' + VALUE.encode() + b'"}',
        "type": "application/problem+json",
    },
    "503 with an unreadable echo": {
        "status": 503,
        "body": gzip.compress(VALUE.encode())[:-4],
        "headers": {"Content-Encoding": "gzip"},
    },
    "a body that breaks off": {"body": VALUE.encode(), "then": "truncate"},
    "redirect refused": {"status": 302, "headers": {"Location": "ftp://x/" + VALUE}},
    "redirect without end": {"status": 307, "headers": {"Location": "/x?" + VALUE}},
    "not connected": {},
}


def places(error: BaseException | None, *objects: Any) -> Iterator[tuple[str, str]]:
    """Every text in which a credential could be found, and where it is."""
    for thing in objects:
        yield f"repr of {type(thing).__name__}", repr(thing)
        yield f"str of {type(thing).__name__}", str(thing)
        yield from reachable(thing, type(thing).__name__)
    seen: set[int] = set()
    chain = [error]
    while chain:
        current = chain.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        chain += [current.__cause__, current.__context__]
        yield "repr of error", repr(current)
        yield "str of error", str(current)
        yield "args of error", repr(current.args)
        yield "vars of error", repr(vars(current))
        yield "printed", "".join(traceback.format_exception(current))
        yield "pickle of error", pickle.dumps(current).decode("latin-1")
        for frame, line in traceback.walk_tb(current.__traceback__):
            if Path(frame.f_code.co_filename).parent == HERE:
                continue
            for name, value in frame.f_locals.items():
                where = f"{frame.f_code.co_filename}:{line} local {name}"
                yield where, shown(value)
                yield from reachable(value, where)


def shown(value: Any) -> str:
    """The repr, where there is one: an object that was refused half made may have none."""
    try:
        return repr(value)
    except AttributeError:
        return ""


_CODE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType)


def reachable(thing: Any, at: str) -> Iterator[tuple[str, str]]:
    """The texts that a debugger finds from an object: in attributes, items and suspended frames."""
    seen: dict[int, Any] = {}
    left: list[tuple[str, Any]] = [(at, thing)]
    while left:
        where, value = left.pop()
        if id(value) in seen or isinstance(value, _CODE):
            continue
        seen[id(value)] = value
        if isinstance(value, (str, bytes, bytearray)):
            yield where, value if isinstance(value, str) else bytes(value).decode("latin-1")
            continue
        found: dict[str, Any] = {}
        if isinstance(value, dict):
            found = {f"key {n}": key for n, key in enumerate(value)}
            found |= {f"[{shown(key)}]": item for key, item in value.items()}
        elif isinstance(value, (list, tuple, set, frozenset, deque)):
            found = {f"[{n}]": item for n, item in enumerate(value)}
        elif not type(value).__module__.startswith(("pytest", "_pytest", "sdk.tests")):
            found = dict(getattr(value, "__dict__", {}))
            for cls in type(value).__mro__:
                for name in getattr(cls, "__slots__", ()):
                    found[name] = getattr(value, name, None)
            for frame in ("gi_frame", "cr_frame", "ag_frame"):
                found |= getattr(getattr(value, frame, None), "f_locals", {})
            found["__self__"] = getattr(value, "__self__", None)
        left += [(f"{where} > {name}", each) for name, each in found.items()]


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_credential_is_seen_in_any_place(
    kind, way, asynchronous, server, answer, call, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    settings, use = KINDS[kind]
    if kind == "session from Set-Cookie":
        server.will(answer(headers={"Set-Cookie": LOGIN}))
    with_cookie = {"Set-Cookie": LOGIN, **WAYS[way].get("headers", {})}
    server.will(*[answer(**{**WAYS[way], "headers": with_cookie})] * 6)
    url = closed_port() if way == "not connected" else server.url
    settings = {
        **settings,
        "timeout": Timeout(read=0.05) if way == "time out" else Timeout(),
        "max_retries": 0,
    }
    error: AgentserverError | None = None
    try:
        if asynchronous:
            client: Any = AsyncClient(url, **settings)
            asyncio.run(used_async(client, use, call))
        else:
            client = Client(url, **settings)
            with client:
                use(client, call)
    except AgentserverError as caught:
        error = caught
    # A login whose own answer is a success goes on to the call, which the script then answers.
    assert (error is None) == (way == "success"), f"{kind}, {way}: {error!r}"

    logged = [("log", record.getMessage() + repr(vars(record))) for record in caplog.records]
    for where, text in [*places(error, client, client._options), *logged]:
        assert VALUE not in text, f"{kind}, {way}: the credential is in {where}"


async def used_async(client: Any, use: Use, call: Any) -> None:
    async with client:
        await use(client, call)


USED = {kind: KINDS[kind] for kind in ("session", "token", "password of the client")}


@pytest.mark.parametrize("kind", USED)
@pytest.mark.parametrize("then", ["hang", "truncate"])
def test_no_credential_is_seen_from_a_cancelled_call(kind, then, server, answer, call) -> None:
    given, use = KINDS[kind]
    by_login = {"Set-Cookie": LOGIN} if kind.startswith("password") else {}
    server.will(*[answer(503, headers={"Retry-After": "30"})] * 2)
    server.will(*[answer(body=VALUE.encode(), then=then, headers=by_login)] * 5)

    async def main() -> None:
        async with AsyncClient(server.url, **given) as client:
            task = asyncio.ensure_future(use(client, call))
            while not server.requests:  # noqa: ASYNC110  # it is filled by a thread
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            for where, text in places(caught.value, client):
                assert VALUE not in text, where

    asyncio.run(main())


@pytest.mark.parametrize("kind", USED)
def test_no_credential_is_seen_from_an_interrupted_call(kind, server, answer, call) -> None:
    given, use = KINDS[kind]
    by_login = {"Set-Cookie": LOGIN} if kind.startswith("password") else {}
    server.will(*[answer(headers=by_login)] * 2)

    with Client(server.url, **given) as client, pytest.MonkeyPatch.context() as patch:
        use(client, call)
        patch.setattr(socket.socket, "recv", lambda *_: raise_(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt) as caught:
            use(client, call)
        for where, text in places(caught.value, client):
            assert VALUE not in text, where


def raise_(error: type[BaseException]) -> NoReturn:
    raise error


@pytest.mark.parametrize(
    "proxy", [f"http://user:{VALUE}@[", f"socks5://user:{VALUE}@proxy.example"]
)
def test_a_proxy_that_cannot_be_used_is_not_seen(proxy) -> None:
    with (
        Client("https://h.example", proxy=proxy) as client,
        pytest.raises(AgentserverError) as caught,
    ):
        client.health.check()
    for where, text in places(caught.value, client):
        assert VALUE not in text, where


def test_the_search_for_credentials_finds_one_where_there_is_one() -> None:
    class Leaky(Exception):
        """Keeps what it must not."""

    try:
        try:
            raise Leaky(VALUE)
        except Leaky as leak:
            raise OutcomeUnknown("words") from leak
    except OutcomeUnknown as error:
        # Pickling a local class fails; what is looked at here comes before.
        found = places(error)
        assert any(VALUE in text for _, text in (next(found) for _ in range(12)))


def test_every_setting_that_may_hold_a_credential_is_hidden_when_another_is_wrong() -> None:
    secrets = dict.fromkeys(("session", "token", "password"), VALUE)
    wrong = [
        {"timeout": None},
        {"deadline": 0},
        {"retry": "never"},
        {"email": 7},
        {"proxy": "gopher://u:" + VALUE + "@p"},
        {"base_url": "https://u:" + VALUE + "@h"},
    ]
    for one in wrong:
        settings = {"base_url": "https://h.example", "email": "e", **secrets, **one}
        with pytest.raises(AgentserverError) as caught:
            Client(**settings)
        for where, text in places(caught.value):
            assert VALUE not in text, f"{one}: in {where}"


def test_a_proxy_password_is_not_seen() -> None:
    client = Client("https://h.example", proxy=f"http://user:{VALUE}@127.0.0.1:1", max_retries=0)
    with client, pytest.raises(AgentserverError) as caught:
        client.health.check()
    for where, text in places(caught.value, client):
        assert VALUE not in text, where


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_client_refuses_to_pickle_and_to_be_copied(client) -> None:
    made = client("https://h.example", session=VALUE)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="does not pickle"):
            leave(made)


# --- the type -------------------------------------------------------------------------------------


def test_a_secret_is_seen_only_when_asked() -> None:
    secret = Secret(VALUE)
    assert secret.reveal() == VALUE
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>5}", f"{secret:>5}"):
        assert text.strip() == "***"
    assert not hasattr(secret, "__dict__")
    assert VALUE not in repr(secret._reveal)


def test_a_secret_does_not_pickle_and_copies_to_itself() -> None:
    secret = Secret(VALUE)
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(secret)
    assert copy.copy(secret) is copy.deepcopy([secret])[0] is secret


def test_secrets_are_equal_by_value() -> None:
    assert Secret("é\ud800") == Secret("é\ud800")
    assert Secret(Secret("a")) == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_what_is_no_string_is_no_secret() -> None:
    with pytest.raises(ValueError, match="not bytes"):
        Secret(b"bytes")  # type: ignore[arg-type]


def test_scrubbing_leaves_words_alone() -> None:
    assert scrub("a token: abcd", [Secret("a"), Secret("abcd")]) == "a token: ***"
