"""The demo shows every operation, says how long it took, and is cheap."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time

import pytest

CPU_SECONDS_FOR_EACH_OPERATION = 0.6

AGENT_AT_WORK = """
An agent, with a task, a turn, a streamed message and its trace
  a program signs in, Alice approves it, and it is an agent of her workspace
  it takes the task 'How many engines are there?': completed, {'engines': 2}
"""
STREAMED = "  This |is |the |built-in |model |of |agentserver, |not |a |language |model. |"
ITS_TRACE = "  the trace 'first-steps' has it: built-in, streamed, "


@pytest.mark.whole
def test_demo_tries_every_operation_and_says_truly_how_long_it_took() -> None:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "agentserver_contract.demo", "--json", "--seed", "1"],
        capture_output=True,
        text=True,
    )
    took = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert all(row["cases"] and row["served"] and row["in_sdk"] for row in rows)
    for chapter in (AGENT_AT_WORK, STREAMED, ITS_TRACE):
        assert chapter in done.stderr
    (said,) = re.findall(r"the demo took (\d+\.\d) s\n\Z", done.stderr)
    parts = re.findall(r"(\d+\.\d) s$", done.stderr, re.MULTILINE)
    assert max(map(float, parts)) == float(said) <= took
    assert float(said) > 0.5 * took, "the time to start is part of it"
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    # The time on the clock depends on what else the machine does.
    assert used < CPU_SECONDS_FOR_EACH_OPERATION * len(rows), f"{used:.0f} seconds of CPU"
