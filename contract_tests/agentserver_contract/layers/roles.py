"""The role matrix: every operation, called by everybody, against a table written by hand.

Whoever may, succeeds; whoever may not, gets exactly the refusal that the table says, and nothing
that can be read afterwards has changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import JSON, Contract, Operation, escape
from agentserver_contract.fixtures.accounts import TEAM, People, email_of, log_in
from agentserver_contract.fixtures.examples import COLLEAGUE, Scene, set_scene
from agentserver_contract.http.guard import Guard, Refused
from agentserver_contract.http.messages import Answer, Request
from agentserver_contract.http.target import Target
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "roles"

ALLOWED = "ok"
NOBODY, STRANGER, EXPIRED = "nobody", "stranger", "expired"
CALLERS = (
    NOBODY,
    STRANGER,
    EXPIRED,
    "outsider",
    "guest",
    "developer",
    "maintainer",
    "owner",
    "admin",
)

OUTSIDE = (501, 502, 503)
"""What a server answers where an outside service is missing or does not work."""

ALLOWED_BY_ROLE: Mapping[str, frozenset[str]] = {
    "none": frozenset(CALLERS),
    "user": frozenset({"outsider", *TEAM, "admin"}),
    "guest": frozenset(TEAM),
    "developer": frozenset(TEAM) - {"guest"},
    "maintainer": frozenset({"owner", "maintainer"}),
    "owner": frozenset({"owner"}),
    "admin": frozenset({"admin"}),
}
"""Who may call an operation that the contract says requires a role."""

# An account for those who have none, where a request needs one in its body.
_SOMEBODY = "owner"


class TableError(ValueError):
    """The table cannot be read."""


@dataclass(frozen=True)
class Row:
    """One operation with what each caller is answered: `ok` or the status of a refusal."""

    operation_id: str
    fields: Mapping[str, str]
    """Fields of the body in which the row differs from the operation's example."""
    answers: Mapping[str, str]

    def __str__(self) -> str:
        return " ".join([self.operation_id, *(f"{k}={v}" for k, v in self.fields.items())])


def table() -> list[Row]:
    """The table that comes with the suite."""
    return read_table(
        (files("agentserver_contract.data") / "role_table.txt").read_text(encoding="utf-8")
    )


def read_table(text: str) -> list[Row]:
    """Read a table: a heading that names the callers, then a row for each operation.

    Raises:
        TableError: A line has another number of columns, or a word that is no answer.
    """
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    heading, *rows = [words for words in lines if words]
    if tuple(heading[1:]) != CALLERS:
        raise TableError(f"the heading must name {', '.join(CALLERS)}")
    return [_row(words) for words in rows]


def _row(words: list[str]) -> Row:
    name, *rest = words
    fields = [word for word in rest if "=" in word]
    answers = rest[len(fields) :]
    wrong = [word for word in answers if word != ALLOWED and word not in ("401", "403")]
    if len(answers) != len(CALLERS) or wrong:
        raise TableError(f"{name}: needs {len(CALLERS)} answers, each ok, 401 or 403")
    pairs = dict(field.split("=", 1) for field in fields)
    return Row(name, pairs, dict(zip(CALLERS, answers, strict=True)))


def run(context: Context) -> LayerResult:
    """Call everything as everybody."""
    matrix = _Matrix(context)
    chosen = {operation.id for operation in context.operations}
    for row in table():
        if row.operation_id in chosen:
            matrix.try_row(row)
    return matrix.result


