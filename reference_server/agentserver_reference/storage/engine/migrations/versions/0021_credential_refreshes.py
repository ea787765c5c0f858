"""Until when a credential's tokens are being renewed."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the column. Nothing is being renewed yet."""
    op.add_column("credential_bindings", sa.Column("refreshing_until", sa.String))
