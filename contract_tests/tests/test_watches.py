"""What watches a run's requests: the pace that it keeps, and the tally of its answers."""

from __future__ import annotations

import pytest

from agentserver_contract.contract import Contract
from agentserver_contract.pace import Pace
from agentserver_contract.tally import Tally
from agentserver_contract.wire import Answer, Request

GET_ONE = Request("GET", "/api/workspaces/a%2Fb", {})


@pytest.mark.parametrize(
    ("took", "waits"),
    [
        ([0.0, 0.0, 0.0], [0.5, 0.5]),  # answered at once: the rest of the interval is waited
        ([0.3, 0.3, 0.3], [0.2, 0.2]),
        ([0.7, 0.0, 0.0], [0.5]),  # a slow answer is no debt that later requests make up for
    ],
    ids=str,
)
def test_requests_keep_the_pace(took: list[float], waits: list[float]) -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(2, clock=lambda: now[0], sleep=sleep)
    for seconds in took:
        pace.before(GET_ONE)
        now[0] += seconds
        pace.after(GET_ONE, Answer(200, {}))
    assert slept == pytest.approx(waits)


def test_answers_are_counted_by_operation_and_status(contract: Contract) -> None:
    tally = Tally(contract)
    for request, status in (
        (GET_ONE, 200),
        (GET_ONE, 403),
        (GET_ONE, 403),
        (Request("PUT", "/api/workspaces/a", {}), 405),
        (Request("GET", "/elsewhere", {}), 404),
    ):
        tally.before(request)
        tally.after(request, Answer(status, {}))
    assert dict(tally.taken()) == {("get_workspace", 200): 1, ("get_workspace", 403): 2}
    assert not tally.taken(), "what was taken is counted no more"
