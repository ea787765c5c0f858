"""A request without a response: the fault of its operation where the server responds to others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from faulty import served
from relay import Relay, Relayed, relayed

from agentserver_contract.http.messages import Request
from agentserver_contract.http.target import ServerUnreachable, Target

READY = Request("GET", "/healthz", {})
NEVER = Request("GET", "/api/workspaces", {})


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path) as running:
        yield running


@contextmanager
def never_responding_to_secured(url: str) -> Iterator[Target]:
    """A server that responds to what needs no credential alone."""
    over = threading.Event()

    def change(relayed: Relayed) -> None:
        if relayed.status == 401:
            over.wait()

    with (
        relayed(url, Relay(change)) as behind,
        Target(behind, timeout=0.3, ends_run=True) as target,
    ):
        try:
            yield target
        finally:
            over.set()


def test_one_operation_that_never_responds_is_its_own_fault(url: str) -> None:
    with never_responding_to_secured(url) as target:
        with pytest.raises(httpx.ReadTimeout):
            target.send(NEVER)
        assert target.send(READY).status == 200
        assert target.unreachable is None


def test_run_ends_where_too_much_has_no_response(url: str) -> None:
    with never_responding_to_secured(url) as target:
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                target.send(NEVER)
        with pytest.raises(
            ServerUnreachable, match=r"GET /api/workspaces: no response within 0\.3"
        ):
            target.send(NEVER)


def test_server_that_responds_to_nothing_ends_a_run_at_once(url: str) -> None:
    over = threading.Event()
    silent = Relay(lambda _: over.wait() and None)
    with relayed(url, silent) as behind, Target(behind, timeout=0.3, ends_run=True) as target:
        with pytest.raises(ServerUnreachable, match="no response within"):
            target.send(READY)
        over.set()
