"""The relay between executors and those who have commands run on them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def _text(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=primary_key, nullable=False)


def _reference(name: str, target: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    """Add columns and tables. Executors that are connected have the plain relay."""
    op.add_column("executor_proofs", sa.Column("content", sa.Text))
    op.add_column("executors", sa.Column("registration", sa.Text))
    op.create_table(
        "executor_harnesses",
        _text("id", primary_key=True),
        _reference("executor_id", "executors.id"),
        _reference("token_id", "codex_tokens.id"),
        _text("executor_socket_id"),
        _text("last_seen_at"),
    )
    op.create_index("executor_harnesses_by_executor", "executor_harnesses", ["executor_id"])
    op.create_index("executor_harnesses_by_token", "executor_harnesses", ["token_id"])
    op.create_index("executor_harnesses_by_sign_of_life", "executor_harnesses", ["last_seen_at"])
    op.create_table(
        "executor_frames",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        _text("socket_id"),
        _text("sender_id"),
        sa.Column("frame", sa.LargeBinary, nullable=False),
        _text("expires_at"),
    )
    op.create_index("executor_frames_by_socket", "executor_frames", ["socket_id", "sequence"])
    op.create_index("executor_frames_by_expiry", "executor_frames", ["expires_at"])
