"""Ids in paths: faults in how they are read are found, with every operation, and only those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from faulty import run_on
from wrapping import Seen, answering, rewriting

from agentserver_contract.contract.document import Contract
from agentserver_contract.layers import ids

READ = frozenset({"get_workspace"})
QUOTA = frozenset({"admin_get_user_quota"})


def end_cut(end: str) -> Callable[[Seen], Seen]:
    return lambda sent: replace(sent, path=sent.path.removesuffix(end))


def path_unquoted(sent: Seen) -> Seen:
    return replace(sent, path=unquote(sent.path.replace("%00", "x").replace("%FF", "x")))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (end_cut("%20"), "an id with a blank behind"),
        (end_cut("%00"), "an id with a NUL behind"),
        (end_cut("%2F"), "an id with a slash behind"),
        (path_unquoted, "an id with a slash"),
    ],
    ids=["blank", "NUL", "slash", "unquoted twice"],
)
def test_id_that_is_read_as_another_is_found(
    tmp_path: Path, contract: Contract, change: Callable[[Seen], Seen], found: str
) -> None:
    result = run_on(ids.run, tmp_path, contract, rewriting(change), READ)
    assert found in {finding.check for finding in result.findings}
    assert {finding.operation for finding in result.findings} == READ


def test_error_of_the_server_at_an_odd_id_is_found(tmp_path: Path, contract: Contract) -> None:
    def answer(sent: Seen) -> tuple[int, str] | None:
        return (500, "failed") if "%FF" in sent.path else None

    result = run_on(ids.run, tmp_path, contract, answering(answer), QUOTA)
    assert {finding.check for finding in result.findings} == {"an id that is not UTF-8"}
    assert "expected 404, got 500" in result.findings[0].detail


def test_unknown_workspace_that_is_told_from_those_of_others_is_found_for_every_caller(
    tmp_path: Path, contract: Contract
) -> None:
    def answer(sent: Seen) -> tuple[int, str] | None:
        unknown = sent.path == "/api/workspaces/contract-no-such-workspace_id"
        return (404, "workspace not found") if unknown and "cookie" in sent.headers else None

    result = run_on(ids.run, tmp_path, contract, answering(answer), READ)
    promises = {finding.promise for finding in result.findings}
    for caller in ("owner", "guest", "outsider", "admin"):
        assert f"an unknown id for workspace_id is answered 403 to the {caller}" in promises


def test_deleted_workspace_that_is_still_there_is_found(tmp_path: Path, contract: Contract) -> None:
    def answer(sent: Seen) -> tuple[int, str] | None:
        # Nothing is deleted any more, and everybody is told that it was.
        is_workspace = sent.path.startswith("/api/workspaces/") and sent.path.count("/") == 3
        return (204, "") if is_workspace and sent.method == "DELETE" else None

    result = run_on(ids.run, tmp_path, contract, answering(answer), READ)
    assert {finding.check for finding in result.findings} == {"an id that was deleted"}
