"""Options from a file in the current folder, so that a project need not repeat them.

The file is `agentserver-contract.toml`, or the table `[tool.agentserver-contract]` of
`pyproject.toml`. Its keys are the long options without their dashes, and `url`. What the command
line says wins over `AGENTSERVER_URL`, and that over the file.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = "agentserver-contract.toml"
PROJECT = "pyproject.toml"
TABLE = "agentserver-contract"
URL_VARIABLE = "AGENTSERVER_URL"


class ConfigurationError(ValueError):
    """A configuration file does not say what it should; the text names the file and the key."""


class Switch(argparse.BooleanOptionalAction):
    """An option that is on or off: `--read-only`, and `--no-read-only` where a file says so."""

    def __init__(self, option_strings: list[str], dest: str, help: str) -> None:
        # Without a default here, the base class would write it into the help.
        super().__init__(option_strings, dest, help=help)
        self.default = False


class Several(argparse.Action):
    """An option that may be repeated; the command line replaces what a file lists."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add one more value."""
        current = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (*(() if current is self.default else current), values))


def apply(
    commands: Iterable[argparse.ArgumentParser], folder: Path, environ: Mapping[str, str]
) -> None:
    """Make what the file and the environment say the defaults of the commands.

    Args:
        commands: The parsers of all commands; an option that only some of them have is one of
            those.
        folder: Where the file is, if there is one.
        environ: The environment, of which `AGENTSERVER_URL` is read.

    Raises:
        ConfigurationError: The file cannot be read, or has a key or a value that is none.
    """
    commands = list(commands)
    where, table = _table(folder)
    known = {name for command in commands for name, _ in _options(command)}
    for key in table:
        if key not in known:
            names = ", ".join(sorted(known))
            raise ConfigurationError(f"{where}: {key}: unknown key; known are {names}")
    for command in commands:
        for key, action in _options(command):
            if key in table:
                value = _value(f"{where}: {key}", action, table[key])
                command.set_defaults(**{action.dest: value})
            if key == "url" and environ.get(URL_VARIABLE):
                command.set_defaults(url=environ[URL_VARIABLE])


def words(
    command: argparse.ArgumentParser, options: argparse.Namespace, leave_out: Collection[str]
) -> tuple[str, ...]:
    """The options that differ from the command's own defaults, as words of a command line.

    Args:
        command: Its parser, as it is without a file.
        options: What was asked for.
        leave_out: Options that are left out, by their long names without dashes.
    """
    said: list[str] = []
    for key, action in _options(command):
        value = getattr(options, action.dest)
        if key == "url" or key in leave_out or value == action.default:
            continue
        if isinstance(action, Switch):
            said.append(f"--{key}")
        elif isinstance(action, Several):
            said += [word for each in value for word in (f"--{key}", str(each))]
        else:
            said += [f"--{key}", str(value)]
    return tuple(said)


def _table(folder: Path) -> tuple[str, Mapping[str, Any]]:
    """The name of the file that is read, and what it says."""
    own, project = folder / FILE, folder / PROJECT
    if own.is_file():
        return FILE, _read(own)
    if not project.is_file():
        return FILE, {}
    tools = _read(project).get("tool", {})
    table = tools.get(TABLE, {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise ConfigurationError(f"{PROJECT}: tool.{TABLE}: must be a table")
    return f"{PROJECT}: [tool.{TABLE}]", table


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path.name}: {error}") from None


def _options(command: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """The options of a command by the key that a file has for them."""
    for action in command._actions:
        if action.dest == "url":
            yield "url", action
        elif action.dest != "help" and action.option_strings:
            name = next(each for each in action.option_strings if each.startswith("--"))
            yield name.removeprefix("--"), action


def _value(where: str, action: argparse.Action, value: Any) -> Any:
    """The value of a file as the command line would have it."""
    if isinstance(action, Switch):
        if not isinstance(value, bool):
            raise ConfigurationError(f"{where}: must be true or false")
        return value
    values = value if isinstance(value, list) else [value]
    if not values or any(type(each) not in (str, int, float) for each in values):
        raise ConfigurationError(f"{where}: must be a text or a number, or a list of these")
    texts = [str(each) for each in values]
    if isinstance(action, Several):
        return tuple(_converted(where, action, text) for text in texts)
    return _converted(where, action, ",".join(texts))


def _converted(where: str, action: argparse.Action, text: str) -> Any:
    convert: Any = action.type or str
    try:
        value = convert(text)
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise ConfigurationError(f"{where}: {error}") from None
    if action.choices is not None and value not in action.choices:
        raise ConfigurationError(f"{where}: must be one of {', '.join(action.choices)}")
    return value
