"""Which operations the rules and invariants of the model are about.

They name SDK methods, in their own code or in the functions of the model that they call. So what a
rule is about is read from its code, and need not be written down a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from agentserver_contract import model
from agentserver_contract.contract.document import Contract
from agentserver_contract.model.action import ACTIONS, INVARIANTS, Action


def rules_about(contract: Contract, operations: Collection[str] | None) -> list[str]:
    """The names of the rules that are about some operations, or read them back.

    Args:
        contract: The contract.
        operations: OperationIds; None for every rule.
    """
    if operations is None:
        return list(ACTIONS)
    named = [contract.operations[operation] for operation in operations]
    calls = {operation.sdk for operation in named}
    reads = {operation.sdk for operation in named if operation.is_read}
    return [
        name
        for name, action in ACTIONS.items()
        if _names(action.perform, calls) or _reads_back(action, reads)
    ]


def _reads_back(action: Action, reads: Collection[str]) -> bool:
    return any(
        not each.shows.isdisjoint(action.touches) and _names(each.check, reads)
        for each in INVARIANTS
    )


def _names(function: Callable[..., Any], methods: Collection[str]) -> bool:
    """Whether a function names one of these SDK methods, or the resource that has it."""
    return any(
        text == method or ("." in text and method.startswith(f"{text}."))
        for text in texts_of(function)
        for method in methods
    )


@cache
def texts_of(function: Callable[..., Any]) -> frozenset[str]:
    """The texts in the code of a function, and of those of the model that it calls."""
    found: set[str] = set()
    seen: set[FunctionType] = set()
    waiting: list[Any] = [function]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, FunctionType) or each in seen:
            continue
        seen.add(each)
        for code in _codes(each.__code__):
            found.update(_texts(code.co_consts))
            waiting += _called(each, code)
    return frozenset(found)


def _called(function: FunctionType, code: CodeType) -> Iterator[FunctionType]:
    """The functions of the model that some code of a function calls, methods among them."""
    of_class = function.__qualname__.partition(".")[0]
    for named in map(function.__globals__.get, (of_class, *code.co_names)):
        if not isinstance(named, type | FunctionType) or not _is_of_model(named):
            continue
        if isinstance(named, FunctionType):
            yield named
        else:
            methods = map(vars(named).get, code.co_names)
            yield from (each for each in map(_function, methods) if each is not None)


def _function(value: Any) -> FunctionType | None:
    """A method, or what a property calls; None for anything else of a class."""
    found = value.fget if isinstance(value, property) else value
    return found if isinstance(found, FunctionType) else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _texts(constants: Collection[Any]) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from _texts(constant)


def _is_of_model(value: type | FunctionType) -> bool:
    return value.__module__.startswith(f"{model.__name__}.")
