"""Every operation once through the SDK, recorded as a cassette of vcrpy, and replayed from one.

A cassette contains no secrets: passwords, sessions and keys are replaced before it is written, in
requests and in responses. Neither does it contain addresses and names of people who are not the
run's own accounts.
"""

from __future__ import annotations

import http
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agentserver import AgentserverError, NotSupported, StatusError
from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.data.tables import is_exception, status_of_nothing
from agentserver_contract.fixtures.accounts import LEAVER, Accounts, is_of_a_run
from agentserver_contract.fixtures.callers import NoCaller, credential_for
from agentserver_contract.fixtures.examples import Examples, NoExample, prepare_examples
from agentserver_contract.fixtures.workspaces import deletes_workspace, team_with
from agentserver_contract.http.credentials import Credentials
from agentserver_contract.http.differential import Differential
from agentserver_contract.http.guard import Blocked
from agentserver_contract.http.messages import (
    HIDDEN,
    SECRET_FIELDS,
    SESSION_COOKIE,
    TOKEN_FIELDS,
    Exchange,
    Request,
    Response,
)
from agentserver_contract.http.sdk_calls import Inexpressible, express, method_of
from agentserver_contract.http.target import Target
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "cassette"
HOST = "http://agentserver.test"
"""Stands for the address of the recorded server."""

SOMEBODY = "somebody@hidden.example"
"""Stands for the address of everybody who is not of the run."""

_ADDRESS = re.compile(r"[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;:]+")
_OF_PEOPLE = frozenset({"name", "picture"})
_SESSION = re.compile(rf"({re.escape(SESSION_COOKIE)}=)[^;\s]+")
_KIND_OF_TOKEN = re.compile(r"[a-z]+_")
_OF_TOKENS = re.compile(r"[0-9A-Za-z]")
# Headers of a connection, or that say more about the recording machine than about the server.
_LEFT_OUT = frozenset({"accept-encoding", "connection", "content-length", "host", "user-agent"})
_ORDER = {"POST": 0, "PUT": 1, "PATCH": 1, "GET": 2, "DELETE": 3}


class CassetteError(ValueError):
    """A file is no cassette."""


@dataclass(frozen=True)
class Cassette:
    """Exchanges, and the server that they are with."""

    source: str
    exchanges: Sequence[Exchange]


@dataclass
class Recorder:
    """A hook of a target that keeps its exchanges while it is on."""

    exchanges: list[Exchange] = field(default_factory=list)
    _on: bool = False

    def start(self) -> None:
        """Keep every exchange from now on."""
        self._on = True

    def stop(self) -> None:
        """Keep no more."""
        self._on = False

    def before(self, request: Request) -> None:
        """A request is kept with its response."""

    def after(self, request: Request, response: Response) -> None:
        """Keep an exchange without its secrets."""
        if self._on:
            self.exchanges.append(scrubbed(Exchange(request, response)))


def record(
    target: Target, accounts: Accounts, contract: Contract, report: Callable[[str], None]
) -> list[str]:
    """Call every operation through the SDK, as an account that may.

    Args:
        target: The server.
        accounts: The accounts of the run.
        contract: The contract, whose operations are called, each with its example.
        report: Takes a line for each call.

    Returns:
        The operations whose response was not a success.
    """
    missed: list[str] = []
    examples = prepare_examples(
        contract,
        accounts,
        owner="owner",
        members=team_with("developer"),
        caller=accounts[LEAVER],
    )
    for operation in sorted(contract.operations.values(), key=_order):
        try:
            _call(target, accounts, examples, operation)
            report(f"{operation.id}: recorded")
        except Blocked as reason:
            report(f"{operation.id}: not recorded: {reason}")
        except StatusError as error:
            report(f"{operation.id}: recorded as {error.status_code}: {error.message}")
            if not _may_be_refused(operation, error):
                missed.append(operation.id)
        except (AgentserverError, NoCaller, NoExample, Inexpressible) as error:
            report(f"{operation.id}: {error}")
            missed.append(operation.id)
    return missed


def _may_be_refused(operation: Operation, error: StatusError) -> bool:
    """What this server does not offer is, what no caller can make, and an address that is taken."""
    return (
        isinstance(error, NotSupported)
        or error.status_code == status_of_nothing(operation.id)
        or is_exception("creates-account", operation.id)
    )


def _call(target: Target, accounts: Accounts, examples: Examples, operation: Operation) -> None:
    credential = credential_for(examples.contract, operation, accounts)
    request = examples.request(operation, credential)
    given = Credentials.of(request)
    with target.client(session=given.session, token=given.token) as client:
        method = method_of(client, operation)
        arguments = express(examples.contract, operation, request, method).arguments
        method(**arguments)


def _order(operation: Operation) -> tuple[bool, int, bool, int]:
    """What creates comes first; what removes comes last, the innermost first."""
    return (
        is_exception("ends-session", operation.id),
        _ORDER.get(operation.method, 1),
        deletes_workspace(operation),
        -len(operation.path) if operation.method == "DELETE" else len(operation.path),
    )


def scrubbed(exchange: Exchange) -> Exchange:
    """An exchange without secrets, and without the headers of its connection."""
    request, response = exchange.request, exchange.response
    return Exchange(
        Request(
            request.method,
            request.target,
            {name: _hidden(name, value) for name, value in _kept(request.headers)},
            _without_secrets(request.body),
        ),
        Response(
            response.status,
            {
                name: tuple(_hidden(name, value) for value in values)
                for name, values in _kept(response.headers)
            },
            _without_secrets(response.body) or b"",
        ),
    )


