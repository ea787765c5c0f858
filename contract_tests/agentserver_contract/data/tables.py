"""The tables of `<tag>.toml`, in the form that the suite uses. Every entry has a `reason`.

`[[callers]]`: the role that operations require, written by hand from the rules of the system; the
contract's `x-required-role` is compared with it, never the other way round. With `body`, the role
for requests with these fields; with `of_others`, the role for what another member has made, or what
is for another member.

`[[examples]]`: fields of a request's body that the contract's example cannot know. A text may name
accounts of the run and what is known of them, `{owner.email}`, the `{workspace_id}`, the
`{sandbox_id}`, the `{channel_id}`, and the `{agent_id}` of the sandbox of the agent that calls.
`sandbox` is the state that the sandbox in its path must be in, where that is not `running`; `task`
that of the task, where that is not `pending`, or `of the agent`.

`[[conflicts]]`: a request that is right in itself, and refused because of the server's state. It
differs from the example in `body`, in the field that it `leaves_out`, in the `user` in its path, or
in the state of the `sandbox` or `task` in its path, or in which `credential` that path names;
`state` is the state that the server must be in while it is sent.

`[[rows]]`: the operation that makes the rows of a list, where it is not the one that is sent to the
same path, and the fields in which each of its requests differs from the last: `{row.email}`;
`shown` is how a row shows what was answered, where it does not have its id: `{task_id}`.

`[[readings]]`: the operation that reads what another has written, where its path does not tell, and
what it is `about`: the fields of its path, or of its row, with texts as in the examples.

`[[moments]]`: the field in which a `read` shows when an operation was last done, where it is not
`created_at` or `updated_at`.

`[[waivers]]`: documented statuses that a run need not meet; `when` says in which runs.

`[[exceptions]]`: operations that a check has to treat otherwise; KINDS lists them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from agentserver_contract.contract.roles import OF_AGENTS, REQUIRED_ROLES

SITUATIONS = ("always", "guarded", "not global", "read-only", "quick")
"""When a waiver holds: in every run, where others use the server too, without --allow-global,
where nothing may be written, or where what takes the most requests is left out."""

STATES = (
    "workspace limit reached",
    "only administrator",
    "sandbox limit reached",
    "sandbox budget reached",
    "API key limit reached",
    "codex token limit reached",
)
"""The states that a conflict may need."""

KINDS = (
    "accepts-unknown-id",
    "changes-user-role",
    "creates-account",
    "ends-session",
    "field-names-thing",
    "finishes-task",
    "keeps-field",
    "keeps-field-at-times",
    "limits-field",
    "names-what-is-not-there",
    "readable-after-delete",
)
"""The kinds of exceptions."""


class DataError(ValueError):
    """A table does not say what it should."""


@dataclass(frozen=True)
class Caller:
    """The role that an operation requires."""

    operation: str
    required_role: str
    reason: str
    body: Mapping[str, str] = field(default_factory=dict)
    """Fields in which a request differs from the operation's example; mostly empty."""
    of_others: bool = False
    """Whether it is the role for a thing that another member has made; its maker needs no more than
    the contract says."""

    def __str__(self) -> str:
        return " ".join([self.operation, *(f"{name}={value}" for name, value in self.body.items())])


@dataclass(frozen=True)
class Example:
    """What the contract's example of a request cannot know."""

    operation: str
    reason: str
    body: Mapping[str, str] = field(default_factory=dict)
    sandbox: str = ""
    task: str = ""
    credential: str = ""


@dataclass(frozen=True)
class Conflict:
    """A request that is right in itself, and refused because of the server's state."""

    name: str
    operation: str
    status: int
    reason: str
    body: Mapping[str, str] = field(default_factory=dict)
    leaves_out: str = ""
    user: str = ""
    sandbox: str = ""
    task: str = ""
    credential: str = ""
    state: str = ""


@dataclass(frozen=True)
class Rows:
    """How the rows of a list are made."""

    list: str
    made_by: str
    reason: str
    body: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """Where what an operation has written is read."""

    operation: str
    read: str
    about: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Moment:
    """Where it is read when an operation was last done."""

    operation: str
    read: str
    field: str
    reason: str


@dataclass(frozen=True)
class Waiver:
    """Documented statuses that a run need not meet."""

    name: str
    operations: frozenset[str]
    """Empty for all."""
    status: frozenset[int]
    reason: str
    when: str = "always"

    def covers(self, operation_id: str, status: int, situations: Collection[str]) -> bool:
        """Whether the status of an operation need not be met."""
        named = not self.operations or operation_id in self.operations
        return named and status in self.status and self.when in situations


@dataclass(frozen=True)
class Exemption:
    """Operations that a check has to treat otherwise."""

    kind: str
    operations: frozenset[str]
    reason: str
    field: str = ""
    status: int = 0


