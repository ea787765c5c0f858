"""Blocks writes to anything that a run did not create, where others use the server too.

Reads pass. A write passes when every id in it is of something that the run created, every e-mail
address in it belongs to an account of the run, and it changes no setting of the whole installation.
The code that plans a request need not know these rules: they are applied where requests are sent.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.data.tables import is_exception
from agentserver_contract.http.messages import Request, Response

NO_SUCH = "contract-no-such-"
"""The beginning of ids that a run makes up: no server gives such an id."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_NAMES_CREATED = ("id", "task_id", "message_id", "sandbox_id", "exe_id")
"""The fields of an answer that name what was created."""
_DECODER = json.JSONDecoder(object_pairs_hook=list)


class Blocked(Exception):
    """The guard did not let a request be sent; the text is the reason."""


@dataclass(frozen=True)
class Administrator:
    """The account of the credential that the run was given."""

    id: str
    session: str
    own: bool
    """Whether it is one of the run's own accounts."""


@dataclass(frozen=True)
class _Write:
    request: Request
    operations: tuple[Operation, ...]
    """Those that have this path; where one of them declares the method, only that one."""

    @property
    def ids(self) -> Iterator[str]:
        """What the path has in the places of ids; a `kind` has no owner."""
        for operation in self.operations:
            matched = operation.path_pattern.fullmatch(self.request.path)
            for name, value in zip(
                operation.path_parameters, matched.groups() if matched else (), strict=False
            ):
                if name.lower().endswith("id"):
                    yield unquote(value)

    @cached_property
    def texts(self) -> list[tuple[tuple[str, ...], str]]:
        """Every text in its body with the names of its fields."""
        scalars = _scalars(self.request)
        return [(names, value) for names, value in scalars if isinstance(value, str)]

    def any_is(self, kind: str) -> bool:
        """Whether an operation is an exception of this kind."""
        return any(is_exception(kind, operation.id) for operation in self.operations)

    @property
    def is_global(self) -> bool:
        """Whether it sets something of the whole installation."""
        return self.for_administrators and not any(self.ids)

    @property
    def for_administrators(self) -> bool:
        return any(operation.required_role == "admin" for operation in self.operations)


