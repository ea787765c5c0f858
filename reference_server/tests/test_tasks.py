"""Tasks change their states as the life cycle says, and each is done by one agent once."""

import asyncio
from typing import Any

import pytest
from agents import House, add_agent
from people import error_of, ok

from agentserver_reference.domain import tasks as domain
from agentserver_reference.domain.tasks import LIFE_CYCLE, Event
from agentserver_reference.services import tasks as service

pytestmark = pytest.mark.anyio

REPORTS = [Event.START, Event.COMPLETE, Event.FAIL, Event.CANCEL]
STATES = list(LIFE_CYCLE)


async def task_in(house: House, state: str) -> str:
    """A task of the first agent in a state, brought there as the life cycle says."""
    task_id = await house.create_task(house.first)
    if state == domain.PENDING:
        return task_id
    assert await house.first.poll() == [task_id]
    if state != domain.ASSIGNED:
        reason = {"failure_reason": "no luck"} if state == domain.FAILED else {}
        await house.first.report(task_id, state, **reason)
    return task_id


# --- the life cycle -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", REPORTS)
async def test_a_report_changes_the_state_as_the_life_cycle_says(
    house: House, state: str, event: Event
) -> None:
    task_id = await task_in(house, state)
    before = await house.task(task_id)
    answer = await house.first.try_report(task_id, event.value, failure_reason="it broke")
    following = LIFE_CYCLE[state].get(event)
    after = await house.task(task_id)
    if following is None:
        assert error_of(answer) == (409, "task already finished")
        assert after == before
    else:
        ok(answer)
        assert after["status"] == following
        assert ("completed_at" in after) == (following in domain.FINAL)


@pytest.mark.parametrize("state", STATES)
async def test_a_member_cancels_what_is_not_finished(house: House, state: str) -> None:
    task_id = await task_in(house, state)
    before = await house.task(task_id)
    answer = await house.owner.request("POST", f"/api/tasks/{task_id}/cancel")
    if state in domain.FINAL:
        assert error_of(answer) == (409, "task already finished")
        assert await house.task(task_id) == before
    else:
        assert ok(answer).json() == {"status": "cancelled"}
        shown = await house.task(task_id)
        assert (shown["status"], shown["completed_at"]) == ("cancelled", "2026-11-23T10:00:00Z")
        assert await house.first.poll() == []


async def test_cancel_and_complete_at_the_same_time_leave_nothing_of_the_loser(
    house: House,
) -> None:
    winners = set()
    for number in range(20):
        task_id = await task_in(house, domain.RUNNING)
        calls = [
            house.owner.request("POST", f"/api/tasks/{task_id}/cancel"),
            house.first.try_report(task_id, "completed", result=1, num_turns=7, total_cost_usd=2),
        ]
        answers = await asyncio.gather(*(calls if number % 2 else reversed(calls)))
        by_status = {answer.status_code: answer for answer in answers}
        assert by_status.keys() == {200, 409}
        shown = await house.task(task_id)
        cancelled = by_status[200].request.method == "POST"
        winners.add(shown["status"])
        assert shown["status"] == ("cancelled" if cancelled else "completed")
        assert ("result" in shown) == (not cancelled)
        assert shown["num_turns"] == (0 if cancelled else 7)
        assert ("total_cost_usd" in shown) == (not cancelled)
        interactions = await house.owner.read(
            f"/api/workspaces/{house.workspace_id}/agent-interactions?limit=200"
        )
        last = [one["action"] for one in interactions if one["target_id"] == task_id]
        wins = "task_cancelled" if cancelled else "task_status_changed"
        assert last == [wins, "task_status_changed", "task_created"]
    assert winners <= {"cancelled", "completed"}


# --- what is stored -------------------------------------------------------------------------------


async def test_a_task_goes_to_its_agent_as_it_was_created(house: House) -> None:
    task_id = await house.create_task(
        house.first,
        prompt="Review it.\n" + "ü" * 1000,
        skill="review",
        system_context="Python",
        timeout_seconds=2**31 - 1,
        max_turns=50,
        max_budget_usd=0.1,
        delegation_chain=[house.second.id],
        requester_id=house.second.id,
    )
    (item,) = await house.first.read("/api/agent/tasks/poll")
    assert item == {
        "task_id": task_id,
        "prompt": "Review it.\n" + "ü" * 1000,
        "skill": "review",
        "system_context": "Python",
        "timeout_seconds": 2**31 - 1,
        "max_turns": 50,
        "max_budget_usd": 0.1,
        "delegation_chain": [house.second.id],
        "requester_id": house.second.id,
    }


