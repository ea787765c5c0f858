"""Faults of a rule: a function, a method or a table of the sources, replaced by its name.

A module of `rules/` marks each replacement with `@fault`. The function's name is the id, with `-`
for `_`, and the first line of its docstring says what it breaks. It takes what it replaces as its
first argument and then the same arguments, so that it may call the original. Where something
other than a function is replaced, it takes the original value alone and returns the new one.
"""

from __future__ import annotations

import dataclasses
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache, wraps
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, TypeVar
from unittest import mock

import rules
from definitions import CatalogueError, Fault, Replacement, Replacements, Side

Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "planted_as"
_PACKAGES: dict[Side, str] = {"server": "agentserver_reference", "sdk": "agentserver"}


# --- in the modules of rules/ ---------------------------------------------------------------------


def fault(
    *,
    replaces: str,
    kind: str,
    operations: Sequence[str],
    by: str | None = None,
) -> Callable[[Function], Function]:
    """Mark a function as a fault.

    Args:
        replaces: The qualified name of what it replaces.
        kind: One of the names in `kinds.toml`.
        operations: Where it shows, by operationId.
        by: The check whose task it is, if it is none of the tool's.
    """

    def mark(replacement: Function) -> Function:
        lines = (inspect.getdoc(replacement) or "").splitlines()
        if not lines:
            raise CatalogueError(f"{replacement.__name__}: its docstring must say what it breaks")
        found = Fault(
            id=replacement.__name__.replace("_", "-"),
            side=_side_of(replaces),
            kind=kind,
            operations=tuple(operations),
            breaks=_uncapitalised(lines[0].rstrip(".")),
            change=Replacements((Replacement(replaces, _name_of(replacement)),)),
            by=by,
        )
        setattr(replacement, _MARK, found)
        return replacement

    return mark


def also(part_of: Callable[..., Any], *, replaces: str) -> Callable[[Function], Function]:
    """Mark a function as one more replacement of a fault that needs several.

    Args:
        part_of: The function marked with `@fault`.
        replaces: The qualified name of what this one replaces.
    """

    def mark(replacement: Function) -> Function:
        found = getattr(part_of, _MARK)
        before = found.change.replacements
        change = Replacements((*before, Replacement(replaces, _name_of(replacement))))
        setattr(part_of, _MARK, dataclasses.replace(found, change=change))
        return replacement

    return mark


def _uncapitalised(sentence: str) -> str:
    """A sentence as it follows a colon; an abbreviation at its start stays as it is."""
    is_abbreviation = sentence[1:2].isupper()
    return sentence if is_abbreviation else sentence[:1].lower() + sentence[1:]


def _side_of(target: str) -> Side:
    package = target.partition(".")[0]
    for side, name in _PACKAGES.items():
        if name == package:
            return side
    raise CatalogueError(f"{target}: faults are planted in {', '.join(_PACKAGES.values())}")


def _name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


# --- in the catalogue -----------------------------------------------------------------------------


def rule_faults() -> Iterator[Fault]:
    """Every fault of the modules in `rules/`, in the order in which they stand there."""
    for module in pkgutil.iter_modules(rules.__path__):
        for value in vars(import_module(f"{rules.__name__}.{module.name}")).values():
            found = getattr(value, _MARK, None)
            if isinstance(value, FunctionType) and isinstance(found, Fault):
                yield found


# --- planting -------------------------------------------------------------------------------------


