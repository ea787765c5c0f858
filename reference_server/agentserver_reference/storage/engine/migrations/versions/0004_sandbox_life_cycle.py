"""A sandbox's short id, its metadata, and since when it is in its state."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, which stay empty in the rows that there are."""
    for column in (
        sa.Column("short_id", sa.String),
        sa.Column("metadata", sa.JSON),
        sa.Column("status_since", sa.String),
        sa.Column("paused_at", sa.String),
    ):
        op.add_column("sandboxes", column)
    op.create_index("sandboxes_by_short_id", "sandboxes", ["short_id"], unique=True)
    op.create_index("sandboxes_by_status", "sandboxes", ["status"])
