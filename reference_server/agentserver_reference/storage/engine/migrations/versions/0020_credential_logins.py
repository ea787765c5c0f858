"""The logins with OpenID Connect that a person has to approve before a credential is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the table. No login is under way."""
    op.create_table(
        "credential_logins",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column(
            "workspace_id",
            sa.String,
            sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("display_name", sa.String, nullable=False),
        sa.Column("server_url", sa.String, nullable=False),
        sa.Column("public_meta", sa.JSON, nullable=False),
        sa.Column("secret_encrypted", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("poll_interval", sa.Integer, nullable=False),
        sa.Column("poll_after", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
    )
