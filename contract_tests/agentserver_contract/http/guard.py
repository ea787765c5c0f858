"""What keeps a run from touching anything that it did not make, whatever proposes it.

Reads pass. A write passes when every id in it is of something that the run made, every e-mail
address in it belongs to the run's own people, and it changes nothing that concerns everybody.
Whoever plans a request need not know these rules: they are held where requests are sent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.http.messages import Answer, Request

NO_SUCH = "contract-no-such-"
"""What an id begins with that a run has made up: no server gives such a one."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ROLE_CHANGE = "admin_update_user_role"
_REGISTER = "register_user"
_DECODER = json.JSONDecoder(object_pairs_hook=list)


class Refused(Exception):
    """The guard did not let a request out; the text is the reason."""


@dataclass(frozen=True)
class Administrator:
    """Whose credential the run was given."""

    id: str
    session: str
    own: bool
    """Whether the account is one of the run's own people."""


@dataclass(frozen=True)
class _Write:
    request: Request
    operations: tuple[Operation, ...]
    """Those whose path this is; where it is declared with this method, those alone."""

    @property
    def ids(self) -> Iterator[str]:
        """What stands in the path where a template has a parameter."""
        for operation in self.operations:
            matched = operation.path_pattern.fullmatch(self.request.path)
            yield from map(unquote, matched.groups() if matched else ())

    @property
    def for_administrators(self) -> bool:
        return any(operation.required_role == "admin" for operation in self.operations)


class Guard:
    """Decides over each request of a run, and learns from answers what the run has made.

    Args:
        contract: Tells which part of a path is an id, and which operations concern everybody.
        emails: Addresses of the run's own people, and of nobody else.
        spare: Passwords by address with which an account may be opened, as the run can then clear
            away what a server puts into it.
        absent: Addresses that never have an account; nobody is registered with them.
        allow_global: Whether settings that concern everybody may be changed, and the role of the
            administrator where that is one of the run's own people.
        read_only: Whether nothing at all may be written.
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
        self.refused: Counter[str] = Counter()
        """How many requests were held back, by reason."""
        self.allow_global = allow_global
        self.read_only = read_only
        self.administrator: Administrator | None = None
        self._contract = contract
        self._emails = frozenset(emails)
        self._spare = spare
        self._absent = frozenset(absent)
        self._made: set[str] = set()
        self._rules: tuple[Callable[[_Write], str | None], ...] = (
            self._nothing_at_all,
            self._nothing_unknown,
            self._nothing_of_the_administrators_own,
            self._nothing_global,
            self._no_role_of_the_administrator,
            self._no_foreign_id,
            self._no_foreign_reference,
            self._no_foreign_email,
        )

    def own(self, *ids: str) -> None:
        """Say that these ids are of things that belong to the run."""
        self._made.update(ids)

    def owns(self, id: str) -> bool:
        """Whether an id is of something that belongs to the run, or of nothing."""
        return id in self._made or id.startswith(NO_SUCH)

    def is_own_email(self, email: str) -> bool:
        """Whether an address belongs to the run's own people, in whatever case and blanks."""
        return email.strip().casefold() in self._emails

    def before(self, request: Request) -> None:
        """Let a request out or not. Raises Refused."""
        matching = [
            operation
            for operation in self._contract.operations.values()
            if operation.path_pattern.fullmatch(request.path)
        ]
        declared = [operation for operation in matching if operation.method == request.method]
        consumes = any(operation.consumes for operation in declared)
        if request.method in SAFE_METHODS and not consumes:
            return
        write = _Write(request, tuple(declared or matching))
        for rule in self._rules:
            if reason := rule(write):
                self.refused[reason] += 1
                raise Refused(f"{request.method} {request.path}: {reason}")

    def after(self, request: Request, answer: Answer) -> None:
        """Learn what a request made."""
        if request.method != "POST" or not 200 <= answer.status < 300:
            return
        try:
            made = answer.json()
        except ValueError:
            return
        if isinstance(made, Mapping) and isinstance(made.get("id"), str):
            self.own(made["id"])

    def _nothing_at_all(self, write: _Write) -> str | None:
        return "a write, in a run that only reads" if self.read_only else None

    def _nothing_unknown(self, write: _Write) -> str | None:
        return None if write.operations else "a write to a path that the contract does not have"

    def _nothing_of_the_administrators_own(self, write: _Write) -> str | None:
        given = self.administrator
        if given is None or given.own or write.request.session != given.session:
            return None
        if write.for_administrators:
            return None
        return "a write on what belongs to the administrator in person"

    def _nothing_global(self, write: _Write) -> str | None:
        if self.allow_global or not write.for_administrators:
            return None
        if not any(write.ids):
            return "a write on settings that concern everybody"
        return None

    def _no_foreign_id(self, write: _Write) -> str | None:
        if all(map(self.owns, write.ids)):
            return None
        return "a write on something that the run did not make"

    def _no_role_of_the_administrator(self, write: _Write) -> str | None:
        """An own one may lose it where global writes are allowed; no one could give it back."""
        changes = any(operation.id == _ROLE_CHANGE for operation in write.operations)
        given = self.administrator
        if not changes or given is None or given.id not in write.ids:
            return None
        return None if self.allow_global and given.own else "a write on the administrator's role"

    def _no_foreign_reference(self, write: _Write) -> str | None:
        for names, text in _texts(write.request):
            refers = any(name.endswith("_id") for name in names)
            if refers and text and not self.owns(text):
                return "a write that names something that the run did not make"
        return None

    def _no_foreign_email(self, write: _Write) -> str | None:
        registers = any(operation.id == _REGISTER for operation in write.operations)
        texts = list(_texts(write.request))
        passwords = {text for names, text in texts if "password" in names}
        for names, text in texts:
            if "email" not in names or not text:
                continue
            if registers:
                # To the letter: a server may take another spelling for another account.
                known = text in self._emails or passwords == {self._spare.get(text)}
            else:
                email = text.strip().casefold()
                known = email in self._emails or email in self._absent or email in self._spare
            if not known:
                return "a write that names somebody who is not of the run"
        return None


def _texts(request: Request) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in a body, with the fields it is in, read as leniently as any server might.

    Keys count in any case, all of those that repeat, and what follows the first value does not.
    A body that cannot be read so is taken for an e-mail address where it may hold one.
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
        if isinstance(item, str):
            yield names, item
        elif isinstance(item, tuple):  # an object's key and value
            waiting.append(((*names, str(item[0]).casefold()), item[1]))
        elif isinstance(item, list):
            waiting.extend((names, inner) for inner in item)
