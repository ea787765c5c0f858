"""How the state is read back from the server and compared with what the model expects."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from agentserver import AgentserverError, Client, PermissionDenied
from agentserver_contract.http.messages import HIDDEN
from agentserver_contract.http.sdk_calls import whole_answer
from agentserver_contract.model.action import INVARIANTS
from agentserver_contract.model.run import USERS, ModelRun, shown
from agentserver_contract.model.state import ContractViolation, Timestamp


def read_back(run: ModelRun, *parts: str) -> None:
    """Check every invariant that shows one of these parts of the state.

    A part is read of everything that has it and not only of what was touched: a write that reaches
    too far is seen in what should not have changed. Raises ContractViolation.
    """
    for each in INVARIANTS:
        if not each.shows.isdisjoint(parts) and each.name not in run.first_look.wrong:
            each.check(run)


def read_back_everything(run: ModelRun) -> None:
    """Check every invariant, as everybody who may read. Raises ContractViolation."""
    run.every_reader = True
    try:
        read_back(run, *{part for each in INVARIANTS for part in each.shows})
    finally:
        run.every_reader = False


def read(run: ModelRun, caller: str | Client, sdk_method: str, *args: Any, **kwargs: Any) -> Any:
    """Read as a caller who may. Raises ContractViolation."""
    result = run.attempt(caller, sdk_method, *args, **kwargs)
    if isinstance(result, AgentserverError):
        who = caller if isinstance(caller, str) else "client"
        raise ContractViolation(sdk_method, "those who may read this can", f"{who}: {result}")
    return result


def read_in_turns(
    run: ModelRun, sdk_method: str, *args: Any, readers: Sequence[str], **kwargs: Any
) -> Any:
    """Read as those who may, and check that others are refused with 403.

    Mostly users take turns from one reading to the next: all of them each time would be slow.

    Args:
        run: The run.
        sdk_method: How it is read.
        args: The positional arguments of that method.
        readers: The users who may read it.
        kwargs: Its keyword arguments.

    Raises:
        ContractViolation: A reader is refused or sees something else, or another is not refused.
    """
    run.readings += 1
    if run.every_reader:
        views = {reader: read(run, reader, sdk_method, *args, **kwargs) for reader in readers}
        first = readers[0]
        for reader, view in views.items():
            promise = f"a {reader} reads the same as a {first}"
            seen, expected = _plain(run, reader, view), _plain(run, first, views[first])
            expect(sdk_method, promise, expected, seen, user=reader)
        return views[first]
    others = [name for name in USERS if name not in readers]
    if others:
        other = others[run.readings % len(others)]
        expect_refused(run, [other], PermissionDenied, sdk_method, *args, **kwargs)
    return read(run, readers[run.readings % len(readers)], sdk_method, *args, **kwargs)


def _plain(run: ModelRun, reader: str, result: Any) -> Any:
    """A result of the SDK in a form that can be compared and shown, without the reader's session:
    who shows that breaks another promise."""
    result = whole_answer(result)
    rows = result if isinstance(result, Sequence) else [result]
    shown = json.dumps([row.to_dict() for row in rows])
    return json.loads(shown.replace(run.accounts[reader].session, HIDDEN))


def expect_refused(
    run: ModelRun,
    callers: Collection[str],
    error: type[AgentserverError],
    sdk_method: str,
    *args: Any,
    **kwargs: Any,
) -> None:
    """Check that every one of the callers is refused with this error. Raises ContractViolation."""
    for caller in callers:
        outcome = run.attempt(caller, sdk_method, *args, **kwargs)
        if type(outcome) is not error:
            promise = f"those who may not read this are refused with {error.__name__}"
            raise ContractViolation(sdk_method, promise, f"{caller}: {outcome}")


def expect(
    sdk_method: str, promise: str, expected: object, actual: object, *, user: str = ""
) -> None:
    """Check that a value is the expected one. Raises ContractViolation."""
    if actual != expected:
        whose = f"{user}: " if user else ""
        difference = f"{whose}expected {shown(expected)}, got {shown(actual)}"
        raise ContractViolation(sdk_method, promise, difference)


def expect_timestamp(run: ModelRun, sdk_method: str, timestamp: Timestamp, seen: datetime) -> None:
    """Check that `updated_at` moves with a write and at no other time. Raises ContractViolation."""
    if not timestamp.accepts(seen, strictly=run.strict_times):
        promise = "updated_at moves with a write, and at no other time"
        known = timestamp.current or timestamp.previous
        raise ContractViolation(sdk_method, promise, f"{seen}, after {known}")