@dataclass(frozen=True)
class Tables:
    """The tables of one file, or of several."""

    callers: tuple[Caller, ...] = ()
    examples: tuple[Example, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    rows: tuple[Rows, ...] = ()
    readings: tuple[Reading, ...] = ()
    moments: tuple[Moment, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    exceptions: tuple[Exemption, ...] = ()

    @property
    def operations(self) -> frozenset[str]:
        """Every operation that is named."""
        return frozenset(
            [
                *(each.operation for each in self.callers),
                *(each.operation for each in self.examples),
                *(each.operation for each in self.conflicts),
                *(each.list for each in self.rows),
                *(each.operation for each in self.readings),
                *(each.operation for each in self.moments),
                *(name for each in self.waivers for name in each.operations),
                *(name for each in self.exceptions for name in each.operations),
            ]
        )


@cache
def tables() -> Tables:
    """The tables of every tag."""
    return _joined(by_tag().values())


@cache
def by_tag() -> Mapping[str, Tables]:
    """The tables of each file by its name, a tag or `all`."""
    folder = files("agentserver_contract.data")
    return {
        path.name.removesuffix(".toml"): read(path.read_text(encoding="utf-8"), path.name)
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".toml")
    }


@cache
def exceptions(kind: str) -> tuple[Exemption, ...]:
    """The exceptions of one kind."""
    return tuple(each for each in tables().exceptions if each.kind == kind)


@cache
def is_exception(kind: str, operation_id: str, field: str = "") -> bool:
    """Whether an operation, or a field of it, is an exception of this kind."""
    return any(
        operation_id in each.operations and each.field in ("", field) for each in exceptions(kind)
    )


def role_for_things_of_others(operation_id: str) -> str | None:
    """The role that an operation on a thing requires of all but its maker; None where it makes no
    difference who has made it."""
    rows = (each for each in tables().callers if each.operation == operation_id and each.of_others)
    return next((each.required_role for each in rows), None)


def status_of_nothing(operation_id: str) -> int | None:
    """How an example is answered that names what no operation makes; None where it names more."""
    for each in exceptions("names-what-is-not-there"):
        if operation_id in each.operations:
            return each.status
    return None


def lacks_kept_field(operation_id: str, body: Any) -> bool:
    """Whether a body leaves out a field that keeps its stored value, so that only the server's
    state tells if the request is right."""
    return any(
        operation_id in each.operations and isinstance(body, Mapping) and each.field not in body
        for each in exceptions("keeps-field")
    )


def depends_on_state(operation_id: str, body: Any) -> bool:
    """Whether only the server's state tells if a request is right: it relies on a value that is
    stored, or has a field that is limited by more than its schema."""
    limited = any(
        operation_id in each.operations and isinstance(body, Mapping) and each.field in body
        for each in exceptions("limits-field")
    )
    return limited or lacks_kept_field(operation_id, body)


def read(text: str, name: str) -> Tables:
    """The tables in a text of TOML.

    Args:
        text: The text.
        name: What it is called in messages.

    Raises:
        DataError: An entry lacks something, or has something that is unknown.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{name}: {error}") from None
    if unknown := document.keys() - _READERS.keys():
        raise DataError(f"{name}: unknown tables: {', '.join(sorted(unknown))}")
    found: dict[str, tuple[Any, ...]] = {}
    for table, reader in _READERS.items():
        entries: list[Any] = []
        for number, entry in enumerate(document.get(table, []), start=1):
            where = f"{name}: {table} {number}"
            if not str(entry.get("reason", "")).strip():
                raise DataError(f"{where}: a reason is missing")
            try:
                entries += reader(**entry)
            except (TypeError, ValueError) as error:
                raise DataError(f"{where}: {error}") from None
        found[table] = tuple(entries)
    return Tables(**found)


def _callers(
    *,
    operations: list[str],
    required_role: str,
    reason: str,
    body: Mapping[str, str] | None = None,
    of_others: bool = False,
) -> Iterator[Caller]:
    _one_of(required_role, (*REQUIRED_ROLES, *OF_AGENTS), "required_role")
    _named(operations)
    for operation in operations:
        yield Caller(operation, required_role, reason, body or {}, of_others)


def _examples(**entry: Any) -> Iterator[Example]:
    example = Example(**entry)
    if not (example.body or example.sandbox or example.task or example.credential):
        raise ValueError("body, sandbox, task or credential must be given")
    yield example


def _conflicts(**entry: Any) -> Iterator[Conflict]:
    conflict = Conflict(**entry)
    _one_of(conflict.state, ("", *STATES), "state")
    yield conflict


def _rows(**entry: Any) -> Iterator[Rows]:
    yield Rows(**entry)


def _readings(**entry: Any) -> Iterator[Reading]:
    yield Reading(**entry)


def _moments(**entry: Any) -> Iterator[Moment]:
    yield Moment(**entry)


def _waivers(*, operations: list[str] | str, status: list[int], **entry: Any) -> Iterator[Waiver]:
    named = frozenset() if operations == "*" else _named(operations)
    if not status:
        raise ValueError("status must name statuses")
    waiver = Waiver(operations=named, status=frozenset(status), **entry)
    _one_of(waiver.when, SITUATIONS, "when")
    yield waiver


def _exceptions(*, operations: list[str], **entry: Any) -> Iterator[Exemption]:
    exemption = Exemption(operations=_named(operations), **entry)
    _one_of(exemption.kind, KINDS, "kind")
    yield exemption


_READERS: Mapping[str, Callable[..., Iterator[Any]]] = {
    "callers": _callers,
    "examples": _examples,
    "conflicts": _conflicts,
    "rows": _rows,
    "readings": _readings,
    "moments": _moments,
    "waivers": _waivers,
    "exceptions": _exceptions,
}


def _named(operations: list[str] | str) -> frozenset[str]:
    if not operations or isinstance(operations, str):
        raise ValueError("operations must be a list of operationIds")
    return frozenset(operations)


def _one_of(value: str, known: Collection[str], key: str) -> None:
    if value not in known:
        raise ValueError(f"{key} must be one of {', '.join(known)}")


def _joined(several: Iterable[Tables]) -> Tables:
    whole = list(several)
    return Tables(
        callers=tuple(each for one in whole for each in one.callers),
        examples=tuple(each for one in whole for each in one.examples),
        conflicts=tuple(each for one in whole for each in one.conflicts),
        rows=tuple(each for one in whole for each in one.rows),
        readings=tuple(each for one in whole for each in one.readings),
        moments=tuple(each for one in whole for each in one.moments),
        waivers=tuple(each for one in whole for each in one.waivers),
        exceptions=tuple(each for one in whole for each in one.exceptions),
    )
