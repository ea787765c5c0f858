"""The login of a WeChat bot by a QR code. Any process of the server answers the next question."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from agentserver_reference.domain import im as domain
from agentserver_reference.domain.errors import BadGateway, BadRequest, Conflict
from agentserver_reference.gateways.failures import NotUnderstood, OutsideError
from agentserver_reference.gateways.im.service import Polled
from agentserver_reference.services.im import LONGEST_BOT_ID, failure
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import im_channels, weixin_logins
from agentserver_reference.storage.im_channels import Bot
from agentserver_reference.storage.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agentserver_reference.storage.engine.connection import Connection
    from agentserver_reference.storage.engine.query import Record

LIFETIME = timedelta(minutes=10)

_NAME = domain.NAMES[domain.WEIXIN]


async def start(work: UnitOfWork, workspace_id: str) -> str:
    """Begin a login, and return what its QR code has to hold.

    Raises BadGateway, or ServiceUnavailable if the operator has disabled it.
    """
    return await _start(work, workspace_id, None)


async def _start(work: UnitOfWork, workspace_id: str, replaced: str | None) -> str:
    """Begin a login; where one is `replaced`, only if that is still under way, else Conflict."""
    context = work.context
    try:
        started = await context.im.weixin_login().start()
    except OutsideError as trouble:
        raise failure(_NAME, trouble) from None
    login_id = context.ids()
    begin = partial(
        weixin_logins.begin,
        login_id=login_id,
        qrcode_encrypted=context.cipher.encrypt(
            started.qrcode, row=login_id, column=weixin_logins.QRCODE_COLUMN
        ),
        expires_at=context.clock() + LIFETIME,
    )
    await work.write(Lock(workspace=workspace_id), _begin, workspace_id, replaced, begin)
    return started.image_url


def _begin(
    conn: Connection,
    workspace_id: str,
    replaced: str | None,
    begin: Callable[[Connection, str], None],
) -> None:
    if replaced is not None:
        _end(conn, workspace_id, replaced)
    begin(conn, workspace_id)


async def wait(work: UnitOfWork, workspace_id: str) -> Record:
    """Ask WeChat once how far the login is, and return what is shown of it.

    Raises:
        BadRequest: no login is under way.
        Conflict: another call has completed it meanwhile.
        BadGateway: WeChat is unreachable, or its answer is not understood.
        ServiceUnavailable: the operator has disabled it.
    """
    context = work.context
    found = await work.read(weixin_logins.find, workspace_id, context.clock())
    if found is None:
        raise BadRequest("no active weixin login session")
    login_id = found["id"]
    qrcode = context.cipher.decrypt(
        found["qrcode_encrypted"], row=login_id, column=weixin_logins.QRCODE_COLUMN
    )
    try:
        polled = await context.im.weixin_login().poll(found["base_url"], qrcode)
        shown = domain.weixin_status(polled.status)
        if shown is None:
            raise NotUnderstood
    except OutsideError as trouble:
        raise failure(_NAME, trouble) from None
    lock = Lock(workspace=workspace_id)
    if polled.status == domain.CONFIRMED:
        return shown | await _confirm(work, workspace_id, login_id, polled)
    if polled.status == domain.EXPIRED:
        return shown | {"qrcode_url": await _refresh(work, workspace_id, login_id)}
    if polled.status in domain.ENDING:
        await work.write(lock, _end, workspace_id, login_id)
    elif polled.redirect_host:
        moved = f"https://{polled.redirect_host}"
        await work.write(lock, weixin_logins.move, workspace_id, login_id, moved)
    return shown


async def _refresh(work: UnitOfWork, workspace_id: str, login_id: str) -> str:
    """Begin a login in the place of one that has expired, which is ended in any case."""
    try:
        return await _start(work, workspace_id, login_id)
    except BadGateway:
        await work.write(Lock(workspace=workspace_id), weixin_logins.end, workspace_id, login_id)
        raise


async def _confirm(work: UnitOfWork, workspace_id: str, login_id: str, polled: Polled) -> Record:
    """End a login and connect its bot, in one transaction, and return what is shown of it."""
    context = work.context
    bot_id = domain.weixin_bot_id(polled.bot_id)
    if not (0 < len(bot_id) <= LONGEST_BOT_ID and polled.token):
        raise failure(_NAME, NotUnderstood())
    user_id = polled.user_id.replace("\0", "")[:LONGEST_BOT_ID]
    seal = partial(context.cipher.encrypt, polled.token, column=im_channels.TOKEN_COLUMN)
    await work.write(
        Lock(workspace=workspace_id),
        _connect,
        workspace_id,
        login_id,
        Bot(domain.WEIXIN, bot_id, polled.base_url, user_id),
        context.ids(),
        lambda channel_id: seal(row=channel_id),
        context.clock(),
    )
    return {"bot_id": bot_id} | ({"user_id": user_id} if user_id else {})


def _connect(
    conn: Connection,
    workspace_id: str,
    login_id: str,
    bot: Bot,
    new_id: str,
    seal: Callable[[str], str],
    now: datetime,
) -> None:
    _end(conn, workspace_id, login_id)
    im_channels.connect(conn, workspace_id, bot, new_id=new_id, seal=seal, now=now)


def _end(conn: Connection, workspace_id: str, login_id: str) -> None:
    if not weixin_logins.end(conn, workspace_id, login_id):
        raise Conflict("login already processed")
