"""A value that tells whether a key is the one that the stored secrets are encrypted with."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the check value, which the start fills in."""
    op.add_column("installation", sa.Column("key_check", sa.String))
