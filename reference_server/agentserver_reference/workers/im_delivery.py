"""Delivers messages: polls the service of each channel, and answers one person at a time.

The loop has one endless round, which ends with its lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from agentserver_reference import logs
from agentserver_reference.context import Context
from agentserver_reference.domain.errors import DatabaseUnavailable, Refusal, ServiceUnavailable
from agentserver_reference.domain.im_messages import ATTEMPTS, PAUSE_WHILE_OFF, pause_after
from agentserver_reference.gateways.failures import NotUnderstood, OutsideError
from agentserver_reference.services import im_delivery
from agentserver_reference.services.im_sandboxes import NotYet
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 5
"""Seconds between two looks at which channels there are, and at what has to be delivered."""

MOST = 100
"""How many messages are answered at a time."""

Conversation: TypeAlias = tuple[str, str]
"""A channel and a user."""

_logger = logging.getLogger(logs.LOGGER)


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("im_delivery", INTERVAL, lambda: Delivery(UnitOfWork(context)).run())


class Delivery:
    """Keeps a task for each channel, and one for each conversation in which something waits."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._wait = work.context.wait
        self._channels: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._conversations: dict[Conversation, asyncio.Task[None]] = {}
        self._again: set[Conversation] = set()
        """Conversations under way in which something new has come."""
        self._answering = asyncio.Semaphore(MOST)

    async def run(self) -> None:
        """Deliver, for ever."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                with suppress(DatabaseUnavailable):  # the store has logged it
                    await self._look(tasks)
                await self._wait(INTERVAL)

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        found = await im_delivery.channels(self._work)
        for channel_id, (number, _) in list(self._channels.items()):
            if found.get(channel_id) != number:
                self._drop(channel_id)
        for channel_id, number in found.items():
            if channel_id not in self._channels:
                polling = self._poll(tasks, channel_id)
                self._channels[channel_id] = (number, tasks.create_task(polling))
        for conversation in await im_delivery.waiting(self._work):
            self._take_up(tasks, conversation)

    def _drop(self, channel_id: str) -> None:
        """End what waits for a bot that is gone, or that has another token now."""
        self._channels.pop(channel_id)[1].cancel()
        for conversation in [each for each in self._conversations if each[0] == channel_id]:
            self._conversations.pop(conversation).cancel()

    async def _poll(self, tasks: asyncio.TaskGroup, channel_id: str) -> None:
        """Receive messages, as long as there is the channel."""

        async def receive() -> bool:
            users = await im_delivery.receive(self._work, channel_id)
            for user_id in users or ():
                self._take_up(tasks, (channel_id, user_id))
            return users is not None

        await self._repeat("messages not received", channel_id, receive)

    def _take_up(self, tasks: asyncio.TaskGroup, conversation: Conversation) -> None:
        self._again.add(conversation)
        if conversation not in self._conversations:
            task = tasks.create_task(self._converse(conversation))
            self._conversations[conversation] = task

    async def _converse(self, conversation: Conversation) -> None:
        """Deliver what waits in a conversation, one after the other."""

        not_taken = 0

        async def deliver() -> bool:
            nonlocal not_taken
            try:
                async with self._answering:
                    goes_on = await im_delivery.deliver_next(self._work, *conversation)
            except NotUnderstood:
                not_taken += 1
                if not_taken < ATTEMPTS:
                    raise
                goes_on = await im_delivery.give_up_next(self._work, *conversation)
            not_taken = 0
            return goes_on

        while conversation in self._again:
            self._again.discard(conversation)
            await self._repeat("message not delivered", conversation[0], deliver)
        del self._conversations[conversation]

    async def _repeat(
        self, failure: str, channel_id: str, attempt: Callable[[], Awaitable[bool]]
    ) -> None:
        """Make attempts until one returns False, and wait after those that fail."""
        failures, goes_on = 0, True
        while goes_on:
            pause = None
            try:
                goes_on, failures = await attempt(), 0
                continue
            except DatabaseUnavailable:
                pass  # the store has logged it, once for the whole outage
            except ServiceUnavailable:
                pause = PAUSE_WHILE_OFF
            except (OutsideError, Refusal, NotYet) as trouble:
                pause = trouble.pause if isinstance(trouble, OutsideError) else None
                reason = type(trouble).__name__
                level = logging.DEBUG if isinstance(trouble, NotYet) else logging.WARNING
                logs.event(_logger, level, failure, channel_id=channel_id, reason=reason)
            except Exception:
                _logger.exception(failure, extra=logs.extra(channel_id=channel_id))
            failures += 1
            await self._wait(pause_after(failures) if pause is None else pause)
