"""The resource `client.mailbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentserver._generated.api.mailbox import read_agent_inbox, send_agent_message
from agentserver._omit import OMIT
from agentserver._operation import AsyncResource, Resource
from agentserver._operation import root as _root
from agentserver._response import raw as _raw
from agentserver._response import raw_async as _raw_async
from agentserver._taking import take as _take
from agentserver._taking import take_async as _take_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Unpack

    from agentserver._generated.models import AgentMailboxMessage, AgentMailboxSendResponse
    from agentserver._omit import Omit
    from agentserver._operation import CallOptions
    from agentserver.pagination import Page


class Mailbox(Resource):
    """`client.mailbox`: Messages between the agents of a workspace."""

    __slots__ = ()

    def send(
        self, *, to: str, text: str, msg_type: str | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> AgentMailboxSendResponse:
        """Send a message.

        Sends a message to the agent in a sandbox of the same workspace, in any state; to
        oneself as well. It is deleted with the sandbox of its sender or its recipient, also
        if it has not been read.

        Args:
            to: The sandbox of the agent that is to get it. 1 to 255 characters.
            text: The message. 1 to 65,536 characters.
            msg_type: What kind of message it is, as sender and recipient have agreed; `text`
                if omitted or empty. At most 255 characters.

        Returns:
            The message was sent.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The target belongs to another workspace.
            NotFound: Status 404: No sandbox has the id of the target.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `send_agent_message`: `POST /api/agent/mailbox/send`. Required role:
        `agent`.
        """
        return self._call(send_agent_message.call(to=to, text=text, msg_type=msg_type), **options)

    def read(
        self, *, limit: int | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> Page[AgentMailboxMessage]:
        """Read the next messages.

        Returns the oldest unread messages to the calling agent, oldest first, and marks them
        as read: no other call returns them. A response that is lost loses its messages, so
        this is never repeated automatically.

        Args:
            limit: How many messages to read at most; 10 if omitted. 1 to 100.

        Returns:
            The messages; none if all have been read.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.

        Operation `read_agent_inbox`: `GET /api/agent/mailbox/inbox`. Required role: `agent`.
        """
        return self._call(read_agent_inbox.call(limit=limit), **options)

    def inbox(self, **options: Unpack[CallOptions]) -> Iterator[AgentMailboxMessage]:
        """Iterate over what `read` returns, one by one, until there is no more.

        What was received and not taken, because the loop ended early, comes first the next
        time, from this client and those that `with_options` makes of it.

        Returns:
            The messages; none if all have been read.

        Raises:
            CallError: A call failed, as for `read`.
        """
        return _take(self, read_agent_inbox.call, options)


class AsyncMailbox(AsyncResource):
    """`client.mailbox`: Messages between the agents of a workspace."""

    __slots__ = ()

    async def send(
        self, *, to: str, text: str, msg_type: str | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> AgentMailboxSendResponse:
        """Send a message.

        Sends a message to the agent in a sandbox of the same workspace, in any state; to
        oneself as well. It is deleted with the sandbox of its sender or its recipient, also
        if it has not been read.

        Args:
            to: The sandbox of the agent that is to get it. 1 to 255 characters.
            text: The message. 1 to 65,536 characters.
            msg_type: What kind of message it is, as sender and recipient have agreed; `text`
                if omitted or empty. At most 255 characters.

        Returns:
            The message was sent.

        Raises:
            BadRequest: Status 400: The body violates its schema. The message names the field
                and the rule.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.
            PermissionDenied: Status 403: The target belongs to another workspace.
            NotFound: Status 404: No sandbox has the id of the target.
            PayloadTooLarge: Status 413: The body is larger than 1 MiB.
            UnsupportedMediaType: Status 415: The `Content-Type` is not `application/json`.

        Operation `send_agent_message`: `POST /api/agent/mailbox/send`. Required role:
        `agent`.
        """
        return await self._call(
            send_agent_message.call(to=to, text=text, msg_type=msg_type), **options
        )

    async def read(
        self, *, limit: int | Omit = OMIT, **options: Unpack[CallOptions]
    ) -> Page[AgentMailboxMessage]:
        """Read the next messages.

        Returns the oldest unread messages to the calling agent, oldest first, and marks them
        as read: no other call returns them. A response that is lost loses its messages, so
        this is never repeated automatically.

        Args:
            limit: How many messages to read at most; 10 if omitted. 1 to 100.

        Returns:
            The messages; none if all have been read.

        Raises:
            BadRequest: Status 400: A query parameter is invalid; the line names it.
            Unauthenticated: Status 401: There is no agent's token, or it is not valid, or
                what it depends on has been deleted.

        Operation `read_agent_inbox`: `GET /api/agent/mailbox/inbox`. Required role: `agent`.
        """
        return await self._call(read_agent_inbox.call(limit=limit), **options)

    def inbox(self, **options: Unpack[CallOptions]) -> AsyncIterator[AgentMailboxMessage]:
        """Iterate over what `read` returns, one by one, until there is no more.

        What was received and not taken, because the loop ended early, comes first the next
        time, from this client and those that `with_options` makes of it.

        Returns:
            The messages; none if all have been read.

        Raises:
            CallError: A call failed, as for `read`.
        """
        return _take_async(self, read_agent_inbox.call, options)


class RawMailbox:
    """`client.with_raw_response.mailbox`, whose methods return a `Response`."""

    def __init__(self, resource: Mailbox) -> None:
        self._resource = resource
        self.send = _raw(resource.send)
        self.read = _raw(resource.read)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"


class AsyncRawMailbox:
    """`client.with_raw_response.mailbox`, whose methods return a `Response`."""

    def __init__(self, resource: AsyncMailbox) -> None:
        self._resource = resource
        self.send = _raw_async(resource.send)
        self.read = _raw_async(resource.read)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {_root(self._resource)!r}>"
