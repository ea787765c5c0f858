"""A process that leads the loop `work` of a database until it is killed; a line for each round.

python leading_worker.py DATABASE_URL
"""

import asyncio
import sys
from datetime import UTC, datetime

from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store
from agentserver_reference.workers.runner import Loop, Runner


async def lead(url: str) -> None:
    store = open_store(Settings.from_environment({}, database_url=url, encryption_key="6b" * 32))
    await store.open()

    async def run() -> None:
        print("round", flush=True)

    loop = Loop("work", 3600, run)
    async with Runner([loop], store, clock=lambda: datetime.now(UTC), holder="another process"):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(lead(sys.argv[1]))
