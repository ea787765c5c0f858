"""The resource `client.tasks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from agentserver._generated.api.tasks import (
    cancel_task,
    create_agent_task,
    create_workspace_task,
    get_agent_task,
    get_task,
    list_workspace_tasks,
    poll_agent_tasks,
    update_agent_task_status,
)
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async
from agentserver.waiting import TIMEOUT as _TIMEOUT
from agentserver.waiting import wait as _wait
from agentserver.waiting import wait_async as _wait_async
from agentserver.waiting import wait_for_new as _wait_for_new
from agentserver.waiting import wait_for_new_async as _wait_for_new_async

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal, Unpack

    from agentserver._generated.models import (
        AgentTaskCancelResponse,
        AgentTaskCreateResponse,
        AgentTaskDetail,
        AgentTaskItem,
        AgentTaskPollItem,
        ReportedTaskStatus,
    )
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class Tasks(Resource):
    """`client.tasks`: Tasks, which people and agents give to the agents of a workspace, and
    which these poll for.
    """

    __slots__ = ()

    def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[AgentTaskItem]:
        """List a workspace's tasks.

        Returns the 100 newest tasks of the workspace, in any state, the newest first.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The tasks.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_tasks`: `GET /api/workspaces/{workspace_id}/tasks`. Required
        role: `guest`.
        """
        return self._call(list_workspace_tasks.call(workspace_id), **options)

    @overload
    def create(
        self,
        workspace_id: str,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        wait: Literal[False] = False,
        **options: Unpack[CallOptions],
    ) -> AgentTaskCreateResponse: ...
    @overload
    def create(
        self,
        workspace_id: str,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        wait: Literal[True],
        **options: Unpack[CallOptions],
    ) -> AgentTaskDetail: ...
    def create(
        self,
        workspace_id: str,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        wait: bool = False,
        **options: Unpack[CallOptions],
    ) -> AgentTaskCreateResponse | AgentTaskDetail:
        """Create a task.

        Creates a task for an agent of the workspace, which gets it when it polls next. Its
        state is `pending` until then, `assigned` once the agent has it, `running` once the
        agent says so, and finally `completed`, `failed` or `cancelled`. Final states are
        never left.

        The target may be any sandbox of the workspace, in any state, with or without a card.
        A task that is not finished within `timeout_seconds` after it was first handed out
        becomes `failed`, with the `failure_reason` `timeout`. One that was never handed out
        does not expire.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            target_id: The sandbox of the agent that is to do it. 1 to 255 characters.
            prompt: What is to be done. 1 to 65,536 characters.
            skill: The skill that it is for; none if omitted or empty. At most 255 characters.
            system_context: What else the agent should know; nothing if omitted. At most
                65,536 characters.
            max_turns: How many turns the agent should take at most; 0, and if omitted, for no
                limit. The agent enforces it. 0 to 2,147,483,647.
            max_budget_usd: What it should cost at most, in US dollars; 0, and if omitted, for
                no limit. The agent enforces it. 0 to 1,000,000,000.
            timeout_seconds: Seconds that the agent has for it, from the first poll that
                returned it; 300 if omitted. 1 to 2,147,483,647.
            delegation_chain: The sandboxes of the agents that have passed the task on, the
                first one first. None is in it twice, and the target is not in it. At most 16
                items.
            requester_id: The sandbox of the agent that wants it done. An agent can only name
                its own, which is the default; a person can name any sandbox of the workspace,
                or none if omitted or empty. At most 255 characters.
            wait: Whether to wait until it is `completed`, as `wait` does, and return it as it
                is then.

        Returns:
            The task was created.

        Raises:
            BadRequest: Status 400: The body violates its schema, or a rule between its
                fields. The message names the field and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this, or the target belongs to another workspace.
            NotFound: Status 404: No sandbox has the id of the target.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            WaitFailed: With `wait`: it is in a state that does not lead there by itself.
            WaitTimeout: With `wait`: the time is over.

        Operation `create_workspace_task`: `POST /api/workspaces/{workspace_id}/tasks`.
        Required role: `developer`.
        """
        made = self._call(
            create_workspace_task.call(
                workspace_id,
                target_id=target_id,
                prompt=prompt,
                skill=skill,
                system_context=system_context,
                max_turns=max_turns,
                max_budget_usd=max_budget_usd,
                timeout_seconds=timeout_seconds,
                delegation_chain=delegation_chain,
                requester_id=requester_id,
            ),
            **options,
        )
        if not wait:
            return made
        return _wait_for_new(self, get_task.WAITING, made, "task_id")

    def get(
        self, task_id: str, *, include_output: bool | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> AgentTaskDetail:
        """Get a task.

        Returns a task to any member of its workspace.

        Args:
            task_id: The task's id. 1 to 255 characters.
            include_output: Whether to return `output` as well, if there is any; false if
                omitted.

        Returns:
            The task.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No task has this id.

        Operation `get_task`: `GET /api/tasks/{task_id}`. Required role: `guest`.
        """
        return self._call(get_task.call(task_id, include_output=include_output), **options)

    def wait(
        self,
        task_id: str,
        *,
        until: Literal["completed", "failed", "cancelled"] = "completed",
        timeout: float = _TIMEOUT,
        progress: Callable[[AgentTaskDetail], object] | None = None,
    ) -> AgentTaskDetail:
        """Wait until it is in a state, and return it as it is then.

        It is read at once, then after half a second, and ever less often up to every five
        seconds. All who wait through one client, or those that `with_options` makes of it,
        send at most ten requests a second together.

        Args:
            task_id: The task's id. 1 to 255 characters.
            until: The state to wait for.
            timeout: Seconds after which to stop waiting.
            progress: Called with it each time that it is read.

        Returns:
            The task.

        Raises:
            ArgumentError: The state cannot be waited for.
            WaitFailed: It is in a state from which the other is not reached by itself; failed
                or cancelled, for `completed`; completed or cancelled, for `failed`; completed
                or failed, for `cancelled`.
            WaitTimeout: The time is over. It may still reach the state.
            CallError: It cannot be read.
        """
        return _wait(
            self, get_task.WAITING, task_id, until=until, timeout=timeout, progress=progress
        )

    def cancel(self, task_id: str, **options: Unpack[CallOptions]) -> AgentTaskCancelResponse:
        """Cancel a task.

        Cancels a task that is not finished. If its agent finishes it at the same time, one of
        the two succeeds, and nothing of the other is kept. The agent is not notified: it
        finds out when it reads the task or reports on it.

        Args:
            task_id: The task's id. 1 to 255 characters.

        Returns:
            The task is cancelled.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No task has this id.
            Conflict: Status 409: The task is finished.

        Operation `cancel_task`: `POST /api/tasks/{task_id}/cancel`. Required role:
        `developer`.
        """
        return self._call(cancel_task.call(task_id), **options)

    def delegate(
        self,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AgentTaskCreateResponse:
        """Create a task for another agent.

        Creates a task as `create_workspace_task` does, on behalf of the calling agent, which
        is its requester. An agent that passes a task on sends its `delegation_chain` along
        and adds itself at the end.

        Args:
            target_id: The sandbox of the agent that is to do it. 1 to 255 characters.
            prompt: What is to be done. 1 to 65,536 characters.
            skill: The skill that it is for; none if omitted or empty. At most 255 characters.
            system_context: What else the agent should know; nothing if omitted. At most
                65,536 characters.
            max_turns: How many turns the agent should take at most; 0, and if omitted, for no
                limit. The agent enforces it. 0 to 2,147,483,647.
            max_budget_usd: What it should cost at most, in US dollars; 0, and if omitted, for
                no limit. The agent enforces it. 0 to 1,000,000,000.
            timeout_seconds: Seconds that the agent has for it, from the first poll that
                returned it; 300 if omitted. 1 to 2,147,483,647.
            delegation_chain: The sandboxes of the agents that have passed the task on, the
                first one first. None is in it twice, and the target is not in it. At most 16
                items.
            requester_id: The sandbox of the agent that wants it done. An agent can only name
                its own, which is the default; a person can name any sandbox of the workspace,
                or none if omitted or empty. At most 255 characters.

        Returns:
            The task was created.

        Raises:
            BadRequest: Status 400: The body violates its schema, or a rule between its
                fields. The message names the field and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The target belongs to another workspace.
            NotFound: Status 404: No sandbox has the id of the target.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `create_agent_task`: `POST /api/agent/tasks`. Required role: `agent`.
        """
        return self._call(
            create_agent_task.call(
                target_id=target_id,
                prompt=prompt,
                skill=skill,
                system_context=system_context,
                max_turns=max_turns,
                max_budget_usd=max_budget_usd,
                timeout_seconds=timeout_seconds,
                delegation_chain=delegation_chain,
                requester_id=requester_id,
            ),
            **options,
        )

    def poll(
        self,
        *,
        sandbox_id: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Page[AgentTaskPollItem]:
        """Take the next tasks.

        Takes the oldest pending tasks of the calling agent, oldest first, and returns at
        once, also if there are none. They are `assigned` from then on, and no other poll
        returns them.

        The agent has 120 seconds to report on a task or to read it, which starts them anew.
        After that it is `pending` again, so that an answer which was lost loses no task;
        after the third time, it becomes `failed`, with the `failure_reason` `never started`.
        A report of `running` ends this, as do final ones; it is accepted as well if the task
        is pending again.

        Args:
            sandbox_id: The calling agent's own sandbox. Another one is rejected with 403. At
                most 255 characters.
            limit: How many tasks to take at most; 5 if omitted. 1 to 5.

        Returns:
            The tasks; none if nothing is pending.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The given sandbox is not that of the calling agent.

        Operation `poll_agent_tasks`: `GET /api/agent/tasks/poll`. Required role: `agent`.
        """
        return self._call(poll_agent_tasks.call(sandbox_id=sandbox_id, limit=limit), **options)

    def get_as_agent(
        self, task_id: str, *, include_output: bool | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> AgentTaskDetail:
        """Get a task of the own workspace.

        Returns any task of the calling agent's workspace. If it is assigned to the caller,
        the 120 seconds in which it must be reported on start anew.

        Args:
            task_id: The task's id. 1 to 255 characters.
            include_output: Whether to return `output` as well, if there is any; false if
                omitted.

        Returns:
            The task.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The task belongs to another workspace.
            NotFound: Status 404: No task has this id.

        Operation `get_agent_task`: `GET /api/agent/tasks/{task_id}`. Required role: `agent`.
        """
        return self._call(get_agent_task.call(task_id, include_output=include_output), **options)

    def report(
        self,
        task_id: str,
        *,
        status: Literal["running", "completed", "failed", "cancelled"] | ReportedTaskStatus,
        failure_reason: str | Omit = OMIT,
        result: Any | Omit = OMIT,
        total_cost_usd: float | Omit | None = OMIT,
        num_turns: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Report on a task.

        Reports the state of one of the calling agent's own tasks. A finished task cannot be
        reported on again: 409, also for a report that repeats the first. A report is stored
        whole or not at all.

        `result` is stored with `completed`, `failure_reason` with `failed`, `total_cost_usd`
        and `num_turns` with every final state. Where they do not belong, they are ignored.

        Args:
            task_id: The task's id. 1 to 255 characters.
            status: The state that the task is in from now on. One of `running`, `completed`,
                `failed`, `cancelled`.
            failure_reason: Why it failed; required if `status` is `failed`. At most 10,000
                characters.
            result: The result, as any JSON without NUL in its texts.
            total_cost_usd: What it has cost, in US dollars; if omitted or null, nothing is
                known of that. 0 to 1,000,000,000.
            num_turns: How many turns the agent has taken; 0 if omitted. 0 to 2,147,483,647.

        Raises:
            BadRequest: Status 400: The body violates its schema, or a rule between its
                fields. The message names the field and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The task belongs to another agent, of this workspace
                or of another.
            NotFound: Status 404: No task has this id.
            Conflict: Status 409: The task is finished.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_agent_task_status`: `PUT /api/agent/tasks/{task_id}/status`.
        Required role: `agent`.
        """
        return self._call(
            update_agent_task_status.call(
                task_id,
                status=status,
                failure_reason=failure_reason,
                result=result,
                total_cost_usd=total_cost_usd,
                num_turns=num_turns,
            ),
            **options,
        )


class AsyncTasks(AsyncResource):
    """`client.tasks`: Tasks, which people and agents give to the agents of a workspace, and
    which these poll for.
    """

    __slots__ = ()

    async def list(self, workspace_id: str, **options: Unpack[CallOptions]) -> Page[AgentTaskItem]:
        """List a workspace's tasks.

        Returns the 100 newest tasks of the workspace, in any state, the newest first.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.

        Returns:
            The tasks.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.

        Operation `list_workspace_tasks`: `GET /api/workspaces/{workspace_id}/tasks`. Required
        role: `guest`.
        """
        return await self._call(list_workspace_tasks.call(workspace_id), **options)

    @overload
    async def create(
        self,
        workspace_id: str,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        wait: Literal[False] = False,
        **options: Unpack[CallOptions],
    ) -> AgentTaskCreateResponse: ...
    @overload
    async def create(
        self,
        workspace_id: str,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        wait: Literal[True],
        **options: Unpack[CallOptions],
    ) -> AgentTaskDetail: ...
    async def create(
        self,
        workspace_id: str,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        wait: bool = False,
        **options: Unpack[CallOptions],
    ) -> AgentTaskCreateResponse | AgentTaskDetail:
        """Create a task.

        Creates a task for an agent of the workspace, which gets it when it polls next. Its
        state is `pending` until then, `assigned` once the agent has it, `running` once the
        agent says so, and finally `completed`, `failed` or `cancelled`. Final states are
        never left.

        The target may be any sandbox of the workspace, in any state, with or without a card.
        A task that is not finished within `timeout_seconds` after it was first handed out
        becomes `failed`, with the `failure_reason` `timeout`. One that was never handed out
        does not expire.

        Args:
            workspace_id: The workspace's id. 1 to 255 characters.
            target_id: The sandbox of the agent that is to do it. 1 to 255 characters.
            prompt: What is to be done. 1 to 65,536 characters.
            skill: The skill that it is for; none if omitted or empty. At most 255 characters.
            system_context: What else the agent should know; nothing if omitted. At most
                65,536 characters.
            max_turns: How many turns the agent should take at most; 0, and if omitted, for no
                limit. The agent enforces it. 0 to 2,147,483,647.
            max_budget_usd: What it should cost at most, in US dollars; 0, and if omitted, for
                no limit. The agent enforces it. 0 to 1,000,000,000.
            timeout_seconds: Seconds that the agent has for it, from the first poll that
                returned it; 300 if omitted. 1 to 2,147,483,647.
            delegation_chain: The sandboxes of the agents that have passed the task on, the
                first one first. None is in it twice, and the target is not in it. At most 16
                items.
            requester_id: The sandbox of the agent that wants it done. An agent can only name
                its own, which is the default; a person can name any sandbox of the workspace,
                or none if omitted or empty. At most 255 characters.
            wait: Whether to wait until it is `completed`, as `wait` does, and return it as it
                is then.

        Returns:
            The task was created.

        Raises:
            BadRequest: Status 400: The body violates its schema, or a rule between its
                fields. The message names the field and the rule.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this, or the target belongs to another workspace.
            NotFound: Status 404: No sandbox has the id of the target.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.
            WaitFailed: With `wait`: it is in a state that does not lead there by itself.
            WaitTimeout: With `wait`: the time is over.

        Operation `create_workspace_task`: `POST /api/workspaces/{workspace_id}/tasks`.
        Required role: `developer`.
        """
        made = await self._call(
            create_workspace_task.call(
                workspace_id,
                target_id=target_id,
                prompt=prompt,
                skill=skill,
                system_context=system_context,
                max_turns=max_turns,
                max_budget_usd=max_budget_usd,
                timeout_seconds=timeout_seconds,
                delegation_chain=delegation_chain,
                requester_id=requester_id,
            ),
            **options,
        )
        if not wait:
            return made
        return await _wait_for_new_async(self, get_task.WAITING, made, "task_id")

    async def get(
        self, task_id: str, *, include_output: bool | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> AgentTaskDetail:
        """Get a task.

        Returns a task to any member of its workspace.

        Args:
            task_id: The task's id. 1 to 255 characters.
            include_output: Whether to return `output` as well, if there is any; false if
                omitted.

        Returns:
            The task.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No task has this id.

        Operation `get_task`: `GET /api/tasks/{task_id}`. Required role: `guest`.
        """
        return await self._call(get_task.call(task_id, include_output=include_output), **options)

    async def wait(
        self,
        task_id: str,
        *,
        until: Literal["completed", "failed", "cancelled"] = "completed",
        timeout: float = _TIMEOUT,
        progress: Callable[[AgentTaskDetail], object] | None = None,
    ) -> AgentTaskDetail:
        """Wait until it is in a state, and return it as it is then.

        It is read at once, then after half a second, and ever less often up to every five
        seconds. All who wait through one client, or those that `with_options` makes of it,
        send at most ten requests a second together.

        Args:
            task_id: The task's id. 1 to 255 characters.
            until: The state to wait for.
            timeout: Seconds after which to stop waiting.
            progress: Called with it each time that it is read.

        Returns:
            The task.

        Raises:
            ArgumentError: The state cannot be waited for.
            WaitFailed: It is in a state from which the other is not reached by itself; failed
                or cancelled, for `completed`; completed or cancelled, for `failed`; completed
                or failed, for `cancelled`.
            WaitTimeout: The time is over. It may still reach the state.
            CallError: It cannot be read.
        """
        return await _wait_async(
            self, get_task.WAITING, task_id, until=until, timeout=timeout, progress=progress
        )

    async def cancel(self, task_id: str, **options: Unpack[CallOptions]) -> AgentTaskCancelResponse:
        """Cancel a task.

        Cancels a task that is not finished. If its agent finishes it at the same time, one of
        the two succeeds, and nothing of the other is kept. The agent is not notified: it
        finds out when it reads the task or reports on it.

        Args:
            task_id: The task's id. 1 to 255 characters.

        Returns:
            The task is cancelled.

        Raises:
            Unauthenticated: Status 401: There is no session, or it is no longer valid.
            PermissionDenied: Status 403: The caller's role in the workspace does not allow
                this.
            NotFound: Status 404: No task has this id.
            Conflict: Status 409: The task is finished.

        Operation `cancel_task`: `POST /api/tasks/{task_id}/cancel`. Required role:
        `developer`.
        """
        return await self._call(cancel_task.call(task_id), **options)

    async def delegate(
        self,
        *,
        target_id: str,
        prompt: str,
        skill: str | Omit = OMIT,
        system_context: str | Omit = OMIT,
        max_turns: int | Omit = OMIT,
        max_budget_usd: float | Omit = OMIT,
        timeout_seconds: int | Omit = OMIT,
        delegation_chain: Sequence[str] | Omit = OMIT,
        requester_id: str | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> AgentTaskCreateResponse:
        """Create a task for another agent.

        Creates a task as `create_workspace_task` does, on behalf of the calling agent, which
        is its requester. An agent that passes a task on sends its `delegation_chain` along
        and adds itself at the end.

        Args:
            target_id: The sandbox of the agent that is to do it. 1 to 255 characters.
            prompt: What is to be done. 1 to 65,536 characters.
            skill: The skill that it is for; none if omitted or empty. At most 255 characters.
            system_context: What else the agent should know; nothing if omitted. At most
                65,536 characters.
            max_turns: How many turns the agent should take at most; 0, and if omitted, for no
                limit. The agent enforces it. 0 to 2,147,483,647.
            max_budget_usd: What it should cost at most, in US dollars; 0, and if omitted, for
                no limit. The agent enforces it. 0 to 1,000,000,000.
            timeout_seconds: Seconds that the agent has for it, from the first poll that
                returned it; 300 if omitted. 1 to 2,147,483,647.
            delegation_chain: The sandboxes of the agents that have passed the task on, the
                first one first. None is in it twice, and the target is not in it. At most 16
                items.
            requester_id: The sandbox of the agent that wants it done. An agent can only name
                its own, which is the default; a person can name any sandbox of the workspace,
                or none if omitted or empty. At most 255 characters.

        Returns:
            The task was created.

        Raises:
            BadRequest: Status 400: The body violates its schema, or a rule between its
                fields. The message names the field and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The target belongs to another workspace.
            NotFound: Status 404: No sandbox has the id of the target.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `create_agent_task`: `POST /api/agent/tasks`. Required role: `agent`.
        """
        return await self._call(
            create_agent_task.call(
                target_id=target_id,
                prompt=prompt,
                skill=skill,
                system_context=system_context,
                max_turns=max_turns,
                max_budget_usd=max_budget_usd,
                timeout_seconds=timeout_seconds,
                delegation_chain=delegation_chain,
                requester_id=requester_id,
            ),
            **options,
        )

    async def poll(
        self,
        *,
        sandbox_id: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> Page[AgentTaskPollItem]:
        """Take the next tasks.

        Takes the oldest pending tasks of the calling agent, oldest first, and returns at
        once, also if there are none. They are `assigned` from then on, and no other poll
        returns them.

        The agent has 120 seconds to report on a task or to read it, which starts them anew.
        After that it is `pending` again, so that an answer which was lost loses no task;
        after the third time, it becomes `failed`, with the `failure_reason` `never started`.
        A report of `running` ends this, as do final ones; it is accepted as well if the task
        is pending again.

        Args:
            sandbox_id: The calling agent's own sandbox. Another one is rejected with 403. At
                most 255 characters.
            limit: How many tasks to take at most; 5 if omitted. 1 to 5.

        Returns:
            The tasks; none if nothing is pending.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The given sandbox is not that of the calling agent.

        Operation `poll_agent_tasks`: `GET /api/agent/tasks/poll`. Required role: `agent`.
        """
        return await self._call(
            poll_agent_tasks.call(sandbox_id=sandbox_id, limit=limit), **options
        )

    async def get_as_agent(
        self, task_id: str, *, include_output: bool | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> AgentTaskDetail:
        """Get a task of the own workspace.

        Returns any task of the calling agent's workspace. If it is assigned to the caller,
        the 120 seconds in which it must be reported on start anew.

        Args:
            task_id: The task's id. 1 to 255 characters.
            include_output: Whether to return `output` as well, if there is any; false if
                omitted.

        Returns:
            The task.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The task belongs to another workspace.
            NotFound: Status 404: No task has this id.

        Operation `get_agent_task`: `GET /api/agent/tasks/{task_id}`. Required role: `agent`.
        """
        return await self._call(
            get_agent_task.call(task_id, include_output=include_output), **options
        )

    async def report(
        self,
        task_id: str,
        *,
        status: Literal["running", "completed", "failed", "cancelled"] | ReportedTaskStatus,
        failure_reason: str | Omit = OMIT,
        result: Any | Omit = OMIT,
        total_cost_usd: float | Omit | None = OMIT,
        num_turns: int | Omit = OMIT,
        **options: Unpack[CallOptions],
    ) -> None:
        """Report on a task.

        Reports the state of one of the calling agent's own tasks. A finished task cannot be
        reported on again: 409, also for a report that repeats the first. A report is stored
        whole or not at all.

        `result` is stored with `completed`, `failure_reason` with `failed`, `total_cost_usd`
        and `num_turns` with every final state. Where they do not belong, they are ignored.

        Args:
            task_id: The task's id. 1 to 255 characters.
            status: The state that the task is in from now on. One of `running`, `completed`,
                `failed`, `cancelled`.
            failure_reason: Why it failed; required if `status` is `failed`. At most 10,000
                characters.
            result: The result, as any JSON without NUL in its texts.
            total_cost_usd: What it has cost, in US dollars; if omitted or null, nothing is
                known of that. 0 to 1,000,000,000.
            num_turns: How many turns the agent has taken; 0 if omitted. 0 to 2,147,483,647.

        Raises:
            BadRequest: Status 400: The body violates its schema, or a rule between its
                fields. The message names the field and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The task belongs to another agent, of this workspace
                or of another.
            NotFound: Status 404: No task has this id.
            Conflict: Status 409: The task is finished.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `update_agent_task_status`: `PUT /api/agent/tasks/{task_id}/status`.
        Required role: `agent`.
        """
        return await self._call(
            update_agent_task_status.call(
                task_id,
                status=status,
                failure_reason=failure_reason,
                result=result,
                total_cost_usd=total_cost_usd,
                num_turns=num_turns,
            ),
            **options,
        )


class RawTasks:
    """`client.with_raw_response.tasks`, whose methods return a `Response`."""

    def __init__(self, resource: Tasks) -> None:
        self._resource = resource
        self.list = _raw(resource.list)
        self.create = _raw(resource.create)
        self.get = _raw(resource.get)
        self.cancel = _raw(resource.cancel)
        self.delegate = _raw(resource.delegate)
        self.poll = _raw(resource.poll)
        self.get_as_agent = _raw(resource.get_as_agent)
        self.report = _raw(resource.report)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawTasks:
    """`client.with_raw_response.tasks`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncTasks) -> None:
        self._resource = resource
        self.list = _raw_async(resource.list)
        self.create = _raw_async(resource.create)
        self.get = _raw_async(resource.get)
        self.cancel = _raw_async(resource.cancel)
        self.delegate = _raw_async(resource.delegate)
        self.poll = _raw_async(resource.poll)
        self.get_as_agent = _raw_async(resource.get_as_agent)
        self.report = _raw_async(resource.report)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
