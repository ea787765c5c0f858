"""Write what follows from the contract: the generated part of the SDK, and the contract as JSON.

Only these are written, and only where they change: `sdk/agentserver/_generated`, the sample of
every call for the type checkers, and the JSON copy of the contract beside the reference server.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import json
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).with_name("templates")
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "sdk"), str(ROOT / "contract_tests")]

from openapi_python_client import Project, strings  # noqa: E402
from openapi_python_client.config import Config, ConfigFile, MetaType  # noqa: E402
from openapi_python_client.parser import GeneratorData  # noqa: E402
from openapi_python_client.parser.errors import GeneratorError  # noqa: E402
from operations import Argument, Surface  # noqa: E402

from agentserver._errors import class_for  # noqa: E402
from agentserver_contract.contract.document import Contract  # noqa: E402
from agentserver_contract.contract.source import ContractError, read  # noqa: E402

GENERATED = Path("sdk/agentserver/_generated")
SAMPLE = Path("sdk/tests/typing/every_operation.py")
CONTRACT_AS_JSON = Path("reference_server/agentserver_reference/openapi.json")

WIDTH = 100

# The headings in the docstrings of the templates.
SECTIONS = ("Args:", "Returns:", "Raises:")

# Upstream's own client, which the SDK's replaces.
UNUSED = ("client.py", "errors.py", "types.py")
FORMATTING = (
    "--no-cache",
    f"--config={ROOT / 'pyproject.toml'}",
    # Templates end every list with a comma, so that comma must not break short lists.
    "--config=format.skip-magic-trailing-comma=true",
    "--config=lint.isort.split-on-trailing-comma=false",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate, or with `--check` report whether that would change anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--contract", type=Path, default=ROOT / "openapi.yaml", help="the contract to read"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT, help="the project's root, under which to write"
    )
    parser.add_argument(
        "--templates",
        type=Path,
        default=TEMPLATES,
        help="templates that replace or extend the generator's own",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where something would change"
    )
    options = parser.parse_args(arguments)
    try:
        _require_pinned_tools()
        files = generate(options.contract, options.templates)
    except ContractError as error:
        sys.stderr.write(f"generate: {error}\n")
        return 1
    changes = dict(_changes(files, options.output))
    if options.check:
        for path, change in changes.items():
            sys.stderr.write(f"{path}: {change}\n")
        if changes:
            sys.stderr.write("generate: run `python sdk/generator/generate.py` and commit\n")
        return 1 if changes else 0
    for path in changes:
        target = options.output / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8", newline="\n")
        else:
            target.unlink()
    sys.stdout.write(f"generate: {len(files)} files, {len(changes)} changed\n")
    return 0


def generate(contract: Path, templates: Path) -> dict[Path, str]:
    """Make every file that follows from the contract.

    Returns:
        The text of each file, by its path under the project's root.

    Raises:
        ContractError: The contract says something that cannot become code.
    """
    document = read(contract)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _render(document, contract, templates, root)
        _format(root)
        files = {
            path.relative_to(root): path.read_text(encoding="utf-8")
            for path in sorted(root.rglob("*.py"))
        }
    files[CONTRACT_AS_JSON] = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    return files


def _render(document: Mapping[str, Any], source: Path, templates: Path, root: Path) -> None:
    package = root / GENERATED
    package.parent.mkdir(parents=True)
    config = Config.from_sources(
        ConfigFile(post_hooks=[], package_name_override="_generated"),
        MetaType.NONE,
        document_source=source,
        file_encoding="utf-8",
        overwrite=True,
        output_path=package,
    )
    data = GeneratorData.from_dict(json.loads(json.dumps(document)), config=config)
    if isinstance(data, GeneratorError):
        raise ContractError(f"{data.header}: {data.detail}")
    surface = Surface(Contract(document), lambda name: strings.ClassName(name, config.field_prefix))
    # Classes that occur in no answer and no argument are not generated.
    data.models = [each for each in data.models if each.class_info.name in surface.classes]
    data.enums = [each for each in data.enums if each.class_info.name in surface.classes]
    project = Project(openapi=data, config=config, custom_template_path=templates)
    project.env.filters.update(
        docstring=_docstring,
        literal=repr,
        example=_example,
        flat=lambda text: " ".join(text.split()),
        error=lambda status: class_for(status).__name__,
    )
    project.env.globals.update(
        operations=surface.operations,
        models=surface.models,
        enums=surface.enums,
        typed_dicts=surface.typed_dicts,
    )
    with contextlib.redirect_stdout(io.StringIO()):  # upstream says where it writes
        problems = project.build()
    if problems:
        raise ContractError("; ".join(f"{each.header} {each.detail}" for each in problems))
    for name in UNUSED:
        (package / name).unlink()
    _render_typed_dicts(project, surface, package / "models")
    _render_resources(project, surface, package / "resources")
    _render_sample(project, surface.operations.values(), root / SAMPLE)


def _render_typed_dicts(project: Project, surface: Surface, folder: Path) -> None:
    template = project.env.get_template("typed_dict.py.jinja")
    for name, shown in surface.typed_dicts.items():
        text = template.render(name=name, shown=shown)
        (folder / f"{shown.module}.py").write_text(text, encoding="utf-8")


def _render_resources(project: Project, surface: Surface, folder: Path) -> None:
    folder.mkdir()
    for module, name in (("__init__", "resources_init"), ("_raw", "raw_resources")):
        roots = project.env.get_template(f"{name}.py.jinja")
        text = roots.render(root=surface.resources)
        (folder / f"{module}.py").write_text(text, encoding="utf-8")
    template = project.env.get_template("resource.py.jinja")
    for resource in surface.every_resource:
        classes = set[str]().union(*(each.classes for each in resource.operations))
        text = template.render(resource=resource, resource_classes=classes)
        (folder / f"{resource.module}.py").write_text(text, encoding="utf-8")


def _render_sample(project: Project, operations: Any, path: Path) -> None:
    results = {
        _inner(success.result)
        for operation in operations
        for success in operation.success
        if "(" in success.decoder
    }
    results |= {operation.paging.row for operation in operations if operation.paging}
    template = project.env.get_template("every_operation.py.jinja")
    path.parent.mkdir(parents=True)
    path.write_text(template.render(result_classes=results), encoding="utf-8")


def _example(argument: Argument) -> str:
    """The example of an argument as Python writes it."""
    text = repr(argument.example)
    return f"datetime.fromisoformat({text})" if argument.annotation == "datetime" else text


def _inner(result: str) -> str:
    return result.removeprefix("Page[").removesuffix("]")


def _docstring(text: str, indent: int = 0) -> str:
    """Write prose as a docstring: paragraphs and sections wrapped, indented, and safe to quote."""
    lines: list[str] = []
    for line in _joined(text.strip().splitlines()):
        margin = len(line) - len(line.lstrip())
        lines += textwrap.wrap(
            line.strip(),
            width=WIDTH - indent - 2 * len('"""'),
            initial_indent=" " * margin,
            subsequent_indent=" " * (margin + (4 if margin else 0)),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    safe = "\n".join(lines).strip().replace("\\", "\\\\").replace('"""', r"\"\"\"")
    if safe.endswith('"'):
        safe = f'{safe[:-1]}\\"'
    # The closing quotes of more than one line get a line of their own.
    closed = f'{safe}\n"""' if "\n" in safe else f'{safe}"""'
    return textwrap.indent(f'"""{closed}', " " * indent).strip()


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Join the lines of each paragraph; a line that is indented, a list item or a heading stays."""
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.startswith((" ", "- ")) or line in SECTIONS or not line.strip():
            if paragraph:
                yield " ".join(paragraph)
                paragraph = []
            yield line
        else:
            paragraph.append(line.strip())


def _format(root: Path) -> None:
    for command in (("check", "--fix", "--quiet", "--select=I,F401,TC005"), ("format", "--quiet")):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "ruff", *command, *FORMATTING, str(root)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ContractError(f"ruff {command[0]}: {done.stdout}{done.stderr}")


def _changes(files: Mapping[Path, str], output: Path) -> Iterator[tuple[Path, str]]:
    """Find the files that are missing, surplus or different, with a description of each change."""
    for path, text in files.items():
        target = output / path
        if not target.exists():
            yield path, "missing"
        elif (found := target.read_text(encoding="utf-8")) != text:
            yield path, f"differs\n{_difference(found, text)}"
    present = (path.relative_to(output) for path in sorted((output / GENERATED).rglob("*.py")))
    yield from ((path, "surplus") for path in present if path not in files)


def _difference(found: str, expected: str, longest: int = 20) -> str:
    lines = list(
        difflib.unified_diff(
            found.splitlines(), expected.splitlines(), "found", "expected", n=1, lineterm=""
        )
    )
    more = [f"... {len(lines) - longest} more lines"] if len(lines) > longest else []
    return "\n".join([*lines[:longest], *more])


def _require_pinned_tools() -> None:
    """Refuse other versions than those in `pyproject.toml`: they would write something else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in project["dependency-groups"]["generate"]:
        name, _, pinned = requirement.partition("==")
        if pinned and version(name) != pinned:
            raise ContractError(
                f"{name} {version(name)} is installed, but pyproject.toml pins {pinned}"
            )


if __name__ == "__main__":
    sys.exit(main())
