"""What a login needs is given back afterwards, and what stays is old at once."""

import gc
import subprocess
import sys

import pytest

from agentserver_reference.memory import long_lived

PROGRAM = """
from agentserver_reference import memory
from agentserver_reference.domain.passwords import Cost, Passwords
import asyncio

def resident():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024

if not memory.return_large_blocks():
    raise SystemExit(77)

async def main():
    passwords = Passwords(Cost.parse("m=16384,t=1,p=1"), at_once=4)
    before = resident()
    for _ in range(3):
        await asyncio.gather(*[passwords.hash("secret") for _ in range(4)])
    print(resident() - before)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_password_hashes_is_returned_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip("the C library is not glibc")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 12, "a hash of 16 MiB stays in memory"


def test_the_garbage_collector_takes_for_old_what_is_long_lived() -> None:
    with long_lived():
        assert not gc.isenabled()
        made: list[object] = []
    assert gc.isenabled()
    assert any(each is made for each in gc.get_objects(generation=2))
