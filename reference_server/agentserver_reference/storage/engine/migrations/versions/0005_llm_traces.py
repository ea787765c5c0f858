"""The tokens of sandboxes, and what is known of each language-model request."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add traces and columns. Older sandboxes have no token, and older requests no details."""
    op.add_column("sandboxes", sa.Column("token_hash", sa.String))
    op.add_column("sandboxes", sa.Column("token_encrypted", sa.String))
    op.create_index("sandboxes_by_token_hash", "sandboxes", ["token_hash"], unique=True)
    columns: dict[str, type[sa.types.TypeEngine[Any]]] = {
        "id": sa.String,
        "trace_id": sa.String,
        "sandbox_id": sa.String,
        "provider": sa.String,
        "model": sa.String,
        "message_id": sa.String,
        "input_tokens": sa.BigInteger,
        "output_tokens": sa.BigInteger,
        "cache_creation_input_tokens": sa.BigInteger,
        "cache_read_input_tokens": sa.BigInteger,
        "streaming": sa.Boolean,
        "duration": sa.BigInteger,
        "ttft": sa.BigInteger,
    }
    for name, kind in columns.items():
        op.add_column("llm_usage", sa.Column(name, kind))
    op.create_index("llm_usage_by_id", "llm_usage", ["id"], unique=True)
    op.create_index("llm_usage_by_trace", "llm_usage", ["workspace_id", "trace_id"])
    op.create_index("llm_usage_by_sandbox", "llm_usage", ["sandbox_id", "workspace_id"])
    op.create_table(
        "llm_traces",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column(
            "workspace_id",
            sa.String,
            sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("sandbox_id", sa.String),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
        sa.UniqueConstraint("workspace_id", "id"),
    )
    op.create_index("llm_traces_by_change", "llm_traces", ["workspace_id", "updated_at"])
