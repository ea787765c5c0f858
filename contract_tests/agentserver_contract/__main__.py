"""`agentserver-contract`: tests a running server against the contract, or records its responses."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence

from agentserver_contract.interruption import ending_signals
from agentserver_contract.reports import stream as streams

NAME = "agentserver-contract"
EXTRA = "contract"
HOLDS, BROKEN, COULD_NOT_RUN = 0, 1, 2
_NEEDED = ("hypothesis", "jsonschema_rs", "platformdirs", "requests", "schemathesis", "yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when the contract holds, 1 when it is broken, else 2."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        return _could_not_run(
            f"{names} not installed; install agentserver with the extra '{EXTRA}'"
        )
    from agentserver_contract import cli
    from agentserver_contract.reports.files import CannotWrite

    cli.use_cache_folder()
    try:
        with ending_signals():
            options = cli.parse(arguments)
            return int(options.command(options))
    except (cli.CannotRun, CannotWrite) as reason:
        return _could_not_run(str(reason))
    except KeyboardInterrupt as reason:
        return _could_not_run(str(reason) or "interrupted")
    except Exception:  # noqa: BLE001 (an error in this tool must not look like one of the server)
        traceback.print_exc()
        return _could_not_run("an error in this tool itself, shown above")
    finally:
        streams.flush(sys.stdout)


def _could_not_run(reason: str) -> int:
    streams.write(sys.stderr, f"{NAME}: {reason}\n")
    return COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
