"""The text of a module, the places in it where its code can be changed, and what is left alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

LOGGING = frozenset({"event", "failure", "exception", "warning", "error", "info", "debug"})
"""Functions that write to the server's log, which no caller sees."""

LOCKS = frozenset({"Lock"})
"""What names the rows that are locked, which SQLite, on which a trial is, has no need to know."""

TYPING = frozenset({"TypeVar", "NewType", "cast", "ParamSpec"})
"""Functions whose arguments are for type checkers."""

UNSEEN = frozenset({"repr", "nullable"})
"""Arguments that no caller sees: how an object shows itself to developers, and that the database
refuses NULL, which the server never tries."""

GENERICS = frozenset({"tuple", "list", "dict", "set", "frozenset", "type"})
"""Types that are written with those of their items."""

Node = ast.expr | ast.stmt | ast.ExceptHandler | ast.keyword | ast.arg


@dataclass(frozen=True, order=True)
class Span:
    """Where a text stands in a module, in bytes."""

    start: int
    end: int


@dataclass(frozen=True)
class Place:
    """A node of a module whose code can be changed."""

    node: ast.AST
    function: str
    """The qualified name of the function, class or table that it stands in."""


@dataclass(frozen=True)
class Source:
    """A module as text and as a syntax tree."""

    text: bytes
    tree: ast.Module = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read a module."""
        return cls(text.encode(), ast.parse(text))

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *accumulate(map(len, self.text.splitlines(keepends=True)))]

    def span(self, node: Node) -> Span:
        """Where a node stands."""
        return Span(
            self._line_starts[node.lineno - 1] + node.col_offset,
            self._line_starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0),
        )

    def of(self, node: Node) -> str:
        """The text of a node."""
        return self.between(self.span(node))

    def between(self, span: Span) -> str:
        """The text of a span."""
        return self.text[span.start : span.end].decode()

    def lines(self, span: Span) -> Span:
        """The whole lines that a span stands in."""
        start = self.text.rfind(b"\n", 0, span.start) + 1
        end = self.text.find(b"\n", span.end)
        return Span(start, len(self.text) if end < 0 else end)

    def line_number(self, position: int) -> int:
        """The line of a position, counted from one."""
        return self.text.count(b"\n", 0, position) + 1

    def replaced(self, span: Span, new: str) -> str:
        """The module with another text in a span."""
        return (self.text[: span.start] + new.encode() + self.text[span.end :]).decode()

    def used_only_by(self, names: Set[str]) -> Set[str]:
        """These names of the module, and the private ones that only they and such ones use.

        Args:
            names: Of functions, classes, tables and queries at the top of the module.
        """
        found = set(names)
        while more := {
            name
            for name in self._uses.keys() - found
            if name.startswith("_")
            and (users := {each for each, used in self._uses.items() if name in used} - {name})
            and users <= found
        }:
            found |= more
        return found

    @cached_property
    def _uses(self) -> Mapping[str, Set[str]]:
        """What each definition at the top of the module uses; by "" what stands beside them."""
        uses: dict[str, set[str]] = {}
        for node in self.tree.body:
            used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            for name in _defined(node):
                uses.setdefault(name, set()).update(used)
        return uses

    def places(self) -> Iterator[Place]:
        """Every node that code can be changed at, in the order of the module.

        Left out are imports, annotations, decorators, docstrings, what is for type checkers only,
        how an object shows itself to developers, what writes to the log, which rows are locked, and
        whether a column may be null.
        """
        for node in self.tree.body:
            yield from _places(node, "", is_name=True)


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines; "" where it defines none."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [each.id if isinstance(each, ast.Name) else "" for each in targets]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return [""]


def _places(node: ast.AST, function: str, *, is_name: bool) -> Iterator[Place]:
    """The places of a node; `is_name` where what is assigned is known by its name outside."""
    if _is_left_alone(node):
        return
    inner = function
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            inner, is_name = f"{function}.{name}".lstrip("."), False
        case ast.ClassDef(name=name):
            inner = f"{function}.{name}".lstrip(".")
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            inner = f"{function}.{name}".lstrip(".") if is_name else function
    yield Place(node, inner)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _places(child, inner, is_name=is_name)


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr():
            return True
        case ast.Expr(value=ast.Constant()):  # a docstring, or `...`
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(value=value) if _is_type(value):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in LOGGING | TYPING | LOCKS
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in LOGGING
        case ast.keyword(arg=name):
            return name in UNSEEN
        case ast.Expr(value=value):
            return _is_left_alone(value)
    return False


def _is_type(value: ast.expr) -> bool:
    """Whether a value looks like an alias of a type, such as `Callable[[], None]` or `A | None`."""
    match value:
        case ast.Subscript(value=ast.Name(id=name)):
            return name[:1].isupper() or name in GENERICS
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return any(
                isinstance(side, ast.Constant) or _is_type(side) for side in (left, right)
            ) or (isinstance(left, ast.Name) and isinstance(right, ast.Name))
    return False
