"""What operations refuse: in the same way each of them, and because of how things stand.

The contract says in which order a request is checked (who calls, what they may, what they sent) and
what a refusal looks like. Schemas can say neither.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from urllib.parse import quote

from agentserver_contract.context import Context
from agentserver_contract.contract.document import JSON, TEXT, Operation, escape
from agentserver_contract.contract.roles import caller_of
from agentserver_contract.contract.schemas import MAX_BODY_BYTES, MAX_NESTING
from agentserver_contract.fixtures.accounts import TEAM, People
from agentserver_contract.fixtures.examples import COLLEAGUE, Scene, set_scene
from agentserver_contract.http.guard import NO_SUCH, Refused
from agentserver_contract.http.messages import Answer, Request
from agentserver_contract.http.target import Target
from agentserver_contract.layers.conflicts import CONFLICTS, brought_about, impossible
from agentserver_contract.layers.roles import OUTSIDE, differences, read_back
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "refusals"
_OUTSIDER = "outsider"
_BROKEN = b'{"broken": '


@dataclass(frozen=True)
class Refusal:
    """One way to be refused."""

    name: str
    status: Callable[[Operation], int | None]
    """What an operation answers; None where it does not refuse this."""
    change: Callable[[Request], Request]
    caller: Callable[[Operation], str | None] = caller_of


def _reads_body(status: int) -> Callable[[Operation], int | None]:
    return lambda operation: status if operation.body is not None else None


def _needs_body(operation: Operation) -> int | None:
    return 400 if operation.body_required else None


def _guarded_body(status: int) -> Callable[[Operation], int | None]:
    """Where who calls is checked before the body."""
    return lambda operation: status if operation.body is not None and operation.is_secured else None


def _needs_role(operation: Operation) -> int | None:
    role = operation.required_role
    return 403 if operation.body is not None and role not in ("none", "user") else None


def _hides_workspace(operation: Operation) -> int | None:
    """An unknown workspace is like one of others; to an administrator it is unknown."""
    if not operation.path_parameters:
        return None
    return 404 if operation.required_role == "admin" else 403


def _with_body(body: bytes) -> Callable[[Request], Request]:
    return lambda request: replace(request, body=body)


def _as_form(request: Request) -> Request:
    return replace(request, headers={**request.headers, "content-type": TEXT})


def _over_limit(request: Request) -> Request:
    padded = {**json.loads(request.body or b"{}"), "padding": "x" * MAX_BODY_BYTES}
    return replace(request, body=json.dumps(padded).encode())


def _twice(request: Request) -> Request:
    return replace(request, body=(request.body or b"") * 2)


def _nested(request: Request) -> Request:
    body = (request.body or b"{}").rstrip()
    nested = b'"padding": ' + b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1)
    return replace(request, body=body[:-1] + (b", " if len(body) > 2 else b"") + nested + b"}")


def _not_utf8(request: Request) -> Request:
    body = (request.body or b"{}").rstrip()
    return replace(
        request, body=body[:-1] + (b", " if len(body) > 2 else b"") + b'"padding": "\xff"}'
    )


def _unchanged(request: Request) -> Request:
    return request


REFUSALS = (
    Refusal("nobody's broken body", _guarded_body(401), _with_body(_BROKEN), lambda _: None),
    Refusal("an outsider's broken body", _needs_role, _with_body(_BROKEN), lambda _: _OUTSIDER),
    Refusal("a body that is not JSON", _reads_body(400), _with_body(_BROKEN)),
    Refusal("an array for a body", _reads_body(400), _with_body(b"[]")),
    Refusal("null for a body", _reads_body(400), _with_body(b"null")),
    Refusal("no body", _needs_body, _with_body(b"")),
    Refusal("the body twice over", _reads_body(400), _twice),
    Refusal("a body nested too deep", _reads_body(400), _nested),
    Refusal("a body that is not UTF-8", _reads_body(400), _not_utf8),
    Refusal("a body called text/plain", _reads_body(415), _as_form),
    Refusal("a body over the limit", _reads_body(413), _over_limit),
    Refusal("an id that nothing has", _hides_workspace, _unchanged),
)


def run(context: Context) -> LayerResult:
    """Send every refusal to every operation."""
    result = LayerResult(NAME)
    target, people = context.target, context.people
    members = {role: role for role in TEAM if role != "owner"}
    scene = set_scene(
        context.contract, people, "owner", {**members, COLLEAGUE: "guest"}, people["owner"]
    )
    for operation in context.operations:
        _try(operation, target, people, scene, result)
    return result


@dataclass(frozen=True)
class _Trial:
    """One request to one operation, and the refusal that is promised."""

    operation: Operation
    name: str
    status: int
    request: Request


def _try(
    operation: Operation, target: Target, people: People, scene: Scene, result: LayerResult
) -> None:
    before = read_back(target, people, scene.contract, scene)
    for trial, standing in _trials(operation, people, scene, result):
        result.cases[operation.id] += 1
        try:
            with standing:
                answer = target.send(trial.request)
        except Refused as reason:
            result.not_run[f"{operation.id}, {trial.name}"] = str(reason)
            continue
        if answer.status in OUTSIDE and answer.status in operation.responses:
            result.not_run[operation.id] = f"an outside service answers {answer.status}"
            continue
        for wrong in (*_wrong(answer, trial.status), *_missing_headers(operation, answer)):
            result.add(_finding(trial, wrong, answer, target))
        after = read_back(target, people, scene.contract, scene)
        if after != before:
            wrong = "\n".join(differences(before, after))
            result.add(_finding(trial, wrong, answer, target))
            before = after


def _trials(
    operation: Operation, people: People, scene: Scene, result: LayerResult
) -> Iterator[tuple[_Trial, AbstractContextManager[None]]]:
    """Every refusal of an operation, with what must stand while it is tried."""
    for refusal in REFUSALS:
        status = refusal.status(operation)
        if status is not None:
            request = _request(operation, refusal, people, scene)
            yield _Trial(operation, refusal.name, status, request), nullcontext()
    for conflict in CONFLICTS:
        if conflict.operation != operation.id:
            continue
        if reason := impossible(conflict, people):
            result.not_run[f"{operation.id}, {conflict.name}"] = reason
            continue
        request = conflict.request(operation, people, scene)
        trial = _Trial(operation, conflict.name, conflict.status, request)
        yield trial, brought_about(conflict, people)


def _request(operation: Operation, refusal: Refusal, people: People, scene: Scene) -> Request:
    caller = refusal.caller(operation)
    session = people[caller].session if caller is not None else None
    request = refusal.change(scene.request(operation, session))
    if refusal.change is _unchanged:
        for name in operation.path_parameters[:1]:
            own = quote(scene.parameters[name], safe="")
            request = replace(request, target=request.target.replace(own, f"{NO_SUCH}{name}"))
    return request


def _wrong(answer: Answer, status: int) -> Iterator[str]:
    """In what an answer is not the refusal that was promised."""
    if answer.status != status:
        yield f"expected {status}, got {answer.status}"
    elif answer.media_type == JSON:
        if status != 403:
            yield "a refusal is text/plain, but where a limit is reached"
    elif answer.header("content-type") != "text/plain; charset=utf-8":
        yield f"a refusal is text/plain; charset=utf-8, not {answer.header('content-type')}"
    elif answer.body.count(b"\n") != 1 or not answer.body.endswith(b"\n") or len(answer.body) < 2:
        yield f"a refusal is one line, not {answer.body!r}"


def _missing_headers(operation: Operation, answer: Answer) -> Iterator[str]:
    """The required headers of the documented answer that are not there."""
    documented = operation.responses.get(answer.status)
    for name, header in documented.headers.items() if documented else ():
        if header.required and answer.header(name.lower()) is None:
            yield f"{answer.status} has the header {name}"


def _finding(trial: _Trial, wrong: str, answer: Answer, target: Target) -> Finding:
    operation = trial.operation
    return Finding(
        layer=NAME,
        operation=operation.id,
        promise=f"{trial.name} is refused with {trial.status}, and changes nothing",
        contract=f"{operation.pointer}/responses/{escape(str(trial.status))}",
        detail=wrong,
        sent=trial.request.as_curl(target.base_url),
        came=answer.as_text(),
        replay=f"nox -s contract -- -k {NAME}",
        check=trial.name,
        request=trial.request,
        answer=answer,
    )
