"""The project's frame: the commands on a bare Python, the pinned versions, and what is written."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
CONSTRAINTS = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()


def enter_noxfile(folder: Path, before: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of noxfile.py as a script, after the statements `before`."""
    shutil.copy(ROOT / "noxfile.py", folder)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "constraints.txt", folder / ".ci")
    program = f"import runpy, sys; {before}; runpy.run_path('noxfile.py', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=folder
    )


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("sys.version_info = (3, 10, 13)", "Python 3.11 or later is needed"),
        ("sys.modules['ensurepip'] = None", "apt-get install python3-venv"),
        ("sys.modules['venv'] = None", "apt-get install python3-venv"),
    ],
    ids=["old-python", "no-ensurepip", "no-venv"],
)
def test_noxfile_says_in_one_line_what_the_machine_lacks(
    tmp_path: Path, before: str, reason: str
) -> None:
    done = enter_noxfile(tmp_path, before)
    assert done.returncode == 2, done.stderr
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / ".nox").exists()


def test_constraints_are_plain_pins() -> None:
    pin = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-z_' .<>=!0-9A-Z]+)?")
    assert CONSTRAINTS
    assert [line for line in CONSTRAINTS if not pin.fullmatch(line)] == []


def direct_dependencies() -> set[str]:
    """The names of all packages that pyproject.toml asks for."""
    lists = [PROJECT["project"]["dependencies"], *EXTRAS.values()]
    lists += PROJECT["dependency-groups"].values()
    asked = {each for requirements in lists for each in requirements if isinstance(each, str)}
    return {re.split(r"[\[<>=; ]", each)[0] for each in asked} - {"agentserver"}


def test_every_dependency_is_pinned() -> None:
    assert direct_dependencies() <= {line.partition("==")[0] for line in CONSTRAINTS}


def test_contributing_says_why_each_dependency() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    reasons = set(re.findall(r"^- `([a-z0-9-]+)(?:\[[a-z-]+\])?`:", text, flags=re.MULTILINE))
    assert reasons == direct_dependencies() | {"hatchling"}


def test_ci_runs_the_readme_commands_as_written() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:^\$ |`)(python3 noxfile\.py \w+)", readme, flags=re.MULTILINE))
    assert commands == {f"python3 noxfile.py {name}" for name in ("demo", "tests", "docs")}
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {f"step {command}" for command in commands} <= set(steps)


def test_everything_that_names_a_command_names_one_that_exists() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = set(re.findall(r"^@nox\.session.*\ndef (\w+)\(", noxfile, flags=re.MULTILINE))
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = contributing.partition("| command | does |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == sessions
    for path in (".ci/run", ".github/workflows/docs.yml"):
        named = re.findall(r"python3 noxfile\.py (\w+)", (ROOT / path).read_text("utf-8"))
        assert named, path
        assert set(named) <= sessions, path


def test_markdown_links_lead_to_files() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (ROOT / target).exists(), f"{name} links to {target}, which is not there"
