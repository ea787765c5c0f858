"""Mutants are drawn alike with one seed, change what they say, and are caught, dropped or kept."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from definitions import CHECKOUT, CatalogueError, Fault, Mutation
from mutants import ROOT, Mutant, drawn, equivalents, every_mutant, mutants_of, mutated_text
from operators import OPERATORS
from results import TrialPlan
from sources import Source
from trials import run_trial

MODULE = "agentserver_reference.example"
EVERY = list(every_mutant())

CHANGES: list[tuple[str, str, str]] = [
    ("comparison", "x = a < b", "x = a <= b"),
    ("comparison", "x = a is not None", "x = a is None"),
    ("comparison", "x = a not in b", "x = a in b"),
    ("condition", "x = 1 if ready else 2", "x = 1 if not (ready) else 2"),
    ("condition", "x = [a for a in b if a]", "x = [a for a in b if not (a)]"),
    ("connective", "x = a and b and c", "x = a or b or c"),
    ("connective", "x = a and b and c", "x = a and b"),
    ("constant", "x = 300", "x = 301"),
    ("constant", "x = True", "x = False"),
    ("constant", "x = 'owner'", "x = 'owne~'"),
    ("statement", "save(x)", "pass"),
    ("statement", "x.y = 1", "pass"),
    ("returned", "def f():\n    return x", "def f():\n    return None"),
    ("argument", "x = q.where(a, b)", "x = q.where(b)"),
    ("argument", "x = q.where(a)", "x = q.where()"),
    ("argument", "x = f(a, key=b)", "x = f(a)"),
    ("chained_call", "x = f().where(a)", "x = f()"),
    ("chained_call", "x = text.strip()", "x = text"),
    ("arithmetic", "x = a + b", "x = a - b"),
    ("arithmetic", "x += 1", "x -= 1"),
    ("unary", "x = not a", "x = a"),
    ("function", "x = max(a, b)", "x = min(a, b)"),
    ("function", "x = c.desc()", "x = c.asc()"),
    ("entry", "x = {'a': 1, 'b': 2}", "x = {'a': 1}"),
    ("entry", "x = [a, b]", "x = [b]"),
    ("handler", "try:\n    f()\nexcept E:\n    g()", "try:\n    f()\nexcept ():\n    g()"),
    ("loop", "for a in b:\n    f(a)", "for a in ():\n    f(a)"),
    (
        "exception",
        "from agentserver_reference.domain.errors import Conflict, NotFound\nraise NotFound('x')",
        "from agentserver_reference.domain.errors import Conflict, NotFound\nraise Conflict('x')",
    ),
]


def texts(source: str, operator: str) -> list[str]:
    found = []
    for mutant in mutants_of(source, MODULE, "example.py"):
        if mutant.operator == operator:
            before = source.encode()
            start = mutant.mutation.position
            end = start + len(mutant.mutation.old.encode())
            found.append((before[:start] + mutant.mutation.new.encode() + before[end:]).decode())
    return found


@pytest.mark.parametrize(
    ("operator", "before", "after"),
    CHANGES,
    ids=map(" ".join, CHANGES),
)
def test_operator_changes_code(operator: str, before: str, after: str) -> None:
    assert after in texts(before, operator)


def test_every_operator_is_tested() -> None:
    assert {operator for operator, *_ in CHANGES} == {*OPERATORS, "exception"}


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "import os",
        "__all__ = ['a']",
        "if TYPE_CHECKING:\n    x = 1",
        "Alias = Callable[[int], None]",
        "x: Literal['a']",
        "_logger.warning('lost', status=1)",
        "T = TypeVar('T', bound=int)",
        "name = Column(nullable=False)",
        "lock = Lock(workspace=workspace_id)",
    ],
)
def test_what_a_caller_cannot_see_is_left_alone(source: str) -> None:
    assert not list(mutants_of(source, MODULE, "example.py"))


def test_words_for_people_are_left_alone() -> None:
    assert not texts("raise NotFound('no such workspace')", "constant")


def test_draw_is_the_same_with_one_seed_and_another_with_another() -> None:
    first, again, other = (list(drawn(EVERY, 20, seed)) for seed in (5, 5, 6))
    assert first == again
    assert len({mutant.place for mutant in first}) == 20
    assert first != other


def test_drawn_mutants_are_python_and_another_program() -> None:
    for mutant in drawn(EVERY, 60, 3):
        text = (ROOT / mutant.mutation.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutated_text(mutant.mutation))) != ast.dump(ast.parse(text))
        assert mutant.diff.startswith(("-", " "))


def test_mutant_of_a_file_that_has_changed_is_refused() -> None:
    mutation = next(iter(EVERY)).mutation
    with pytest.raises(CatalogueError, match=f"{mutation.file}: the place .* has changed"):
        mutated_text(replace(mutation, old="what was there before"))


# --- equivalents ----------------------------------------------------------------------------------


def test_mutant_is_known_again_where_lines_have_moved() -> None:
    source = "def f(a):\n    return a < 1\n"
    moved = f"import os\n\n\n{source}"
    keys = [
        [mutant.key for mutant in mutants_of(text, MODULE, "example.py")]
        for text in (source, moved)
    ]
    assert keys[0] == keys[1]
    assert (f"{MODULE}.f", "return a < 1", "return a <= 1") in keys[0]


def test_listed_equivalents_exist_and_have_a_reason() -> None:
    known = {mutant.key for mutant in EVERY}
    assert not set(equivalents().mutants) - known, "entries of code that has changed"
    for reasons in (equivalents().modules, equivalents().functions, equivalents().mutants):
        assert all(reason.endswith(".") for reason in reasons.values())


def test_listed_modules_and_functions_exist() -> None:
    for name in equivalents().modules:
        path = ROOT.parent / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or path.is_dir(), name
    modules = {
        ".".join([ROOT.name, *path.relative_to(ROOT).with_suffix("").parts]): path
        for path in ROOT.rglob("*.py")
    }
    for name in equivalents().functions:
        module = max((each for each in modules if name.startswith(f"{each}.")), key=len)
        last = name.rpartition(".")[2]
        assert last in modules[module].read_text(encoding="utf-8"), name


def test_what_only_things_use_that_are_left_alone_is_left_alone() -> None:
    source = Source.parse(
        "_LIMIT = 1\n_of_job = select(_LIMIT)\n_SHARED = 2\nPUBLIC = 3\n_table = f(_unused)\n"
        "def job():\n    return _of_job, _SHARED, PUBLIC\n"
        "def answer():\n    return _SHARED\n"
    )
    assert source.used_only_by({"job"}) == {"job", "_of_job", "_LIMIT"}
    assert source.used_only_by(set()) == set()


# --- trials ---------------------------------------------------------------------------------------


CHECK = 'who comes this far has a session."""\n    return'


