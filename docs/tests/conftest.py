"""What the tests of the pages are run with: a PostgreSQL where a page shows one."""

from postgres import new_postgres_url, postgres_server

__all__ = ["new_postgres_url", "postgres_server"]