class _Matrix:
    def __init__(self, context: Context) -> None:
        self.target = context.target
        self.people = context.people
        self.contract = context.contract
        self.expired = context.expired_session
        self.result = LayerResult(NAME)
        self.given = context.scene is not None
        self.scene = context.scene or self._scene(_SOMEBODY)
        self.snapshot = context.snapshot or self._snapshot
        if context.plan.read_only:
            self.snapshot = lambda: None  # others may change what is read

    def _snapshot(self) -> Any:
        return read_back(self.target, self.people, self.contract, self.scene)

    def try_row(self, row: Row) -> None:
        operation = self.contract.operations[row.operation_id]
        self._check_declared(row, operation)
        before = None
        for caller, expected in row.answers.items():
            if (reason := self._cannot_be(caller, operation)) is not None:
                self.result.not_run[caller] = reason
                continue
            try:
                if expected == ALLOWED:
                    self._try_allowed(row, operation, caller)
                    before = None
                else:
                    before = self._try_refused(row, operation, caller, expected, before)
            except Refused as refusal:
                self.result.not_run[f"{row} as {caller}"] = str(refusal)

    def _cannot_be(self, caller: str, operation: Operation) -> str | None:
        """Why nobody can call as this one here, if nobody can."""
        if caller == EXPIRED and self.expired is None:
            return "no session can be made to run out over HTTP"
        if caller not in (NOBODY, STRANGER, EXPIRED) and caller not in self.people.by_name:
            return "the run has nobody in this role"
        if self.given and caller == "admin" and operation.required_role in TEAM:
            return "in workspaces that the run did not make the administrator may have any role"
        return None

    def _check_declared(self, row: Row, operation: Operation) -> None:
        """The contract says the same as the row, which fields of a body may only narrow."""
        declared = ALLOWED_BY_ROLE.get(str(operation.required_role), frozenset())
        allowed = {caller for caller, answer in row.answers.items() if answer == ALLOWED}
        if allowed != declared and not (row.fields and allowed < declared):
            self.result.add(
                Finding(
                    layer=NAME,
                    operation=operation.id,
                    promise=f"the contract says who may call it ({row})",
                    contract=f"{operation.pointer}/x-required-role",
                    detail=f"{operation.required_role} lets in {', '.join(sorted(declared))}; "
                    f"who may are {', '.join(sorted(allowed))}",
                    sent="",
                    came="",
                    replay="",
                    check="declared",
                )
            )

    def _try_allowed(self, row: Row, operation: Operation, caller: str) -> None:
        # A write gets a workspace of its own, so that no call meets what another one left.
        scene = self.scene if operation.method == "GET" else self._scene(caller)
        request = _request(scene, row, operation, self._session(operation, caller))
        answer = self._send(operation, request)
        if 200 <= answer.status < 300:
            self.result.succeeded[operation.id] += 1
        elif answer.status in OUTSIDE and answer.status in operation.responses:
            self.result.not_run[f"{row}"] = f"an outside service answers {answer.status}"
        else:
            promise = f"{caller} may call it"
            self._found(row, operation, promise, "2xx", request, answer)

    def _try_refused(
        self, row: Row, operation: Operation, caller: str, expected: str, before: Any
    ) -> Any:
        before = self.snapshot() if before is None else before
        request = _request(self.scene, row, operation, self._session(operation, caller))
        answer = self._send(operation, request)
        after = self.snapshot()
        if str(answer.status) != expected:
            promise = f"{caller} is refused with {expected}"
            self._found(row, operation, promise, expected, request, answer)
        if after != before:
            promise = f"a refusal of {caller} changes nothing"
            difference = "\n".join(differences(before, after))
            self._found(row, operation, promise, f"no difference in\n{difference}", request, answer)
        return after

    def _send(self, operation: Operation, request: Request) -> Answer:
        self.result.cases[operation.id] += 1
        return self.target.send(request)

    def _session(self, operation: Operation, caller: str) -> str | None:
        if caller == NOBODY:
            return None
        if caller == STRANGER:
            return secrets.token_hex(32)
        if caller == EXPIRED:
            return self.expired
        person = self.people[caller]
        if operation.id == "logout":  # it ends the session, which others still need
            return log_in(self.target, person.email, person.password)
        return person.session

    def _scene(self, caller: str) -> Scene:
        members = {role: role for role in TEAM if role != "owner"}
        known = self.people.by_name.get(caller)
        person = known if known is not None and known.password else self.people[_SOMEBODY]
        return set_scene(
            self.contract, self.people, "owner", {**members, COLLEAGUE: "guest"}, person
        )

    def _found(
        self,
        row: Row,
        operation: Operation,
        promise: str,
        expected: str,
        request: Request,
        answer: Answer,
    ) -> None:
        place = "x-required-role" if answer.status < 400 else f"responses/{escape(expected)}"
        self.result.add(
            Finding(
                layer=NAME,
                operation=operation.id,
                promise=f"{promise} ({row})",
                contract=f"{operation.pointer}/{place}" if expected != "2xx" else operation.pointer,
                detail=f"expected {expected}, got {answer.status}",
                sent=request.as_curl(self.target.base_url),
                came=answer.as_text(),
                replay=f"nox -s contract -- -k {NAME} --operation {operation.id}",
                check="matrix",
                request=request,
                answer=answer,
            )
        )


def _request(scene: Scene, row: Row, operation: Operation, session: str | None) -> Request:
    fields = dict(scene.bodies.get(operation.id, {})) | dict(row.fields)
    if operation.id == "register_user":
        fields["email"] = email_of(f"registered-{secrets.token_hex(6)}")
    return replace(scene, bodies={operation.id: fields}).request(operation, session)


def read_back(
    target: Target, people: People, contract: Contract, scene: Scene
) -> dict[tuple[str, str], Any]:
    """Whatever the API shows of a scene: every GET, as its owner or as administrator."""
    seen: dict[tuple[str, str], Any] = {}
    for operation, reader in _reads(contract):
        answer = target.send(scene.request(operation, people[reader].session))
        if answer.status not in OUTSIDE:
            seen[operation.id, reader] = (answer.status, _own(answer, target.guard))
    return seen


def _own(answer: Answer, guard: Guard | None) -> Any:
    """A body; of a list on somebody's server only what the run owns, as others go on working."""
    if guard is None or answer.media_type != JSON:
        return answer.body
    body = answer.json()
    if not isinstance(body, list):
        return body
    return [each for each in body if not isinstance(each.get("id"), str) or guard.owns(each["id"])]


def _reads(contract: Contract) -> Iterator[tuple[Operation, str]]:
    for operation in contract.operations.values():
        if operation.is_read:
            yield operation, "admin" if operation.required_role == "admin" else "owner"


def differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """Where two snapshots differ, one line for each place."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from differences(before.get(key), after.get(key), f"{at}/{key}")
    elif before != after:
        yield f"{at}: {before!r} became {after!r}"[:400]
