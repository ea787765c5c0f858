"""Agents see their own workspace, and are online as long as they are heard of."""

from typing import Any

import pytest
from agents import Agent, House, add_agent
from people import error_of, ok

from agentserver_reference.services import agents as service

pytestmark = pytest.mark.anyio


# --- cards ----------------------------------------------------------------------------------------


async def test_a_card_that_says_nothing_has_the_defaults(house: House) -> None:
    await house.first.publish()
    assert await house.card(house.first) == {
        "agent_id": house.first.id,
        "display_name": "First",
        "description": "",
        "agent_type": "claudecode",
        "status": "available",
        "card": {},
        "version": 1,
    }


async def test_a_new_card_replaces_the_old_one_but_for_its_type(house: House) -> None:
    await house.first.publish(
        display_name="A", description="old", agent_type="custom", card=[1.5, {"a": None}]
    )
    await house.first.publish(display_name="B", agent_type="other", card=None)
    shown = await house.card(house.first)
    assert (shown["display_name"], shown["description"], shown["card"]) == ("B", "", None)
    assert (shown["agent_type"], shown["version"]) == ("custom", 2)


@pytest.mark.parametrize(
    "card", [None, 0, "text", [], {}, {"b": 1, "a": [True, 2**53, 10**4299, -1e-7]}, [[[]]]]
)
async def test_a_card_is_any_json(house: House, card: Any) -> None:
    await house.first.publish(card=card)
    assert (await house.card(house.first))["card"] == card


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('{"card": ' + "1" * 4301 + "}", "body: must be JSON"),
        ('{"card": ' + "[" * 100 + "]" * 100 + "}", "body: must not nest more than 100 levels"),
        ('{"card": {"a": ["\\u0000"]}}', "card: must not contain NUL"),
        ('{"card": {"\\u0000": 1}}', "card: must not contain NUL"),
        ('{"card": 1e400}', "body: must be JSON"),
    ],
)
async def test_json_that_readers_cannot_take_is_refused(house: House, body: str, line: str) -> None:
    headers = {"Authorization": f"Bearer {house.first.token}"}
    answer = await house.server.client.post(
        "/api/agent/discovery/cards", content=body, headers=headers
    )
    assert error_of(answer) == (400, line)
    assert error_of(await house.owner.get(f"/api/agents/{house.first.id}"))[0] == 404


async def test_cards_are_sorted_by_name_and_seen_in_their_workspace_only(house: House) -> None:
    other = await house.owner.create_workspace()
    stranger = await add_agent(house.server, other, "Stranger")
    await house.second.publish(display_name="Zed")
    await house.first.publish(display_name="apple")
    await stranger.publish(display_name="Zed")
    shown = await house.first.read("/api/agent/discovery/agents")
    assert [card["display_name"] for card in shown] == ["Zed", "apple"]
    assert await house.owner.read(f"/api/workspaces/{house.workspace_id}/agents") == shown
    assert [one["agent_id"] for one in await stranger.read("/api/agent/discovery/agents")] == [
        stranger.id
    ]
    outsider = await house.server.create_user("outsider@example.com")
    for path in (f"/api/workspaces/{house.workspace_id}/agents", f"/api/agents/{house.first.id}"):
        assert error_of(await outsider.get(path)) == (403, "not a workspace member")
    unknown = await house.owner.get("/api/agents/unknown")
    assert error_of(unknown) == (404, "sandbox not found")
    await house.owner.request("DELETE", f"/api/sandboxes/{house.second.id}")
    shown = await house.first.read("/api/agent/discovery/agents")
    assert [card["display_name"] for card in shown] == ["apple"]


# --- tokens ---------------------------------------------------------------------------------------


