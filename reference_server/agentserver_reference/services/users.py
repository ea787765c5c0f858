"""The accounts of the installation, for administrators."""

from datetime import datetime

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.roles import ADMIN, check_admin_stays
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import users
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock


async def list_all(work: UnitOfWork) -> list[Record]:
    """Return all accounts, oldest first."""
    return await work.read(users.list_all)


async def set_role(work: UnitOfWork, user_id: str, role: str) -> None:
    """Set the role of an account, which takes effect with the next request.

    Raises NotFound, or Conflict if no administrator would remain.
    """
    lock = Lock(installation=True)
    await work.write(lock, _set_role, user_id, role, work.context.clock())


def _set_role(conn: Connection, user_id: str, role: str, now: datetime) -> None:
    if role != ADMIN:
        check_admin_stays(users.admins(conn), user_id)
    if not users.set_role(conn, user_id, role, now):
        raise NotFound("user not found")
