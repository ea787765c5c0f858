"""Query parameters: text made what the contract says it is, then checked; never another value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs

from agentserver_reference.contract import Parameter
from agentserver_reference.domain.errors import Invalid
from agentserver_reference.http.bodies import explain


def read_query(parameters: tuple[Parameter, ...], given: Mapping[str, str]) -> dict[str, Any]:
    """The documented parameters that were given, by name; others are ignored.

    Raises:
        Invalid: one line that names the parameter and the rule.
    """
    query: dict[str, Any] = {}
    for parameter in parameters:
        text = given.get(parameter.name)
        if text is not None:
            value = _READ.get(parameter.type, str)(text)
            try:
                parameter.validator.validate(value)
            except jsonschema_rs.ValidationError as error:
                raise Invalid(explain(error, {}, at=parameter.name)) from None
            query[parameter.name] = value
        elif parameter.required:
            raise Invalid(f"{parameter.name}: is required")
    return query


def _integer(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _number(text: str) -> float | str:
    # Text that is no number stays text, and the validator refuses it by its type.
    return float(text) if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text) else text


def _boolean(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text, text)


_READ: dict[str, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
