"""The statements that the reference server sends for three operations, as it sends them.

A test holds them to what the server sends. Both sqlite3 and asyncpg take `$1`.
"""

CALLER = """
    SELECT users.id, users.role FROM users JOIN sessions ON sessions.user_id = users.id
    WHERE sessions.token_hash = $1 AND sessions.expires_at > $2
"""

ROLE = """
    SELECT workspace_members.role FROM workspace_members
    WHERE workspace_members.workspace_id = $1 AND workspace_members.user_id = $2
"""

WORKSPACE = """
    SELECT workspaces.id, workspaces.name, workspaces.created_at, workspaces.updated_at
    FROM workspaces WHERE workspaces.id = $1
"""

WORKSPACES = """
    SELECT workspaces.id, workspaces.name, workspaces.created_at, workspaces.updated_at
    FROM workspaces JOIN workspace_members ON workspace_members.workspace_id = workspaces.id
    WHERE workspace_members.user_id = $1 ORDER BY workspaces.created_at, workspaces.sequence
"""

HOLD = "SELECT users.id FROM users WHERE users.id = $1"

HOLD_FOR_UPDATE = f"{HOLD} FOR UPDATE"
"""What PostgreSQL is sent instead; on SQLite the transaction holds everything."""

USER_QUOTA = """
    SELECT user_quotas.max_workspaces, user_quotas.updated_at FROM user_quotas
    WHERE user_quotas.user_id = $1
"""

SETTINGS = "SELECT system_settings.key, system_settings.value FROM system_settings"

OWNED = """
    SELECT count(*) AS count_1 FROM workspace_members
    WHERE workspace_members.user_id = $1 AND workspace_members.role = $2
"""

ADD_WORKSPACE = """
    INSERT INTO workspaces (id, name, created_at, updated_at) VALUES ($1, $2, $3, $4)
"""

ADD_MEMBER = """
    INSERT INTO workspace_members (workspace_id, user_id, role, created_at)
    VALUES ($1, $2, $3, $4)
"""

READ = (CALLER, ROLE, WORKSPACE)
LIST = (CALLER, WORKSPACES)
CREATE = (CALLER, CALLER, HOLD, USER_QUOTA, SETTINGS, OWNED, ADD_WORKSPACE, ADD_MEMBER)