def _kept(headers: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in headers.items() if name not in _LEFT_OUT)


def _hidden(name: str, value: str) -> str:
    if name in ("cookie", "set-cookie"):
        return _SESSION.sub(rf"\g<1>{HIDDEN}", value)
    if name in ("authorization", "proxy-authorization"):
        return f"{value.partition(' ')[0]} {HIDDEN}"
    return value


def _blank(token: str) -> str:
    """A token of the same form, which fits what the contract says of such tokens."""
    kind = _KIND_OF_TOKEN.match(token)
    start = kind.end() if kind else 0
    return token[:start] + _OF_TOKENS.sub("0", token[start:])


def _without_secrets(body: bytes | None) -> bytes | None:
    """A body with its secret fields replaced, and what says who other people are."""
    try:
        value = json.loads(body or b"")
    except ValueError:
        text = (body or b"").decode("utf-8", "surrogateescape")
        return body and _ADDRESS.sub(_stand_in, text).encode("utf-8", "surrogateescape")
    hidden = _replaced(value)
    return body if hidden == value else json.dumps(hidden).encode()


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        is_of_others = _names_others(value)
        return {
            name: _blank(item)
            if name in TOKEN_FIELDS and isinstance(item, str)
            else HIDDEN
            if item and (name in SECRET_FIELDS or (is_of_others and name in _OF_PEOPLE))
            else _replaced(item)
            for name, item in value.items()
        }
    if isinstance(value, str):
        return _ADDRESS.sub(_stand_in, value)
    return [_replaced(item) for item in value] if isinstance(value, list) else value


def _names_others(value: Mapping[str, Any]) -> bool:
    """Whether an object is about a person who is not of the run, or about something of theirs."""
    inner = (each for each in value.values() if isinstance(each, dict))
    texts = [text for each in (value, *inner) for text in each.values() if isinstance(text, str)]
    found = [address for text in texts for address in _ADDRESS.findall(text)]
    return any(not is_of_a_run(address) for address in found)


def _stand_in(address: re.Match[str]) -> str:
    return address.group() if is_of_a_run(address.group()) else SOMEBODY


def text(exchanges: Iterable[Exchange], source: str) -> str:
    """A cassette in the form of vcrpy, with its source in the metadata."""
    document = {
        "version": 1,
        "metadata": {"source": source},
        "interactions": [_interaction(scrubbed(exchange)) for exchange in exchanges],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _interaction(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    return {
        "request": {
            "method": request.method,
            "uri": f"{HOST}{request.target}",
            "body": _written(request.body) if request.body else None,
            "headers": {name: [value] for name, value in request.headers.items()},
        },
        "response": {
            "status": {"code": response.status, "message": _phrase(response.status)},
            "headers": {name: list(values) for name, values in response.headers.items()},
            "body": {"string": _written(response.body)},
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
    """The cassette in a file, written by this tool or by vcrpy itself.

    Raises:
        CassetteError: The file is no cassette.
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
        Response(
            int(response["status"]["code"]),
            {name.lower(): tuple(values) for name, values in response["headers"].items()},
            _bytes(response["body"]["string"]),
        ),
    )


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def replay(contract: Contract, cassette: Cassette) -> LayerResult:
    """Make every call of a cassette through the SDK, and decode its response, strict and lenient.

    The SDK must send the recorded request, and its result must be what the response says; both
    clients are tried. A response that strict decoding refuses breaks the contract; one that is
    refused by lenient decoding too cannot be read at all.
    """
    result = LayerResult(NAME)
    with Differential(contract, async_share=1) as differential:
        for exchange in cassette.exchanges:
            operation = contract.operation_at(exchange.request.method, exchange.request.path)
            if operation is None:
                result.notes["a request that is no operation of the contract"] += 1
                continue
            result.cases[operation.id] += 1
            result.statuses[operation.id, exchange.response.status] += 1
            for check, detail in _problems(differential, operation, exchange):
                result.add(_finding(operation, exchange, check, detail))
    return result


_PROMISES: Mapping[str, str] = {
    "parity": "the SDK sends and understands what was recorded",
    "documented status": "the status is documented",
    "strict decoding": "the response is as the contract has it",
    "lenient decoding": "the SDK can read the response",
}


def _problems(
    differential: Differential, operation: Operation, exchange: Exchange
) -> Iterator[tuple[str, str]]:
    """What is wrong with an exchange, each with the check that found it."""
    for divergence in differential.compare(operation, exchange, valid=True):
        yield "parity", str(divergence)
    status = exchange.response.status
    if status not in operation.responses:
        yield "documented status", f"{status} is not among {sorted(operation.responses)}"
        return
    for strict, check in ((True, "strict decoding"), (False, "lenient decoding")):
        try:
            error = differential.decoding_error(operation, exchange, strict=strict)
        except Inexpressible:
            return  # a divergence says so already
        if error:
            yield check, error


def _finding(operation: Operation, exchange: Exchange, check: str, detail: str) -> Finding:
    place = "/x-sdk" if check == "parity" else f"/responses/{exchange.response.status}"
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=_PROMISES[check],
        contract=f"{operation.pointer}{place}",
        detail=detail,
        check=check,
    ).with_exchange(exchange.request, exchange.response, HOST)