class Guard:
    """Decides on each request of a run, and learns from responses what the run has created.

    Args:
        contract: Says which part of a path is an id, and which operations are for administrators.
        emails: Addresses of the run's own accounts.
        spare: Passwords by address: an account may be registered with exactly these, because the
            clean-up can then remove what it owns.
        absent: Addresses that never have an account, and must not be registered.
        allow_global: Whether settings of the whole installation may be changed, and the role of
            the administrator where that is one of the run's own accounts.
        read_only: Whether nothing may be written.
    """

    def __init__(
        self,
        contract: Contract,
        emails: Collection[str],
        *,
        spare: Mapping[str, str] = MappingProxyType({}),
        absent: Collection[str] = (),
        allow_global: bool = False,
        read_only: bool = False,
    ) -> None:
        self.blocked: Counter[str] = Counter()
        """How many requests were blocked, by reason."""
        self.allow_global = allow_global
        self.read_only = read_only
        self.administrator: Administrator | None = None
        self.contract = contract
        self._emails = frozenset(emails)
        self._spare = spare
        self._absent = frozenset(absent)
        self._own_ids: set[str] = set()
        self._open_paths: set[str] = set()
        self.settings: Mapping[str, int] = {}
        """The installation's settings as they were found."""
        self.only_raise = False
        """Whether others rely on these settings, so that they may be raised and never lowered."""
        self.before_setting: Callable[[Iterable[tuple[str, int]]], None] = lambda settings: None
        """Takes the names and values that a request is about to set."""
        self.removable: dict[str, str] = {}
        """What administrators have set for single things, and can remove: operationId by path."""
        self._rules: tuple[Callable[[_Write], str | None], ...] = (
            self._no_write,
            self._no_unknown_path,
            self._no_data_of_the_administrator,
            self._no_global_setting,
            self._no_lowered_setting,
            self._no_role_of_the_administrator,
            self._no_foreign_id,
            self._no_foreign_reference,
            self._no_foreign_email,
        )

    def may_set(self, name: str, value: int) -> bool:
        """Whether a setting of the whole installation may have a value while the run lasts.

        Where others rely on it, it may be more than it was found to be, and not less. 0 means in
        most places that there is no limit, so that more than 0 may be less.
        """
        found = self.settings[name]
        return not self.only_raise or value == found or 0 < found < value

    def own(self, *ids: str) -> None:
        """Note that things with these ids belong to the run."""
        self._own_ids.update(ids)

    def open_path(self, path: str) -> None:
        """Let writes to a path pass that the contract does not have."""
        self._open_paths.add(path)

    def owns(self, id: str) -> bool:
        """Whether a thing with this id belongs to the run, or cannot exist."""
        return id in self._own_ids or id.startswith(NO_SUCH)

    def is_own_email(self, email: str) -> bool:
        """Whether an address is of an account of the run, in any case and with blanks around it."""
        return email.strip().casefold() in self._emails

    def before(self, request: Request) -> None:
        """Check a request before it is sent.

        Raises:
            Blocked: It is a write to something that the run did not create.
        """
        # A server that is wrong about HEAD may do what GET does.
        method = "GET" if request.method == "HEAD" else request.method
        operations = [
            operation
            for operation in self.contract.operations_at(request.path)
            if operation.method == method
        ] or self._could_be(method, request.path)
        consumes = any(each.consumes and each.method == method for each in operations)
        if request.method in SAFE_METHODS and not consumes:
            return
        write = _Write(request, tuple(operations))
        for rule in self._rules:
            if reason := rule(write):
                self.blocked[reason] += 1
                raise Blocked(f"{request.method} {request.path}: {reason}")
        if write.is_global:
            self.before_setting(self._numbers(request))

    def _could_be(self, method: str, path: str) -> list[Operation]:
        """What a server might take a request for that no operation declares: those of the method
        whose templates fit its path, or those of any."""
        matching = [
            operation
            for operation in self.contract.operations.values()
            if operation.path_pattern.fullmatch(path)
        ]
        return [operation for operation in matching if operation.method == method] or matching

    def after(self, request: Request, response: Response) -> None:
        """Learn what a request created."""
        self._note_removable(request, response)
        if request.method != "POST" or not response.succeeded:
            return
        try:
            created = response.json()
        except ValueError:
            return
        if isinstance(created, Mapping):
            named = (created.get(field) for field in _NAMES_CREATED)
            self.own(*(name for name in named if isinstance(name, str) and name))

    def _note_removable(self, request: Request, response: Response) -> None:
        """Keep the path of what an administrator has set, if it can be removed there as well."""
        if request.method in (*SAFE_METHODS, "DELETE") or not response.succeeded:
            return
        removal = self.contract.operation_at("DELETE", request.path)
        if removal is not None and removal.required_role == "admin":
            self.removable[request.path] = removal.id

    def _numbers(self, request: Request) -> Iterator[tuple[str, int]]:
        """The numbers in a body that a server could take for one of the settings, by its name."""
        known = {name.casefold(): name for name in self.settings}
        for names, value in _scalars(request):
            name = next((known[each] for each in reversed(names) if each in known), None)
            if name is not None and (number := _number(value)) is not None:
                yield name, number

    def _no_lowered_setting(self, write: _Write) -> str | None:
        if not (write.is_global and self.only_raise):
            return None
        if all(self.may_set(*each) for each in self._numbers(write.request)):
            return None
        return "a write that lowers a setting of the whole installation"

    def _no_write(self, write: _Write) -> str | None:
        return "a write, in a run that only reads" if self.read_only else None

    def _no_unknown_path(self, write: _Write) -> str | None:
        if write.operations or write.request.path in self._open_paths:
            return None
        return "a write to a path that the contract does not have"

    def _no_data_of_the_administrator(self, write: _Write) -> str | None:
        given = self.administrator
        if given is None or given.own or write.request.session != given.session:
            return None
        if write.for_administrators:
            return None
        return "a write to what belongs to the administrator in person"

    def _no_global_setting(self, write: _Write) -> str | None:
        if self.allow_global or not write.is_global:
            return None
        return "a write to settings of the whole installation"

    def _no_foreign_id(self, write: _Write) -> str | None:
        if all(map(self.owns, write.ids)):
            return None
        return "a write to something that the run did not create"

    def _no_role_of_the_administrator(self, write: _Write) -> str | None:
        """An account of the run may lose it where global writes are allowed: it gets it back."""
        changes = write.any_is("changes-user-role")
        given = self.administrator
        if not changes or given is None or given.id not in write.ids:
            return None
        return None if self.allow_global and given.own else "a write to the administrator's role"

    def _no_foreign_reference(self, write: _Write) -> str | None:
        for names, text in write.texts:
            refers = any(name.endswith("_id") for name in names)
            if refers and text and not self.owns(text):
                return "a write that names something that the run did not create"
        return None

    def _no_foreign_email(self, write: _Write) -> str | None:
        registers = write.any_is("creates-account")
        passwords = {text for names, text in write.texts if "password" in names}
        for names, text in write.texts:
            if "email" not in names or not text:
                continue
            if registers:
                # To the letter: a server may take another spelling for another account. Where
                # accounts may stay, one with blanks around it may be that.
                known = text in self._emails or passwords == {self._spare.get(text.strip())}
            else:
                email = text.strip().casefold()
                known = email in self._emails or email in self._absent or email in self._spare
            if not known:
                return "a write that names an account that is not of the run"
        return None


def _number(value: Any) -> int | None:
    """A number, or a text that a lenient server might read as one, rounded down."""
    try:
        return math.floor(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _scalars(request: Request) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value in a body with the names of its fields, read as leniently as any server might.

    Keys count in any case, repeated keys all count, and what follows the first value does not. A
    body that cannot be read like this is taken for an e-mail address where it may contain one.
    """
    if not request.body:
        return
    text = request.body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    try:
        value, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        if "@" in text:
            yield ("email",), text
        return
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        names, item = waiting.pop()
        if isinstance(item, tuple):  # an object's key and value
            waiting.append(((*names, str(item[0]).casefold()), item[1]))
        elif isinstance(item, list):
            waiting.extend((names, inner) for inner in item)
        else:
            yield names, item
