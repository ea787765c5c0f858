"""YAML that a caller sends, read without anything that makes reading it expensive or surprising.

Only texts, lists, mappings and null mean something here; whatever else is written, a number or a
date for example, is NOT_TEXT. Nothing is built from tags. Aliases are refused, since a few of them
can stand for billions of values. Reading takes no recursion.
"""

from typing import Any

import yaml

DEEPEST = 100

NOT_TEXT = object()
"""Stands for a number, a date, a boolean or a tagged value."""

_TEXT, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidYaml(Exception):
    """It is not YAML, or YAML that is not read. The text says why, and repeats nothing of it."""


def read_yaml(text: str) -> Any:
    """Return the value of a text, None of an empty one. Raises InvalidYaml."""
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:
        raise _invalid(error) from None
    try:
        return _value(loader)
    except yaml.YAMLError as error:
        raise _invalid(error) from None
    finally:
        loader.dispose()


def _invalid(error: yaml.YAMLError) -> InvalidYaml:
    mark = getattr(error, "problem_mark", None)
    return InvalidYaml("must be YAML" if mark is None else f"line {_line(mark)}: must be YAML")


def _line(mark: Any) -> int:
    line: int = mark.line + 1
    return line


def _value(loader: Any) -> Any:
    documents: list[Any] = []
    open_values: list[_Open] = [_Open(documents)]
    while loader.check_event():
        event = loader.get_event()
        if isinstance(event, yaml.AliasEvent):
            raise InvalidYaml(f"line {_line(event.start_mark)}: must not have aliases")
        if isinstance(event, yaml.CollectionEndEvent):
            open_values.pop()
        elif isinstance(event, yaml.ScalarEvent):
            open_values[-1].add(_scalar(loader, event))
        elif isinstance(event, yaml.CollectionStartEvent):
            new: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            open_values[-1].add(new)
            open_values.append(_Open(new))
            if len(open_values) > DEEPEST + 1:
                raise InvalidYaml(f"must not be nested more than {DEEPEST} deep")
    if len(documents) > 1:
        raise InvalidYaml("must be one document")
    return documents[0] if documents else None


def _scalar(loader: Any, event: yaml.ScalarEvent) -> Any:
    is_tagged = event.tag not in (None, "!")
    tag = event.tag if is_tagged else loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag == _NULL:
        return None
    return event.value if tag == _TEXT else NOT_TEXT


class _Open:
    """A list or mapping that is not yet at its end."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._key: Any = _Open

    def add(self, item: Any) -> None:
        """Add an item, or a key and then its value. A key that is no text is left out."""
        if isinstance(self._value, list):
            self._value.append(item)
        elif self._key is _Open:
            self._key = item
        else:
            if isinstance(self._key, str):
                self._value[self._key] = item
            self._key = _Open
