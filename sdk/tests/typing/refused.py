"""What type checkers must find. It is checked, never run.

Each line that is wrong says so, and both mypy and pyright report such a comment where they find
nothing wrong: a mistake that is no longer found fails the check.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from agentserver import Agent, AsyncClient, Client, StatusError
from agentserver.agent import Message, Task
from agentserver.models import LLMModel, LLMModelDict, UserRole, Workspace, WorkspaceMember


def a_role_that_there_is_not(client: Client, text: str) -> None:
    add = client.workspaces.members.add
    add("w", email="a", role="mantainer")  # type: ignore[arg-type]
    add("w", email="a", role=text)  # type: ignore[arg-type]
    add("w", email="a", role=None)  # type: ignore[arg-type]
    set_role = client.admin.users.set_role
    set_role("u", role="owner")  # type: ignore[arg-type]


def an_option_that_is_misspelt_or_of_a_wrong_type(client: Client) -> None:
    client.workspaces.list(tiemout=3)  # type: ignore[call-arg]
    client.workspaces.list(max_retries="3")  # type: ignore[arg-type]
    client.with_raw_response.workspaces.get(7)  # type: ignore[arg-type]
    _ = client.with_raw_response.workspaces.list().name  # type: ignore[attr-defined]


async def a_role_of_something_else(client: AsyncClient) -> None:
    add = client.workspaces.members.add
    await add("w", email="a", role=UserRole.ADMIN)  # type: ignore[arg-type]


def a_key_that_is_misspelt(client: Client) -> None:
    put = client.workspaces.llm_config.set
    put("w", base_url="b", models=[{"idd": "m", "name": "M"}])  # type: ignore[list-item]
    _: LLMModelDict = {"id": "m", "nam": "M"}  # type: ignore[typeddict-item]


def a_key_that_is_missing_or_of_a_wrong_type(client: Client) -> None:
    put = client.workspaces.llm_config.set
    put("w", base_url="b", models=[{"id": "m"}])  # type: ignore[list-item]
    put("w", base_url="b", models=[{"id": "m", "name": 1}])  # type: ignore[list-item]


def an_argument_or_attribute_that_there_is_not(client: Client, workspace: Workspace) -> None:
    client.workspaces.create(naem="n")  # type: ignore[call-arg]
    client.workspaces.create("n")  # type: ignore[call-arg]
    _ = workspace.nmae  # type: ignore[attr-defined]
    _ = LLMModel(id="m")  # type: ignore[call-arg]


def what_a_task_is_before_anybody_has_waited(client: Client) -> None:
    create = client.tasks.create
    _ = create("w", target_id="a", prompt="p").result  # type: ignore[attr-defined]


def a_model_or_error_that_is_changed(member: WorkspaceMember, error: StatusError) -> None:
    member.email = "b"  # type: ignore[misc]
    error.status_code = 404  # type: ignore[misc]


def a_function_of_an_agent_that_takes_something_else(agent: Agent) -> None:
    def of_messages(message: Message) -> None:
        _ = message.text

    def of_tasks(task: Task) -> None:
        _ = task.promt  # type: ignore[attr-defined]

    agent.task(of_messages)  # type: ignore[type-var]
    agent.message(of_tasks)  # type: ignore[type-var]
    agent.task("shout")  # type: ignore[call-overload]
    Agent.connect(name="A", type="mobile")  # type: ignore[arg-type]
    Agent.connect("https://agents.example.com")  # type: ignore[call-arg]
