"""Secrets in responses: those that were sent or given in this run, and what looks like one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from agentserver_contract.contract.document import JSON, Contract, Located, Operation
from agentserver_contract.contract.schemas import MAX_BODY_BYTES
from agentserver_contract.http.messages import Exchange

_NAME = re.compile(
    r"pass(word|wd|phrase)|hash|salt|secret|token|session|cookie|credential|api_?key|private_?key",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
"""A JSON Web Token."""
_MARKS = ("$argon2", "$2a$", "$2b$", "$2y$", "$scrypt$", "$pbkdf2", "-----BEGIN ")
"""Of hashes of passwords, and of private keys."""
_LONG = re.compile(r"[0-9a-fA-F]{40,}|[A-Za-z0-9+/_-]{40,}={0,2}")
"""Hexadecimal or Base64 of twenty bytes and more, which is longer than an id has to be."""
_SESSION = re.compile(r"[0-9a-f]{64}")
_SHORTEST = 12
"""A shorter secret may stand in a body by chance."""
_FEWEST_CHARACTERS = 6
_MASKS = re.compile(r"[.*•…]+")
"""What stands for the characters that a mask hides."""
_REMEMBERED = 50
_UNREAD = 413
"""The status of a request whose body is too long to be read, so that nothing in it is known; it
may have been refused for another reason before that."""


def looks_secret(name: str, value: Any) -> bool:
    """Whether a field that the contract does not describe is a secret, by its name or value."""
    if value is None or isinstance(value, bool):
        return False
    if _NAME.search(name):
        return True
    if not isinstance(value, str):
        return False
    is_marked = _is_marked(value) or _TOKEN.fullmatch(value)
    return bool(is_marked or _is_random(name, value))


def _is_marked(text: str) -> bool:
    return any(mark in text for mark in _MARKS)


def _is_random(name: str, value: str) -> bool:
    is_id = name == "id" or name.endswith("_id")
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return not is_id and bool(mixed) and bool(_LONG.fullmatch(value))


class KnownSecrets:
    """The sessions that were opened, the passwords and keys that were sent or given, and where they
    appear.

    Args:
        contract: Says which fields are secrets: those of the format `password`.
    """

    def __init__(self, contract: Contract) -> None:
        self._sessions: set[str] = set()
        self._values: dict[str, str] = {}
        """Those that were sent or given last, in order, each with how it stands in JSON."""
        self._stored: dict[str, Mapping[str, str]] = {}
        """Those that were stored last, by field, by the path that they were sent to."""
        self._marked: set[str] = set()
        """Texts that look like a hash or a private key, and were sent as something else."""
        self._sent = 0
        self._public = tuple(_examples(contract.document))
        """What the contract shows everybody; a refusal may say that a value has to look like it."""
        self._without_secrets: dict[int, int] = {}
        """How many secrets were known when a body was read, by its hash."""
        self._version = 0
        """How often the values have changed."""
        self._without_names: dict[int, int] = {}
        """The version in which no value stands in a body that was sent as a name, by its hash."""
        self._fields = {
            operation.id: frozenset(
                field.name for field in operation.fields if _is_secret(contract, field.piece)
            )
            for operation in contract.operations.values()
        }
        self._given = {
            operation.id: frozenset(_given_by(contract, operation))
            for operation in contract.operations.values()
        }

    def shown(self, operation: Operation | None, exchange: Exchange) -> Iterator[str]:
        """What each secret is that the body of a response shows; the exchange's own are noted."""
        response = exchange.response
        self._note(operation, exchange)
        if not response.body:
            return
        yield from self._shown(exchange)
        self._note_given(operation, exchange)

    def _shown(self, exchange: Exchange) -> Iterator[str]:
        response = exchange.response
        yield from self._unmasked(exchange)
        known = len(self._sessions) + self._sent
        seen = hash(response.body)
        if self._without_secrets.get(seen) == known:
            return  # the same is often read again
        text = response.text
        is_shown = {
            "a session": any(found in self._sessions for found in _SESSION.findall(text)),
            "a password or key that was sent or given": any(
                value in text
                for value in list(self._values)  # other threads note theirs
            ),
            "a hash of a password, or a private key": _is_marked(text)
            and any(map(self._is_marked_by_the_server, _texts(text))),
        }
        yield from (what for what, shown in is_shown.items() if shown)
        if not any(is_shown.values()):
            self._without_secrets[seen] = known

    def _is_marked_by_the_server(self, text: str) -> bool:
        """Whether a text looks like a hash or a private key, and is none that was sent."""
        return _is_marked(text) and text.strip() not in self._marked

    def _unmasked(self, exchange: Exchange) -> Iterator[str]:
        """Which stored secrets are shown to their last character, whatever is put in between."""
        stored = self._stored.get(exchange.request.path, {})
        for name, value in (_object(exchange.response.body) if stored else {}).items():
            if isinstance(value, str) and shows_all(stored.get(name, ""), value):
                yield f"every character of the {name} that was sent"

    def _note_given(self, operation: Operation | None, exchange: Exchange) -> None:
        """Note the secrets that a response gives, which no later one may contain."""
        names = self._given[operation.id] if operation is not None else frozenset[str]()
        if not names or not exchange.response.succeeded:
            return
        given = _object(exchange.response.body)
        for name in names & given.keys():
            if isinstance(given[name], str) and self._is_nowhere_else(given[name]):
                self._values[given[name]] = _in_json(given[name])
                self._sent += 1
                self._version += 1

    def _is_nowhere_else(self, value: str) -> bool:
        """Whether a body that contains a secret can have it from nowhere else."""
        return is_unlikely(value) and not any(value in each for each in self._public)

    def _note(self, operation: Operation | None, exchange: Exchange) -> None:
        opened = exchange.response.session
        if opened is not None and _SESSION.fullmatch(opened):
            self._sessions.add(opened)
        body = exchange.request.body
        if not body or len(body) > MAX_BODY_BYTES or exchange.response.status == _UNREAD:
            return
        names = self._fields[operation.id] if operation is not None else frozenset[str]()
        seen = hash(body)
        if not names and self._without_names.get(seen) == self._version:
            return  # the same is often sent again
        sent = _object(body)
        if not sent:
            return
        secrets = {sent[name] for name in names & sent.keys() if isinstance(sent[name], str)}
        given = {name: str(sent[name]) for name in names & sent.keys()}
        if given and exchange.response.succeeded:
            path = exchange.request.path
            self._stored[path] = {**self._stored.get(path, {}), **given}
        others = json.dumps([value for name, value in sent.items() if name not in names])
        if _is_marked(others):
            self._marked.update(each.strip() for each in _texts(others) if _is_marked(each))
        # What is sent as a name as well, by chance or on purpose, is rightly shown.
        new = [value for value in sorted(secrets) if self._is_nowhere_else(value)]
        is_new = any(value not in self._values for value in new)
        self._sent += is_new
        self._values.update((value, _in_json(value)) for value in new)
        kept = [each for each in list(self._values.items()) if each[1] not in others]
        kept = kept[-_REMEMBERED:]
        if is_new or len(kept) < len(self._values):
            self._values = dict(kept)
            self._version += 1
        if not names:
            self._without_names[seen] = self._version