async def test_a_task_that_says_nothing_more_has_the_defaults(house: House) -> None:
    task_id = await house.create_task(
        house.first, skill="", system_context="", requester_id="", delegation_chain=[]
    )
    expected: dict[str, Any] = {
        "task_id": task_id,
        "target_id": house.first.id,
        "requester_id": "",
        "status": "pending",
        "prompt": "Do it.",
        "num_turns": 0,
        "created_at": "2026-11-23T10:00:00Z",
    }
    assert await house.owner.read(f"/api/workspaces/{house.workspace_id}/tasks") == [expected]
    assert await house.task(task_id) == expected | {"workspace_id": house.workspace_id}
    (item,) = await house.first.read("/api/agent/tasks/poll")
    assert item == {
        "task_id": task_id,
        "prompt": "Do it.",
        "system_context": "",
        "max_turns": 0,
        "max_budget_usd": 0,
        "timeout_seconds": 300,
        "delegation_chain": [],
    }


@pytest.mark.parametrize("result", [None, False, "", [], {"a": None}, 10**4299, 1.5])
async def test_a_result_is_any_json_and_null_is_one(house: House, result: Any) -> None:
    task_id = await task_in(house, domain.RUNNING)
    await house.first.report(task_id, "completed", result=result)
    shown = await house.task(task_id)
    assert "result" in shown
    assert shown["result"] == result
    assert await house.second.task(task_id) == shown


@pytest.mark.parametrize("state", [Event.COMPLETE, Event.FAIL, Event.CANCEL])
async def test_cost_and_turns_are_kept_with_every_final_state(house: House, state: Event) -> None:
    task_id = await task_in(house, domain.RUNNING)
    await house.first.report(
        task_id, state.value, total_cost_usd=1234.56789012, num_turns=9, failure_reason="it broke"
    )
    shown = await house.task(task_id)
    assert (shown["total_cost_usd"], shown["num_turns"]) == (1234.56789012, 9)
    assert "result" not in shown
    assert ("failure_reason" in shown) == (state is Event.FAIL)


async def test_what_does_not_belong_to_a_state_is_ignored(house: House) -> None:
    task_id = await task_in(house, domain.ASSIGNED)
    given = {"result": 1, "failure_reason": "?", "total_cost_usd": 1, "num_turns": 1}
    await house.first.report(task_id, "running", **given)
    shown = await house.task(task_id)
    assert not shown.keys() & {"result", "failure_reason", "total_cost_usd", "completed_at"}
    assert shown["num_turns"] == 0
    await house.first.report(task_id, "failed", **given)
    shown = await house.task(task_id)
    assert "result" not in shown
    assert shown["failure_reason"] == "?"


@pytest.mark.parametrize("reason", [{}, {"failure_reason": ""}])
async def test_a_failure_has_a_reason(house: House, reason: dict[str, str]) -> None:
    task_id = await task_in(house, domain.RUNNING)
    answer = await house.first.try_report(task_id, "failed", **reason)
    assert error_of(answer) == (400, "failure_reason: is required if status is failed")
    assert (await house.task(task_id))["status"] == "running"


async def test_a_list_has_the_hundred_newest_tasks_newest_first(house: House) -> None:
    made = [await house.create_task(house.first) for _ in range(102)]
    listed = await house.owner.read(f"/api/workspaces/{house.workspace_id}/tasks")
    assert [one["task_id"] for one in listed] == made[:1:-1]


# --- who may --------------------------------------------------------------------------------------


