"""The channels of workspaces, and which sandbox each is bound to."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the table, and the column, which stays empty. A workspace has no channel yet."""
    op.create_table(
        "workspace_im_channels",
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
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("bot_id", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("base_url", sa.String, nullable=False),
        sa.Column("token_encrypted", sa.String, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("require_mention", sa.Boolean, nullable=False),
        sa.Column("routing_mode", sa.String, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("bound_at", sa.String, nullable=False),
        sa.UniqueConstraint("workspace_id", "provider", "bot_id"),
    )
    with op.batch_alter_table("sandboxes") as sandboxes:
        sandboxes.add_column(sa.Column("im_channel_id", sa.String))
        sandboxes.create_foreign_key(
            "sandboxes_im_channel_id_fkey",
            "workspace_im_channels",
            ["im_channel_id"],
            ["id"],
            ondelete="SET NULL",
        )
        sandboxes.create_index("sandboxes_by_im_channel", ["im_channel_id"], unique=True)
