"""The command `agentserver-reference`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from agentserver_reference.version import installed_version

if TYPE_CHECKING:
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
        _serve(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        _stop(f"{package} is not installed; install agentserver with the extra '{EXTRA}'")


def _serve(arguments: Sequence[str] | None) -> None:
    from agentserver_reference.settings import SettingsError

    try:
        settings = _read_settings(arguments)
        # Imported late, so that help and errors are shown immediately.
        from agentserver_reference.app import BindingError
        from agentserver_reference.contract import ContractError
        from agentserver_reference.serve import serve
        from agentserver_reference.storage import StoreError
    except SettingsError as error:
        _stop(str(error))
    try:
        serve(settings)
    except (SettingsError, StoreError, BindingError, ContractError) as error:
        _stop(str(error))


def _read_settings(arguments: Sequence[str] | None) -> Settings:
    from agentserver_reference.settings import SETTINGS, Settings

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
    for setting in SETTINGS:
        if setting.metadata["option"]:
            serve.add_argument(
                setting.metadata["option"],
                dest=setting.name,
                metavar=setting.metadata["metavar"] or setting.name.upper(),
                help=f"{setting.metadata['help']} [{setting.metadata['variable']}]",
            )
    given = parser.parse_args(arguments)
    return Settings.from_environment(os.environ, **vars(given))


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
