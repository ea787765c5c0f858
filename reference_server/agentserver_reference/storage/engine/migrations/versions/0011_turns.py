"""Turns of codex, their threads, and the operations log."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def _in_workspace() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("id", sa.String, primary_key=True),
        sa.Column(
            "workspace_id",
            sa.String,
            sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
            nullable=False,
        ),
    )


def upgrade() -> None:
    """Add the tables, which begin empty."""
    op.create_table(
        "codex_threads", *_in_workspace(), sa.Column("created_at", sa.String, nullable=False)
    )
    op.create_index("codex_threads_by_workspace", "codex_threads", ["workspace_id"])
    op.create_table(
        "codex_turns",
        *_in_workspace(),
        sa.Column("thread_id", sa.String),
        sa.Column("idempotency_key", sa.String),
        sa.Column("body_hash", sa.String, nullable=False),
        sa.Column("operation", sa.JSON, nullable=False),
        sa.Column("answer", sa.JSON),
        sa.Column("started_at", sa.String, nullable=False),
        sa.Column("alive_until", sa.String, nullable=False),
        sa.Column("ended_at", sa.String),
    )
    op.create_index(
        "codex_turns_by_key", "codex_turns", ["workspace_id", "idempotency_key"], unique=True
    )
    op.create_index("codex_turns_by_thread", "codex_turns", ["thread_id"])
    op.create_index("codex_turns_by_end", "codex_turns", ["ended_at", "alive_until"])
    op.create_table(
        "operations",
        *_in_workspace(),
        sa.Column("user_id", sa.String),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("thread_id", sa.String),
        sa.Column("request_id", sa.String),
        sa.Column("env_id", sa.String, nullable=False),
        sa.Column("tool", sa.String, nullable=False),
        sa.Column("arguments", sa.JSON),
        sa.Column("arguments_meta", sa.JSON),
        sa.Column("is_error", sa.Boolean, nullable=False),
        sa.Column("result_summary", sa.String),
        sa.Column("result_meta", sa.JSON),
        sa.Column("started_at", sa.String, nullable=False),
        sa.Column("completed_at", sa.String, nullable=False),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("operations_by_start", "operations", ["workspace_id", "started_at", "id"])
    op.create_index("operations_by_age", "operations", ["started_at"])