def mutation(file: str, old: str, new: str) -> Fault:
    text = (ROOT / file).read_bytes()
    assert text.count(old.encode()) == 1
    found = Mutation(file, text.index(old.encode()), old, new)
    return Mutant("", "constant", old, new, found, 1).fault


@pytest.mark.parametrize(
    ("file", "old", "new", "status"),
    [
        ("handlers/auth.py", f"{CHECK} Reply(200", f"{CHECK} Reply(403", "caught"),
        ("handlers/health.py", "def check_health", "def another_name", "did not start"),
        ("serve.py", "GRACE = 30", "GRACE = 31", "survived"),
    ],
)
def test_mutant_is_caught_or_dropped_or_survives(
    file: str, old: str, new: str, status: str
) -> None:
    trial = run_trial(TrialPlan(mutation(file, old, new), seed=1, layers=("roles",)))
    assert trial.status == status, trial.message


def test_drawn_mutants_are_listed_with_their_difference() -> None:
    command = [sys.executable, str(CHECKOUT / "contract_tests" / "faults")]
    listed = subprocess.run(
        [*command, "--mutants", "3", "--seed", "9", "--list"], capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stderr
    for mutant in drawn(EVERY, 3, 9):
        assert f"{mutant.fault.id} in {mutant.function}\n{mutant.diff}" in listed.stdout


HANDLERS = ("handlers/sandboxes.py", "handlers/traces.py", "handlers/workspaces.py")


@pytest.mark.whole
def test_one_drawn_mutant_is_tried_and_written_down(tmp_path: Path) -> None:
    # With a mutant of these handlers, the server starts and the administrator can be made.
    chosen = next(
        mutant
        for mutant in drawn(EVERY, 200, 1)
        if equivalents().reason(mutant) is None and mutant.mutation.file in HANDLERS
    )
    command = [sys.executable, str(CHECKOUT / "contract_tests" / "faults"), "--no-control"]
    words = ["--mutants", "200", "--seed", "1", "--only", chosen.fault.id, "--layer", "roles"]
    done = subprocess.run(
        [*command, *words, "--json", str(tmp_path / "trials.json")], capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    (written,) = json.loads((tmp_path / "trials.json").read_text())
    assert written["id"] == chosen.fault.id
    assert written["diff"] == chosen.diff
