"""Fixtures of the pages: a PostgreSQL for those that use one."""

from postgres import new_postgres_url, postgres_server

__all__ = ["new_postgres_url", "postgres_server"]
