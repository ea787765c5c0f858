"""What a server does by itself, when sandboxes, agents and tasks are left alone for a while.

Idle sandboxes are paused, silent agents are offline, and a task that an agent has taken and says
nothing about is pending again. That takes a minute and more. So all these are made when the run
begins, and are looked at when all other layers are over, where that is late enough. Where the
server's clock can be moved, it is; and where this layer was asked for by name, it waits.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.fixtures.accounts import Account
from agentserver_contract.fixtures.agents import OWNER
from agentserver_contract.fixtures.left_alone import (
    IDLE_TIMEOUT,
    LeftAlone,
    leave_alone,
    owner_of_agent,
    remove,
)
from agentserver_contract.http.messages import Request
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.lifetimes import MARGIN
from agentserver_contract.layers.sending import Sender, fields_of
from agentserver_contract.results.findings import LayerResult

NAME = "idle"

WATCH = timedelta(seconds=60)
"""How often the server looks for sandboxes that are idle."""
SILENCE, SWEEP = timedelta(seconds=60), timedelta(seconds=30)
"""How long an agent may be silent, and how often the server looks for those that are."""
CLAIM, CLAIM_SWEEP = timedelta(seconds=120), timedelta(seconds=5)
"""How long an agent may say nothing about a task it has taken, and how often the server looks."""
_LATE = timedelta(seconds=3)
"""How long what the server does may take, beside the intervals that it has promised."""

_METHODS = (
    *("sandboxes.pause", "sandboxes.get", "agents.register", "agents.publish_card"),
    *("agents.get", "agents.discover", "tasks.poll", "tasks.get_as_agent"),
)
"""What the layer is about."""

_NO_AGENT = "the run has no access token with which an agent is registered"
_PAUSED = "a sandbox that is idle for longer than its idle timeout is paused within a minute"
_NOT_IDLE = "a sandbox that was idle for less than its idle timeout goes on"
_SILENT = "an agent is offline when it was silent for a minute, until its next call"
_TAKEN = "a task that an agent has taken is its own for 120 s, and then pending again"

_PARAMETER = re.compile(r"\{\w+\}")


@contextmanager
def begun(context: Context) -> Iterator[Context]:
    """The context with what is left alone as long as the run lasts."""
    known = context.contract.operations_by_sdk
    about = [known[method] for method in _METHODS if method in known]
    if len(about) < len(_METHODS) or not any(map(context.plan.includes, about)):
        yield context
        return
    made = leave_alone(context.accounts)
    try:
        yield replace(context, left_alone=made)
    finally:
        remove(context.accounts, made)


def run(context: Context) -> LayerResult:
    """Look at what has become of what was left alone."""
    if context.left_alone is None:
        result = context.new_result(NAME)
        result.not_run[NAME] = "no operation that it is about is tried"
        return result
    if context.left_alone.failed is not None:
        raise context.left_alone.failed
    layer = _Idle(context, context.left_alone)
    for name, look in (
        ("an idle sandbox", layer.look_at_sandboxes),
        ("the silence of an agent", layer.look_at_agent),
        ("a task that was taken", layer.look_at_task),
    ):
        with attempt(layer.result, name):
            look(name)
    return layer.result


class _Idle:
    def __init__(self, context: Context, left_alone: LeftAlone) -> None:
        self.context = context
        self.result = context.new_result(NAME)
        self.sender = Sender(context, self.result)
        self.left_alone = left_alone

    def look_at_sandboxes(self, name: str) -> None:
        """One is paused, and the other one is not."""
        pause, read = self._operation("sandboxes.pause"), self._operation("sandboxes.get")
        if not self._wait(name, IDLE_TIMEOUT, WATCH):
            return
        owner = self.context.accounts[OWNER]
        self._expect(pause, read, owner, self.left_alone.idle_id, "paused", _PAUSED)
        self._expect(pause, read, owner, self.left_alone.other_id, "running", _NOT_IDLE)

    def look_at_agent(self, name: str) -> None:
        """It is offline, and its sandbox as well, until its next call."""
        register, sandbox = self._operation("agents.register"), self._operation("sandboxes.get")
        publish, card = self._operation("agents.publish_card"), self._operation("agents.get")
        agent = self.left_alone.agent
        if agent is None:
            self.result.not_run[name] = _NO_AGENT
            return
        if not self._wait(name, SILENCE, SWEEP):
            return
        owner = owner_of_agent(self.context.accounts)
        self._expect(publish, card, owner, agent.id, "offline", _SILENT)
        self._expect(register, sandbox, owner, agent.id, "offline", _SILENT)
        with self.context.target.client(token=agent.token) as client:
            client.agents.discover()
        self._expect(publish, card, owner, agent.id, "available", _SILENT)
        self._expect(register, sandbox, owner, agent.id, "running", _SILENT)

    def look_at_task(self, name: str) -> None:
        """It is still the agent's, or no longer; which of the two, the time says."""
        agent = self.left_alone.agent
        if agent is None:
            self.result.not_run[name] = _NO_AGENT
            return
        waits = self.context.shift_clock is not None or NAME in self.context.plan.layers
        if not waits and self._passed() < CLAIM - _LATE:
            status = "assigned"
        elif self._wait(name, CLAIM, CLAIM_SWEEP):
            status = "pending"
        else:
            return
        poll, read = self._operation("tasks.poll"), self._operation("tasks.get_as_agent")
        self._expect(poll, read, agent, self.left_alone.task_id, status, _TAKEN)

    def _operation(self, sdk_method: str) -> Operation:
        return self.context.contract.operations_by_sdk[sdk_method]

    def _wait(self, name: str, after: timedelta, interval: timedelta) -> bool:
        """Whether a time has passed, and one more look of the server after it; if need be, the
        clock is moved, or it is waited for."""
        wanted = after + interval
        if self.context.shift_clock is not None:
            # Not moved back afterwards: some minutes end nothing else.
            for step in (wanted, interval + MARGIN):
                self.context.shift_clock(step)
                self.left_alone.shifted += step
            return True
        left = wanted + _LATE - self._passed()
        if left <= timedelta():
            return True
        if NAME in self.context.plan.layers:
            time.sleep(left.total_seconds())
            return True
        total = int(wanted.total_seconds())
        self.result.not_run[name] = f"it takes {total} s, and this run was over sooner"
        return False

    def _passed(self) -> timedelta:
        """How long ago all of it was made, by the server's clock."""
        here = timedelta(seconds=time.monotonic() - self.left_alone.since)
        return here + self.left_alone.shifted

    def _expect(
        self,
        at_fault: Operation,
        read: Operation,
        reader: Account,
        thing_id: str,
        status: str,
        promise: str,
    ) -> None:
        path = _PARAMETER.sub(thing_id, read.path)
        request = Request(read.method, path, reader.credential)
        exchange = self.sender.send_until_settled(read, request)
        actual = fields_of(exchange).get("status")
        if actual != status:
            self.sender.found(
                at_fault,
                promise,
                expected=f"the status {status}",
                actual=f"{exchange.response.status} {actual}, shown by {read.id}",
                check="idle",
                exchange=exchange,
            )
