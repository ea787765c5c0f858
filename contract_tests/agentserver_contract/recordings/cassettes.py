"""Every operation once through the SDK, kept as a cassette of vcrpy, and played back from one.

A cassette holds no secret: what logs in, what a session is, and keys are replaced before it is
written, in requests and in answers.
"""

from __future__ import annotations

import http
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agentserver import AgentserverError, Conflict
from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.contract.roles import ENDS_ITS_SESSION, caller_of
from agentserver_contract.fixtures.accounts import TEAM, People
from agentserver_contract.fixtures.examples import COLLEAGUE, NoExample, Scene, set_scene
from agentserver_contract.http.differential import Differential
from agentserver_contract.http.guard import Refused
from agentserver_contract.http.messages import HIDDEN, SESSION_COOKIE, Answer, Request
from agentserver_contract.http.sdk_calls import Inexpressible, express, method_of
from agentserver_contract.http.target import Target
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "cassette"
HOST = "http://agentserver.test"
"""In the place of the recorded server's own address."""
SECRET_FIELDS = frozenset({"password", "api_key"})

_SESSION = re.compile(rf"({re.escape(SESSION_COOKIE)}=)[^;\s]+")
# What belongs to one connection, or says more of the recording machine than of the server.
_LEFT_OUT = frozenset({"accept-encoding", "connection", "content-length", "host", "user-agent"})
# Creating comes first, removing last, and the session ends last of all.
_ORDER = {"POST": 0, "PUT": 1, "PATCH": 1, "GET": 2, "DELETE": 3}


