"""The text of a contract: which file it is in, and how YAML and JSON come to mean the same."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


class ContractError(ValueError):
    """The contract cannot be read, or points at something that it does not contain."""


def installed() -> Path:
    """Where the installed server keeps the contract; its package is not imported.

    Raises:
        ContractError: No server is installed.
    """
    found = importlib.util.find_spec("agentserver_reference")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "openapi.json"
        if path.is_file():
            return path
    raise ContractError(
        "no contract is installed: give the path of an openapi.json or openapi.yaml"
    )


def read(path: Path) -> Mapping[str, Any]:
    """The document in a JSON or YAML file.

    Raises:
        ContractError: The file cannot be read, or is not an OpenAPI document.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), json_text=path.suffix == ".json")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: cannot be read: {error}") from None
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None


def parse(text: str, *, json_text: bool = False) -> Mapping[str, Any]:
    """The document in a text, YAML unless `json_text` is set.

    Raises:
        ContractError: The text is not an OpenAPI document.
    """
    try:
        document = json.loads(text) if json_text else _from_yaml(text)
    except yaml.YAMLError as error:
        raise ContractError(f"not YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:
        raise ContractError(f"not JSON: {error}") from None
    if not isinstance(document, Mapping) or "paths" not in document:
        raise ContractError("not an OpenAPI document: it has no `paths`")
    return document


def _from_yaml(text: str) -> Any:
    """The value in a YAML text, as JSON has it: keys are text, and aliases become copies."""
    return json.loads(json.dumps(yaml.load(text, Loader=_Loader)))  # noqa: S506 - a safe one


class _Loader(yaml.SafeLoader):
    """Reads YAML 1.2 with its JSON schema, and refuses a key that stands twice.

    PyYAML itself reads YAML 1.1, where `no` is false, `1:30` is 90 and a date is no text: the
    same contract would mean something else in JSON.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for (key, _), name in zip(node.value, keys, strict=True):
            if keys.count(name) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name} stands twice", key.start_mark
                )
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?", list("-0123456789")),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
    )
