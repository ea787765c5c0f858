"""The calls that a worker asks for, made through a client, and what their failures mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from agentserver import _errors
from agentserver._omit import OMIT

from ._state import claim_of
from ._task import Message, Task
from ._worker import Call, Claimed, Failed, Poll, Read, ReadInbox, Report, Seen, Trouble

if TYPE_CHECKING:
    from agentserver._client import AsyncClient
    from agentserver.models import AgentTaskPollItem

_TIMEOUT: Final = 10.0
"""Seconds that a call may take: what does not answer is asked again later."""

_MEANINGS: Final[Mapping[type[_errors.AgentserverError], Trouble]] = {
    _errors.Unauthenticated: Trouble.REVOKED,
    _errors.MissingCredential: Trouble.REVOKED,
    _errors.Conflict: Trouble.CONFLICT,
    _errors.PermissionDenied: Trouble.GONE,
    _errors.NotFound: Trouble.GONE,
    _errors.Gone: Trouble.GONE,
    _errors.ArgumentError: Trouble.REFUSED,
    _errors.BadRequest: Trouble.REFUSED,
    _errors.PayloadTooLarge: Trouble.REFUSED,
    _errors.UnsupportedMediaType: Trouble.REFUSED,
    _errors.UnprocessableEntity: Trouble.REFUSED,
}
"""What an error says of a call about one task; any other may not come again."""


async def perform(client: AsyncClient, call: Call) -> Any:
    """Make a call; the result is what the worker is answered."""
    try:
        return await _made(client, call)
    except _errors.AgentserverError as error:
        return _failed(error, call)


async def _made(client: AsyncClient, call: Call) -> Any:
    # No call is repeated here: the worker decides that, and it may have something else to do.
    once: Any = {"max_retries": 0, "deadline": _TIMEOUT}
    if isinstance(call, Poll):
        items = await client.tasks.poll(limit=call.limit, **once)
        return [_claimed(item) for item in items]
    if isinstance(call, ReadInbox):
        messages = await client.mailbox.read(limit=call.limit, **once)
        return [Message(m.id, m.from_, m.text, m.msg_type, m.created_at) for m in messages]
    if isinstance(call, Read):
        found = await client.tasks.get_as_agent(call.id, **once)
        return Seen(str(found.status), found.skill)
    await client.tasks.report(call.id, **_arguments(call.report), **once)
    return None


def _claimed(item: AgentTaskPollItem) -> Claimed:
    task = Task(
        item.task_id,
        item.prompt,
        item.system_context or "",
        item.skill,
        item.max_turns or 0,
        item.max_budget_usd or 0.0,
        item.timeout_seconds,
        item.requester_id or None,
        tuple(item.delegation_chain or ()),
    )
    return claim_of(task)


def _arguments(report: Report) -> dict[str, Any]:
    if report.status == "running":
        return {"status": report.status}
    return {
        "status": report.status,
        # v0.64.12 keeps cost and turns only of a task that has a result, be it null.
        "result": report.result if report.status == "completed" else OMIT,
        "failure_reason": report.reason or OMIT,
        "total_cost_usd": OMIT if report.total_cost_usd is None else report.total_cost_usd,
        "num_turns": report.num_turns,
    }


def _failed(error: _errors.AgentserverError, call: Call) -> Failed:
    is_about_task = not isinstance(call, (Poll, ReadInbox))
    kinds = [kind for kind in _MEANINGS if isinstance(error, kind)]
    trouble = _MEANINGS[kinds[0]] if kinds else Trouble.UNREACHABLE
    if not is_about_task and trouble is not Trouble.REVOKED:
        trouble = Trouble.UNREACHABLE
    retry_after = getattr(error, "retry_after", None) or 0.0
    return Failed(trouble, str(error), retry_after)
