"""A short form of the soak, which `soak` runs for longer."""

from pathlib import Path

import pytest
from soak import soak

from agentserver_reference.sandbox_backends.linux import is_supported


@pytest.mark.skipif(not is_supported(), reason="sandboxes run as processes on Linux only")
@pytest.mark.parametrize(("kind", "servers"), [("sqlite", 1), ("postgresql", 2)])
def test_what_was_acknowledged_outlives_servers_that_are_killed(
    kind: str, servers: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'soak.db'}"
    if kind == "postgresql":
        url = request.getfixturevalue("new_postgres_url")
    report = soak(url, tmp_path, servers=servers, kills=2, seed=1)
    assert report.kills == 2
    assert {"create", "pause", "resume", "delete", "stream"} <= set(report.acknowledged), report
