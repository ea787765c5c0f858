"""The statements that the reference server sends for three operations, as it sends them.

A test holds them to what the server sends. Both sqlite3 and asyncpg take `$1`.
"""

CALLER = """
    SELECT users.id, users.role FROM users JOIN sessions ON sessions.user_id = users.id
    WHERE sessions.token_hash = $1 AND sessions.expires_at > $2
"""

CALLER_AS_MEMBER = """
    SELECT users.id, users.role, workspace_members.role AS role_1
    FROM users JOIN sessions ON sessions.user_id = users.id
    LEFT OUTER JOIN workspace_members ON workspace_members.user_id = users.id
    AND workspace_members.workspace_id = $1
    WHERE sessions.token_hash = $2 AND sessions.expires_at > $3
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

LOCK = "SELECT users.id FROM users WHERE users.id = $1"

LOCK_ON_POSTGRESQL = f"{LOCK} FOR NO KEY UPDATE"
"""What PostgreSQL is sent instead; on SQLite the transaction locks everything."""

QUOTA = """
    SELECT (SELECT count(*) AS count_1 FROM workspace_members
    WHERE workspace_members.user_id = $1 AND workspace_members.role = $2) AS anon_1,
    (SELECT user_quotas.max_workspaces FROM user_quotas
    WHERE user_quotas.user_id = $1) AS anon_2,
    (SELECT system_settings.value FROM system_settings
    WHERE system_settings.key = $3) AS anon_3
"""

ADD_WORKSPACE = """
    INSERT INTO workspaces (id, name, created_at, updated_at) VALUES ($1, $2, $3, $4)
"""

ADD_MEMBER = """
    INSERT INTO workspace_members (workspace_id, user_id, role, created_at)
    VALUES ($1, $2, $3, $4)
"""

READ = (CALLER_AS_MEMBER, WORKSPACE)
LIST = (CALLER, WORKSPACES)
CREATE = (CALLER, LOCK, CALLER, QUOTA, ADD_WORKSPACE, ADD_MEMBER)
