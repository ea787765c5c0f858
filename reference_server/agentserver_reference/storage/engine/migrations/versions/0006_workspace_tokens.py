"""The tokens of workspaces for the LLM proxy."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table. A workspace has no token until one is asked for."""
    op.create_table(
        "workspace_tokens",
        sa.Column(
            "workspace_id",
            sa.String,
            sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
            primary_key=True,
            nullable=False,
        ),
        sa.Column("token_hash", sa.String, nullable=False),
        sa.Column("token_encrypted", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
    )
    op.create_index("workspace_tokens_by_hash", "workspace_tokens", ["token_hash"], unique=True)
