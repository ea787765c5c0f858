"""The tables of schema version 1."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _sequence() -> sa.Column[int]:
    return sa.Column("sequence", _BIG, primary_key=True, autoincrement=True)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String, nullable=False, unique=True)


def _reference(name: str, target: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        name,
        sa.String,
        sa.ForeignKey(target, ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _limit(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger)


def upgrade() -> None:
    """Make the tables, parents before children."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "users",
        _sequence(),
        _id(),
        _text("email"),
        sa.Column("email_key", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String),
        sa.Column("picture", sa.String),
        _text("role"),
        _text("created_at"),
        _text("updated_at"),
    )
    op.create_table(
        "workspaces",
        _sequence(),
        _id(),
        _text("name"),
        _text("created_at"),
        _text("updated_at"),
    )
    op.create_table(
        "user_credentials",
        _reference("user_id", "users.id", primary_key=True),
        _text("password_hash"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String, primary_key=True),
        _reference("user_id", "users.id"),
        _text("expires_at"),
        _text("created_at"),
    )
    op.create_index("sessions_by_user", "sessions", ["user_id"])
    op.create_index("sessions_by_expiry", "sessions", ["expires_at"])
    op.create_table(
        "workspace_members",
        _sequence(),
        _reference("workspace_id", "workspaces.id"),
        _reference("user_id", "users.id"),
        _text("role"),
        _text("created_at"),
        sa.UniqueConstraint("workspace_id", "user_id"),
    )
    op.create_index("workspace_members_by_user", "workspace_members", ["user_id"])
    op.create_table(
        "sandboxes",
        _sequence(),
        _id(),
        _reference("workspace_id", "workspaces.id"),
        _text("name"),
        _text("type"),
        _text("status"),
        sa.Column("is_local", sa.Boolean, nullable=False),
        _limit("cpu"),
        _limit("memory"),
        _limit("idle_timeout"),
        _text("created_at"),
        sa.Column("last_activity_at", sa.String),
    )
    op.create_index("sandboxes_by_workspace", "sandboxes", ["workspace_id"])
    op.create_table(
        "system_settings",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "user_quotas",
        _reference("user_id", "users.id", primary_key=True),
        _limit("max_workspaces"),
        _text("updated_at"),
    )
    op.create_table(
        "workspace_quotas",
        _reference("workspace_id", "workspaces.id", primary_key=True),
        _limit("max_sandboxes"),
        _limit("max_sandbox_cpu"),
        _limit("max_sandbox_memory"),
        _limit("max_idle_timeout"),
        _limit("max_total_cpu"),
        _limit("max_total_memory"),
        _limit("max_drive_size"),
        _text("updated_at"),
    )
    op.create_table(
        "llm_configs",
        _reference("workspace_id", "workspaces.id", primary_key=True),
        _text("base_url"),
        _text("api_key_encrypted"),
        sa.Column("models", sa.JSON, nullable=False),
        _text("created_at"),
        _text("updated_at"),
    )
    op.create_table(
        "llm_quotas",
        _reference("workspace_id", "workspaces.id", primary_key=True),
        _limit("max_rpd"),
        _text("updated_at"),
    )
    op.create_table(
        "llm_usage",
        _sequence(),
        _reference("workspace_id", "workspaces.id"),
        _text("created_at"),
    )
    op.create_index("llm_usage_by_day", "llm_usage", ["workspace_id", "created_at"])
