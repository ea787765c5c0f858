"""The command `agentserver-reference`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from agentserver_reference.memory import long_lived
from agentserver_reference.version import installed_version

if TYPE_CHECKING:
    import attrs

    from agentserver_reference.settings import Settings

COMMAND = "agentserver-reference"
EXTRA = "server"


class _Parser(argparse.ArgumentParser):
    """Reports an invalid command line in one line, like all other errors at startup."""

    def error(self, message: str) -> NoReturn:
        _stop(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with these arguments, by default `sys.argv`."""
    try:
        with long_lived():
            given = vars(_parser().parse_args(arguments))
        given.pop("run")(given)
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        _stop(f"{package} is not installed; install agentserver with the extra '{EXTRA}'")


def _serve(given: dict[str, Any]) -> None:
    if given.pop("ephemeral"):
        for setting, option in (("database_url", "--database-url"), ("data_dir", "--data-dir")):
            if given[setting] is not None:
                _stop(f"--ephemeral: keeps nothing, so it cannot be combined with {option}")
        given["database_url"] = "sqlite://"
    settings = _read_settings(given)
    # Imported late, so that help and errors are shown immediately.
    with long_lived():
        from agentserver_reference.app import BindingError
        from agentserver_reference.contract import ContractError
        from agentserver_reference.serve import serve
        from agentserver_reference.settings import SettingsError
        from agentserver_reference.storage import StoreError

    try:
        serve(settings)
    except (SettingsError, StoreError, BindingError, ContractError) as error:
        _stop(str(error))


def _rotate_key(given: dict[str, Any]) -> None:
    new_key_file = given.pop("new_key_file")
    settings = _read_settings(given)
    from agentserver_reference.rotate_key import report, rotate_key
    from agentserver_reference.settings import SettingsError
    from agentserver_reference.storage import StoreError

    try:
        print(report(rotate_key(settings, new_key_file), settings.log_format))
    except (SettingsError, StoreError) as error:
        _stop(str(error))


def _read_settings(given: dict[str, Any]) -> Settings:
    from agentserver_reference.settings import Settings, SettingsError

    try:
        return Settings.from_environment(os.environ, **given)
    except SettingsError as error:
        _stop(str(error))


ROTATION_SETTINGS = ("database_url", "data_dir", "encryption_key", "log_format", "log_level")


def _parser() -> argparse.ArgumentParser:
    from agentserver_reference.settings import SETTINGS

    parser = _Parser(prog=COMMAND, description="The reference server of the agentserver API.")
    parser.add_argument("--version", action="version", version=f"{COMMAND} {installed_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve the API until SIGTERM or SIGINT",
        description="Serve the API until SIGTERM or SIGINT. Without any setting it listens on "
        "loopback and keeps its state in a SQLite file under the user's data directory.",
        epilog=_variables(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.set_defaults(run=_serve)
    serve.add_argument(
        "--ephemeral",
        action="store_true",
        help="keep everything in memory, whatever DATABASE_URL says; it is gone when the server "
        "stops",
    )
    rotate = commands.add_parser(
        "rotate-key",
        help="encrypt the stored secrets with a new key",
        description="Encrypt all stored secrets with a new key, in one transaction: if it is "
        "interrupted, nothing has changed. Stop every server first. A key in the file beside the "
        "SQLite database is replaced there. Otherwise the new key is in --new-key-file, or in "
        "AGENTSERVER_NEW_ENCRYPTION_KEY; afterwards, set AGENTSERVER_ENCRYPTION_KEY to it.",
    )
    rotate.set_defaults(run=_rotate_key)
    rotate.add_argument(
        "--new-key-file",
        type=Path,
        metavar="FILE",
        help="file of the new key; created with a random key if it does not exist",
    )
    for setting in SETTINGS:
        if setting.metadata["option"]:
            _add_option(serve, setting)
            if setting.name in ROTATION_SETTINGS:
                _add_option(rotate, setting)
    return parser


def _add_option(parser: argparse.ArgumentParser, setting: attrs.Attribute[Any]) -> None:
    parser.add_argument(
        setting.metadata["option"],
        dest=setting.name,
        metavar=setting.metadata["metavar"] or setting.name.upper(),
        help=f"{setting.metadata['help']} [{setting.metadata['variable']}]",
    )


def _variables() -> str:
    """Return the part of the help about settings without an option."""
    from agentserver_reference.settings import QUOTA_VARIABLES, SETTINGS

    alone = [setting.metadata for setting in SETTINGS if not setting.metadata["option"]]
    return "\n".join(
        (
            "Variables in [brackets] are equivalent to the option. These settings have no option:",
            *(f"  {setting['variable']}: {setting['help']}" for setting in alone),
            "  quotas, each a number or a form such as 500m, 10Gi, 30m:",
            *(f"    {variable}" for variable in QUOTA_VARIABLES),
        )
    )


def _stop(line: str) -> NoReturn:
    print(f"{COMMAND}: {line}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
