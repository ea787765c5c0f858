"""The connections of workspaces to the model server."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the tables. No workspace is connected until somebody connects it."""
    op.create_table(
        "modelserver_states",
        sa.Column("state_hash", sa.String, primary_key=True),
        _reference("workspace_id", "workspaces.id"),
        _reference("user_id", "users.id"),
        sa.Column("redirect_uri", sa.String, nullable=False),
        sa.Column("verifier_encrypted", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
        sa.UniqueConstraint("workspace_id", "user_id"),
    )
    op.create_table(
        "modelserver_connections",
        _reference("workspace_id", "workspaces.id", primary_key=True),
        sa.Column("project_id", sa.String, nullable=False),
        sa.Column("project_name", sa.String, nullable=False),
        sa.Column("project_user_id", sa.String, nullable=False),
        sa.Column("models", sa.JSON, nullable=False),
        sa.Column("access_token_encrypted", sa.String, nullable=False),
        sa.Column("refresh_token_encrypted", sa.String, nullable=False),
        sa.Column("token_expires_at", sa.String, nullable=False),
        sa.Column("refreshing_until", sa.String),
        sa.Column("connected_at", sa.String, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
    )


def _reference(name: str, target: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        name,
        sa.String,
        sa.ForeignKey(target, ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )
