"""Writes that are sent at the same time are answered as if one had come after the other.

Every write is raced against itself, with the same and with other values, against the other writes
to the same thing, and against the deletion of what the thing is part of. First the two requests are
sent one after the other, in both orders: what is answered then, and what can be read afterwards, is
what the race may lead to. So a status that is wrong at any time is never reported as a race.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from threading import Barrier
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.contract.roles import WORKSPACE_ROLES
from agentserver_contract.data.tables import Conflict, is_exception, tables
from agentserver_contract.fixtures.accounts import (
    COLLEAGUE,
    Login,
    log_in,
    unregistered,
)
from agentserver_contract.fixtures.callers import NoCaller, credential_for
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.settling import read_settled
from agentserver_contract.fixtures.snapshot import OUTSIDE, differences
from agentserver_contract.fixtures.states import in_state, reason_impossible, with_conflict
from agentserver_contract.fixtures.workspaces import (
    PARAMETER,
    add_workspace,
    creates_workspace,
    remove_workspace,
)
from agentserver_contract.http.guard import Blocked
from agentserver_contract.http.messages import Exchange, Request, Response, cookie
from agentserver_contract.http.raw import reaches_server_itself, send_at_once
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.sending import Sender, fields_of
from agentserver_contract.results.findings import LayerResult

NAME = "races"
TIMES = 2
"""How often two requests are sent at the same time."""
MOST_SETTINGS = 1 + TIMES + 2
"""How many settings a race of a request with itself takes at most: one after the other, at the same
time, and where that is not explained in both orders again."""

_OWNER = "owner"
_REFUSED = "refused"
_WORKSPACE_LIMIT, _SANDBOX_LIMIT = "workspace limit reached", "sandbox limit reached"
_OF_ACCOUNTS = ("email", "password")


@dataclass(frozen=True)
class Race:
    """Two requests that are sent at the same time."""

    first: Operation
    second: Operation
    kind: str
    """What is raced, as in `the same request twice`."""
    other_values: bool = False
    """Whether the second request has other values in its body than the example."""
    conflict: Conflict | None = None
    """The state in which only one of them can succeed."""
    by_each_other: bool = False
    """Whether each of the two owners that a conflict is about sends the request about the other one
    instead of about himself."""

    @property
    def title(self) -> str:
        """What is raced, in a few words."""
        if self.first.id == self.second.id:
            return f"{self.first.id}: {self.kind}"
        return f"{self.first.id} and {self.second.id}: {self.kind}"


@dataclass(frozen=True)
class Outcome:
    """What two requests lead to, without ids and times, which differ each time."""

    answers: tuple[str, str]
    state: str

    @property
    def swapped(self) -> Outcome:
        """The same, had the requests been sent the other way round."""
        return replace(self, answers=self.answers[::-1])


def run(context: Context) -> LayerResult:
    """Race every write."""
    result = context.new_result(NAME)
    with ThreadPoolExecutor(2) as threads:
        layer = _Races(context, Sender(context, result), threads)
        for race in races(context.contract):
            if not context.tries(race.first, race.second):
                continue
            with attempt(result, race.title):
                if reason := layer.reason_impossible(race):
                    result.not_run[race.title] = reason
                else:
                    layer.try_race(race)
    context.reset()
    return result


def races(contract: Contract) -> Iterator[Race]:
    """Everything that is raced."""
    # What a GET takes away depends on what there is, for all callers: the model races those.
    writes = [each for each in contract.operations.values() if not (each.is_read or each.consumes)]
    for operation in writes:
        yield Race(operation, operation, "the same request twice")
        if changed_body(contract, operation):
            yield Race(operation, operation, "two requests with different values", True)
        for other in writes:
            if other.path == operation.path and other.id > operation.id:
                yield Race(operation, other, "two changes of the same thing")
            elif is_part_of(operation, other):
                yield Race(
                    operation, other, "a change of a thing, and the deletion of what it is in"
                )
        for conflict in tables().conflicts:
            if conflict.operation == operation.id and _allows_one(conflict):
                kind = f"only one can succeed, because of {conflict.name}"
                yield Race(operation, operation, kind, conflict=conflict)
                if conflict.user:
                    kind = f"{kind}, each sent by the other owner"
                    yield Race(operation, operation, kind, conflict=conflict, by_each_other=True)


def _allows_one(conflict: Conflict) -> bool:
    """Whether a conflict is with the state that one of two such requests leaves."""
    return conflict.user == _OWNER or conflict.state in (_WORKSPACE_LIMIT, _SANDBOX_LIMIT)


def is_part_of(operation: Operation, deletion: Operation) -> bool:
    """Whether an operation is about something in a thing that another operation deletes."""
    if deletion.method != "DELETE" or not deletion.path.endswith("}"):
        return False
    thing = deletion.path.rpartition("/")[0].rpartition("/")[2]
    return f"/{thing}/{{{deletion.path_parameters[-1]}}}/" in operation.path


def changed_body(contract: Contract, operation: Operation) -> dict[str, Any]:
    """The fields of an operation's example with other values, as far as its schemas allow.

    Addresses, passwords and ids are left: another one is another account or thing.
    """
    example = operation.body_example
    changed: dict[str, Any] = {}
    for each in operation.fields if isinstance(example, Mapping) else ():
        is_of_other = each.name in _OF_ACCOUNTS or each.name.endswith("_id")
        if each.name not in example or is_of_other or each.schema is None:
            continue
        other = _another(example[each.name], contract.follow(each.schema).value.get("enum", ()))
        if other is not None and contract.validator(each.schema).is_valid(other):
            changed[each.name] = other
    return changed


def _another(value: Any, enum: Sequence[Any]) -> Any:
    """A value of the same kind; None where that is not simple."""
    if enum:
        return next((each for each in enum if each != value), None)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return f"{value}2" if isinstance(value, str) else None


@dataclass(frozen=True)
class _Setting:
    """What the two requests of a race are sent to, made anew each time."""

    requests: tuple[Request, Request]
    examples: Examples
    names: Mapping[str, str]
    """What ids and addresses stand for."""
    before: Mapping[str, Any]
    """What lists showed before."""


class _Races:
    def __init__(self, context: Context, sender: Sender, threads: ThreadPoolExecutor) -> None:
        self.context = context
        self.target = context.target
        self.accounts = context.accounts
        self.sender = sender
        self.result = sender.result
        self._threads = threads
        self._names = {
            value: f"the {what} of {account.name}"
            for account in self.accounts.by_name.values()
            for what, value in (("id", account.id), ("address", account.email))
        }
        self._new: list[Login] = []

    def reason_impossible(self, race: Race) -> str | None:
        """Why something cannot be raced on this server."""
        if is_exception("creates-account", race.first.id):
            if not self.context.plan.many_rows:
                return "accounts cannot be removed again, so none are created"
            self._new = unregistered(self.accounts, self.accounts.few[1:])
            if len(self._new) < MOST_SETTINGS:
                return "an earlier run has registered the addresses for it"
        return reason_impossible(race.conflict, self.accounts) if race.conflict else None

    def try_race(self, race: Race) -> None:
        """Send the requests one after the other, then at the same time."""
        possible: set[Outcome] = set()
        for swapped in (False, True):
            outcome, exchanges = self._in_turn(race, swapped=swapped)
            if any(each.response.status >= 500 for each in exchanges):
                status = max(each.response.status for each in exchanges)
                self.result.not_run[race.title] = f"answered with {status} without a race"
                return
            possible.add(outcome)
            if race.first.id == race.second.id and not (race.other_values or race.conflict):
                possible.add(outcome.swapped)
                break
        for _ in range(TIMES):
            outcome, exchanges = self._at_once(race)
            if self._failed(race, exchanges):
                return
            if outcome not in possible:
                # What differs from one time to the next without any race is no race either.
                possible |= {self._in_turn(race, swapped=each)[0] for each in (False, True)}
            if outcome not in possible:
                self._found(race, outcome, possible, exchanges)
                return

    def _in_turn(self, race: Race, *, swapped: bool) -> tuple[Outcome, list[Exchange]]:
        with self._setting(race) as setting:
            order = (1, 0) if swapped else (0, 1)
            operations = (race.first, race.second)
            sent = {
                each: self.sender.send(operations[each], setting.requests[each]) for each in order
            }
            exchanges = [sent[0], sent[1]]
            return self._outcome(race, setting, exchanges), exchanges

    def _at_once(self, race: Race) -> tuple[Outcome, list[Exchange]]:
        with self._setting(race) as setting:
            answers = self._send_at_once(setting.requests)
            exchanges = list(map(Exchange, setting.requests, answers))
            for operation in (race.first, race.second):
                self.result.cases[operation.id] += 1
            return self._outcome(race, setting, exchanges), exchanges

    def _send_at_once(self, requests: Sequence[Request]) -> list[Response]:
        if reaches_server_itself(self.target):
            return send_at_once(self.target, requests)
        barrier = Barrier(len(requests))

        def send(request: Request) -> Response:
            barrier.wait()
            return self.target.send(request)

        return list(self._threads.map(send, requests))

    # --- what the requests are sent to ------------------------------------------------------------

    @contextmanager
    def _setting(self, race: Race) -> Iterator[_Setting]:
        """A new workspace with what the requests need, in the same state each time."""
        members = {COLLEAGUE: "developer"}
        if race.conflict and race.conflict.user:
            # A server that lets both owners go may let a maintainer add one, who can delete it.
            members = {COLLEAGUE: "owner", "maintainer": "maintainer"}
        examples = prepare_examples(
            self.context.contract,
            self.accounts,
            owner=_OWNER,
            members=members,
            caller=self.accounts[_OWNER],
            only=(race.first, race.second),
        )
        names = dict(self._names)
        if PARAMETER in examples.parameters:
            names[examples.parameters[PARAMETER]] = "the workspace"
        if is_exception("creates-account", race.first.id):
            login = self._new.pop()
            names[login.email] = "the new address"
            fields = {"email": login.email, "password": login.password}
            examples = examples.with_body(race.first, fields)
        requests = self._requests(race, examples)
        limited = race.conflict is not None and race.conflict.state != ""
        try:
            with (
                self._settings_kept(race.first),
                self._one_below_limit(race.conflict, examples) if limited else nullcontext(),
            ):
                in_workspace = race.first.required_role in WORKSPACE_ROLES
                if not (in_workspace or PARAMETER in race.first.path_parameters) and (
                    race.first.method != "POST"
                ):
                    # What is no part of the workspace has to be in the same state each time.
                    self.target.send(requests[0])
                yield _Setting(requests, examples, names, self._rows(race, examples))
        finally:
            remove_workspace(self.accounts, _OWNER, examples.parameters.get(PARAMETER))

    @contextmanager
    def _settings_kept(self, operation: Operation) -> Iterator[None]:
        """What an operation replaces that is no part of anything is as it was afterwards."""
        reads = self.context.contract.operation_at("GET", operation.path)
        if operation.method != "PUT" or operation.path_parameters or reads is None:
            yield
            return
        request = Request("GET", operation.path, self._credential(reads))
        before = self.target.send(request)
        try:
            yield
        finally:
            headers = {**request.headers, "content-type": JSON}
            with suppress(Blocked):
                self.target.send(Request("PUT", operation.path, headers, before.body))

    @contextmanager
    def _one_below_limit(self, conflict: Conflict | None, examples: Examples) -> Iterator[None]:
        """A state in which one more workspace can be created, or one more sandbox."""
        if conflict is None:
            yield
            return
        if conflict.state != _WORKSPACE_LIMIT:
            with in_state(conflict, self.accounts, examples, room=1):
                yield
            return
        workspace_id = add_workspace(self.accounts, _OWNER, {})
        with in_state(conflict, self.accounts, examples):
            remove_workspace(self.accounts, _OWNER, workspace_id)
            yield

    def _requests(self, race: Race, examples: Examples) -> tuple[Request, Request]:
        if race.conflict is not None and race.conflict.user:
            owners = (race.conflict.user, COLLEAGUE)
            callers = owners[::-1] if race.by_each_other else owners
            both = [
                with_conflict(
                    replace(race.conflict, user=user), race.first, self.accounts, examples
                ).request(race.first, self.accounts[caller].credential)
                for user, caller in zip(owners, callers, strict=True)
            ]
            return both[0], both[1]
        if is_exception("ends-session", race.first.id):
            account = self.accounts[_OWNER]
            session = log_in(self.target, account.email, account.password)
            request = examples.request(race.first, cookie(session))
            return request, request
        other = examples
        if race.other_values:
            other = examples.with_body(
                race.second, changed_body(self.context.contract, race.second)
            )
        return (
            examples.request(race.first, self._credential(race.first)),
            other.request(race.second, self._credential(race.second)),
        )

    def _credential(self, operation: Operation) -> dict[str, str]:
        """Of the owner, who may do everything in the workspace, or of another caller who may."""
        return credential_for(self.context.contract, operation, self.accounts, _OWNER)

    # --- what they lead to ------------------------------------------------------------------------

    def _outcome(self, race: Race, setting: _Setting, exchanges: Sequence[Exchange]) -> Outcome:
        first, second = (_answer(each.response, setting.names) for each in exchanges)
        state = {
            operation.id: _masked(value, setting.names)
            for operation, value in self._read(race, setting.examples)
        }
        for name, before in setting.before.items():
            rows = state[name] if isinstance(state[name], list) else []
            state[name] = len(rows) - len(before)
        if creates_workspace(self.context.contract, race.first):
            for exchange in exchanges:
                remove_workspace(self.accounts, _OWNER, fields_of(exchange).get("id"))
        return Outcome((first, second), json.dumps(state, sort_keys=True))

    def _rows(self, race: Race, examples: Examples) -> dict[str, Any]:
        """The rows of lists that others add to as well: only their number can be compared."""
        return {
            operation.id: value
            for operation, value in self._read(race, examples)
            if not operation.path_parameters and isinstance(value, list)
        }

    def _read(self, race: Race, examples: Examples) -> Iterator[tuple[Operation, Any]]:
        """Everything that shows what the requests may have changed."""
        for operation in self.context.contract.operations.values():
            if not operation.is_read or not _shows(operation, race):
                continue
            try:
                request = examples.request(operation, self._credential(operation))
            except NoCaller:
                continue
            response = read_settled(self.context.contract, self.target.send, request)
            if response.status in OUTSIDE:
                continue
            value = response.json_or_none()
            yield operation, response.status if value is None else value

    # --- what is wrong with it --------------------------------------------------------------------

    def _failed(self, race: Race, exchanges: Sequence[Exchange]) -> bool:
        """Whether an answer says that the server has failed, which is a finding."""
        for operation, exchange in zip((race.first, race.second), exchanges, strict=True):
            status = exchange.response.status
            if status >= 500 and status not in operation.responses:
                self.sender.found(
                    operation,
                    f"requests at the same time do not make the server fail ({race.title})",
                    expected="an answer as without the other request",
                    actual=status,
                    check=race.kind,
                    exchange=exchange,
                    steps=self._steps(exchanges),
                )
                return True
        return False

    def _found(
        self,
        race: Race,
        outcome: Outcome,
        possible: set[Outcome],
        exchanges: Sequence[Exchange],
    ) -> None:
        nearest = min(possible, key=lambda each: each.answers != outcome.answers)
        expected = " or ".join(sorted({" and ".join(each.answers) for each in possible}))
        actual = " and ".join(outcome.answers)
        changed = "\n".join(differences(json.loads(nearest.state), json.loads(outcome.state)))
        self.sender.found(
            race.first,
            f"of two requests at the same time one comes after the other ({race.title})",
            expected=f"{expected}, as without a race",
            actual=f"{actual}; what can be read then differs in\n{changed}" if changed else actual,
            check=race.kind,
            exchange=exchanges[0],
            steps=self._steps(exchanges),
        )

    def _steps(self, exchanges: Sequence[Exchange]) -> str:
        sent = "\n".join(each.request.as_curl(self.target.base_url) for each in exchanges)
        return f"these requests at the same time:\n{sent}"


def _shows(operation: Operation, race: Race) -> bool:
    """Whether a read shows something of what a race is about."""
    if not race.first.path_parameters:
        return operation.path == race.first.path
    named = {*race.first.path_parameters, *race.second.path_parameters}
    return race.first.path_parameters[0] in operation.path_parameters and named.issuperset(
        operation.path_parameters
    )


def _answer(response: Response, names: Mapping[str, str]) -> str:
    """An answer as it is compared: a success with what it shows, or a refusal of any kind."""
    if not response.succeeded:
        return _REFUSED if response.status < 500 else str(response.status)
    if response.media_type != JSON:
        return str(response.status)
    try:
        shown = response.json()
    except ValueError:
        return f"{response.status} with a body that is not JSON"
    return f"{response.status} {json.dumps(_masked(shown, names), sort_keys=True)}"


def _masked(value: Any, names: Mapping[str, str], name: str = "") -> Any:
    """A value without what differs each time: times, ids and tokens. Rows are in any order.

    Names are `snake_case`, or `camelCase` in what comes from codex.
    """
    if isinstance(value, Mapping):
        short_id = value.get("short_id")
        if isinstance(short_id, str):  # which is a part of web addresses
            urls = [each for each in value.values() if short_id in str(each)]
            names = {**names, **dict.fromkeys(urls, "its address")}
        own_id = value.get("id", value.get("exe_id"))
        if isinstance(own_id, str):  # which secrets and commands contain
            made_of_it = [
                each for each in value.values() if isinstance(each, str) and own_id in each
            ]
            names = {**dict.fromkeys(made_of_it, "made of its id"), **names}
        return {key: _masked(item, names, key) for key, item in value.items()}
    if isinstance(value, list):
        rows = [_masked(item, names) for item in value]
        return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    if isinstance(value, int) and name == "id":
        return "an id"
    if isinstance(value, int) and name.endswith(("At", "Ms", "_ms")):
        return "a time"
    if isinstance(value, str):
        if value in names:
            return names[value]
        if name.endswith("_at"):
            return "a time"
        if name == "id" or name.endswith(("_id", "Id")):
            return "an id"
        if name.endswith(("_token", "_jwt", "qrcode_url")):
            return "a token"
    return value
