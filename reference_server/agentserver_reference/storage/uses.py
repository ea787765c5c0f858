"""When credentials were last used: noted once a minute at most, as not every use is a write."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Table, bindparam, or_, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection

PRECISION = timedelta(minutes=1)
"""How much later than noted a credential may have been used."""


class Uses:
    """The uses of the credentials in one table, by their ids in `id`, noted in `last_used_at`."""

    def __init__(self, table: Table) -> None:
        last_used_at = table.c.last_used_at
        self._note = (
            update(table)
            .where(
                table.c.id == bindparam("used_id"),
                or_(last_used_at.is_(None), last_used_at <= bindparam("before")),
            )
            .values(last_used_at=bindparam("now"))
        )

    def to_note(
        self, used_id: str, last_used_at: str | None, now: datetime
    ) -> Callable[[Connection], None] | None:
        """Return what notes a use at this time; None if it is not to be noted.

        Arguments:
            used_id: the credential's id.
            last_used_at: when it was last used, as far as that is noted.
            now: when it is used.
        """
        before = timestamp(now - PRECISION)
        if last_used_at is not None and last_used_at > before:
            return None
        return partial(self._execute, used_id=used_id, before=before, now=timestamp(now))

    def _execute(self, conn: Connection, **values: str) -> None:
        conn.execute(self._note, values)