def _is_secret(contract: Contract, schema: Located) -> bool:
    return bool(contract.follow(schema).value.get("format") == "password")


def _given_by(contract: Contract, operation: Operation) -> Iterator[str]:
    """The fields of an operation's success that are secrets."""
    for response in operation.successes:
        schema = response.schema(JSON)
        if schema is not None:
            whole = contract.follow(schema)
            for name in whole.value.get("properties", {}):
                if _is_secret(contract, whole.child("properties", name)):
                    yield name


def shows_all(secret: str, shown: str) -> bool:
    """Whether a masked text shows every character of a secret."""
    first, *rest = _MASKS.split(shown)
    last = rest[-1] if rest else ""
    ends = secret.startswith(first) and secret.endswith(last)
    return bool(secret) and ends and len(first) + len(last) >= len(secret)


def _examples(value: object, *, shown: bool = False) -> Iterator[str]:
    """The texts of all examples in a part of the contract."""
    if isinstance(value, str) and shown:
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _examples(each, shown=shown or name in ("example", "examples"))
    elif isinstance(value, list):
        for each in value:
            yield from _examples(each, shown=shown)


def _in_json(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return json.dumps(text)[1:-1]


def _texts(body: str) -> Iterator[str]:
    """Every text in a JSON value, names included; of what is no JSON, the whole."""
    try:
        values = [json.loads(body)]
    except (ValueError, RecursionError):
        yield body
        return
    while values:
        value = values.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            values += value
        elif isinstance(value, dict):
            values += [*value, *value.values()]


def _object(body: bytes | None) -> Mapping[str, Any]:
    """The JSON object in a body; empty where it has none."""
    if not body:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}


def is_unlikely(value: str) -> bool:
    """Whether a text is in no body by chance."""
    return len(value) >= _SHORTEST and len(set(value)) >= _FEWEST_CHARACTERS
