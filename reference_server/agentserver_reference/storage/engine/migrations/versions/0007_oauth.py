"""The sign-in of agents by OAuth 2.0: device codes, grants and tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables. Nobody has signed an agent in before."""
    op.create_table(
        "oauth_device_codes",
        sa.Column("device_code_hash", sa.String, primary_key=True),
        sa.Column("user_code_hash", sa.String, nullable=False, unique=True),
        sa.Column("client_id", sa.String, nullable=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("poll_interval", sa.Integer, nullable=False),
        sa.Column("polled_at", sa.String),
        sa.Column("user_id", sa.String, sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("workspace_id", sa.String, sa.ForeignKey("workspaces.id", ondelete="CASCADE")),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
    )
    op.create_index("oauth_device_codes_by_expiry", "oauth_device_codes", ["expires_at"])
    op.create_index("oauth_device_codes_by_workspace", "oauth_device_codes", ["workspace_id"])
    op.create_table(
        "oauth_grants",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("client_id", sa.String, nullable=False),
        sa.Column("workspace_id", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["workspace_members.workspace_id", "workspace_members.user_id"],
            ondelete="CASCADE",
        ),
    )
    op.create_index("oauth_grants_by_member", "oauth_grants", ["workspace_id", "user_id"])
    op.create_index("oauth_grants_by_expiry", "oauth_grants", ["expires_at"])
    op.create_table(
        "oauth_tokens",
        sa.Column("token_hash", sa.String, primary_key=True),
        sa.Column(
            "grant_id",
            sa.String,
            sa.ForeignKey("oauth_grants.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("used_at", sa.String),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
    )
    op.create_index("oauth_tokens_by_grant", "oauth_tokens", ["grant_id"])
    op.create_index("oauth_tokens_by_expiry", "oauth_tokens", ["expires_at"])
    op.create_table(
        "oauth_wrong_codes",
        sa.Column(
            "session_hash",
            sa.String,
            sa.ForeignKey("sessions.token_hash", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("since", sa.String, nullable=False),
    )
