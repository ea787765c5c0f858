"""Reads a seed file, YAML or JSON, and checks all of it against the contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import jsonschema_rs
import yaml

from agentserver_reference.contract import Body, Contract
from agentserver_reference.domain.emails import email_key
from agentserver_reference.http.explanations import explain
from agentserver_reference.settings import SettingsError

Fields = Mapping[str, Any]


@attrs.frozen
class Person:
    """An account."""

    at: str
    """Its place in the file, such as `people[0]`."""
    email: str
    password: str | None
    """None to generate one."""
    role: str | None
    quota: Fields | None


@attrs.frozen
class Member:
    """A member of a workspace, besides its owner."""

    at: str
    email: str
    role: str | None


@attrs.frozen
class Workspace:
    """A workspace."""

    at: str
    name: str
    owner: str
    """The owner's e-mail address."""
    members: tuple[Member, ...]
    quota: Fields | None
    llm_quota: Fields | None


@attrs.frozen
class Seed:
    """What the file asks for."""

    file: Path
    lines: Mapping[str, int] = attrs.field(repr=False)
    """The line of each place."""
    people: tuple[Person, ...]
    workspaces: tuple[Workspace, ...]
    quota_defaults: Fields | None

    def error(self, at: str, rule: str) -> SettingsError:
        """Return the error for a place in the file."""
        return _error(self.file, self.lines, at, rule)


def read_seed(path: Path, contract: Contract) -> Seed:
    """Read a file.

    Raises:
        SettingsError: naming the file, the line, the place and the rule.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"--seed: {path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"--seed: {path}: must be UTF-8") from None
    value, lines = _parse(path, text)
    return _Reader(path, lines, contract).seed(value)


def _parse(path: Path, text: str) -> tuple[Any, dict[str, int]]:
    """Return the value, and the line of each place in it."""
    try:
        if path.suffix.lower() == ".json":
            return json.loads(text), {}
        node = yaml.compose(text, yaml.SafeLoader)
        return yaml.safe_load(text), dict(_lines(node, "")) if node else {}
    except json.JSONDecodeError as error:
        raise SettingsError(f"--seed: {path}: line {error.lineno}: must be JSON") from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" line {error.problem_mark.line + 1}:"
        raise SettingsError(f"--seed: {path}:{line} must be YAML ({error.problem})") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SettingsError(f"--seed: {path}: must be YAML or JSON") from None


def _lines(node: yaml.Node, at: str) -> Iterator[tuple[str, int]]:
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, f"{at}[{index}]")
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, f"{at}.{key.value}".lstrip("."))


def _error(file: Path, lines: Mapping[str, int], at: str, rule: str) -> SettingsError:
    place = at
    while place and place not in lines:
        place = re.sub(r"(\.[^.[]*|\[\d+\]|^[^.[]+)$", "", place)
    line = f" line {lines[place]}:" if place in lines else ""
    return SettingsError(
        f"--seed: {file}:{line} {at}: {rule}" if at else f"--seed: {file}:{line} {rule}"
    )


@attrs.frozen
class _Reader:
    file: Path
    lines: Mapping[str, int]
    contract: Contract

    def seed(self, value: Any) -> Seed:
        fields = self._fields(value, "", ("people", "workspaces", "quota_defaults"))
        people = self._items(fields, "people", "", self._person)
        workspaces = self._items(fields, "workspaces", "", self._workspace)
        self._check_distinct({one.at: email_key(one.email) for one in people})
        self._check_distinct({one.at: (email_key(one.owner), one.name) for one in workspaces})
        for workspace in workspaces:
            given = {one.at: email_key(one.email) for one in workspace.members}
            self._check_distinct({f"{workspace.at}.owner": email_key(workspace.owner), **given})
        defaults = self._limits(fields, "quota_defaults", "", "admin_set_quota_defaults")
        return Seed(self.file, self.lines, people, workspaces, defaults)

    def _person(self, value: Any, at: str) -> Person:
        fields = self._fields(value, at, ("email", "password", "role", "quota"))
        # The password is to be generated if it is left out, so any will do for the check.
        account = {"password": "generated", **_only(fields, "email", "password")}
        self._check_body("register_user", account, at)
        if "role" in fields:
            self._check_body("admin_update_user_role", _only(fields, "role"), at)
        quota = self._limits(fields, "quota", at, "admin_set_user_quota")
        return Person(at, fields["email"], fields.get("password"), fields.get("role"), quota)

    def _workspace(self, value: Any, at: str) -> Workspace:
        fields = self._fields(value, at, ("name", "owner", "members", "quota", "llm_quota"))
        self._check_body("create_workspace", _only(fields, "name"), at)
        if not isinstance(fields.get("owner"), str):
            raise self._error(f"{at}.owner", "must be the e-mail address of an account")
        return Workspace(
            at=at,
            name=fields["name"],
            owner=fields["owner"],
            members=self._items(fields, "members", at, self._member),
            quota=self._limits(fields, "quota", at, "admin_set_workspace_quota"),
            llm_quota=self._limits(fields, "llm_quota", at, "admin_set_workspace_llm_quota"),
        )

    def _member(self, value: Any, at: str) -> Member:
        fields = self._fields(value, at, ("email", "role"))
        self._check_body("add_workspace_member", fields, at)
        return Member(at, fields["email"], fields.get("role"))

    def _items(self, fields: Fields, name: str, at: str, read: Any) -> tuple[Any, ...]:
        place = f"{at}.{name}".lstrip(".")
        items = fields.get(name, [])
        if not isinstance(items, list):
            raise self._error(place, "must be a list")
        return tuple(read(item, f"{place}[{index}]") for index, item in enumerate(items))

    def _limits(self, fields: Fields, name: str, at: str, operation: str) -> Fields | None:
        if name not in fields:
            return None
        place = f"{at}.{name}".lstrip(".")
        shape = self._body(operation).shape
        known = tuple(shape) if isinstance(shape, dict) else ()
        limits = self._fields(fields[name], place, known)
        self._check_body(operation, limits, place)
        return limits

    def _fields(self, value: Any, at: str, known: tuple[str, ...]) -> Fields:
        if not isinstance(value, dict):
            raise self._error(at, f"must have fields: {', '.join(known)}")
        for name in value:
            if name not in known:
                place = f"{at}.{name}".lstrip(".")
                raise self._error(place, f"is unknown; known are {', '.join(known)}")
        return value

    def _check_body(self, operation: str, value: Fields, at: str) -> None:
        body = self._body(operation)
        try:
            body.validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            place, _, rule = explain(error, body.examples, at).partition(": ")
            raise self._error(place, rule) from None

    def _check_distinct(self, values: Mapping[str, Any]) -> None:
        seen: dict[Any, str] = {}
        for at, value in values.items():
            if value in seen:
                raise self._error(at, f"is the same as {seen[value]}")
            seen[value] = at

    def _body(self, operation: str) -> Body:
        return next(
            one.body for one in self.contract.operations if one.id == operation and one.body
        )

    def _error(self, at: str, rule: str) -> SettingsError:
        return _error(self.file, self.lines, at, rule)


def _only(fields: Fields, *names: str) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}