async def test_a_registered_agent_has_two_tokens_a_sandbox_and_no_part_in_the_quota(
    house: House,
) -> None:
    quota = f"/api/admin/workspaces/{house.workspace_id}/quota"
    ok(await house.admin.request("PUT", quota, {"max_sandboxes": 3}))
    made = await service.register(
        house.work, house.owner.id, house.workspace_id, "Local Agent", "custom"
    )
    assert made.keys() == {"sandbox_id", "tunnel_token", "proxy_token", "workspace_id", "short_id"}
    shown = await house.owner.read(f"/api/sandboxes/{made['sandbox_id']}")
    assert (shown["type"], shown["status"], shown["is_local"]) == ("custom", "running", True)
    assert shown["last_heartbeat_at"] == "2026-11-23T10:00:00Z"
    assert "cpu" not in shown
    for name in ("proxy_token", "tunnel_token"):
        assert len(made[name]) == 32
        agent = Agent(house.server.client, made["sandbox_id"], house.workspace_id, made[name])
        assert await agent.read("/api/agent/discovery/agents") == []
    # Two sandboxes of the server are there: a third fits, whatever is registered.
    create = f"/api/workspaces/{house.workspace_id}/sandboxes"
    ok(await house.owner.request("POST", create, {"name": "third"}))
    assert (await house.owner.request("POST", create, {"name": "fourth"})).status_code == 403
    await house.register()


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_an_agents_own_machine_is_not_paused(house: House, verb: str) -> None:
    agent = await house.register()
    answer = await house.owner.request("POST", f"/api/sandboxes/{agent.id}/{verb}")
    assert error_of(answer) == (400, f"local sandboxes cannot be {verb.removesuffix('e')}ed")


async def test_guests_and_strangers_register_nothing(house: House) -> None:
    guest = await house.member("guest@example.com", "guest")
    for user in (guest, house.admin):
        with pytest.raises(Exception, match="no permission to register agent in this workspace"):
            await house.register(user)
    sandboxes = await house.owner.read(f"/api/workspaces/{house.workspace_id}/sandboxes")
    assert len(sandboxes) == 2


async def test_tokens_end_with_the_membership_and_do_not_come_back_with_a_new_one(
    house: House,
) -> None:
    person = await house.member("person@example.com", "developer")
    agent = await house.register(person)
    await agent.publish()
    task = await house.create_task(agent)
    members = f"/api/workspaces/{house.workspace_id}/members"
    ok(await house.owner.request("DELETE", f"{members}/{person.id}"))
    again = {"email": "person@example.com", "role": "developer"}
    answer = await agent.request("GET", "/api/agent/tasks/poll")
    assert error_of(answer) == (401, "unauthorized")
    ok(await house.owner.request("POST", members, again))
    answer = await agent.request("GET", "/api/agent/tasks/poll")
    assert error_of(answer) == (401, "unauthorized")
    assert (await house.owner.read(f"/api/tasks/{task}"))["status"] == "pending"
    assert (await house.card(agent))["agent_id"] == agent.id


@pytest.mark.parametrize("what", ["sandbox", "workspace"])
async def test_tokens_end_with_the_sandbox_and_the_workspace(house: House, what: str) -> None:
    agent = await house.register()
    path = {
        "sandbox": f"/api/sandboxes/{agent.id}",
        "workspace": f"/api/workspaces/{house.workspace_id}",
    }[what]
    ok(await house.owner.request("DELETE", path))
    answer = await agent.request("GET", "/api/agent/discovery/agents")
    assert error_of(answer) == (401, "unauthorized")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer " + "0" * 32, "Bearer ü"]
)
async def test_anything_but_a_token_is_refused(house: House, header: str) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    answer = await house.server.client.get("/api/agent/discovery/agents", headers=headers)
    assert error_of(answer) == (401, "unauthorized")


async def test_a_session_is_no_agents_token_and_the_other_way_round(house: House) -> None:
    answer = await house.owner.get("/api/agent/tasks/poll")
    assert error_of(answer) == (401, "unauthorized")
    answer = await house.first.request("GET", f"/api/workspaces/{house.workspace_id}/tasks")
    assert error_of(answer) == (401, "unauthorized")


# --- health ---------------------------------------------------------------------------------------


async def test_a_silent_agent_goes_offline_and_comes_back_with_its_next_call(house: House) -> None:
    agent = await house.register()
    await agent.publish()
    await house.first.publish()
    house.clock.advance(seconds=59)
    assert await service.mark_silent(house.work) == 0
    house.clock.advance(seconds=1)
    assert await service.mark_silent(house.work) == 2
    for each, status in ((agent, "offline"), (house.first, "running")):
        assert (await house.card(each))["status"] == "offline"
        assert (await house.sandbox(each))["status"] == status
    assert await service.mark_silent(house.work) == 0
    for each in (agent, house.first):
        await each.read("/api/agent/tasks/poll")
        assert (await house.card(each))["status"] == "available"
        shown = await house.sandbox(each)
        assert (shown["status"], shown["last_heartbeat_at"]) == ("running", "2026-11-23T10:01:00Z")


