"""Mutants: the server's code with one change at a place that was drawn at random.

`equivalent.toml` lists what no caller can see, each entry with its reason: single mutants, and
whole functions and modules, where nothing is changed.
"""

from __future__ import annotations

import ast
import difflib
import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path

from definitions import HERE, ROOTS, CatalogueError, Fault, Mutation
from operators import OPERATORS, other_exception
from sources import Source, Span

ROOT = ROOTS["server"]
PACKAGE = ROOT.name
EXCEPTIONS = ROOT / "domain" / "errors.py"
"""Where the exceptions are that may be raised instead of each other."""
LIST = HERE / "equivalent.toml"


@dataclass(frozen=True)
class Mutant:
    """One change of the server's code."""

    function: str
    """The qualified name of the function, class or table that is changed."""
    operator: str
    old: str
    """The lines that are changed, without the blanks around them."""
    new: str
    """What they become."""
    mutation: Mutation
    line: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies it, also where lines have moved."""
        return self.function, self.old, self.new

    @property
    def place(self) -> tuple[str, int]:
        """Mutants of one place are alternatives of each other."""
        return self.mutation.file, self.mutation.position

    @property
    def fault(self) -> Fault:
        """What is planted."""
        name = f"{self.mutation.file}:{self.line}"
        return Fault(
            id=f"{name}:{self.operator}:{self.mutation.position}",
            side="server",
            kind=self.operator,
            operations=(),
            breaks=f"`{_first_line(self.old)}` has become `{_first_line(self.new)}`",
            change=self.mutation,
        )

    @property
    def diff(self) -> str:
        """The change as a unified diff without its head."""
        lines = difflib.unified_diff(self.old.splitlines(), self.new.splitlines(), lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


@dataclass(frozen=True)
class Equivalents:
    """What no caller can see, each with the reason."""

    modules: Mapping[str, str]
    functions: Mapping[str, str]
    mutants: Mapping[tuple[str, str, str], str]

    def leave_alone(self, name: str) -> bool:
        """Whether nothing is changed in a module or function."""
        return any(
            name == each or name.startswith(f"{each}.") for each in (*self.modules, *self.functions)
        )

    def at_top_of(self, module: str) -> set[str]:
        """The functions, classes and tables at the top of a module where nothing is changed."""
        inside = (name.removeprefix(f"{module}.") for name in self.functions)
        return {name for name in inside if "." not in name}

    def reason(self, mutant: Mutant) -> str | None:
        """Why a mutant cannot be seen, if it is listed."""
        return self.mutants.get(mutant.key)


@cache
def equivalents() -> Equivalents:
    """The list.

    Raises:
        CatalogueError: An entry lacks its reason, or another key.
    """
    table = tomllib.loads(LIST.read_text(encoding="utf-8"))
    try:
        return Equivalents(
            {each["name"]: each["reason"] for each in table.get("module", ())},
            {each["name"]: each["reason"] for each in table.get("function", ())},
            {
                (each["function"], each["old"], each["new"]): each["reason"]
                for each in table.get("mutant", ())
            },
        )
    except KeyError as missing:
        raise CatalogueError(f"{LIST.name}: an entry lacks {missing}") from None


def every_mutant(root: Path = ROOT) -> Iterator[Mutant]:
    """Every mutant of a package, in the order of its files."""
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        module = ".".join([root.name, *inside.with_suffix("").parts])
        if not equivalents().leave_alone(module):
            yield from mutants_of(path.read_text(encoding="utf-8"), module, inside.as_posix())


def mutants_of(text: str, module: str, file: str) -> Iterator[Mutant]:
    """The mutants of a module, some of which may be no Python.

    Args:
        text: Its source.
        module: Its qualified name.
        file: Its path inside the package.
    """
    source = Source.parse(text)
    operators = {**OPERATORS, "exception": other_exception(_exceptions_of(source))}
    alone = source.used_only_by(equivalents().at_top_of(module))
    for place in source.places():
        function = f"{module}.{place.function}".rstrip(".")
        if place.function.partition(".")[0] in alone or equivalents().leave_alone(function):
            continue
        for operator, changes in operators.items():
            for span, new in changes(source, place.node):
                lines, before = source.lines(span), source.between(span)
                head = source.between(Span(lines.start, span.start))
                tail = source.between(Span(span.end, lines.end))
                yield Mutant(
                    function=function,
                    operator=operator,
                    old=f"{head}{before}{tail}".strip(),
                    new=f"{head}{new}{tail}".strip(),
                    mutation=Mutation(file, span.start, before, new),
                    line=source.line_number(span.start),
                )


def drawn(mutants: Iterable[Mutant], number: int, seed: int, root: Path = ROOT) -> Iterator[Mutant]:
    """Some of the mutants, each at another place; every place is as likely as any other.

    Args:
        mutants: What to draw from.
        number: How many.
        seed: Draws the same ones again from the same code.
        root: The package that they are mutants of.
    """
    draw = random.Random(seed)  # noqa: S311 - what it decides is no secret
    by_place: dict[tuple[str, int], list[Mutant]] = {}
    for mutant in mutants:
        by_place.setdefault(mutant.place, []).append(mutant)
    places = list(by_place)
    draw.shuffle(places)
    valid = filter(partial(_is_valid, root), (draw.choice(by_place[place]) for place in places))
    return islice(valid, number)


def mutated_text(mutation: Mutation, root: Path = ROOT) -> str:
    """The file with its change.

    Raises:
        CatalogueError: The file has changed since the mutant was drawn.
    """
    source = Source.parse((root / mutation.file).read_text(encoding="utf-8"))
    span = Span(mutation.position, mutation.position + len(mutation.old.encode()))
    if source.between(span) != mutation.old:
        raise CatalogueError(f"{mutation.file}: the place of a mutant has changed")
    return source.replaced(span, mutation.new)


def _is_valid(root: Path, mutant: Mutant) -> bool:
    """Whether it is Python and another program: a comma may be left, or the text the same."""
    try:
        tree = ast.parse(mutated_text(mutant.mutation, root))
    except SyntaxError:
        return False
    original = ast.parse((root / mutant.mutation.file).read_text(encoding="utf-8"))
    return ast.dump(tree) != ast.dump(original)


def _exceptions_of(source: Source) -> list[str]:
    """The exceptions that a module imports and that may be raised instead of each other."""
    tree = ast.parse(EXCEPTIONS.read_text(encoding="utf-8"))
    known = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = {
        alias.asname or alias.name
        for node in source.tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return sorted(known & imported)


def _first_line(text: str) -> str:
    head, _, rest = text.partition("\n")
    return f"{head} ..." if rest else head