async def test_an_agent_reports_on_its_own_tasks_and_sees_its_workspace_only(house: House) -> None:
    elsewhere = await house.owner.create_workspace()
    stranger = await add_agent(house.server, elsewhere, "Stranger")
    task_id = await house.create_task(house.first)
    answer = await house.second.try_report(task_id, "running")
    assert error_of(answer) == (403, "only the target of a task may report on it")
    for answer in (
        await stranger.try_report(task_id, "running"),
        await stranger.request("GET", f"/api/agent/tasks/{task_id}"),
    ):
        assert error_of(answer) == (403, "task not in workspace")
    for answer in (
        await stranger.try_report("unknown", "running"),
        await stranger.request("GET", "/api/agent/tasks/unknown"),
        await house.owner.get("/api/tasks/unknown"),
        await house.owner.request("POST", "/api/tasks/unknown/cancel"),
    ):
        assert error_of(answer) == (404, "task not found")
    assert await stranger.poll() == await house.second.poll() == []
    target = {"target_id": stranger.id, "prompt": "?"}
    for answer in (
        await house.first.request("POST", "/api/agent/tasks", target),
        await house.owner.request("POST", f"/api/workspaces/{house.workspace_id}/tasks", target),
    ):
        assert error_of(answer) == (403, "target agent not in workspace")
    answer = await house.first.request(
        "POST", "/api/agent/tasks", {"target_id": "unknown", "prompt": "?"}
    )
    assert error_of(answer) == (404, "target agent not found")
    assert len(await house.owner.read(f"/api/workspaces/{house.workspace_id}/tasks")) == 1


async def test_a_poll_for_another_sandbox_is_refused_and_takes_nothing(house: House) -> None:
    task_id = await house.create_task(house.first)
    path = "/api/agent/tasks/poll?sandbox_id="
    answer = await house.first.request("GET", path + house.second.id)
    assert error_of(answer) == (403, "forbidden")
    assert [one["task_id"] for one in await house.first.read(path)] == [task_id]


async def test_the_requester_is_the_agent_itself_or_a_sandbox_of_the_workspace(
    house: House,
) -> None:
    first, second = house.first, house.second
    task_id = await first.delegate(second.id, requester_id=first.id)
    assert (await first.task(task_id))["requester_id"] == first.id
    body = {"target_id": second.id, "prompt": "?", "requester_id": second.id}
    answer = await first.request("POST", "/api/agent/tasks", body)
    assert error_of(answer) == (400, "requester_id: must be the caller's own sandbox")
    elsewhere = await add_agent(house.server, await house.owner.create_workspace(), "Stranger")
    for unsuitable in ("unknown", elsewhere.id):
        answer = await house.owner.request(
            "POST",
            f"/api/workspaces/{house.workspace_id}/tasks",
            body | {"requester_id": unsuitable},
        )
        assert error_of(answer) == (400, "requester_id: must be a sandbox of the workspace")


async def test_a_delegation_chain_goes_in_no_circle_and_has_sixteen_links_at_most(
    house: House,
) -> None:
    first, second = house.first, house.second
    cycle = "delegation_chain: must not contain an agent twice, or the target"
    for chain in ([second.id], ["a", "b", "a"], [*"abcdef", second.id]):
        body = {"target_id": second.id, "prompt": "?", "delegation_chain": chain}
        answer = await first.request("POST", "/api/agent/tasks", body)
        assert error_of(answer) == (400, cycle)
    chain = [f"agent-{number}" for number in range(17)]
    body = {"target_id": second.id, "prompt": "?", "delegation_chain": chain}
    answer = await first.request("POST", "/api/agent/tasks", body)
    assert answer.status_code == 400
    await first.delegate(second.id, delegation_chain=chain[:16])
    (item,) = await second.read("/api/agent/tasks/poll")
    assert item["delegation_chain"] == chain[:16]
    await first.delegate(first.id)


async def test_tasks_go_with_their_agent_and_keep_none_who_is_gone(house: House) -> None:
    done = await house.create_task(house.first)
    kept = await house.create_task(house.second, requester_id=house.first.id)
    ok(await house.owner.request("DELETE", f"/api/sandboxes/{house.first.id}"))
    assert error_of(await house.owner.get(f"/api/tasks/{done}")) == (404, "task not found")
    assert (await house.task(kept))["requester_id"] == ""


# --- polling --------------------------------------------------------------------------------------


async def test_polls_give_the_oldest_tasks_first_and_each_once(house: House) -> None:
    made = [await house.create_task(house.first) for _ in range(13)]
    assert await house.first.poll() == made[:5]
    assert await house.first.poll("?limit=1") == made[5:6]
    assert await house.first.poll("?limit=3") == made[6:9]
    assert await house.first.poll() == made[9:]
    assert await house.first.poll() == []