async def test_any_authenticated_call_is_a_sign_of_life_also_one_that_is_refused(
    house: House,
) -> None:
    await house.first.publish()
    calls = [
        ("GET", "/api/agent/discovery/agents", None),
        ("POST", "/api/agent/discovery/cards", {"display_name": 5}),
        ("GET", "/api/agent/mailbox/inbox", None),
        ("POST", "/api/agent/mailbox/send", {"to": "unknown", "text": "?"}),
        ("POST", "/api/agent/tasks", {}),
        ("GET", "/api/agent/tasks/poll?sandbox_id=another", None),
        ("GET", "/api/agent/tasks/unknown", None),
        ("PUT", "/api/agent/tasks/unknown/status", {"status": "running"}),
    ]
    for method, path, body in calls:
        house.clock.advance(seconds=40)
        await house.first.request(method, path, body)
        assert await service.mark_silent(house.work) == 0, path
    assert (await house.card(house.first))["status"] == "available"


async def test_a_call_of_a_model_is_a_sign_of_life_that_brings_an_agent_back(house: House) -> None:
    agent = await house.register()
    await agent.publish()
    house.clock.advance(seconds=60)
    assert await service.mark_silent(house.work) == 1
    answer = await agent.client.post(
        "/v1/messages",
        json={"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
        headers={"x-api-key": agent.token},
    )
    assert answer.status_code == 200, answer.text
    assert (await house.card(agent))["status"] == "available"
    assert (await house.sandbox(agent))["status"] == "running"
    house.clock.advance(seconds=59)
    refused = await agent.client.post(
        "/v1/messages", content=b"not JSON", headers={"x-api-key": agent.token}
    )
    assert refused.status_code == 400
    house.clock.advance(seconds=59)
    assert await service.mark_silent(house.work) == 0


async def test_signs_of_life_are_written_at_most_every_ten_seconds(house: House) -> None:
    seen = []
    for _ in range(25):
        await house.first.read("/api/agent/tasks/poll")
        seen.append((await house.sandbox(house.first))["last_heartbeat_at"])
        house.clock.advance(seconds=1)
    assert sorted(set(seen)) == [
        "2026-11-23T10:00:00Z",
        "2026-11-23T10:00:10Z",
        "2026-11-23T10:00:20Z",
    ]


# --- interactions ---------------------------------------------------------------------------------


async def test_interactions_tell_what_was_done_and_by_whom_newest_first(house: House) -> None:
    first, second, path = house.first, house.second, f"/api/workspaces/{house.workspace_id}"
    by_person = await house.create_task(first)
    for_first = await house.create_task(second, requester_id=first.id, skill="review")
    by_agent = await first.delegate(second.id)
    await second.poll()
    await second.report(by_agent, "running")
    ok(await house.owner.request("POST", f"/api/tasks/{by_person}/cancel"))
    message = await first.send(second.id, "Hello", msg_type="greeting")
    await second.inbox()
    found = await house.owner.read(f"{path}/agent-interactions")
    ids = [one.pop("id") for one in found]
    assert ids == sorted(ids, reverse=True)
    assert {one.pop("created_at") for one in found} == {"2026-11-23T10:00:00Z"}
    created = {"action": "task_created", "target_type": "task"}
    assert found == [
        {
            "actor_id": first.id,
            "action": "message_sent",
            "target_id": message,
            "target_type": "message",
            "detail": {"to": second.id, "msg_type": "greeting"},
        },
        {
            "actor_id": None,
            "action": "task_cancelled",
            "target_id": by_person,
            "target_type": "task",
        },
        {
            "actor_id": second.id,
            "action": "task_status_changed",
            "target_id": by_agent,
            "target_type": "task",
            "detail": {"status": "running"},
        },
        created
        | {
            "actor_id": first.id,
            "target_id": by_agent,
            "detail": {"target_id": second.id, "skill": ""},
        },
        created
        | {
            "actor_id": first.id,
            "target_id": for_first,
            "detail": {"target_id": second.id, "skill": "review"},
        },
        created
        | {
            "actor_id": None,
            "target_id": by_person,
            "detail": {"target_id": first.id, "skill": ""},
        },
    ]
    page = await house.owner.read(f"{path}/agent-interactions?limit=2&offset=1")
    assert [one["action"] for one in page] == ["task_cancelled", "task_status_changed"]
    ok(await house.owner.request("DELETE", f"/api/sandboxes/{first.id}"))
    kept = await house.owner.read(f"{path}/agent-interactions")
    assert [one["actor_id"] for one in kept] == [None, None, second.id, None, None, None]
