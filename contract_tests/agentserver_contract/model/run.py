"""One run on a server: the calls that users make, and whether they are answered as expected."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from itertools import cycle
from typing import Any, NamedTuple

from agentserver import AgentserverError, CallError, Client
from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.fixtures import language_model
from agentserver_contract.fixtures.access_tokens import SCHEME
from agentserver_contract.fixtures.accounts import TEAM, Accounts
from agentserver_contract.http.messages import (
    HIDDEN,
    SECRET_FIELDS,
    Exchange,
    Request,
    Response,
    cookie,
)
from agentserver_contract.http.sdk_calls import whole_answer
from agentserver_contract.http.target import Target
from agentserver_contract.model.state import ContractViolation, ModelState
from agentserver_contract.results.findings import LayerResult

USERS = (*TEAM, "colleague", "outsider")
"""All whose view is read back. There are also an administrator, and a newcomer who never becomes a
member of a workspace."""

_SHORTEST_SECRET = 9
"""Characters from which a secret is looked for: a shorter one may be part of another word."""
_ZONES = (timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8)))
"""Where times are sent from, in turns: a point in time is the same wherever its clock is."""
_LONGEST_VALUE = 200
"""Characters of a value that are shown."""


class PlannedCall(NamedTuple):
    """A call of an SDK method, made at the same time as others."""

    caller: str | Client
    sdk_method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def planned(caller: str | Client, sdk_method: str, /, *args: Any, **kwargs: Any) -> PlannedCall:
    """A call to be made later, written as `ModelRun.call` is."""
    return PlannedCall(caller, sdk_method, args, kwargs)


@dataclass
class FirstLook:
    """What is wrong before anybody has done anything but create what a run begins with."""

    is_done: bool = False
    wrong: dict[str, ContractViolation] = field(default_factory=dict)
    """By the name of the invariant, which is then left out of every later reading."""


@dataclass
class ModelRun:
    """What users do on a server, and what the model then expects there.

    An SDK method is named by its place on the client, as in `workspaces.members.add`.
    """

    target: Target
    accounts: Accounts
    contract: Contract
    result: LayerResult
    allow_global: bool
    """Whether settings of the whole installation may be changed."""
    advance_clock: Callable[[], None] | None
    """Advances the server's clock, where that is possible, so that no two writes have one time."""
    accounts_may_stay: bool = False
    """Whether a few accounts may be registered, which stay."""
    state: ModelState = field(default_factory=ModelState)
    log: list[str] = field(default_factory=list)
    """The calls so far, as they would be written in Python, under the titles of their steps."""
    first_look: FirstLook = field(default_factory=FirstLook)
    """The same for all runs on a server."""
    last_method: str = ""
    """The SDK method that was called last."""
    last_call: str = ""
    """The call that was made last, as it would be written in Python."""
    every_reader: bool = False
    """Whether everybody who may read something reads it, and not one of them in turn."""
    readings: int = 0
    """How often something was read in turns: it decides whose turn it is."""

    def __post_init__(self) -> None:
        names = (*USERS, "admin", "newcomer")
        self.ids = {name: self.accounts[name].id for name in names}
        self.clients = {
            name: self.target.client(session=self.accounts[name].session) for name in names
        }
        registrars = (each for each in self.accounts.by_name.values() if each.scheme == SCHEME)
        for program in (*self.accounts.agents.values(), *registrars):
            client = self.target.client(token=program.token)
            self.clients[program.name] = client.with_options(strict=True)
            self.state.secrets.add(program.token)
        for name in names:
            # That no answer shows a session is looked at in every answer, of every caller.
            self.state.secrets.add(self.accounts[name].password)
        self._zones = cycle(_ZONES)
        self._last = LastExchange()
        self.target.add_hook(self._last)
        self._operations = {
            operation.sdk: operation for operation in self.contract.operations.values()
        }

    def operation(self, sdk_method: str) -> Operation:
        """The operation of an SDK method."""
        return self._operations[sdk_method]

    @property
    def strict_times(self) -> bool:
        """Whether two writes never have the same time."""
        return self.advance_clock is not None

    def call(
        self,
        caller: str | Client,
        sdk_method: str,
        /,
        *args: Any,
        raises: type[AgentserverError] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call an SDK method, and return its result, or the error that was expected.

        Args:
            caller: A user's name, or a client.
            sdk_method: The SDK method.
            args: Its positional arguments.
            raises: The error that the server must refuse it with; it must succeed when left out.
            kwargs: Its keyword arguments.

        Raises:
            ContractViolation: The outcome is another.
        """
        self._advance_clock()
        kwargs = self._from_elsewhere(kwargs)
        self.log.append(_call_text(PlannedCall(caller, sdk_method, args, kwargs)))
        outcome = self.attempt(caller, sdk_method, *args, **kwargs)
        if raises is None and isinstance(outcome, AgentserverError):
            promise = "this call succeeds"
            raise ContractViolation(sdk_method, promise, outcome, self._last.exchange)
        if raises is not None and type(outcome) is not raises:
            promise = f"this call is refused with {raises.__name__}"
            raise ContractViolation(sdk_method, promise, outcome, self._last.exchange)
        return outcome

    def concurrently(self, calls: Sequence[PlannedCall]) -> list[Any]:
        """Make calls at the same time, and return their results and errors in the same order."""
        self._advance_clock()
        self.log.append(f"at the same time: {'; '.join(map(_call_text, calls))}")
        with ThreadPoolExecutor(len(calls)) as threads:
            outcomes = [
                threads.submit(
                    self.attempt, call.caller, call.sdk_method, *call.args, **call.kwargs
                )
                for call in calls
            ]
            return [outcome.result() for outcome in outcomes]

    def _from_elsewhere(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments with every time in UTC as clocks elsewhere show it."""
        sent = dict(given)
        for name, value in given.items():
            if isinstance(value, datetime) and value.tzinfo is UTC:
                sent[name] = value.astimezone(next(self._zones))
        return sent

    def attempt(self, caller: str | Client, sdk_method: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call an SDK method, and return its result or the error, whichever it is.

        Raises:
            ContractViolation: The answer contains a secret.
        """
        client = self.clients[caller] if isinstance(caller, str) else caller
        kwargs = self._from_elsewhere(kwargs)
        operation, self.last_method = self.operation(sdk_method).id, sdk_method
        self.last_call = _call_text(PlannedCall(caller, sdk_method, args, kwargs))
        self.result.cases[operation] += 1
        method: Any = reduce(getattr, sdk_method.split("."), client)
        try:
            result = method(*args, **kwargs)
        except AgentserverError as error:
            body = error.body if isinstance(error, CallError) else None
            self._check_for_secrets(sdk_method, body or "")
            return error
        self.result.succeeded[operation] += 1
        if isinstance(result, str):  # the address of a redirect
            self._check_for_secrets(sdk_method, result)
            return result
        shown = whole_answer(result)
        rows = shown if isinstance(shown, Sequence) else [shown]
        values = [row.to_dict() for row in rows if row is not None]
        self._check_for_secrets(sdk_method, json.dumps(values, ensure_ascii=False))
        return result

    def send_raw(
        self,
        sdk_method: str,
        caller: str | None,
        target: str,
        body: bytes | None = None,
        *,
        http_method: str = "",
        headers: Mapping[str, str] | None = None,
        status: int,
    ) -> Response:
        """Send a request that the SDK would not send, and return its answer.

        Args:
            sdk_method: The SDK method of the operation that the request is about.
            caller: The user whose session it carries; None for no session.
            target: The raw path.
            body: Sent as JSON, unless `headers` say otherwise.
            http_method: The operation's own when left out.
            headers: Names in lower case; one with an empty value is left out.
            status: The status that is expected.

        Raises:
            ContractViolation: The status is another, or the answer contains a secret.
        """
        self._advance_clock()
        operation = self.operation(sdk_method)
        sent = {} if caller is None else cookie(self.accounts[caller].session)
        sent |= {"content-type": "application/json"} if body is not None else {}
        sent = {name: value for name, value in {**sent, **(headers or {})}.items() if value}
        request = Request(http_method or operation.method, target, sent, body)
        self.last_call = request.as_curl("$URL")
        self.log.append(self.last_call)
        self.result.cases[operation.id] += 1
        response = self.target.send(request)
        self._check_for_secrets(sdk_method, response.text)
        if response.status != status:
            promise = f"this request is answered with {status}"
            raise ContractViolation(sdk_method, promise, response, Exchange(request, response))
        self.result.succeeded[operation.id] += 200 <= status < 300
        return response

    def ask_model(
        self,
        token: str,
        body: Mapping[str, Any],
        names: str | Mapping[str, str],
        *,
        path: str = language_model.MESSAGES,
    ) -> Response:
        """Send a request to a language model, as a sandbox with this token does.

        `names` is the id of its trace, or the headers of which one is made; `path` is where it is
        asked.
        """
        self._advance_clock()
        self.state.secrets.add(token)
        self.log.append(f"a sandbox asks a language model {shown(body)} at {path}, in {names}")
        return language_model.ask(self.target, token, body, names, path=path)

    def close(self) -> None:
        """Close the clients."""
        self.target.remove_hook(self._last)
        for client in self.clients.values():
            client.close()

    def _advance_clock(self) -> None:
        if self.advance_clock is not None:
            self.advance_clock()

    def _check_for_secrets(self, sdk_method: str, text: str) -> None:
        secrets = (secret for secret in self.state.secrets if len(secret) >= _SHORTEST_SECRET)
        if any(secret in text for secret in secrets):
            promise = "no answer contains a password or a key"
            raise ContractViolation(sdk_method, promise, f"{len(text)} characters with a secret")


class LastExchange(threading.local):
    """A hook that knows what this thread has sent last, and what was answered."""

    exchange: Exchange | None = None

    def before(self, request: Request) -> None:
        """Forget the one before."""
        self.exchange = None

    def after(self, request: Request, response: Response) -> None:
        """Keep this one."""
        self.exchange = Exchange(request, response)


def shown(value: object) -> str:
    """A value as a report shows it, shortened."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def _call_text(call: PlannedCall) -> str:
    """A call as it would be written in Python, without its secrets."""
    arguments = [
        *map(shown, call.args),
        *(
            f"{name}={shown(HIDDEN if name in SECRET_FIELDS else value)}"
            for name, value in call.kwargs.items()
        ),
    ]
    caller = call.caller if isinstance(call.caller, str) else "client"
    return f"{caller}.{call.sdk_method}({', '.join(arguments)})"
