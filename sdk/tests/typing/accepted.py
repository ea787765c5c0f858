"""What type checkers must accept. It is checked, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, assert_type

from agentserver import (
    OMIT,
    Agent,
    AsyncClient,
    CallError,
    Client,
    NotFound,
    Omit,
    Page,
    QuotaExceeded,
    Response,
    Secret,
    StatusError,
    Timeout,
)
from agentserver.agent import Cancelled, Delegated, Message, Task
from agentserver.models import (
    AgentTaskCreateResponse,
    AgentTaskDetail,
    LLMModel,
    LLMModelDict,
    UserRole,
    WorkspaceMember,
    WorkspaceRole,
)
from agentserver.testing import RunningAgent, Server


def an_enum_is_given_as_its_text_or_as_a_member(client: Client, text: str, left_out: bool) -> None:
    add = client.workspaces.members.add
    add("w", email="a@example.com", role="maintainer")
    add("w", email="a@example.com", role=WorkspaceRole.OWNER)
    add("w", email="a@example.com", role=WorkspaceRole(text))
    add("w", email="a@example.com", role=OMIT)
    role: Literal["owner", "guest"] | Omit = OMIT if left_out else "guest"
    add("w", email="a@example.com", role=role)
    client.admin.users.set_role("u", role="admin")
    client.admin.users.set_role("u", role=UserRole.USER)


def what_an_answer_holds_can_be_sent(client: Client) -> str:
    members = client.workspaces.members.list("w")
    assert_type(members, Page[WorkspaceMember])
    assert_type(members[0].role, WorkspaceRole)
    client.workspaces.members.set_role("w", "u", role=members[0].role)
    return members[0].role if members[0].role == "owner" else ""


async def a_raw_response_has_the_type_of_the_result(client: Client, other: AsyncClient) -> None:
    raw = client.with_raw_response
    assert_type(raw.workspaces.members.list("w"), Response[Page[WorkspaceMember]])
    assert_type(raw.workspaces.members.list("w", deadline=3).data[0], WorkspaceMember)
    assert_type(raw.workspaces.delete("w").status_code, int)
    asynchronous = await other.with_raw_response.workspaces.members.list("w")
    assert_type(asynchronous, Response[Page[WorkspaceMember]])
    created = raw.tasks.create("w", target_id="a", prompt="p")
    assert_type(created, Response[AgentTaskCreateResponse])
    finished = await other.with_raw_response.tasks.create("w", target_id="a", prompt="p", wait=True)
    assert_type(finished, Response[AgentTaskDetail])


def every_method_takes_options(client: Client) -> None:
    client.workspaces.list(timeout=3, deadline=3.5, max_retries=0)
    client.workspaces.get("w", timeout=Timeout(read=3), extra_headers={"a": "b", "c": Secret("d")})
    client.request("GET", "/x", json={"a": 1}, params={"b": [1]}, deadline=3)


def an_object_in_a_list_is_a_model_or_a_dictionary(client: Client) -> None:
    model: LLMModelDict = {"id": "m", "name": "M"}
    several = [model, LLMModelDict(id="n", name="N")]
    put = client.workspaces.llm_config.set
    put("w", base_url="https://example.com", models=[{"id": "m", "name": "M"}])
    put("w", base_url="https://example.com", models=[LLMModel(id="m", name="M")])
    put("w", base_url="https://example.com", models=(model, LLMModel(id="m", name="M")))
    put("w", base_url="https://example.com", models=several)
    kept = client.workspaces.llm_config.get("w").models
    put("w", base_url="https://example.com", models=kept or [])


def an_error_of_a_status_has_one(client: Client) -> None:
    try:
        client.workspaces.get("w")
    except NotFound as error:
        assert_type(error.status_code, int)
    except QuotaExceeded as error:
        assert_type(error.status_code, int)
        assert_type(error.current, int | None)
    except StatusError as error:
        assert_type(error.status_code, int)
    except CallError as error:
        assert_type(error.status_code, int | None)


def functions_become_an_agent(agent: Agent) -> None:
    @agent.task(skill="shout")
    def shout(task: Task) -> str:
        task.num_turns += 1
        return task.prompt.upper()

    @agent.task
    async def other(task: Task) -> dict[str, list[int]]:
        delegated = await agent.delegate_async("a", task.prompt, skill="shout")
        assert_type(delegated, Delegated)
        assert_type(await delegated.wait_async(timeout=60), AgentTaskDetail)
        return {"numbers": [1]}

    @agent.message
    def note(message: Message) -> None:
        assert_type(message.sender, str)

    assert_type(shout(Task("t", "hello")), str)
    assert_type(agent.delegate("a", "x").wait(), AgentTaskDetail)
    agent.run(concurrency=2)
    try:
        agent.stop()
    except Cancelled as cancelled:
        assert_type(cancelled.reason, str)


def an_agent_is_connected(folder: Path) -> Agent:
    Agent.connect(name="A")
    Agent.connect("https://agents.example.com", name="A", type="custom", folder="here")
    return Agent.connect(name="A", folder=folder, verify=False, timeout=3)


def an_agent_is_tested(server: Server, agent: Agent) -> None:
    with server.agent(agent) as running:
        assert_type(running, RunningAgent)
        assert_type(running.do("x", skill="shout"), AgentTaskDetail)
        assert_type(running.give("x"), str)