class CassetteError(ValueError):
    """A file is no cassette."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    request: Request
    answer: Answer


@dataclass(frozen=True)
class Cassette:
    """Exchanges, and the server that they are with."""

    source: str
    exchanges: Sequence[Exchange]


@dataclass
class Recorder:
    """Watches a target, and keeps what passes while it is on."""

    exchanges: list[Exchange] = field(default_factory=list)
    _on: bool = False

    def start(self) -> None:
        """Keep what comes from now on."""
        self._on = True

    def stop(self) -> None:
        """Keep nothing more."""
        self._on = False

    def before(self, request: Request) -> None:
        """A request is kept with its answer."""

    def after(self, request: Request, answer: Answer) -> None:
        """Keep an exchange without its secrets."""
        if self._on:
            self.exchanges.append(scrubbed(Exchange(request, answer)))


def walk(
    target: Target, people: People, contract: Contract, told: Callable[[str], None]
) -> list[str]:
    """Call every operation through the SDK, as somebody who may.

    Args:
        target: The server.
        people: Who calls.
        contract: Whose operations are called, each with its example.
        told: Takes a line for each call.

    Returns:
        The operations that were answered otherwise than the contract has it for such a call.
    """
    missed: list[str] = []
    members = {role: role for role in TEAM if role != "owner"}
    scene = set_scene(
        contract, people, "owner", {**members, COLLEAGUE: "developer"}, people[ENDS_ITS_SESSION]
    )
    for operation in sorted(contract.operations.values(), key=_turn):
        try:
            _walk(target, people, scene, operation)
            told(f"{operation.id}: recorded")
        except Refused as refusal:
            told(f"{operation.id}: not recorded: {refusal}")
        except Conflict as error:
            told(f"{operation.id}: recorded as {error.status_code}: {error.message}")
            if operation.id != "register_user":  # an earlier run may have registered it
                missed.append(operation.id)
        except (AgentserverError, NoExample, Inexpressible) as error:
            told(f"{operation.id}: {error}")
            missed.append(operation.id)
    return missed


def _walk(target: Target, people: People, scene: Scene, operation: Operation) -> None:
    caller = caller_of(operation)
    session = people[caller].session if caller is not None else None
    request = scene.request(operation, session)
    with target.client(session=session) as client:
        method = method_of(client, operation)
        arguments = express(scene.contract, operation, request, method).arguments
        method(**arguments)


def _turn(operation: Operation) -> tuple[bool, int, int]:
    """Whoever is needed by others goes first, whatever removes goes last and inside out."""
    return (
        operation.id == "logout",
        _ORDER.get(operation.method, 1),
        -len(operation.path) if operation.method == "DELETE" else len(operation.path),
    )


def scrubbed(exchange: Exchange) -> Exchange:
    """An exchange without secrets, and without what is of one connection only."""
    request, answer = exchange.request, exchange.answer
    return Exchange(
        Request(
            request.method,
            request.target,
            {name: _hidden(name, value) for name, value in _kept(request.headers)},
            _without_secrets(request.body),
        ),
        Answer(
            answer.status,
            {
                name: tuple(_hidden(name, value) for value in values)
                for name, values in _kept(answer.headers)
            },
            _without_secrets(answer.body) or b"",
        ),
    )


def _kept(headers: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in headers.items() if name not in _LEFT_OUT)


def _hidden(name: str, value: str) -> str:
    if name in ("cookie", "set-cookie"):
        return _SESSION.sub(rf"\g<1>{HIDDEN}", value)
    return HIDDEN if name in ("authorization", "proxy-authorization") else value


def _without_secrets(body: bytes | None) -> bytes | None:
    """A JSON body with its secret fields replaced; any other as it is, as no secret travels so."""
    try:
        value = json.loads(body or b"")
    except ValueError:
        return body
    hidden = _replaced(value)
    return body if hidden == value else json.dumps(hidden).encode()


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN if name in SECRET_FIELDS and item else _replaced(item)
            for name, item in value.items()
        }
    return [_replaced(item) for item in value] if isinstance(value, list) else value


def text(exchanges: Iterable[Exchange], source: str) -> str:
    """A cassette in the form of vcrpy, with its source in the metadata."""
    document = {
        "version": 1,
        "metadata": {"source": source},
        "interactions": [_interaction(scrubbed(exchange)) for exchange in exchanges],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _interaction(exchange: Exchange) -> dict[str, Any]:
    request, answer = exchange.request, exchange.answer
    return {
        "request": {
            "method": request.method,
            "uri": f"{HOST}{request.target}",
            "body": _written(request.body) if request.body else None,
            "headers": {name: [value] for name, value in request.headers.items()},
        },
        "response": {
            "status": {"code": answer.status, "message": _phrase(answer.status)},
            "headers": {name: list(values) for name, values in answer.headers.items()},
            "body": {"string": _written(answer.body)},
        },
    }


def _written(body: bytes) -> str | bytes:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""


def read(path: Path) -> Cassette:
    """The cassette in a file, of this tool or of vcrpy itself.

    Raises:
        CassetteError: It is none.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        source = (document.get("metadata") or {}).get("source", "an unnamed server")
        return Cassette(str(source), [_exchange(each) for each in document["interactions"]])
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CassetteError(f"{path}: {' '.join(str(error).split())}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CassetteError(f"{path}: no cassette: {error!r}") from None


def _exchange(interaction: Mapping[str, Any]) -> Exchange:
    request, response = interaction["request"], interaction["response"]
    target = re.sub(r"^https?://[^/?#]*", "", request["uri"]) or "/"
    return Exchange(
        Request(
            request["method"],
            target,
            {name.lower(): values[0] for name, values in request["headers"].items()},
            _bytes(request["body"]) or None,
        ),
        Answer(
            int(response["status"]["code"]),
            {name.lower(): tuple(values) for name, values in response["headers"].items()},
            _bytes(response["body"]["string"]),
        ),
    )


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def play(contract: Contract, cassette: Cassette) -> LayerResult:
    """Say every request of a cassette through the SDK, and decode its answer, strict and lenient.

    The request that the SDK makes must be the recorded one, and what it understands must be what
    the answer says; both clients are tried. An answer that strictness refuses breaks the contract;
    one that is refused without it as well cannot be read at all.
    """
    result = LayerResult(NAME)
    started = time.monotonic()
    with Differential(contract, async_share=1) as differential:
        for exchange in cassette.exchanges:
            operation = contract.operation_at(exchange.request.method, exchange.request.path)
            if operation is None:
                result.notes["a request that is no operation of the contract"] += 1
                continue
            result.cases[operation.id] += 1
            result.statuses[operation.id, exchange.answer.status] += 1
            for check, detail in _wrong(differential, operation, exchange):
                result.add(_finding(operation, exchange, check, detail))
    result.seconds = time.monotonic() - started
    return result


_PROMISES: Mapping[str, str] = {
    "parity": "the SDK sends and understands what was recorded",
    "documented status": "the status is a documented one",
    "strict decoding": "the answer is as the contract has it",
    "lenient decoding": "the SDK can read the answer",
}


def _wrong(
    differential: Differential, operation: Operation, exchange: Exchange
) -> Iterator[tuple[str, str]]:
    """What does not hold of an exchange, with what tells it."""
    request, answer = exchange.request, exchange.answer
    for divergence in differential.compare(operation, request, answer, valid=True):
        yield "parity", str(divergence)
    if answer.status not in operation.responses:
        yield "documented status", f"{answer.status} is not among {sorted(operation.responses)}"
        return
    for strict, check in ((True, "strict decoding"), (False, "lenient decoding")):
        try:
            refused = differential.refusal(operation, request, answer, strict=strict)
        except Inexpressible:
            return  # told above
        if refused:
            yield check, refused


def _finding(operation: Operation, exchange: Exchange, check: str, detail: str) -> Finding:
    request, answer = exchange.request, exchange.answer
    place = "/x-sdk" if check == "parity" else f"/responses/{answer.status}"
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=_PROMISES[check],
        contract=f"{operation.pointer}{place}",
        detail=detail,
        sent=request.as_curl(HOST),
        came=answer.as_text(),
        replay="",
        check=check,
        request=request,
        answer=answer,
    )
