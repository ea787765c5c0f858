"""An agent of the soak, as a process: `soak_agent.py URL FOLDER LOG`.

It writes down which tasks its function begins and ends. A server that is down when it starts is
tried again.
"""

import os
import random
import sys
import time

from agentserver import Agent, AgentserverError
from agentserver.agent import Task

NAME = "Worker"
LONGEST = 0.05
"""Seconds that a task takes at most."""


def main(url: str, folder: str, log: str) -> None:
    """Work until SIGTERM."""
    descriptor = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    agent = Agent.connect(url, name=NAME, folder=folder)

    @agent.task
    def work(task: Task) -> str:
        os.write(descriptor, f"begun {task.id}\n".encode())
        task.sleep(random.random() * LONGEST)  # noqa: S311 - it draws no secrets
        os.write(descriptor, f"ended {task.id}\n".encode())
        return task.prompt.upper()

    while True:
        try:
            agent.run(concurrency=2)
        except AgentserverError:
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
