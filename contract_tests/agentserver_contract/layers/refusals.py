"""What operations refuse: some requests all of them, and some because of the server's state.

The contract says in which order a request is checked (the session, the role, the body) and what a
refusal looks like. Schemas can say neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from urllib.parse import quote

from agentserver_contract.context import Context
from agentserver_contract.contract.document import JSON, TEXT, Operation, escape
from agentserver_contract.contract.schemas import MAX_BODY_BYTES, MAX_NESTING
from agentserver_contract.data.tables import tables
from agentserver_contract.fixtures.accounts import caller_of
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.snapshot import OUTSIDE, differences, snapshot
from agentserver_contract.fixtures.states import conflict_request, in_state, reason_impossible
from agentserver_contract.fixtures.workspaces import team_with
from agentserver_contract.http.guard import NO_SUCH, Blocked
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "refusals"
_BROKEN = b'{"broken": '


@dataclass(frozen=True)
class Refusal:
    """A request that many operations refuse."""

    name: str
    status: Callable[[Operation], int | None]
    """What an operation is answered with; None where it does not refuse this."""
    change: Callable[[Request], Request]
    """Makes it from a request that works."""
    caller: Callable[[Operation], str | None] = caller_of
    """The name of the account that sends it."""


def _reads_body(status: int) -> Callable[[Operation], int | None]:
    return lambda operation: status if operation.body is not None else None


def _needs_body(operation: Operation) -> int | None:
    return 400 if operation.body_required else None


def _needs_credential(operation: Operation) -> int | None:
    """The session is checked before the body."""
    return 401 if operation.body is not None and operation.is_secured else None


def _needs_role(operation: Operation) -> int | None:
    """The role is checked before the body."""
    role = operation.required_role
    return 403 if operation.body is not None and role not in ("none", "user") else None


def _hides_workspace(operation: Operation) -> int | None:
    """An unknown workspace is answered like one of others; to an administrator it is unknown."""
    if not operation.path_parameters:
        return None
    return 404 if operation.required_role == "admin" else 403


def _anonymous(operation: Operation) -> str | None:
    return None


def _outsider(operation: Operation) -> str | None:
    return "outsider"


def _with_body(body: bytes) -> Callable[[Request], Request]:
    return lambda request: replace(request, body=body)


def _as_text(request: Request) -> Request:
    return replace(request, headers={**request.headers, "content-type": TEXT})


def _over_limit(request: Request) -> Request:
    padded = {**json.loads(request.body or b"{}"), "padding": "x" * MAX_BODY_BYTES}
    return replace(request, body=json.dumps(padded).encode())


def _twice(request: Request) -> Request:
    return replace(request, body=(request.body or b"") * 2)


def _with_field(request: Request, field: bytes) -> Request:
    """A request with one more field, as raw bytes, at the end of its JSON object."""
    body = (request.body or b"{}").rstrip()
    return replace(request, body=body[:-1] + (b", " if len(body) > 2 else b"") + field + b"}")


def _nested(request: Request) -> Request:
    levels = MAX_NESTING + 1
    return _with_field(request, b'"padding": ' + b"[" * levels + b"]" * levels)


def _not_utf8(request: Request) -> Request:
    return _with_field(request, b'"padding": "\xff"')


def _unchanged(request: Request) -> Request:
    return request


REFUSALS = (
    Refusal(
        "a broken body without a credential", _needs_credential, _with_body(_BROKEN), _anonymous
    ),
    Refusal("a broken body of an outsider", _needs_role, _with_body(_BROKEN), _outsider),
    Refusal("a body that is not JSON", _reads_body(400), _with_body(_BROKEN)),
    Refusal("an array for a body", _reads_body(400), _with_body(b"[]")),
    Refusal("null for a body", _reads_body(400), _with_body(b"null")),
    Refusal("no body", _needs_body, _with_body(b"")),
    Refusal("a body sent twice over", _reads_body(400), _twice),
    Refusal("a body nested too deep", _reads_body(400), _nested),
    Refusal("a body that is not UTF-8", _reads_body(400), _not_utf8),
    Refusal("a body called text/plain", _reads_body(415), _as_text),
    Refusal("a body over the limit", _reads_body(413), _over_limit),
    Refusal("an unknown id", _hides_workspace, _unchanged),
)


def run(context: Context) -> LayerResult:
    """Send every refusal and every conflict to every operation."""
    accounts = context.accounts
    trials = _Trials(
        context,
        prepare_examples(
            context.contract,
            accounts,
            owner="owner",
            members=team_with("guest"),
            caller=accounts["owner"],
        ),
    )
    for operation in context.operations:
        trials.try_operation(operation)
        trials.result.collect()
    return trials.result


@dataclass(frozen=True)
class _Trial:
    """One request to one operation, and the refusal that is promised."""

    operation: Operation
    name: str
    status: int
    request: Request


class _Trials:
    def __init__(self, context: Context, examples: Examples) -> None:
        self.target = context.target
        self.accounts = context.accounts
        self.examples = examples
        self.result = context.new_result(NAME)

    def try_operation(self, operation: Operation) -> None:
        """Send one operation everything that it refuses."""
        before = snapshot(self.accounts, self.examples)
        for trial, state in self._trials(operation):
            self.result.cases[operation.id] += 1
            try:
                with state:
                    response = self.target.send(trial.request)
            except Blocked as reason:
                self.result.not_run[f"{operation.id}, {trial.name}"] = str(reason)
                continue
            if response.status in OUTSIDE and response.status in operation.responses:
                self.result.not_run[operation.id] = f"an outside service answers {response.status}"
                continue
            for wrong in (*_wrong(response, trial.status), *_missing_headers(operation, response)):
                self._found(trial, wrong, response)
            after = snapshot(self.accounts, self.examples)
            if after != before:
                self._found(trial, "\n".join(differences(before, after)), response)
                before = after

    def _trials(
        self, operation: Operation
    ) -> Iterator[tuple[_Trial, AbstractContextManager[None]]]:
        """What an operation refuses, each with the state of the server while it is tried."""
        for refusal in REFUSALS:
            status = refusal.status(operation)
            if status is not None:
                request = self._request(operation, refusal)
                yield _Trial(operation, refusal.name, status, request), nullcontext()
        for conflict in tables().conflicts:
            if conflict.operation != operation.id:
                continue
            if reason := reason_impossible(conflict, self.accounts):
                self.result.not_run[f"{operation.id}, {conflict.name}"] = reason
                continue
            request = conflict_request(conflict, operation, self.accounts, self.examples)
            trial = _Trial(operation, conflict.name, conflict.status, request)
            yield trial, in_state(conflict, self.accounts)

    def _request(self, operation: Operation, refusal: Refusal) -> Request:
        caller = refusal.caller(operation)
        session = self.accounts[caller].session if caller is not None else None
        request = refusal.change(self.examples.request(operation, session))
        if refusal.change is _unchanged:
            for name in operation.path_parameters[:1]:
                own = quote(self.examples.parameters[name], safe="")
                request = replace(request, target=request.target.replace(own, f"{NO_SUCH}{name}"))
        return request

    def _found(self, trial: _Trial, wrong: str, response: Response) -> None:
        operation = trial.operation
        self.result.add(
            Finding(
                layer=NAME,
                operation=operation.id,
                promise=f"{trial.name} is refused with {trial.status}, and changes nothing",
                contract=f"{operation.pointer}/responses/{escape(str(trial.status))}",
                detail=wrong,
                check=trial.name,
            ).with_exchange(trial.request, response, self.target.base_url)
        )


def _wrong(response: Response, status: int) -> Iterator[str]:
    """How a response differs from the refusal that was promised."""
    content_type, body = response.header("content-type"), response.body
    if response.status != status:
        yield f"expected {status}, got {response.status}"
    elif response.media_type == JSON:
        if status != 403:
            yield "a refusal is text/plain, except where a limit is reached"
    elif content_type != "text/plain; charset=utf-8":
        yield f"a refusal is text/plain; charset=utf-8, not {content_type}"
    elif body.count(b"\n") != 1 or not body.endswith(b"\n") or len(body) < 2:
        yield f"a refusal is one line, not {body!r}"


def _missing_headers(operation: Operation, response: Response) -> Iterator[str]:
    """The required headers of the documented response that are not there."""
    documented = operation.responses.get(response.status)
    for name, header in documented.headers.items() if documented else ():
        if header.required and response.header(name.lower()) is None:
            yield f"{response.status} has the header {name}"
