"""Channels, by which people write to a workspace: how bots are connected, changed and bound."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from agentserver_reference.domain import im as domain
from agentserver_reference.domain.addresses import checked_address
from agentserver_reference.domain.errors import BadGateway, BadRequest, NotFound
from agentserver_reference.gateways.failures import CredentialRefused, NotUnderstood, OutsideError
from agentserver_reference.gateways.im.service import Credentials
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import im_channels, sandboxes
from agentserver_reference.storage.im_channels import Bot
from agentserver_reference.storage.locks import Lock

if TYPE_CHECKING:
    from agentserver_reference.storage.engine.connection import Connection
    from agentserver_reference.storage.engine.query import Record

LONGEST_BOT_ID = 255


async def list_of_workspace(work: UnitOfWork, workspace_id: str) -> list[Record]:
    """Return the channels of a workspace, in the order in which they were connected."""
    return [shown(row) for row in await work.read(im_channels.list_of, workspace_id)]


def shown(row: Record) -> Record:
    """Return a channel as it is shown: without a user where there is none."""
    return {name: value for name, value in row.items() if name != "user_id" or value}


async def update(
    work: UnitOfWork,
    workspace_id: str,
    channel_id: str,
    require_mention: bool | None,
    routing_mode: str | None,
) -> None:
    """Change what is not None. Raises NotFound if the workspace has no such channel."""
    lock = Lock(workspace=workspace_id)
    await work.write(lock, _update, workspace_id, channel_id, require_mention, routing_mode)


def _update(
    conn: Connection,
    workspace_id: str,
    channel_id: str,
    require_mention: bool | None,
    routing_mode: str | None,
) -> None:
    domain.check_is_known(is_known=im_channels.is_known(conn, workspace_id, channel_id))
    im_channels.change(
        conn,
        workspace_id,
        channel_id,
        require_mention=require_mention,
        routing_mode=routing_mode,
    )


async def delete(work: UnitOfWork, workspace_id: str, channel_id: str) -> None:
    """Remove a channel and its token. Raises NotFound if the workspace has no such channel."""
    lock = Lock(workspace=workspace_id)
    is_known = await work.write(lock, im_channels.remove, workspace_id, channel_id)
    domain.check_is_known(is_known=is_known)


# --- sandboxes ------------------------------------------------------------------------------------


async def bind(work: UnitOfWork, sandbox_id: str, channel_id: str) -> None:
    """Bind a channel to a sandbox, and to no other. The permission locks their workspace.

    Raises NotFound if there is no such sandbox, or its workspace has no such channel.
    """
    await work.write(Lock(), _bind, sandbox_id, channel_id)


def _bind(conn: Connection, sandbox_id: str, channel_id: str) -> None:
    workspace_id = _workspace_of(conn, sandbox_id)
    is_known = im_channels.is_known(conn, workspace_id, channel_id)
    domain.check_is_known(is_known=is_known, where=" in this workspace")
    im_channels.bind(conn, sandbox_id, channel_id)


async def unbind(work: UnitOfWork, sandbox_id: str) -> None:
    """Free the channel of a sandbox, if it has one. Raises NotFound for an unknown sandbox."""
    await work.write(Lock(), _unbind, sandbox_id)


def _unbind(conn: Connection, sandbox_id: str) -> None:
    _workspace_of(conn, sandbox_id)
    im_channels.unbind(conn, sandbox_id)


def _workspace_of(conn: Connection, sandbox_id: str) -> str:
    found = sandboxes.workspace_of(conn, sandbox_id)
    if found is None:
        raise NotFound("sandbox not found")
    return found


# --- connecting -----------------------------------------------------------------------------------


async def configure_telegram(work: UnitOfWork, workspace_id: str, token: str) -> str:
    """Connect the bot that a token is of, and return its id. See `_configure`."""
    return await _configure(
        work, workspace_id, domain.TELEGRAM, Credentials("", token), "bot_token"
    )


async def configure_matrix(
    work: UnitOfWork, workspace_id: str, homeserver_url: str, token: str
) -> str:
    """Connect the account that a token is of, and return its id. See `_configure`.

    Raises BadRequest also for an address that the operator does not allow.
    """
    private_allowed = work.context.settings.private_addresses_allowed
    checked_address(
        homeserver_url,
        field="homeserver_url",
        schemes=("https", "http") if private_allowed else ("https",),
        private_allowed=private_allowed,
    )
    credentials = Credentials(homeserver_url, token)
    return await _configure(work, workspace_id, domain.MATRIX, credentials, "access_token")


async def _configure(
    work: UnitOfWork, workspace_id: str, provider: str, credentials: Credentials, field: str
) -> str:
    """Ask a service whose the credentials are, and connect that bot.

    Raises:
        BadRequest: the service does not accept them.
        BadGateway: the service is unreachable, or its answer is not understood.
        ServiceUnavailable: the operator has disabled it.
    """
    name = domain.NAMES[provider]
    try:
        bot_id = await work.context.im.of(provider).identify(credentials)
        if not 0 < len(bot_id) <= LONGEST_BOT_ID or "\0" in bot_id:
            raise NotUnderstood
    except CredentialRefused:
        raise BadRequest(f"{field}: {name} does not accept it") from None
    except OutsideError as trouble:
        raise failure(name, trouble) from None
    await connect(
        work, workspace_id, Bot(provider, bot_id, credentials.base_url), credentials.token
    )
    return bot_id


def failure(name: str, trouble: OutsideError) -> BadGateway:
    """Return the error for a service that has failed, without anything that it says."""
    if isinstance(trouble, NotUnderstood):
        return BadGateway(f"{name} has sent an invalid response")
    return BadGateway(f"{name} cannot be reached")


async def connect(work: UnitOfWork, workspace_id: str, bot: Bot, token: str) -> None:
    """Keep a bot and its token: a bot that the workspace has already keeps its channel."""
    context = work.context
    seal = partial(context.cipher.encrypt, token, column=im_channels.TOKEN_COLUMN)
    await work.write(
        Lock(workspace=workspace_id),
        im_channels.connect,
        workspace_id,
        bot,
        new_id=context.ids(),
        seal=lambda channel_id: seal(row=channel_id),
        now=context.clock(),
    )
