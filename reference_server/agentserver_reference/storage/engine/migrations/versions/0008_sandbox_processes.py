"""The processes of sandboxes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "sandbox_processes",
        sa.Column("sandbox_id", sa.String, primary_key=True),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("process_id", sa.BigInteger),
        sa.Column("process_started", sa.String),
        sa.Column("server_id", sa.BigInteger),
        sa.Column("server_started", sa.String),
    )
    op.create_index("sandbox_processes_by_host", "sandbox_processes", ["host"])
