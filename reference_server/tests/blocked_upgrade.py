"""A process that opens a database and stops in the middle of its upgrade, to be killed there.

    python blocked_upgrade.py DATABASE_URL MOMENT

MOMENT is `before` or `after`: the new version's number is written, though not yet committed. The
process prints a line when it is there, and goes on when its standard input ends.
"""

import asyncio
import sys
from typing import Any

from sqlalchemy import Engine, event

from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store


def block(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if statement.startswith("UPDATE installation"):
        print("blocked", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    url, moment = sys.argv[1:]
    event.listen(Engine, f"{moment}_cursor_execute", block)
    settings = Settings.from_environment({}, database_url=url, encryption_key="6b" * 32)
    asyncio.run(open_store(settings).open())
