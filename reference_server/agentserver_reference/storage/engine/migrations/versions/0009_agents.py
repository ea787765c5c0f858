"""Agents: what is known of registered ones, their cards, tasks, messages and interactions."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _sequence() -> sa.Column[int]:
    return sa.Column("sequence", _number(), primary_key=True, autoincrement=True)


def _reference(name: str, target: str, *, primary_key: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, sa.String, key, primary_key=primary_key, nullable=False)


def _weak_reference(name: str, target: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, sa.ForeignKey(target, ondelete="SET NULL"))


def upgrade() -> None:
    """Add columns, which stay empty in the sandboxes that there are, and tables."""
    with op.batch_alter_table("sandboxes") as sandboxes:
        sandboxes.add_column(sa.Column("tunnel_token_hash", sa.String))
        sandboxes.add_column(sa.Column("last_heartbeat_at", sa.String))
        sandboxes.add_column(sa.Column("registered_by", _number()))
        sandboxes.create_foreign_key(
            "sandboxes_registered_by_fkey",
            "workspace_members",
            ["registered_by"],
            ["sequence"],
            ondelete="SET NULL",
        )
        sandboxes.create_index("sandboxes_by_tunnel_token_hash", ["tunnel_token_hash"], unique=True)
        sandboxes.create_index("sandboxes_by_registration", ["registered_by"])
    op.create_table(
        "agent_cards",
        _reference("sandbox_id", "sandboxes.id", primary_key=True),
        _reference("workspace_id", "workspaces.id"),
        sa.Column("agent_type", sa.String, nullable=False),
        sa.Column("display_name", sa.String, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("card", sa.JSON, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
    )
    op.create_index("agent_cards_by_workspace", "agent_cards", ["workspace_id"])
    op.create_table(
        "agent_tasks",
        _sequence(),
        sa.Column("id", sa.String, nullable=False, unique=True),
        _reference("workspace_id", "workspaces.id"),
        _reference("target_id", "sandboxes.id"),
        _weak_reference("requester_id", "sandboxes.id"),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("skill", sa.String),
        sa.Column("system_context", sa.Text),
        sa.Column("max_turns", sa.BigInteger, nullable=False),
        sa.Column("max_budget_usd", sa.Double, nullable=False),
        sa.Column("timeout_seconds", sa.BigInteger, nullable=False),
        sa.Column("delegation_chain", sa.JSON, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("claimed_at", sa.String),
        sa.Column("deadline", sa.BigInteger),
        sa.Column("lapses", sa.Integer, nullable=False),
        sa.Column("completed_at", sa.String),
        sa.Column("result", sa.Text),
        sa.Column("failure_reason", sa.Text),
        sa.Column("total_cost_usd", sa.Double),
        sa.Column("num_turns", sa.BigInteger, nullable=False),
    )
    for name, column in (
        ("workspace", ["workspace_id"]),
        ("target", ["target_id", "status"]),
        ("requester", ["requester_id"]),
        ("status", ["status"]),
    ):
        op.create_index(f"agent_tasks_by_{name}", "agent_tasks", column)
    op.create_table(
        "agent_mailbox",
        _sequence(),
        sa.Column("id", sa.String, nullable=False, unique=True),
        _reference("workspace_id", "workspaces.id"),
        _reference("from_id", "sandboxes.id"),
        _reference("to_id", "sandboxes.id"),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("msg_type", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("read_at", sa.String),
    )
    for name, column in (
        ("workspace", ["workspace_id"]),
        ("sender", ["from_id"]),
        ("recipient", ["to_id", "read_at"]),
    ):
        op.create_index(f"agent_mailbox_by_{name}", "agent_mailbox", column)
    op.create_table(
        "agent_interactions",
        _sequence(),
        _reference("workspace_id", "workspaces.id"),
        _weak_reference("actor_id", "sandboxes.id"),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("target_id", sa.String, nullable=False),
        sa.Column("target_type", sa.String, nullable=False),
        sa.Column("detail", sa.JSON),
        sa.Column("created_at", sa.String, nullable=False),
    )
    for name, column in (("workspace", ["workspace_id", "sequence"]), ("actor", ["actor_id"])):
        op.create_index(f"agent_interactions_by_{name}", "agent_interactions", column)
