"""The logins of WeChat bots that are under way."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the table. No login is under way yet."""
    op.create_table(
        "workspace_weixin_logins",
        sa.Column(
            "workspace_id",
            sa.String,
            sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
            primary_key=True,
            nullable=False,
        ),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("qrcode_encrypted", sa.String, nullable=False),
        sa.Column("base_url", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
    )