@contextmanager
def replaced(change: Replacements, on_call: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Replace what a fault replaces, wherever it is known in this process, until the block ends.

    Args:
        change: What is replaced by what.
        on_call: Called whenever a replacement is called; at once where a value is replaced.

    Raises:
        CatalogueError: A target does not exist, or its signature is another one.
    """
    with ExitStack() as stack:
        for each in change.replacements:
            stack.enter_context(_one_replaced(each, on_call))
        yield


@contextmanager
def everywhere_replaced(target: str, build: Callable[[Any], Any]) -> Iterator[None]:
    """Put something else wherever this process knows what a qualified name names.

    Args:
        target: The qualified name.
        build: Makes the other thing from the original.

    Raises:
        CatalogueError: There is no such target.
    """
    owner, name, original = resolved(target)
    new = build(original)
    with ExitStack() as stack:
        for place, attribute in _references(owner, name, original):
            stack.enter_context(mock.patch.object(place, attribute, new))
        for table, key in _entries(original):
            stack.callback(table.__setitem__, key, original)
            table[key] = new
        yield


@cache
def _import_all(package: str) -> None:
    """Import every module of a package, so that none takes the original later.

    One that needs an extra which is not installed, such as PostgreSQL's driver, is never used.
    """
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            try:
                import_module(module.name)
            except ModuleNotFoundError as missing:
                if missing.name is None or missing.name.startswith(package):
                    raise


def resolved(target: str) -> tuple[Any, str, Any]:
    """The module or class that has what a qualified name names, its name there, and itself.

    Raises:
        CatalogueError: There is no such thing.
    """
    *path, name = target.split(".")
    _import_all(path[0])
    owner: Any = import_module(path[0])
    for index, part in enumerate(path[1:], 1):
        owner = getattr(owner, part, None)
        if owner is None:
            raise CatalogueError(f"{target}: there is no {'.'.join(path[: index + 1])}")
    if name not in vars(owner):
        raise CatalogueError(f"{target}: there is no {name} in {'.'.join(path)}")
    return owner, name, vars(owner)[name]


def _one_replaced(
    replacement: Replacement, on_call: Callable[[], None]
) -> AbstractContextManager[None]:
    return everywhere_replaced(
        replacement.target, lambda original: _planted(replacement, original, on_call)
    )


def _planted(replacement: Replacement, original: Any, on_call: Callable[[], None]) -> Any:
    *path, name = replacement.replacement.split(".")
    new = getattr(import_module(".".join(path)), name)
    if not isinstance(original, FunctionType):
        on_call()
        return new(original)
    _check_signature(replacement, original, new)
    if inspect.iscoroutinefunction(original):

        @wraps(original)
        async def planted(*args: Any, **kwargs: Any) -> Any:
            on_call()
            return await new(original, *args, **kwargs)

    else:

        @wraps(original)
        def planted(*args: Any, **kwargs: Any) -> Any:
            on_call()
            return new(original, *args, **kwargs)

    return planted


def _check_signature(replacement: Replacement, original: FunctionType, new: FunctionType) -> None:
    """The new function takes the original and then what the original takes, or whatever comes."""
    _, *parameters = inspect.signature(new).parameters.values()
    wanted = list(inspect.signature(original).parameters.values())
    kinds = [parameter.kind for parameter in parameters]
    if kinds == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]:
        takes_the_same = True
    else:
        takes_the_same = [(p.name, p.kind) for p in parameters] == [
            (p.name, p.kind) for p in wanted
        ]
    is_async = inspect.iscoroutinefunction(original)
    if not takes_the_same or inspect.iscoroutinefunction(new) != is_async:
        word = "async def" if is_async else "def"
        raise CatalogueError(
            f"{replacement.target} is `{word} {inspect.signature(original)}`, which "
            f"{replacement.replacement} does not take after the original"
        )


def _references(owner: Any, name: str, original: Any) -> Iterator[tuple[Any, str]]:
    """The attributes to replace: the target, and what modules imported of it by name.

    A function is found under any name, in tests as well; where the target names the import of one
    module, that module alone is changed. Another value, such as a number, counts only under its
    own name and in its own package, since equal ones may be one object.
    """
    yield owner, name
    if isinstance(original, FunctionType):
        if isinstance(owner, ModuleType) and original.__module__ != owner.__name__:
            return
        modules, counts = _modules(), lambda attribute: True
    else:
        package = getattr(owner, "__name__", "").partition(".")[0]
        modules, counts = _modules(package), lambda attribute: attribute == name
    for module in modules:
        for attribute, value in list(vars(module).items()):
            is_target = module is owner and attribute == name
            if value is original and counts(attribute) and not is_target:
                yield module, attribute


def _entries(original: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """The entries of tables, and the defaults of arguments, by which a function is known too."""
    if not isinstance(original, FunctionType):
        return
    for module in _modules(original.__module__.partition(".")[0]):
        for value in list(vars(module).values()):
            table = value.__kwdefaults__ if isinstance(value, FunctionType) else value
            if type(table) is dict:
                for key, entry in list(table.items()):
                    if entry is original:
                        yield table, key


def _modules(package: str = "") -> Iterator[ModuleType]:
    """The modules that are imported, but for those of the replacements themselves."""
    for name, module in list(sys.modules.items()):
        is_wanted = not package or name.partition(".")[0] == package
        if is_wanted and isinstance(module, ModuleType) and not name.startswith("rules."):
            yield module
