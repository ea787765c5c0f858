"""Executors, their identities, and the key that signs these."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _reference(name: str, target: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)


def _text(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=primary_key, nullable=False)


def upgrade() -> None:
    """Add the tables. A workspace has no executor until one is registered."""
    op.create_table(
        "signing_keys",
        _text("id", primary_key=True),
        _text("private_key_encrypted"),
        _text("created_at"),
    )
    op.create_table(
        "executor_identities",
        _text("executor_id", primary_key=True),
        _reference("workspace_id", "workspaces.id"),
        sa.Column(
            "registered_by",
            _number(),
            sa.ForeignKey("workspace_members.sequence", ondelete="SET NULL"),
        ),
        _text("public_key"),
        _text("created_at"),
        _text("expires_at"),
    )
    op.create_index("executor_identities_by_workspace", "executor_identities", ["workspace_id"])
    op.create_index("executor_identities_by_registration", "executor_identities", ["registered_by"])
    op.create_table(
        "executor_proofs",
        _text("proof_hash", primary_key=True),
        _reference("executor_id", "executor_identities.executor_id"),
        _text("kind"),
        _text("expires_at"),
    )
    op.create_index("executor_proofs_by_executor", "executor_proofs", ["executor_id"])
    op.create_index("executor_proofs_by_expiry", "executor_proofs", ["expires_at"])
    op.create_table(
        "executors",
        sa.Column("sequence", _number(), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        _reference("workspace_id", "workspaces.id"),
        _text("name"),
        sa.Column("description", sa.Text, nullable=False),
        _text("created_at"),
        sa.Column("client_ip", sa.String),
        sa.Column("client_ua", sa.String),
        sa.Column("codex_version", sa.String),
        sa.Column("os", sa.String),
        sa.Column("socket_id", sa.String),
        sa.Column("last_seen_at", sa.String),
        sa.Column("connected_at", sa.String),
        sa.Column("disconnected_at", sa.String),
        sa.UniqueConstraint("workspace_id", "name"),
    )
