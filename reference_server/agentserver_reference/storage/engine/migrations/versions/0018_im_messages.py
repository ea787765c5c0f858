"""The messages that people write to the bots of channels, and the ports of sandboxes."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the tables, which stay empty: nothing has been received yet."""
    op.add_column("sandbox_processes", sa.Column("port", sa.Integer))
    op.create_table(
        "im_messages",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column(
            "channel_id",
            sa.String,
            sa.ForeignKey("workspace_im_channels.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("sender", sa.String, nullable=False),
        sa.Column("sender_name", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reply_to", sa.String, nullable=False),
        sa.Column("is_group", sa.Boolean, nullable=False),
        sa.Column("received_at", sa.String, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("delivered_at", sa.String),
        sa.UniqueConstraint("channel_id", "message_id"),
    )
    op.create_index("im_messages_by_delivery", "im_messages", ["delivered_at"])
    op.create_index("im_messages_by_conversation", "im_messages", ["channel_id", "user_id"])
    op.create_table(
        "im_conversations",
        sa.Column(
            "channel_id",
            sa.String,
            sa.ForeignKey("workspace_im_channels.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("user_id", sa.String, primary_key=True),
        sa.Column("thread_id", sa.String),
        sa.Column("reply_to", sa.String, nullable=False),
    )
