"""The sessions of codex tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the table. Nothing is connected with a token until something connects."""
    op.create_table(
        "codex_sessions",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column(
            "token_id",
            sa.String,
            sa.ForeignKey("codex_tokens.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("client_ip", sa.String),
        sa.Column("client_ua", sa.String),
        sa.Column("codex_version", sa.String),
        sa.Column("os", sa.String),
        sa.Column("connected_at", sa.String, nullable=False),
        sa.Column("last_seen_at", sa.String, nullable=False),
        sa.Column("disconnected_at", sa.String),
    )
    op.create_index("codex_sessions_by_token", "codex_sessions", ["token_id"])
