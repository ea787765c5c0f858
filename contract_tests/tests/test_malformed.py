"""What is no HTTP is tried over connections of its own, and a proxy's answers are no findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

import pytest
from catalogue import find
from certificates import self_signed
from faulty import served
from planting import planted
from relay import Relay, compressed, relayed

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import Accounts, Login
from agentserver_contract.http.target import Target
from agentserver_contract.layers import malformed
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.variants.heads import HEADS
from agentserver_reference.http.connection import BoundedProtocol


def tried(url: str, contract: Contract, **options: Any) -> LayerResult:
    with Target(url, **options) as target:
        return malformed.run(Context(target, Accounts(target, {}, Login("")), contract, Plan(1)))


@contextmanager
def reached(folder: Path, scheme: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server, over TLS or not."""
    if scheme == "http":
        with served(folder) as url:
            yield url
        return
    certificate = self_signed(folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with served(folder, certificate=certificate) as url:
        yield url


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_server_refuses_what_is_no_http(
    scheme: str, tmp_path: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reached(tmp_path, scheme, monkeypatch) as url:
        result = tried(url, contract)
    assert result.holds, result.findings
    assert result.cases.total() == len(HEADS)
    assert not result.notes


def slowly(url: str, contract: Contract, *, wait: bool) -> LayerResult:
    """The layer's result, after the server has given up what was begun, or right away."""
    with Target(url) as target:
        context = Context(target, Accounts(target, {}, Login("")), contract, Plan(1))
        with malformed.begun(context) as begun:
            assert begun.unfinished is not None
            if wait:
                select([begun.unfinished], [], [], 30)
            return malformed.run(begun)


def test_head_that_is_never_finished_is_refused(tmp_path: Path, contract: Contract) -> None:
    with served(tmp_path, request_timeout=1) as url:
        result = slowly(url, contract, wait=True)
    assert result.holds, result.findings
    assert not result.not_run
    assert result.cases.total() == len(HEADS) + 1


def test_server_that_hangs_up_on_an_unfinished_head_is_found(
    tmp_path: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        BoundedProtocol, "_refuse", lambda self, status, line: self.transport.close()
    )
    with served(tmp_path, request_timeout=1) as url:
        result = slowly(url, contract, wait=True)
    promise = "a request with a head that is never finished is refused with 408"
    assert promise in [finding.promise for finding in result.findings]


def test_server_that_waits_for_the_end_of_a_head_too_long_is_found_and_not_taken_for_a_dead_one(
    tmp_path: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = BoundedProtocol._refuse

    def only_of_400(self: BoundedProtocol, status: int, line: str) -> None:
        if status == 400:
            right(self, status, line)

    monkeypatch.setattr(BoundedProtocol, "_refuse", only_of_400)
    (head,) = (each for each in HEADS if each.name == "a header too long")
    monkeypatch.setattr(malformed, "HEADS", [HEADS[0], head])
    with served(tmp_path) as url:
        result = tried(url, contract, timeout=1, ends_run=True)
    (finding,) = result.findings
    assert finding.promise == "a request with a header too long is refused with 431"
    assert "got no answer within 1 s" in finding.detail


def test_server_that_waits_longer_than_the_run_is_not_judged(
    tmp_path: Path, contract: Contract
) -> None:
    with served(tmp_path) as url:
        result = slowly(url, contract, wait=False)
    assert result.holds, result.findings
    assert list(result.not_run) == ["a head that is never finished"]


def test_what_a_proxy_answers_or_repairs_is_a_note(tmp_path: Path, contract: Contract) -> None:
    with served(tmp_path) as url, relayed(url, Relay(compressed)) as behind:
        result = tried(behind, contract)
    assert result.holds, result.findings
    assert result.notes


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        ("hosts-not-counted", "a request with no Host is refused with 400"),
        ("malformed-requests-refused-by-uvicorn", "missing at X-Request-Id"),
        ("heads-too-large-are-400", "a request with a header too long is refused with 431"),
    ],
)
def test_planted_fault_is_found(
    fault: str, promise: str, tmp_path: Path, contract: Contract
) -> None:
    with planted(find(fault)), served(tmp_path) as url:
        result = tried(url, contract)
    assert any(promise in finding.promise for finding in result.findings), result.findings
    assert all(finding.sent.startswith("printf %b ") for finding in result.findings)
