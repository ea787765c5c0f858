"""The changes that a random mutant makes, each by the kind of node at which it is made.

An operator yields a span of the source and the text to put there. What it yields may be no valid
Python where parentheses or commas are in the way; such a change is left out when mutants are drawn.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from sources import UNSEEN, Node, Source, Span

Change = tuple[Span, str]
Operator = Callable[[Source, ast.AST], Iterator[Change]]

_OTHER_COMPARISONS: Mapping[type[ast.cmpop], tuple[str, Sequence[str]]] = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: (r"is\s+not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: (r"not\s+in", ("in",)),
}
_OTHER_ARITHMETIC: Mapping[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "+"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
}
_OTHER_FUNCTIONS: Mapping[str, str] = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sorted": "list",
    "and_": "or_",
    "or_": "and_",
    "union": "intersection",
    "intersection": "union",
    "asc": "desc",
    "desc": "asc",
    "startswith": "endswith",
    "endswith": "startswith",
}
_CRITERIA = frozenset({"where", "and_", "or_", "order_by", "having", "filter"})
_TEXT_METHODS = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "title", "desc", "copy"}
)


def comparison(source: Source, node: ast.AST) -> Iterator[Change]:
    """`<` becomes `<=` or `>=`, `==` becomes `!=`, `in` becomes `not in`, and the reverse."""
    if isinstance(node, ast.Compare):
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            pattern, others = _OTHER_COMPARISONS[type(operator)]
            gap = _gap(source, left, right)
            for other in others:
                yield gap, re.sub(pattern, other, source.between(gap), count=1)
            left = right


def condition(source: Source, node: ast.AST) -> Iterator[Change]:
    """A condition is negated."""
    tests: list[ast.expr] = []
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            tests = [test]
        case ast.comprehension(ifs=ifs):
            tests = ifs
    for test in tests:
        if not isinstance(test, ast.Compare | ast.UnaryOp):  # these are negated by themselves
            yield source.span(test), f"not ({source.of(test)})"


def connective(source: Source, node: ast.AST) -> Iterator[Change]:
    """`and` becomes `or`, and the reverse; or one of what they connect is left out."""
    if isinstance(node, ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        whole = source.span(node)
        text, at = "", whole.start
        for left, right in zip(node.values, node.values[1:], strict=False):
            gap = _gap(source, left, right)
            text += source.between(Span(at, gap.start))
            text += re.sub(rf"\b{old}\b", new, source.between(gap), count=1)
            at = gap.end
        yield whole, text + source.between(Span(at, whole.end))
        yield from _without_one(source, node.values)


def constant(source: Source, node: ast.AST) -> Iterator[Change]:
    """Another number, the other truth value, or another string.

    A string with a blank is a text for people, whose words the server may choose.
    """
    if not isinstance(node, ast.Constant):
        return
    span = source.span(node)
    match node.value:
        case bool():
            yield span, str(not node.value)
        case int() | float():
            yield span, repr(node.value + 1)
            if node.value > 0:
                yield span, repr(node.value - 1)
        case str() | bytes() as value if value and not _is_prose(value):
            other = value[:-1] + (b"~" if isinstance(value, bytes) else "~")  # type: ignore[operator]
            yield span, repr(other)
        case str("") | bytes(b""):
            yield span, repr(node.value[:0] + ("~" if node.value == "" else b"~"))  # type: ignore[operator]


def statement(source: Source, node: ast.AST) -> Iterator[Change]:
    """A statement is left out: a call, an exception that is raised, a change of an attribute."""
    match node:
        case ast.Expr() | ast.Raise() | ast.AugAssign() | ast.Delete():
            yield source.span(node), "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield source.span(node), "pass"
        case ast.Break() | ast.Continue():
            yield source.span(node), "pass"


def returned(source: Source, node: ast.AST) -> Iterator[Change]:
    """A function returns None instead of its result."""
    match node:
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield source.span(value), "None"


def argument(source: Source, node: ast.AST) -> Iterator[Change]:
    """An argument by name, or a criterion of a query, is left out.

    Without one of the others, most calls would fail at once.
    """
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _CRITERIA:
            yield from _without_one(source, [*node.args, *node.keywords])
        case ast.Call(keywords=keywords):
            first = [source.span(each) for each in node.args[-1:]]
            spans = first + [source.span(each) for each in keywords if each.arg not in UNSEEN]
            yield from list(_without_span(source, spans))[len(first) :]


def chained_call(source: Source, node: ast.AST) -> Iterator[Change]:
    """A call at the end of a chain is left out, such as `.where(...)` or `.strip()`."""
    match node:
        case ast.Call(func=ast.Attribute(value=before, attr=name)):
            if isinstance(before, ast.Call) or name in _TEXT_METHODS:
                yield Span(source.span(before).end, source.span(node).end), ""


def arithmetic(source: Source, node: ast.AST) -> Iterator[Change]:
    """`+` becomes `-`, `&` becomes `|`, and the like."""
    match node:
        case ast.BinOp(left=left, right=right, op=operator):
            if type(operator) in _OTHER_ARITHMETIC:
                old, new = _OTHER_ARITHMETIC[type(operator)]
                gap = _gap(source, left, right)
                yield gap, source.between(gap).replace(old, new, 1)
        case ast.AugAssign(target=target, value=value, op=operator):
            if type(operator) in _OTHER_ARITHMETIC:
                old, new = _OTHER_ARITHMETIC[type(operator)]
                gap = _gap(source, target, value)
                yield gap, source.between(gap).replace(f"{old}=", f"{new}=", 1)


def unary(source: Source, node: ast.AST) -> Iterator[Change]:
    """`not x` becomes `x`, and `-x` becomes `x`."""
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.UAdd):
        yield Span(source.span(node).start, source.span(node.operand).start), ""


def function(source: Source, node: ast.AST) -> Iterator[Change]:
    """Another function of the same form is called: `any` for `all`, `max` for `min`."""
    match node:
        case ast.Call(func=ast.Name(id=name) as called) if name in _OTHER_FUNCTIONS:
            yield source.span(called), _OTHER_FUNCTIONS[name]
        case ast.Call(func=ast.Attribute(attr=name) as called) if name in _OTHER_FUNCTIONS:
            end = source.span(called).end
            yield Span(end - len(name), end), _OTHER_FUNCTIONS[name]


def entry(source: Source, node: ast.AST) -> Iterator[Change]:
    """An entry of a dictionary, list, set or tuple is left out."""
    match node:
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = [
                Span(source.span(key).start, source.span(value).end)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            ]
            yield from _without_span(source, pairs)
        case ast.List(elts=elements) | ast.Set(elts=elements):
            yield from _without_one(source, elements)
        case ast.Tuple(elts=elements) if len(elements) > 1:
            yield from _without_one(source, elements)


def handler(source: Source, node: ast.AST) -> Iterator[Change]:
    """An exception is caught no longer."""
    match node:
        case ast.ExceptHandler(type=ast.expr() as caught):
            yield source.span(caught), "()"


def loop(source: Source, node: ast.AST) -> Iterator[Change]:
    """A loop does nothing."""
    match node:
        case ast.For(iter=iterated):
            yield source.span(iterated), "()"


def other_exception(names: Sequence[str]) -> Operator:
    """What is raised is another exception, one of these, which the module knows.

    Args:
        names: Of exceptions that are made in the same way.
    """

    def raised(source: Source, node: ast.AST) -> Iterator[Change]:
        """Another exception is raised."""
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name) as called)) if name in names:
                for other in names:
                    if other != name:
                        yield source.span(called), other

    return raised


OPERATORS: Mapping[str, Operator] = {
    each.__name__: each
    for each in (
        *(comparison, condition, connective, constant, statement, returned, argument),
        *(chained_call, arithmetic, unary, function, entry, handler, loop),
    )
}
"""The operators by name, but for that of exceptions, which depends on the module."""


def _gap(source: Source, left: Node, right: Node) -> Span:
    return Span(source.span(left).end, source.span(right).start)


def _is_prose(value: str | bytes) -> bool:
    return (b" " if isinstance(value, bytes) else " ") in value  # type: ignore[operator]


def _without_one(source: Source, nodes: Sequence[Node]) -> Iterator[Change]:
    return _without_span(source, sorted(map(source.span, nodes)))


def _without_span(source: Source, spans: Sequence[Span]) -> Iterator[Change]:
    """Each of several texts left out, with what separates it from its neighbour."""
    for index, span in enumerate(spans):
        if index + 1 < len(spans):
            yield Span(span.start, spans[index + 1].start), ""
        elif index:
            yield Span(spans[index - 1].end, span.end), ""
        else:
            after = source.text[span.end :].lstrip()
            end = source.text.index(b",", span.end) + 1 if after.startswith(b",") else span.end
            yield Span(span.start, end), ""