@pytest.mark.parametrize("limit", ["0", "6", "-1", "x", ""])
async def test_another_limit_is_refused(house: House, limit: str) -> None:
    answer = await house.first.request("GET", f"/api/agent/tasks/poll?limit={limit}")
    assert error_of(answer)[0] == 400


async def test_eight_pollers_at_the_same_time_get_each_task_once(house: House) -> None:
    made = [await house.create_task(house.first) for _ in range(60)]
    given: list[str] = []

    async def poll_until_empty() -> None:
        while taken := await house.first.poll():
            assert taken == sorted(taken, key=made.index)
            given.extend(taken)

    await asyncio.gather(*(poll_until_empty() for _ in range(8)))
    assert sorted(given) == sorted(made)


# --- claims and timeouts --------------------------------------------------------------------------


async def test_a_claim_without_a_word_lapses_and_the_third_time_ends_the_task(
    house: House,
) -> None:
    task_id = await house.create_task(house.first, timeout_seconds=3600)
    for _ in range(3):
        assert await house.first.poll() == [task_id]
        house.clock.advance(seconds=119)
        await service.end_overdue(house.work)
        assert (await house.task(task_id))["status"] == "assigned"
        assert await house.first.poll() == []
        house.clock.advance(seconds=1)
        await service.end_overdue(house.work)
    shown = await house.task(task_id)
    assert (shown["status"], shown["failure_reason"]) == ("failed", "never started")
    assert shown["completed_at"] == "2026-11-23T10:06:00Z"
    assert await house.first.poll() == []
    newest = (await house.owner.read(f"/api/workspaces/{house.workspace_id}/agent-interactions"))[0]
    assert (newest["action"], newest["actor_id"]) == ("task_status_changed", None)
    assert newest["detail"] == {"status": "failed"}


async def test_a_question_about_a_task_renews_the_claim_of_its_agent_only(house: House) -> None:
    task_id = await house.create_task(house.first, timeout_seconds=3600)
    await house.first.poll()
    for _ in range(4):
        house.clock.advance(seconds=100)
        await house.first.task(task_id)
        await service.end_overdue(house.work)
        assert (await house.task(task_id))["status"] == "assigned"
    house.clock.advance(seconds=100)
    await house.second.task(task_id)
    house.clock.advance(seconds=20)
    await service.end_overdue(house.work)
    assert (await house.task(task_id))["status"] == "pending"


async def test_a_report_ends_a_claims_life_and_counts_after_it(house: House) -> None:
    started = await house.create_task(house.first, timeout_seconds=3600)
    late = await house.create_task(house.first, timeout_seconds=3600)
    await house.first.poll()
    await house.first.report(started, "running")
    house.clock.advance(seconds=1000)
    await service.end_overdue(house.work)
    assert (await house.task(started))["status"] == "running"
    assert (await house.task(late))["status"] == "pending"
    await house.first.report(late, "completed", result="late")
    assert (await house.task(late))["status"] == "completed"
    assert await house.first.poll() == []


@pytest.mark.parametrize("state", [domain.ASSIGNED, domain.RUNNING])
async def test_a_task_fails_when_its_time_from_the_first_claim_is_over(
    house: House, state: str
) -> None:
    task_id = await house.create_task(house.first, timeout_seconds=60)
    house.clock.advance(hours=1)
    await service.end_overdue(house.work)
    assert (await house.task(task_id))["status"] == "pending"
    await house.first.poll()
    if state == domain.RUNNING:
        await house.first.report(task_id, "running")
    house.clock.advance(seconds=59)
    await service.end_overdue(house.work)
    assert (await house.task(task_id))["status"] == state
    house.clock.advance(seconds=1)
    await service.end_overdue(house.work)
    shown = await house.task(task_id)
    assert (shown["status"], shown["failure_reason"]) == ("failed", "timeout")
    answer = await house.first.try_report(task_id, "completed", result=1)
    assert error_of(answer) == (409, "task already finished")
    assert await house.task(task_id) == shown


async def test_the_time_goes_on_while_a_lapsed_claim_waits(house: House) -> None:
    task_id = await house.create_task(house.first, timeout_seconds=200)
    await house.first.poll()
    house.clock.advance(seconds=150)
    await service.end_overdue(house.work)
    assert (await house.task(task_id))["status"] == "pending"
    house.clock.advance(seconds=50)
    await service.end_overdue(house.work)
    assert (await house.task(task_id))["failure_reason"] == "timeout"
