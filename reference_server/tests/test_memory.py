"""What a login needs is given back afterwards, and what stays is left alone."""

import gc
import subprocess
import sys

import pytest

from agentserver_reference.memory import permanent

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


def test_the_garbage_collector_leaves_alone_what_is_permanent() -> None:
    try:
        with permanent():
            assert not gc.isenabled()
            inside: list[object] = []
        after: list[object] = []
        assert gc.isenabled()
        watched = {id(each) for each in gc.get_objects()}
        assert id(after) in watched
        assert id(inside) not in watched
    finally:
        gc.unfreeze()
