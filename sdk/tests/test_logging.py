"""What is logged: one line a call, harmless headers, and nothing of ours by httpx."""

from __future__ import annotations

import logging
import re
import subprocess
import sys

import pytest

from agentserver import AgentserverError, Client


def test_a_call_leaves_one_line_at_info(server, answer, call, caplog) -> None:
    caplog.set_level(logging.INFO)
    server.will(answer(), answer(404, b"no\n", type="text/plain"))
    with Client(server.url) as client:
        client._call(call(path="/api/things/some-id", query=(("q", "private"),)))
        with pytest.raises(AgentserverError):
            client._call(call(id="other_operation"))
    assert {record.name for record in caplog.records} == {"agentserver"}
    first, second = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(r"some_operation 200 \d+ ms attempts=1 request_id=[0-9a-f-]{36}", first), (
        first
    )
    assert second.startswith("other_operation 404 ")


def test_a_failed_call_leaves_its_line_too(flow, call, caplog, failure) -> None:

    caplog.set_level(logging.INFO)
    flow.run(call("POST"), failure("read timeout"))
    assert [r.getMessage() for r in caplog.records] == [
        "some_operation read timeout 0 ms attempts=1 request_id=request-1"
    ]


def test_debug_shows_listed_headers_only(server, answer, call, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    server.will(answer(headers={"Retry-After": "7", "X-Inner": "hidden-value"}))
    with Client(server.url) as client:
        client._call(call())
    text = caplog.text
    assert "'retry-after': '7'" in text
    assert "hidden-value" not in text


def test_httpx_logs_nothing_of_our_requests_and_everything_of_others(
    server, answer, call, caplog
) -> None:
    import httpx

    caplog.set_level(logging.DEBUG)
    server.will(answer(), answer())
    with Client(server.url) as client:
        client._call(call())
    names = {record.name for record in caplog.records}
    assert names <= {"agentserver", "asyncio"}
    httpx.get(server.url + "/mine", trust_env=False)
    assert {record.name for record in caplog.records} - names >= {"httpx", "httpcore.http11"}


def test_importing_the_sdk_configures_no_logging() -> None:
    code = (
        "import logging, agentserver; agentserver.Client('http://localhost:1');"
        "root = logging.getLogger(); own = logging.getLogger('agentserver');"
        "print(root.handlers, root.level, [type(h).__name__ for h in own.handlers], own.level)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[] 30 ['NullHandler'] 0"
    assert said.stderr == ""
