"""PostgreSQL through asyncpg: a pool, a transaction for every write, none for a read."""

from sqlalchemy import URL, Connection, exc, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from agentserver_reference.storage import schema
from agentserver_reference.storage.store import P, Query, Store, StoreError, StoreUnreachable, T

_POOL_SIZE = 16
# Any number will do, as long as every server process takes the same one.
_START_LOCK = text("SELECT pg_advisory_xact_lock(7310579468021)")


class PostgresStore(Store):
    """The database at `url` (`postgresql://...`), shared by any number of processes."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(_for_asyncpg(make_url(url)))
        # Without a transaction around it, a read saves two round trips.
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def open(self) -> None:
        """See Store."""
        try:
            await self.write(_prepare_alone)
        except (OSError, exc.DBAPIError) as error:
            await self.close()
            reason = getattr(error, "orig", error)
            where = self._engine.url.render_as_string(hide_password=True)
            raise StoreUnreachable(f"cannot use the database at {where}: {reason}") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See Store."""
        await self._engine.dispose()

    async def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        async with self._reading.connect() as connection:
            return await connection.run_sync(query, *args, **kwargs)

    async def write(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(query, *args, **kwargs)


def _engine(url: URL) -> AsyncEngine:
    try:
        return create_async_engine(
            url,
            pool_size=_POOL_SIZE,
            max_overflow=0,
            pool_reset_on_return=None,
            # Who waited for a lock reads anew what it guards.
            isolation_level="READ COMMITTED",
            hide_parameters=True,  # an error's text goes to the log, values may be secrets
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            f"PostgreSQL needs {error.name}, which this line installs: "
            "pip install 'agentserver[postgres]'"
        ) from None


def _for_asyncpg(url: URL) -> URL:
    """The URL as everybody writes it, with the driver's name and its name for `sslmode`."""
    mode = url.query.get("sslmode")
    if mode is not None:
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return url.set(drivername="postgresql+asyncpg")


def _prepare_alone(conn: Connection) -> None:
    """Several processes may start at once on an empty database; one makes the tables."""
    conn.execute(_START_LOCK)
    schema.prepare(conn)
