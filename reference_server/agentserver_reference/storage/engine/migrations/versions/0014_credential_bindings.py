"""The credentials of workspaces."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the table. A workspace has no credential until one is made."""
    op.create_table(
        "credential_bindings",
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
        sa.Column("auth_type", sa.String, nullable=False),
        sa.Column("secret_encrypted", sa.String, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
        sa.UniqueConstraint("workspace_id", "kind", "display_name"),
    )
    op.create_index(
        "credential_bindings_default",
        "credential_bindings",
        ["workspace_id", "kind"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
