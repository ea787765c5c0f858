"""The tables, written once for SQLite and PostgreSQL.

Times are UTC text as `domain.times` writes it. `sequence` keeps the order of rows
that were added in the same second.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

PLACE = "place"
"""The key of a column's `info` that marks it as encrypted: what its values are bound to besides
their row."""

WHERE = "where"
"""The key of an index's `info` that says of which rows it is. (As an option of PostgreSQL it would
import that dialect for every server.)"""


def _sequence() -> Column[int]:
    """SQLite numbers rows only in a column whose type is exactly INTEGER."""
    return Column(
        "sequence",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    )


def _id() -> Column[str]:
    return Column("id", String, nullable=False, unique=True)


def _reference(name: str, target: str, *, primary_key: bool = False) -> Column[str]:
    """A foreign key; the row is deleted together with the one that it refers to."""
    return Column(
        name,
        String,
        ForeignKey(target, ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


def _weak_reference(name: str, target: str) -> Column[str]:
    """A foreign key that becomes null when the row that it refers to is deleted."""
    return Column(name, String, ForeignKey(target, ondelete="SET NULL"))


def _encrypted(name: str, place: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String, nullable=nullable, info={PLACE: place})


def _time(name: str) -> Column[str]:
    return Column(name, String, nullable=False)


installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    _encrypted("key_check", "installation.key_check", nullable=True),
)

users = Table(
    "users",
    metadata,
    _sequence(),
    _id(),
    Column("email", String, nullable=False),
    Column("email_key", String, nullable=False, unique=True),
    Column("name", String),
    Column("picture", String),
    Column("role", String, nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

credentials = Table(
    "user_credentials",
    metadata,
    _reference("user_id", "users.id", primary_key=True),
    Column("password_hash", String, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String, primary_key=True),
    _reference("user_id", "users.id"),
    _time("expires_at"),
    _time("created_at"),
    Index("sessions_by_user", "user_id"),
    Index("sessions_by_expiry", "expires_at"),
)

workspaces = Table(
    "workspaces",
    metadata,
    _sequence(),
    _id(),
    Column("name", String, nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

members = Table(
    "workspace_members",
    metadata,
    _sequence(),
    _reference("workspace_id", "workspaces.id"),
    _reference("user_id", "users.id"),
    Column("role", String, nullable=False),
    _time("created_at"),
    UniqueConstraint("workspace_id", "user_id"),
    Index("workspace_members_by_user", "user_id"),
)

sandboxes = Table(
    "sandboxes",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("status", String, nullable=False),
    Column("is_local", Boolean, nullable=False),
    Column("cpu", BigInteger),
    Column("memory", BigInteger),
    Column("idle_timeout", BigInteger),
    _time("created_at"),
    Column("last_activity_at", String),
    Column("short_id", String),
    Column("metadata", JSON),
    Column("status_since", String),
    Column("paused_at", String),
    Column("token_hash", String),
    _encrypted("token_encrypted", "sandboxes.token", nullable=True),
    Column("tunnel_token_hash", String),
    Column("last_heartbeat_at", String),
    Column(
        "registered_by",
        BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey(
            "workspace_members.sequence", name="sandboxes_registered_by_fkey", ondelete="SET NULL"
        ),
    ),
    Column(
        "im_channel_id",
        String,
        ForeignKey(
            "workspace_im_channels.id", name="sandboxes_im_channel_id_fkey", ondelete="SET NULL"
        ),
    ),
    Index("sandboxes_by_workspace", "workspace_id"),
    Index("sandboxes_by_short_id", "short_id", unique=True),
    Index("sandboxes_by_token_hash", "token_hash", unique=True),
    Index("sandboxes_by_tunnel_token_hash", "tunnel_token_hash", unique=True),
    Index("sandboxes_by_registration", "registered_by"),
    Index("sandboxes_by_status", "status"),
    Index("sandboxes_by_im_channel", "im_channel_id", unique=True),
)
"""`registered_by` is the membership of the person who registered the agent of a local sandbox. Its
tokens end with it, also if the same person becomes a member again."""

agent_cards = Table(
    "agent_cards",
    metadata,
    _reference("sandbox_id", "sandboxes.id", primary_key=True),
    _reference("workspace_id", "workspaces.id"),
    Column("agent_type", String, nullable=False),
    Column("display_name", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("card", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("version", Integer, nullable=False),
    _time("updated_at"),
    Index("agent_cards_by_workspace", "workspace_id"),
)

agent_tasks = Table(
    "agent_tasks",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    _reference("target_id", "sandboxes.id"),
    _weak_reference("requester_id", "sandboxes.id"),
    Column("status", String, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("skill", String),
    Column("system_context", Text),
    Column("max_turns", BigInteger, nullable=False),
    Column("max_budget_usd", Double, nullable=False),
    Column("timeout_seconds", BigInteger, nullable=False),
    Column("delegation_chain", JSON, nullable=False),
    _time("created_at"),
    Column("claimed_at", String),
    Column("deadline", BigInteger),
    Column("lapses", Integer, nullable=False),
    Column("completed_at", String),
    Column("result", Text),
    Column("failure_reason", Text),
    Column("total_cost_usd", Double),
    Column("num_turns", BigInteger, nullable=False),
    Index("agent_tasks_by_workspace", "workspace_id"),
    Index("agent_tasks_by_target", "target_id", "status"),
    Index("agent_tasks_by_requester", "requester_id"),
    Index("agent_tasks_by_status", "status"),
)
"""`claimed_at` is when the agent took the task, or asked about it since. `deadline` is the end of
its time, in seconds since 1970: it is calculated by the database. `result` is JSON as text, in
which null differs from nothing."""

agent_mailbox = Table(
    "agent_mailbox",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    _reference("from_id", "sandboxes.id"),
    _reference("to_id", "sandboxes.id"),
    Column("text", Text, nullable=False),
    Column("msg_type", String, nullable=False),
    _time("created_at"),
    Column("read_at", String),
    Index("agent_mailbox_by_workspace", "workspace_id"),
    Index("agent_mailbox_by_sender", "from_id"),
    Index("agent_mailbox_by_recipient", "to_id", "read_at"),
)

agent_interactions = Table(
    "agent_interactions",
    metadata,
    _sequence(),
    _reference("workspace_id", "workspaces.id"),
    _weak_reference("actor_id", "sandboxes.id"),
    Column("action", String, nullable=False),
    Column("target_id", String, nullable=False),
    Column("target_type", String, nullable=False),
    Column("detail", JSON),
    _time("created_at"),
    Index("agent_interactions_by_workspace", "workspace_id", "sequence"),
    Index("agent_interactions_by_actor", "actor_id"),
)

device_codes = Table(
    "oauth_device_codes",
    metadata,
    Column("device_code_hash", String, primary_key=True),
    Column("user_code_hash", String, nullable=False, unique=True),
    Column("client_id", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("status", String, nullable=False),
    Column("poll_interval", Integer, nullable=False),
    Column("polled_at", String),
    Column("user_id", String, ForeignKey("users.id", ondelete="CASCADE")),
    Column("workspace_id", String, ForeignKey("workspaces.id", ondelete="CASCADE")),
    _time("created_at"),
    _time("expires_at"),
    Index("oauth_device_codes_by_expiry", "expires_at"),
    Index("oauth_device_codes_by_workspace", "workspace_id"),
)
"""Requests of programs to be signed in. User and workspace are those that a person chose."""

oauth_grants = Table(
    "oauth_grants",
    metadata,
    Column("id", String, primary_key=True),
    Column("client_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("scope", String, nullable=False),
    _time("created_at"),
    _time("expires_at"),
    ForeignKeyConstraint(
        ["workspace_id", "user_id"],
        ["workspace_members.workspace_id", "workspace_members.user_id"],
        ondelete="CASCADE",
    ),
    Index("oauth_grants_by_member", "workspace_id", "user_id"),
    Index("oauth_grants_by_expiry", "expires_at"),
)
"""What a person approved. It ends with the membership, and all of its tokens with it."""

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    Column("token_hash", String, primary_key=True),
    _reference("grant_id", "oauth_grants.id"),
    Column("kind", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("used_at", String),
    _time("created_at"),
    _time("expires_at"),
    Index("oauth_tokens_by_grant", "grant_id"),
    Index("oauth_tokens_by_expiry", "expires_at"),
)
"""Access and refresh tokens. A used refresh token stays, so that its second use is noticed."""

wrong_codes = Table(
    "oauth_wrong_codes",
    metadata,
    _reference("session_hash", "sessions.token_hash", primary_key=True),
    Column("number", Integer, nullable=False),
    _time("since"),
)
"""How many wrong codes were typed in a session."""

sandbox_processes = Table(
    "sandbox_processes",
    metadata,
    Column("sandbox_id", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("process_id", BigInteger),
    Column("process_started", String),
    Column("server_id", BigInteger),
    Column("server_started", String),
    Column("port", Integer),
    Index("sandbox_processes_by_host", "host"),
)
"""The machine that has the data of a sandbox; what runs there, and the server that runs it, each as
a process id and when that process started. `port` is the one that it may listen on. It refers to no
sandbox: it outlives a deleted one until that machine has removed what it has of it."""

settings = Table(
    "system_settings",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

user_quotas = Table(
    "user_quotas",
    metadata,
    _reference("user_id", "users.id", primary_key=True),
    Column("max_workspaces", BigInteger),
    _time("updated_at"),
)

workspace_quotas = Table(
    "workspace_quotas",
    metadata,
    _reference("workspace_id", "workspaces.id", primary_key=True),
    Column("max_sandboxes", BigInteger),
    Column("max_sandbox_cpu", BigInteger),
    Column("max_sandbox_memory", BigInteger),
    Column("max_idle_timeout", BigInteger),
    Column("max_total_cpu", BigInteger),
    Column("max_total_memory", BigInteger),
    Column("max_drive_size", BigInteger),
    _time("updated_at"),
)

llm_configs = Table(
    "llm_configs",
    metadata,
    _reference("workspace_id", "workspaces.id", primary_key=True),
    Column("base_url", String, nullable=False),
    _encrypted("api_key_encrypted", "llm_configs.api_key"),
    Column("models", JSON, nullable=False),
    _time("created_at"),
    _time("updated_at"),
)

llm_quotas = Table(
    "llm_quotas",
    metadata,
    _reference("workspace_id", "workspaces.id", primary_key=True),
    Column("max_rpd", BigInteger),
    _time("updated_at"),
)

llm_usage = Table(
    "llm_usage",
    metadata,
    _sequence(),
    _reference("workspace_id", "workspaces.id"),
    _time("created_at"),
    Column("id", String),
    Column("trace_id", String),
    Column("sandbox_id", String),
    Column("provider", String),
    Column("model", String),
    Column("message_id", String),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cache_creation_input_tokens", BigInteger),
    Column("cache_read_input_tokens", BigInteger),
    Column("streaming", Boolean),
    Column("duration", BigInteger),
    Column("ttft", BigInteger),
    Index("llm_usage_by_day", "workspace_id", "created_at"),
    Index("llm_usage_by_id", "id", unique=True),
    Index("llm_usage_by_trace", "workspace_id", "trace_id"),
    Index("llm_usage_by_sandbox", "sandbox_id", "workspace_id"),
)
"""One row a request, from before the model is called. Until it is known how it went, and in rows
of old versions, `duration` is null. Sandboxes are named only: their requests outlive them."""

llm_traces = Table(
    "llm_traces",
    metadata,
    _sequence(),
    _reference("workspace_id", "workspaces.id"),
    Column("id", String, nullable=False),
    Column("sandbox_id", String),
    Column("source", String, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    UniqueConstraint("workspace_id", "id"),
    Index("llm_traces_by_change", "workspace_id", "updated_at"),
)

workspace_tokens = Table(
    "workspace_tokens",
    metadata,
    _reference("workspace_id", "workspaces.id", primary_key=True),
    Column("token_hash", String, nullable=False),
    _encrypted("token_encrypted", "workspace_tokens.token"),
    _time("created_at"),
    Index("workspace_tokens_by_hash", "token_hash", unique=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    Column("made_by", String, nullable=False),
    Column("name", String, nullable=False),
    Column("key_hash", String, nullable=False),
    Column("scopes", JSON, nullable=False),
    _time("created_at"),
    Column("last_used_at", String),
    Column("revoked_at", String),
    Index("api_keys_by_hash", "key_hash", unique=True),
    Index("api_keys_by_workspace", "workspace_id"),
)
"""Who has made a key is named only: the key belongs to the workspace."""

codex_threads = Table(
    "codex_threads",
    metadata,
    Column("id", String, primary_key=True),
    _reference("workspace_id", "workspaces.id"),
    _time("created_at"),
    Index("codex_threads_by_workspace", "workspace_id"),
)

codex_turns = Table(
    "codex_turns",
    metadata,
    Column("id", String, primary_key=True),
    _reference("workspace_id", "workspaces.id"),
    Column("thread_id", String),
    Column("idempotency_key", String),
    Column("body_hash", String, nullable=False),
    Column("operation", JSON, nullable=False),
    Column("answer", JSON),
    _time("started_at"),
    _time("alive_until"),
    Column("ended_at", String),
    Index("codex_turns_by_key", "workspace_id", "idempotency_key", unique=True),
    Index("codex_turns_by_thread", "thread_id"),
    Index("codex_turns_by_end", "ended_at", "alive_until"),
)
"""Turns that are under way, and those that ended a day ago at most. `operation` is what the log
will say of it; `answer` is null until it has ended."""

operations = Table(
    "operations",
    metadata,
    Column("id", String, primary_key=True),
    _reference("workspace_id", "workspaces.id"),
    Column("user_id", String),
    Column("source", String, nullable=False),
    Column("thread_id", String),
    Column("request_id", String),
    Column("env_id", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("arguments", JSON),
    Column("arguments_meta", JSON),
    Column("is_error", Boolean, nullable=False),
    Column("result_summary", String),
    Column("result_meta", JSON),
    _time("started_at"),
    _time("completed_at"),
    Column("duration_ms", BigInteger, nullable=False),
    Index("operations_by_start", "workspace_id", "started_at", "id"),
    Index("operations_by_age", "started_at"),
)
"""Who has done something is named only. Times have microseconds."""
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", String, primary_key=True),
    _encrypted("private_key_encrypted", "signing_keys.private_key"),
    _time("created_at"),
)
"""What signs the identities of executors: one key, made with the first executor."""

executor_identities = Table(
    "executor_identities",
    metadata,
    Column("executor_id", String, primary_key=True),
    _reference("workspace_id", "workspaces.id"),
    Column(
        "registered_by",
        BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey("workspace_members.sequence", ondelete="SET NULL"),
    ),
    Column("public_key", String, nullable=False),
    _time("created_at"),
    _time("expires_at"),
    Index("executor_identities_by_workspace", "workspace_id"),
    Index("executor_identities_by_registration", "registered_by"),
)
"""`registered_by` is the membership of the person who registered the executor. The identity ends
with it, also if the same person becomes a member again."""

executor_proofs = Table(
    "executor_proofs",
    metadata,
    Column("proof_hash", String, primary_key=True),
    _reference("executor_id", "executor_identities.executor_id"),
    Column("kind", String, nullable=False),
    _time("expires_at"),
    Column("content", Text),
    Index("executor_proofs_by_executor", "executor_id"),
    Index("executor_proofs_by_expiry", "expires_at"),
)
"""What is valid until it is used or expires, and assertions that were used. They end with the
identity. `content` is what a proof stands for, as JSON."""

executors = Table(
    "executors",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    Column("name", String, nullable=False),
    Column("description", Text, nullable=False),
    _time("created_at"),
    Column("client_ip", String),
    Column("client_ua", String),
    Column("codex_version", String),
    Column("os", String),
    Column("socket_id", String),
    Column("last_seen_at", String),
    Column("connected_at", String),
    Column("disconnected_at", String),
    Column("registration", Text),
    UniqueConstraint("workspace_id", "name"),
)
"""Those of the embedded gateway. `socket_id` is the WebSocket that is open, as far as is known: a
server that dies closes none, and then `last_seen_at` no longer moves. `registration` is what
a harness has to know to be understood by who has opened it, as JSON; null for the plain relay."""

codex_tokens = Table(
    "codex_tokens",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    _reference("user_id", "users.id"),
    Column("name", String, nullable=False),
    Column("token_hash", String, nullable=False),
    _time("created_at"),
    _time("expires_at"),
    Column("last_used_at", String),
    Column("revoked_at", String),
    Index("codex_tokens_by_hash", "token_hash", unique=True),
    Index("codex_tokens_by_workspace", "workspace_id"),
    Index("codex_tokens_by_user", "user_id"),
)

codex_sessions = Table(
    "codex_sessions",
    metadata,
    _sequence(),
    _id(),
    _reference("token_id", "codex_tokens.id"),
    Column("client_ip", String),
    Column("client_ua", String),
    Column("codex_version", String),
    Column("os", String),
    _time("connected_at"),
    _time("last_seen_at"),
    Column("disconnected_at", String),
    Index("codex_sessions_by_token", "token_id"),
)
"""WebSockets that were opened with a token: those that are open, as far as is known, and the last
one of each token. A server that dies closes none, and then `last_seen_at` no longer moves."""

executor_harnesses = Table(
    "executor_harnesses",
    metadata,
    Column("id", String, primary_key=True),
    _reference("executor_id", "executors.id"),
    _reference("token_id", "codex_tokens.id"),
    Column("executor_socket_id", String, nullable=False),
    _time("last_seen_at"),
    Index("executor_harnesses_by_executor", "executor_id"),
    Index("executor_harnesses_by_token", "token_id"),
    Index("executor_harnesses_by_sign_of_life", "last_seen_at"),
)
"""WebSockets of those who have commands run on an executor, opened with a codex token. Each ends
with the WebSocket of the executor that it was opened for."""

executor_frames = Table(
    "executor_frames",
    metadata,
    _sequence(),
    Column("socket_id", String, nullable=False),
    Column("sender_id", String, nullable=False),
    Column("frame", LargeBinary, nullable=False),
    _time("expires_at"),
    Index("executor_frames_by_socket", "socket_id", "sequence"),
    Index("executor_frames_by_expiry", "expires_at"),
)
"""Frames on their way from a WebSocket of one process to that of another, each for a moment."""

credential_bindings = Table(
    "credential_bindings",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    Column("kind", String, nullable=False),
    Column("display_name", String, nullable=False),
    Column("server_url", String, nullable=False),
    Column("public_meta", JSON, nullable=False),
    Column("auth_type", String, nullable=False),
    _encrypted("secret_encrypted", "credential_bindings.secret"),
    Column("is_default", Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    Column("refreshing_until", String),
    UniqueConstraint("workspace_id", "kind", "display_name"),
    Index(
        "credential_bindings_default",
        "workspace_id",
        "kind",
        unique=True,
        info={WHERE: text("is_default")},
    ),
)

credential_logins = Table(
    "credential_logins",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    Column("kind", String, nullable=False),
    Column("display_name", String, nullable=False),
    Column("server_url", String, nullable=False),
    Column("public_meta", JSON, nullable=False),
    _encrypted("secret_encrypted", "credential_logins.secret"),
    Column("state", String, nullable=False),
    Column("poll_interval", Integer, nullable=False),
    _time("poll_after"),
    _time("expires_at"),
    _time("created_at"),
)

modelserver_states = Table(
    "modelserver_states",
    metadata,
    Column("state_hash", String, primary_key=True),
    _reference("workspace_id", "workspaces.id"),
    _reference("user_id", "users.id"),
    Column("redirect_uri", String, nullable=False),
    _encrypted("verifier_encrypted", "modelserver_states.verifier"),
    _time("expires_at"),
    UniqueConstraint("workspace_id", "user_id"),
)
"""Connections that were begun, one for each member of a workspace: the last one."""

modelserver_connections = Table(
    "modelserver_connections",
    metadata,
    _reference("workspace_id", "workspaces.id", primary_key=True),
    Column("project_id", String, nullable=False),
    Column("project_name", String, nullable=False),
    Column("project_user_id", String, nullable=False),
    Column("models", JSON, nullable=False),
    _encrypted("access_token_encrypted", "modelserver_connections.access_token"),
    _encrypted("refresh_token_encrypted", "modelserver_connections.refresh_token"),
    _time("token_expires_at"),
    Column("refreshing_until", String),
    _time("connected_at"),
    _time("updated_at"),
)
"""`refreshing_until` is set while one process renews the tokens, so that the others wait."""
im_channels = Table(
    "workspace_im_channels",
    metadata,
    _sequence(),
    _id(),
    _reference("workspace_id", "workspaces.id"),
    Column("provider", String, nullable=False),
    Column("bot_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("base_url", String, nullable=False),
    _encrypted("token_encrypted", "workspace_im_channels.token"),
    Column("cursor", Text, nullable=False),
    Column("require_mention", Boolean, nullable=False),
    Column("routing_mode", String, nullable=False),
    Column("position", BigInteger, nullable=False),
    _time("bound_at"),
    UniqueConstraint("workspace_id", "provider", "bot_id"),
)
"""`position` is the order in which they were connected last. `cursor` is how far the messages of a
channel were delivered."""

im_messages = Table(
    "im_messages",
    metadata,
    _sequence(),
    _id(),
    _reference("channel_id", "workspace_im_channels.id"),
    Column("message_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("sender_name", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("reply_to", String, nullable=False),
    Column("is_group", Boolean, nullable=False),
    _time("received_at"),
    Column("answer", Text),
    Column("delivered_at", String),
    UniqueConstraint("channel_id", "message_id"),
    Index("im_messages_by_delivery", "delivered_at"),
    Index("im_messages_by_conversation", "channel_id", "user_id"),
)
"""What people have written: what has to be delivered, and what was a day ago at most. `answer` is
what is sent back, from when it is known."""

im_conversations = Table(
    "im_conversations",
    metadata,
    _reference("channel_id", "workspace_im_channels.id", primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("thread_id", String),
    Column("reply_to", String, nullable=False),
)
"""The people of a channel: the thread that each goes on with, and where answers go."""

weixin_logins = Table(
    "workspace_weixin_logins",
    metadata,
    _reference("workspace_id", "workspaces.id", primary_key=True),
    Column("id", String, nullable=False),
    _encrypted("qrcode_encrypted", "workspace_weixin_logins.qrcode"),
    Column("base_url", String, nullable=False),
    _time("expires_at"),
)
"""The login of a WeChat bot that is under way in a workspace."""

worker_leases = Table(
    "worker_leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    _time("expires_at"),
)
