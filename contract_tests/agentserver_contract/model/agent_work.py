"""What agents do: they take tasks and report on them, send and read messages, and publish cards.

The agents of a run are in workspaces of their own, of which nothing else in the model knows. Other
rules leave tasks and messages there, so that each rule first ends what it finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentserver import BadRequest, Conflict, NotFound, PermissionDenied, Unauthenticated
from agentserver_contract.fixtures.accounts import LEAVER
from agentserver_contract.fixtures.agents import AT_WORK, ELSEWHERE, ENDED, OTHER, OWNER
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.model.action import Choose, precondition, rule
from agentserver_contract.model.readback import expect
from agentserver_contract.model.run import ModelRun, PlannedCall, planned
from agentserver_contract.model.state import ContractViolation
from agentserver_contract.model.task import FINAL

MOST_TAKEN = 5
"""How many tasks a poll takes, unless it asks for fewer."""


@precondition("the run has no agents")
def with_agents(run: ModelRun) -> bool:
    """Whether the run has agents."""
    return AT_WORK in run.clients


@dataclass(frozen=True)
class House:
    """The agents of a run, as their owner sees them."""

    run: ModelRun

    @property
    def workspace_id(self) -> str:
        """Where the agent and the other one are."""
        found: str = self.run.call(OWNER, "sandboxes.get", self.id_of(AT_WORK)).workspace_id
        return found

    def id_of(self, agent: str) -> str:
        """The sandbox of an agent."""
        return self.run.accounts.agents[agent].id

    def delegate(self, **given: Any) -> str:
        """A task that the other agent gives to the agent."""
        given = {"target_id": self.id_of(AT_WORK), "prompt": "Do it.", **given}
        made = self.run.call(OTHER, "tasks.delegate", **given)
        expect("tasks.delegate", "a new task is pending", "pending", made.status.value)
        task_id: str = made.task_id
        return task_id

    def taken(self, agent: str = AT_WORK, **given: Any) -> list[str]:
        """The ids of the tasks that an agent gets."""
        return [item.task_id for item in self.run.call(agent, "tasks.poll", **given)]

    def end_what_is_left(self) -> None:
        """End the tasks, and take the messages, that others have left.

        A task that was given out, and is never reported on, would be given out again.
        """
        for task in self.run.call(OWNER, "tasks.list", self.workspace_id):
            if task.status.value not in FINAL:
                self.run.call(OWNER, "tasks.cancel", task.task_id)
        for agent in (AT_WORK, OTHER):
            while self.run.call(agent, "mailbox.read", limit=100):
                pass

    def started(self, **given: Any) -> str:
        """A task that the agent works on."""
        task_id = self.delegate(**given)
        expect("tasks.poll", "the only pending task", [task_id], self.taken())
        self.run.call(AT_WORK, "tasks.report", task_id, status="running")
        return task_id

    def expect_task(self, task_id: str, **fields: Any) -> None:
        """Check what the owner, and each agent of the workspace, sees of a task.

        What all of them see alike is what was stored: the call before is at fault.
        """
        written_by = self.run.last_method
        views = [
            (reader, method, self.run.call(reader, method, task_id).to_dict())
            for reader, method in (
                (OWNER, "tasks.get"),
                (AT_WORK, "tasks.get_as_agent"),
                (OTHER, "tasks.get_as_agent"),
            )
        ]
        seen = [{name: shown.get(name, _ABSENT) for name in fields} for _, _, shown in views]
        is_stored = all(each == seen[0] for each in seen)
        for (reader, method, _), actual in zip(views, seen, strict=True):
            at_fault = written_by if is_stored else method
            expect(at_fault, "the task as it was reported on", fields, actual, user=reader)

    def new_interactions(self, after: int) -> list[Any]:
        """What was done in the workspace since then, the oldest first."""
        rows = self.run.call(OWNER, "agents.interactions.list", self.workspace_id, limit=200)
        return [row for row in reversed(rows) if row.id > after]

    @property
    def last_interaction(self) -> int:
        """The number of what was done last."""
        rows = self.run.call(OWNER, "agents.interactions.list", self.workspace_id, limit=1)
        return max((row.id for row in rows), default=0)


_ABSENT = "(absent)"
_ANY_JSON = (None, [1.5, "ü"], {"nothing": None})
"""What is kept as it is given; the layer `values` sends more of it."""

_NO_OUTCOME = {
    "completed_at": _ABSENT,
    "result": _ABSENT,
    "failure_reason": _ABSENT,
    "total_cost_usd": _ABSENT,
    "num_turns": 0,
}
"""What a task shows that is not finished."""

# --- tasks ----------------------------------------------------------------------------------------


@rule(touches=[], precondition=with_agents)
def agents_take_tasks_oldest_first_and_once(run: ModelRun, choose: Choose) -> None:
    """As many as they ask for, five at most."""
    house = House(run)
    house.end_what_is_left()
    made = [house.delegate(prompt=f"Task {number}") for number in range(13)]
    mine = house.delegate(target_id=house.id_of(OTHER))
    method, promise = "tasks.poll", "the oldest pending tasks of the agent, oldest first"
    expect(method, promise, made[:2], house.taken(limit=2))
    expect(method, promise, made[2:7], house.taken(sandbox_id=house.id_of(AT_WORK)))
    expect(method, promise, made[7:12], house.taken(limit=5))
    expect(method, promise, made[12:], house.taken())
    expect(method, "a task is given out once", [], house.taken())
    expect(method, "an agent gets its own tasks", [mine], house.taken(OTHER))
    for task_id in made:
        house.expect_task(task_id, status="assigned", **_NO_OUTCOME)
    for limit in (0, 6):
        run.call(AT_WORK, method, limit=limit, raises=BadRequest)
    run.call(AT_WORK, method, sandbox_id=house.id_of(OTHER), raises=PermissionDenied)


@rule(touches=[], precondition=with_agents)
def agents_get_tasks_as_they_were_created(run: ModelRun, choose: Choose) -> None:
    """By a person and by an agent, with everything and with nothing."""
    house = House(run)
    house.end_what_is_left()
    agent, other = house.id_of(AT_WORK), house.id_of(OTHER)
    given: dict[str, Any] = {
        "prompt": "漢\n" * 100,
        "skill": "review",
        "system_context": "context",
        "max_turns": 2**31 - 1,
        "max_budget_usd": 0.25,
        "timeout_seconds": 2**31 - 1,
        "delegation_chain": [f"{NO_SUCH}z", other, f"{NO_SUCH}a"],
    }
    plain = {"prompt": "Do it.", "system_context": "", "max_turns": 0, "max_budget_usd": 0}
    plain |= {"skill": None, "requester_id": None, "timeout_seconds": 300}
    to_agent = {"target_id": agent, **given}
    workspace_id = house.workspace_id
    run.call(OWNER, "tasks.create", workspace_id, **to_agent, requester_id=other)
    run.call(OTHER, "tasks.delegate", **to_agent)
    run.call(OWNER, "tasks.create", workspace_id, target_id=agent, prompt="Do it.")
    expected = [{**given, "requester_id": other}, {**given, "requester_id": other}, plain]
    items = run.call(AT_WORK, "tasks.poll")
    for item, fields in zip(items, expected, strict=True):
        shown = item.to_dict()
        actual = {name: shown.get(name) for name in fields}
        expect("tasks.poll", "the task as it was created", fields, actual)


@rule(touches=[], precondition=with_agents)
def agents_report_what_came_of_tasks(run: ModelRun, choose: Choose) -> None:
    """Each final state once, with what belongs to it and nothing else; and none is ever left."""
    house = House(run)
    house.end_what_is_left()
    everything: dict[str, Any] = {
        "result": {"approved": None},
        "failure_reason": "It broke.",
        "total_cost_usd": 0.25,
        "num_turns": 3,
    }
    kept = {"total_cost_usd": 0.25, "num_turns": 3}
    for status, outcome in (
        ("completed", {"result": {"approved": None}, "failure_reason": _ABSENT}),
        ("failed", {"result": _ABSENT, "failure_reason": "It broke."}),
        ("cancelled", {"result": _ABSENT, "failure_reason": _ABSENT}),
    ):
        task_id = house.started()
        house.expect_task(task_id, status="running", **_NO_OUTCOME)
        run.call(AT_WORK, "tasks.report", task_id, status="running", **everything)
        house.expect_task(task_id, status="running", **_NO_OUTCOME)
        run.call(AT_WORK, "tasks.report", task_id, status="failed", raises=BadRequest)
        house.expect_task(task_id, status="running", **_NO_OUTCOME)
        run.call(AT_WORK, "tasks.report", task_id, status=status, **everything)
        house.expect_task(task_id, status=status, **outcome, **kept)
        again = {"failure_reason": "Again.", "result": "again", "num_turns": 9}
        for late in ("running", "completed", "failed", "cancelled"):
            run.call(AT_WORK, "tasks.report", task_id, status=late, **again, raises=Conflict)
        run.call(OWNER, "tasks.cancel", task_id, raises=Conflict)
        house.expect_task(task_id, status=status, **outcome, **kept)
        expect("tasks.poll", "what is finished is not given out", [], house.taken())


@rule(touches=[], precondition=with_agents)
def a_result_may_be_anything_and_may_be_missing(run: ModelRun, choose: Choose) -> None:
    """And cost and turns are kept in both cases."""
    house = House(run)
    house.end_what_is_left()
    cases: list[tuple[dict[str, Any], Any]] = [
        ({}, _ABSENT),
        *(({"result": value}, value) for value in _ANY_JSON),
    ]
    for given, shown in cases:
        task_id = house.started()
        run.call(AT_WORK, "tasks.report", task_id, status="completed", num_turns=2, **given)
        house.expect_task(
            task_id, status="completed", result=shown, num_turns=2, total_cost_usd=_ABSENT
        )


@rule(touches=[], precondition=with_agents)
def cancelled_tasks_reach_no_agent(run: ModelRun, choose: Choose) -> None:
    """One that is pending is not given out; one that is running cannot be reported on."""
    house = House(run)
    house.end_what_is_left()
    running, pending = house.started(), house.delegate()
    for task_id in (running, pending):
        run.call(OWNER, "tasks.cancel", task_id)
    expect("tasks.poll", "a cancelled task is not given out", [], house.taken())
    run.call(AT_WORK, "tasks.report", running, status="completed", result=1, raises=Conflict)
    for task_id in (running, pending):
        house.expect_task(task_id, status="cancelled", result=_ABSENT, num_turns=0)


@rule(touches=[], precondition=with_agents)
def agents_are_refused_tasks_that_are_not_theirs(run: ModelRun, choose: Choose) -> None:
    """Those of another agent, of another workspace, and unknown ones."""
    house = House(run)
    house.end_what_is_left()
    task_id, report = house.started(), {"status": "completed", "result": "stolen"}
    for thief in (OTHER, ELSEWHERE):
        run.call(thief, "tasks.report", task_id, **report, raises=PermissionDenied)
    run.call(ELSEWHERE, "tasks.get_as_agent", task_id, raises=PermissionDenied)
    unknown = f"{NO_SUCH}task"
    run.call(AT_WORK, "tasks.get_as_agent", unknown, raises=NotFound)
    run.call(AT_WORK, "tasks.report", unknown, **report, raises=NotFound)
    house.expect_task(task_id, status="running", **_NO_OUTCOME)


@rule(touches=[], precondition=with_agents)
def agents_are_refused_what_they_give_to_others(run: ModelRun, choose: Choose) -> None:
    """To an agent of another workspace, to an unknown one, and against the rules between fields."""
    house = House(run)
    house.end_what_is_left()
    agent, other, elsewhere = map(house.id_of, (AT_WORK, OTHER, ELSEWHERE))
    delegate, send = "tasks.delegate", "mailbox.send"
    for target, error in ((elsewhere, PermissionDenied), (f"{NO_SUCH}sandbox", NotFound)):
        run.call(AT_WORK, delegate, target_id=target, prompt="Do it.", raises=error)
        run.call(AT_WORK, send, to=target, text="Hello", raises=error)
    wrong: list[dict[str, Any]] = [
        {"requester_id": other},
        {"target_id": other, "delegation_chain": [other]},
        {"delegation_chain": [agent, "a", agent]},
    ]
    for each in wrong:
        for target in (other, f"{NO_SUCH}sandbox"):  # which is looked for after the body is read
            given = {"target_id": target, "prompt": "?", **each}
            run.call(AT_WORK, delegate, **given, raises=BadRequest)
    expect("tasks.poll", "nothing refused reaches anybody", [], house.taken(ELSEWHERE))
    expect("tasks.poll", "nothing refused reaches anybody", [], house.taken(OTHER))


@rule(touches=[], precondition=with_agents)
def ended_tokens_open_nothing(run: ModelRun, choose: Choose) -> None:
    """Those of an agent whose sandbox was deleted, or whose owner has left the workspace."""
    for each in ENDED:
        if each in run.clients:
            for method in ("agents.discover", "tasks.poll", "mailbox.read"):
                run.call(each, method, raises=Unauthenticated)


@rule(touches=[], precondition=with_agents)
def pollers_and_readers_share_concurrently(run: ModelRun, choose: Choose) -> None:
    """Of several at the same time, each task and each message goes to one."""
    house = House(run)
    house.end_what_is_left()
    tasks = [house.delegate() for _ in range(12)]
    outcomes = run.concurrently([planned(AT_WORK, "tasks.poll", limit=3)] * 8)
    _expect_each_once("tasks.poll", tasks, outcomes, lambda row: row.task_id)
    sent = [
        run.call(OTHER, "mailbox.send", to=house.id_of(AT_WORK), text=str(number)).message_id
        for number in range(12)
    ]
    outcomes = run.concurrently([planned(AT_WORK, "mailbox.read", limit=3)] * 8)
    _expect_each_once("mailbox.read", sent, outcomes, lambda row: row.id)


@rule(touches=[], precondition=with_agents)
def cancel_and_complete_concurrently(run: ModelRun, choose: Choose) -> None:
    """One of the two succeeds, and nothing of the other is visible."""
    house = House(run)
    house.end_what_is_left()
    for _ in range(6):
        task_id = house.started()
        calls: list[PlannedCall] = [
            planned(OWNER, "tasks.cancel", task_id),
            planned(AT_WORK, "tasks.report", task_id, status="completed", result=1, num_turns=7),
        ]
        cancelled, completed = run.concurrently(calls)
        losers = [type(each) for each in (cancelled, completed)].count(Conflict)
        if losers != 1:
            promise = "of cancelling and completing at the same time one succeeds"
            raise ContractViolation("tasks.cancel", promise, (cancelled, completed))
        if isinstance(completed, Conflict):
            house.expect_task(task_id, status="cancelled", result=_ABSENT, num_turns=0)
        else:
            house.expect_task(task_id, status="completed", result=1, num_turns=7)


def _expect_each_once(
    method: str, made: list[str], outcomes: list[Any], key: Callable[[Any], str]
) -> None:
    """What several callers got at the same time: everything once. Raises ContractViolation."""
    got = [[key(row) for row in outcome] for outcome in outcomes]
    counts = Counter(each for one in got for each in one)
    expect(method, "each goes to one of several callers", Counter(made), counts)
    for one in got:
        expect(method, "the oldest comes first", sorted(one, key=made.index), one)


# --- messages, cards, interactions ----------------------------------------------------------------


@rule(touches=[], precondition=with_agents)
def agents_read_messages_oldest_first_and_once(run: ModelRun, choose: Choose) -> None:
    """As many as they ask for, ten unless they do."""
    house = House(run)
    house.end_what_is_left()
    agent, other, method = house.id_of(AT_WORK), house.id_of(OTHER), "mailbox.read"
    texts = [f"Message {number} ü" for number in range(15)]
    kinds: list[dict[str, Any]] = [{}, {"msg_type": "question"}, {"msg_type": ""}]
    for number, text in enumerate(texts):
        sent = run.call(OTHER, "mailbox.send", to=agent, text=text, **kinds[number % len(kinds)])
        expect("mailbox.send", "the message is sent", "sent", sent.status)
    run.call(AT_WORK, "mailbox.send", to=agent, text="to myself")
    expect(method, "only the recipient reads a message", [], list(run.call(OTHER, method)))
    read = [*run.call(AT_WORK, method, limit=2), *run.call(AT_WORK, method)]
    read += run.call(AT_WORK, method, limit=100)
    expected = [
        *(
            (text, other, kinds[number % len(kinds)].get("msg_type") or "text")
            for number, text in enumerate(texts)
        ),
        ("to myself", agent, "text"),
    ]
    actual = [(row.text, row.from_, row.msg_type) for row in read]
    expect(method, "each message as it was sent, oldest first", expected, actual)
    expect(method, "a message is read once", [], list(run.call(AT_WORK, method)))
    for limit in (0, 101):
        run.call(AT_WORK, method, limit=limit, raises=BadRequest)


@rule(touches=[], precondition=with_agents)
def agents_publish_cards(run: ModelRun, choose: Choose) -> None:
    """A new card replaces the old one, but for its type, and is seen in the workspace only."""
    house, publish = House(run), "agents.publish_card"
    agent, workspace_id = house.id_of(AT_WORK), house.workspace_id
    run.call(AT_WORK, publish)
    first = run.call(OWNER, "agents.get", agent)
    version = first.version
    card = {"skills": [1.5, None]}
    full: dict[str, Any] = {"display_name": "Zed", "description": "does", "card": card}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (full | {"agent_type": "another"}, full),
        *(
            ({"card": value}, {"display_name": AT_WORK, "description": "", "card": value})
            for value in _ANY_JSON
        ),
        *[({}, {"display_name": AT_WORK, "description": "", "card": {}})] * 2,
    ]
    for given, expected in cases:
        run.call(AT_WORK, publish, **given)
        shown = run.call(OWNER, "agents.get", agent).to_dict()
        actual = {name: shown[name] for name in expected}
        expect("agents.get", "the card as it was published", expected, actual)
        version += 1
        expect("agents.get", "how often it was published", version, shown["version"])
        expect("agents.get", "the kind of the first card", first.agent_type, shown["agent_type"])
        expect("agents.get", "an agent that calls is available", "available", shown["status"])
    run.call(AT_WORK, publish, display_name="Zed")
    run.call(OTHER, publish, display_name="apple")
    run.call(ELSEWHERE, publish, display_name="Zed")
    views = [
        list(run.call(OWNER, "agents.list", workspace_id)),
        list(run.call(AT_WORK, "agents.discover")),
        list(run.call(OTHER, "agents.discover")),
    ]
    sorted_ids = [agent, house.id_of(OTHER)]  # a capital comes before every small letter
    for view in views:
        ids = [each.agent_id for each in view]
        expect("agents.discover", "the cards of the workspace, by name", sorted_ids, ids)
    ids = [each.agent_id for each in run.call(ELSEWHERE, "agents.discover")]
    expect("agents.discover", "nothing of another workspace", [house.id_of(ELSEWHERE)], ids)


@rule(touches=[], precondition=with_agents)
def agents_outlive_memberships_elsewhere(run: ModelRun, choose: Choose) -> None:
    """Who has registered them becomes a guest in another workspace, leaves it, and it goes."""
    person = run.accounts[OWNER]
    with run.target.client(session=run.accounts[LEAVER].session) as host:
        elsewhere = run.call(host, "workspaces.create", name="Contract workspace to be left").id
        role: dict[str, Any] = {"email": person.email, "role": "developer"}
        run.call(host, "workspaces.members.add", elsewhere, **role)
        changes: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
            ("workspaces.members.set_role", (elsewhere, person.id), {"role": "guest"}),
            ("workspaces.members.remove", (elsewhere, person.id), {}),
            ("workspaces.delete", (elsewhere,), {}),
        ]
        for method, ids, given in changes:
            run.call(host, method, *ids, **given)
            for agent in (AT_WORK, OTHER, ELSEWHERE):
                run.call(agent, "agents.discover")


@rule(touches=[], precondition=with_agents)
def what_agents_do_is_recorded_once(run: ModelRun, choose: Choose) -> None:
    """With the change itself, in its workspace, and nothing that was refused."""
    house = House(run)
    house.end_what_is_left()
    agent, other, last = house.id_of(AT_WORK), house.id_of(OTHER), house.last_interaction
    task_id = house.started(skill="review")
    run.call(OTHER, "tasks.report", task_id, status="completed", raises=PermissionDenied)
    run.call(AT_WORK, "tasks.report", task_id, status="completed")
    run.call(AT_WORK, "tasks.report", task_id, status="failed", failure_reason="?", raises=Conflict)
    kinds: list[tuple[dict[str, Any], str]] = [
        ({"msg_type": "answer"}, "answer"),
        ({}, "text"),
        ({"msg_type": ""}, "text"),
    ]
    messages = [
        (run.call(AT_WORK, "mailbox.send", to=other, text="Done.", **given).message_id, kind)
        for given, kind in kinds
    ]
    cancelled = house.delegate()
    run.call(OWNER, "tasks.cancel", cancelled)
    expected: list[tuple[Any, ...]] = [
        ("task_created", other, task_id, {"target_id": agent, "skill": "review"}),
        ("task_status_changed", agent, task_id, {"status": "running"}),
        ("task_status_changed", agent, task_id, {"status": "completed"}),
        *(
            ("message_sent", agent, message, {"to": other, "msg_type": kind})
            for message, kind in messages
        ),
        ("task_created", other, cancelled, {"target_id": agent, "skill": ""}),
        ("task_cancelled", None, cancelled, None),
    ]
    actual = [
        (row.action.value, row.actor_id, row.target_id, row.to_dict().get("detail"))
        for row in house.new_interactions(last)
    ]
    method = "agents.interactions.list"
    expect(method, "everything that was done once, and by whom", expected, actual)


@rule(touches=[], precondition=with_agents)
def agents_count_among_the_sandboxes_of_their_workspace(run: ModelRun, choose: Choose) -> None:
    house = House(run)
    there_are = len(list(run.call(OWNER, "sandboxes.list", house.workspace_id)))
    method = "admin.workspaces.list"
    (row,) = (each for each in run.call("admin", method) if each.id == house.workspace_id)
    expect(method, "how many sandboxes the workspace has", there_are, row.sandbox_count)
    method = "workspaces.get_defaults"
    of_quota = run.call(OWNER, method, house.workspace_id).current_sandboxes
    expect(method, "an agent that was registered uses no quota", 0, of_quota)
