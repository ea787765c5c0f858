"""The settings: each with its variable, option, parser and help text."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import attrs
import platformdirs

from agentserver_reference.domain.passwords import Cost
from agentserver_reference.domain.quotas import LIMITS
from agentserver_reference.domain.sandboxes import PASSING, SUBDOMAINS, TYPES

DATABASE_FILE = "agentserver.db"

QUOTA_VARIABLES = tuple(limit.variable for limit in LIMITS)
"""The variables for quotas, which `domain.quotas` parses."""

CLIENT_VARIABLES = frozenset(
    {
        "AGENTSERVER_URL",
        "AGENTSERVER_TOKEN",
        "AGENTSERVER_SESSION",
        "AGENTSERVER_EMAIL",
        "AGENTSERVER_PASSWORD",
        "AGENTSERVER_LOG",
        "AGENTSERVER_CONTRACT_SECRET",
        "AGENTSERVER_SANDBOX_ID",
        "AGENTSERVER_SANDBOX_SERVER",
        "AGENTSERVER_SANDBOX_TOKEN",
        "AGENTSERVER_SANDBOX_TYPE",
        "AGENTSERVER_WORKSPACE_ID",
    }
)
"""Variables with the same prefix that belong to the SDK, to the contract tests and to what runs in
a sandbox. The server ignores them.
"""

TEST_PREFIX = "AGENTSERVER_TEST_"

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is read, not listened on
"""A server that listens on every address is reached at this one from its own machine."""


def local_url(host: str, port: int) -> str:
    """Return where a server that listens there is reached from its own machine."""
    reached = _LOOPBACK.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


class SettingsError(ValueError):
    """A setting is invalid. The text is one line that names the setting and the rule."""


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", text):
        raise ValueError("must be the name of a header, of letters, digits and hyphens")
    return text


def _secret(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,4096}", text):
        raise ValueError("must be printable ASCII without spaces")
    return text


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError("must be a number from 0 to 65535")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    """Parse HOST:PORT; an IPv6 address is in brackets."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not host or "[" in host or (":" in host and not text.startswith("[")):
        raise ValueError("must be HOST:PORT")
    try:
        return host, _port(port)
    except ValueError as error:
        raise ValueError(f"must be HOST:PORT, and the port {error}") from None


def _from_to(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return read


def _switched_on(text: str) -> bool:
    return text.lower() != "false"


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return read


def _true_or_false(text: str) -> bool:
    return _one_of("true", "false")(text) == "true"


def _some_of(*choices: str) -> Callable[[str], frozenset[str]]:
    def read(text: str) -> frozenset[str]:
        given = frozenset(each.strip() for each in text.split(","))
        if not given <= {*choices}:
            raise ValueError(f"must be some of {', '.join(choices)}, separated by commas")
        return given

    return read


def _command(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        words = ()
    if not words:
        raise ValueError("must be a command with its arguments, quoted as in a shell")
    return words


_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


def _domains(text: str) -> tuple[str, ...]:
    given = tuple(each.strip().lower() for each in text.split(","))
    if not all(len(each) < 220 and _DOMAIN.fullmatch(each) for each in given):
        raise ValueError("must be names of domains, separated by commas")
    return given


def _host(text: str) -> str:
    given = text.strip().lower()
    if len(given) > 255 or not re.fullmatch(rf"{_DOMAIN.pattern}(:[0-9]{{1,5}})?", given):
        raise ValueError("must be the name of a host, with a port or without")
    return given


def _web_url(text: str) -> str:
    rule = "must be an http:// or https:// URL with a host, without user, query or fragment"
    parts = _split_url(text, rule)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(rule)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(rule)
    return text.rstrip("/")


def _service_url(text: str) -> str:
    """Parse a URL, or `off` to disable the service."""
    return text if text == "off" else _web_url(text)


def _modelserver_url(text: str) -> str:
    """Parse a URL, `off`, or `built-in`."""
    return text if text == "built-in" else _service_url(text)


_HOSTS = re.compile(r"(?:(?:\[[^\[\]@/]+\]|[^\[\]:,@/]+)?(?::[0-9]{1,5})?(?:,|$))*")


def _database_url(text: str) -> str:
    rule = "must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
    # A PostgreSQL URL may name several hosts, each with its port, so its port is read elsewhere.
    scheme = text.partition(":")[0].lower()
    text = scheme + text[len(scheme) :]
    if scheme == "postgres":
        text, scheme = "postgresql" + text[len("postgres") :], "postgresql"
    starts = {"sqlite": "sqlite://", "postgresql": "postgresql://"}
    if scheme not in starts or not text.startswith(starts[scheme]):
        raise ValueError(rule)
    if scheme == "sqlite":
        _split_url(text, rule)
    else:
        hosts = re.split(r"[/?#]", text.partition("://")[2])[0].rpartition("@")[2]
        ports = re.findall(r":([0-9]+)(?:,|$)", hosts)
        if not _HOSTS.fullmatch(hosts) or any(int(port) > 65535 for port in ports):
            raise ValueError(rule)
    if scheme == "sqlite" and text != "sqlite://" and not text.startswith("sqlite:///"):
        raise ValueError(rule)
    return text


def _split_url(text: str, rule: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(rule) from None
    return parts


def _encryption_key(text: str) -> bytes:
    rule = "must be 32 bytes, written as 64 hexadecimal digits or as base64"
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(rule) from None
    if len(key) != 32:
        raise ValueError(rule)
    return key


def _password_cost(text: str) -> str:
    cost = Cost.parse(text)
    if not (1 <= cost.passes <= 100 and 1 <= cost.lanes <= 16):
        raise ValueError("must have 1 to 100 passes and 1 to 16 lanes")
    if not 8 * cost.lanes <= cost.memory <= 4 * 1024**2:
        raise ValueError("must have 8 KiB of memory for each lane and at most 4194304 KiB")
    return text


def _setting(
    default: Any,
    variable: str,
    read: Callable[[str], Any],
    help: str,
    *,
    option: str | None = None,
    metavar: str | None = None,
    secret: bool = False,
) -> Any:
    return attrs.field(
        default=default,
        repr=not secret,
        kw_only=True,
        metadata={
            "variable": variable,
            "read": read,
            "help": help,
            "option": option,
            "metavar": metavar,
        },
    )


_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ValueError(
            "must be 1 to 32 lower-case letters, digits and hyphens, and no hyphen at either end"
        )
    return text


def _subdomain_prefix(type_: str) -> Any:
    return _setting(
        SUBDOMAINS[type_],
        f"{type_.upper()}_SUBDOMAIN_PREFIX",
        _label,
        f"how the web addresses of sandboxes of the type {type_} begin",
    )


def _sandbox_command(type_: str) -> Any:
    return _setting(
        None,
        f"AGENTSERVER_SANDBOX_COMMAND_{type_.upper()}",
        _command,
        f"command that is run for each sandbox of the type {type_}; left out: it is simulated",
    )


@attrs.frozen
class Settings:
    """All settings of the server. Nothing else reads the environment."""

    host: str = _setting(
        "127.0.0.1", "AGENTSERVER_HOST", _text, "address to listen on", option="--host"
    )
    port: int = _setting(
        8080, "AGENTSERVER_PORT", _port, "port to listen on; 0 takes a free one", option="--port"
    )
    database_url: str | None = _setting(
        None,
        "DATABASE_URL",
        _database_url,
        "sqlite:///PATH or postgresql://...; left out: a SQLite file in the data directory",
        option="--database-url",
        metavar="URL",
        secret=True,
    )
    database_timeout: int = _setting(
        5,
        "AGENTSERVER_DATABASE_TIMEOUT",
        _from_to(1, 300),
        "seconds that a request waits for the database before it is answered 503",
        option="--database-timeout",
        metavar="SECONDS",
    )
    database_queue: int = _setting(
        500,
        "AGENTSERVER_DATABASE_QUEUE",
        _from_to(1, 1_000_000),
        "requests that may wait for the database at a time; more are answered 503",
    )
    max_connections: int = _setting(
        1000,
        "AGENTSERVER_MAX_CONNECTIONS",
        _from_to(1, 1_000_000),
        "open connections; on a further one, a request is answered 503",
    )
    max_head_bytes: int = _setting(
        32768,
        "AGENTSERVER_MAX_HEAD_BYTES",
        _from_to(1024, 1024**2),
        "bytes of a request's line and headers; more are answered 431",
    )
    max_headers: int = _setting(
        100,
        "AGENTSERVER_MAX_HEADERS",
        _from_to(10, 10_000),
        "headers of a request; more are answered 431",
    )
    request_timeout: int = _setting(
        60,
        "AGENTSERVER_REQUEST_TIMEOUT",
        _from_to(1, 3600),
        "seconds in which a request must have arrived; a slower one is answered 408",
    )
    data_dir: Path = _setting(
        attrs.Factory(lambda: Path(platformdirs.user_data_dir("agentserver", appauthor=False))),
        "AGENTSERVER_DATA_DIR",
        lambda text: Path(_text(text)).expanduser().absolute(),
        "folder of the SQLite file and of the key beside it",
        option="--data-dir",
        metavar="PATH",
    )
    seed: Path | None = _setting(
        None,
        "AGENTSERVER_SEED",
        lambda text: Path(_text(text)).expanduser(),
        "YAML or JSON file of people, workspaces, members and limits, of which is made what does "
        "not exist",
        option="--seed",
        metavar="FILE",
    )
    public_url: str | None = _setting(
        None,
        "AGENTSERVER_PUBLIC_URL",
        _web_url,
        "address by which browsers reach the server; https makes the session cookie Secure",
        option="--public-url",
        metavar="URL",
    )
    encryption_key: bytes | None = _setting(
        None,
        "AGENTSERVER_ENCRYPTION_KEY",
        _encryption_key,
        "key of the stored secrets, 64 hexadecimal digits or base64 of 32 bytes; required with "
        "PostgreSQL (the variable keeps it out of process lists)",
        option="--encryption-key",
        metavar="KEY",
        secret=True,
    )
    new_encryption_key: bytes | None = _setting(
        None,
        "AGENTSERVER_NEW_ENCRYPTION_KEY",
        _encryption_key,
        "key that rotate-key replaces the old one with; ignored by serve",
        secret=True,
    )
    log_format: str = _setting(
        "human",
        "AGENTSERVER_LOG_FORMAT",
        _one_of("human", "json"),
        "human or json, one line an event",
        option="--log-format",
        metavar="FORMAT",
    )
    log_level: str = _setting(
        "info",
        "AGENTSERVER_LOG_LEVEL",
        _one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error",
        option="--log-level",
        metavar="LEVEL",
    )
    password_cost: str = _setting(
        "m=19456,t=2,p=1",
        "AGENTSERVER_PASSWORD_COST",
        _password_cost,
        "Argon2id cost of new password hashes: KiB of memory, passes, lanes",
        option="--password-cost",
        metavar="COST",
    )
    password_auth_enabled: bool = _setting(
        True, "PASSWORD_AUTH_ENABLED", _switched_on, "false switches register and login off"
    )
    cookie_domain: str | None = _setting(
        None, "AGENTSERVER_COOKIE_DOMAIN", _text, "Domain of the session cookie"
    )
    llm_proxy_url: str | None = _setting(
        None,
        "LLMPROXY_URL",
        _service_url,
        "LLM proxy that keeps the request quotas; off: none; left out: the embedded one",
    )
    internal_listen: tuple[str, int] | None = _setting(
        None,
        "AGENTSERVER_INTERNAL_LISTEN",
        _address,
        "address on which the routes /internal/* are served to other services of the installation, "
        "which send INTERNAL_API_SECRET; port 0 takes a free one; left out: they are not served",
        option="--internal-listen",
        metavar="HOST:PORT",
    )
    internal_api_secret: str | None = _setting(
        None,
        "INTERNAL_API_SECRET",
        _secret,
        "secret of the routes /internal/*, also sent to the LLM proxy at LLMPROXY_URL, to the IM "
        "bridge at IMBRIDGE_URL, and to the gateways of codex",
        secret=True,
    )
    llm_proxy_default_max_rpd: int = _setting(
        0,
        "LLMPROXY_DEFAULT_MAX_RPD",
        _from_to(0, 2**31 - 1),
        "requests a workspace may make in a day by the embedded quota; 0: no limit",
    )
    operations_retention_days: int = _setting(
        90,
        "AGENTSERVER_OPERATIONS_RETENTION_DAYS",
        _from_to(0, 36_500),
        "days for which the operations log is kept; 0: for ever",
    )
    llm_proxy_trace_header: str = _setting(
        "X-Trace-Id",
        "LLMPROXY_TRACE_HEADER",
        _header,
        "header in which clients of the embedded LLM proxy may name the trace of a request",
    )
    anthropic_base_url: str | None = _setting(
        None,
        "ANTHROPIC_BASE_URL",
        _web_url,
        "model behind the embedded LLM proxy's /v1/messages; left out: the built-in one",
    )
    anthropic_api_key: str | None = _setting(
        None, "ANTHROPIC_API_KEY", _secret, "its key, sent as x-api-key", secret=True
    )
    anthropic_auth_token: str | None = _setting(
        None, "ANTHROPIC_AUTH_TOKEN", _secret, "its token, sent as a bearer token", secret=True
    )
    openai_base_url: str | None = _setting(
        None,
        "OPENAI_BASE_URL",
        _web_url,
        "model behind the embedded LLM proxy's /v1/responses and /v1/chat/completions; left out: "
        "the built-in one",
    )
    openai_api_key: str | None = _setting(
        None, "OPENAI_API_KEY", _secret, "its key, sent as a bearer token", secret=True
    )
    modelserver_auth_url: str | None = _setting(
        None,
        "MODELSERVER_OAUTH_AUTH_URL",
        _modelserver_url,
        "page of the model server on which a person permits a workspace's connection; built-in: "
        "the server is its own, for development, and permits everything; off or left out: "
        "workspaces cannot be connected",
    )
    modelserver_token_url: str | None = _setting(
        None, "MODELSERVER_OAUTH_TOKEN_URL", _web_url, "where the model server issues tokens"
    )
    modelserver_introspect_url: str | None = _setting(
        None,
        "MODELSERVER_OAUTH_INTROSPECT_URL",
        _web_url,
        "where the model server says what a token is for",
    )
    modelserver_client_id: str | None = _setting(
        None, "MODELSERVER_OAUTH_CLIENT_ID", _secret, "who this server is at the model server"
    )
    modelserver_client_secret: str | None = _setting(
        None,
        "MODELSERVER_OAUTH_CLIENT_SECRET",
        _secret,
        "its secret there; left out: it has none",
        secret=True,
    )
    modelserver_redirect_uri: str | None = _setting(
        None,
        "MODELSERVER_OAUTH_REDIRECT_URI",
        _web_url,
        "address of /api/auth/modelserver/callback for browsers; left out: where this server is "
        "reached",
    )
    modelserver_proxy_url: str | None = _setting(
        None,
        "MODELSERVER_PROXY_URL",
        _web_url,
        "where connected workspaces call models; left out: where they do without a connection",
    )
    hydra_admin_url: str | None = _setting(
        None,
        "HYDRA_ADMIN_URL",
        _service_url,
        "Ory Hydra's admin API, which tells whose the access tokens of agents are; off: no agent "
        "can be signed in; left out: the embedded OAuth provider",
    )
    hydra_public_url: str | None = _setting(
        None, "HYDRA_PUBLIC_URL", _web_url, "its public API, required with HYDRA_ADMIN_URL"
    )
    codex_exec_gateway_internal_url: str | None = _setting(
        None,
        "CODEX_EXEC_GATEWAY_INTERNAL_URL",
        _service_url,
        "gateway to which executors are connected; off: workspaces have no executors; left out: "
        "the embedded one",
    )
    codex_exec_gateway_public_host: str | None = _setting(
        None,
        "CODEX_EXEC_GATEWAY_PUBLIC_HOST",
        _host,
        "host at which machines reach that gateway by https, required with "
        "CODEX_EXEC_GATEWAY_INTERNAL_URL",
    )
    codex: tuple[str, ...] | None = _setting(
        None,
        "AGENTSERVER_CODEX",
        _command,
        "command of codex, which then runs turns; left out: the built-in engine does",
    )
    codex_app_gateway_rest_url: str | None = _setting(
        None,
        "CODEX_APP_GATEWAY_REST_URL",
        _web_url,
        "gateway of codex that runs turns; left out: this server does",
    )
    executor_identity_days: int = _setting(
        30,
        "AGENTSERVER_EXECUTOR_IDENTITY_DAYS",
        _from_to(1, 3650),
        "days after which an executor must be registered anew",
    )
    base_domains: tuple[str, ...] = _setting(
        (),
        "BASE_DOMAIN",
        _domains,
        "domains below which sandboxes have their web addresses, separated by commas; left out: "
        "they have none",
    )
    subdomain_prefix_opencode: str = _subdomain_prefix("opencode")
    subdomain_prefix_openclaw: str = _subdomain_prefix("openclaw")
    subdomain_prefix_claudecode: str = _subdomain_prefix("claudecode")
    subdomain_prefix_jupyter: str = _subdomain_prefix("jupyter")
    sandbox_seconds: int = _setting(
        0,
        "AGENTSERVER_SANDBOX_SECONDS",
        _from_to(0, 3600),
        "seconds that creating, pausing and resuming a simulated sandbox takes",
    )
    sandbox_token_dir: Path | None = _setting(
        None,
        "AGENTSERVER_SANDBOX_TOKEN_DIR",
        lambda text: Path(_text(text)).expanduser().absolute(),
        "folder in which each simulated sandbox leaves its token for the LLM proxy, in a file "
        "named by its id; left out: nowhere",
    )
    sandbox_failures: frozenset[str] = _setting(
        frozenset(),
        "AGENTSERVER_SANDBOX_FAILURES",
        _some_of(*sorted(PASSING)),
        "which of creating, pausing and resuming fail for simulated sandboxes, separated by commas",
    )
    sandbox_command_opencode: tuple[str, ...] | None = _sandbox_command("opencode")
    sandbox_command_openclaw: tuple[str, ...] | None = _sandbox_command("openclaw")
    sandbox_command_nanoclaw: tuple[str, ...] | None = _sandbox_command("nanoclaw")
    sandbox_command_claudecode: tuple[str, ...] | None = _sandbox_command("claudecode")
    sandbox_command_jupyter: tuple[str, ...] | None = _sandbox_command("jupyter")
    sandbox_host: str = _setting(
        attrs.Factory(socket.gethostname),
        "AGENTSERVER_SANDBOX_HOST",
        _text,
        "name of this machine, by which the servers that share a database know whose processes "
        "they can reach; left out: its host name",
    )
    private_addresses_allowed: bool = _setting(
        False,
        "AGENTSERVER_ALLOW_PRIVATE_ADDRESSES",
        _true_or_false,
        "true lets members name services in private networks, such as the server of a cluster",
    )
    cluster_proxy_url: str | None = _setting(
        None,
        "CREDPROXY_PUBLIC_URL",
        _web_url,
        "address by which sandboxes reach the routes /k8s/* of this server, for their KUBECONFIG; "
        "left out: this server's own",
    )
    im: str = _setting(
        "simulated",
        "AGENTSERVER_IM",
        _one_of("simulated", "embedded", "off"),
        "simulated: Telegram, Matrix and WeChat are simulated, without messages; embedded: the "
        "server talks to them itself; off: channels cannot be connected",
    )
    imbridge_url: str | None = _setting(
        None,
        "IMBRIDGE_URL",
        _web_url,
        "another server on the same PostgreSQL database, which alone talks to Telegram, Matrix and "
        "WeChat; left out: as AGENTSERVER_IM says",
    )
    telegram_api_url: str = _setting(
        "https://api.telegram.org",
        "AGENTSERVER_TELEGRAM_API_URL",
        _web_url,
        "Telegram's Bot API, or a server of the operator's that has it",
    )
    weixin_api_url: str = _setting(
        "https://ilinkai.weixin.qq.com",
        "AGENTSERVER_WEIXIN_API_URL",
        _web_url,
        "iLink, by which bots take part in WeChat, or a server of the operator's that has it",
    )
    quota_environment: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], **overrides: Any) -> Settings:
        """Read the settings: from overrides, otherwise variables, otherwise defaults.

        Arguments:
            environ: variables by name, as in `os.environ`.
            overrides: settings by field name; a text is read as on the command line, `None`
                counts as not given.

        Raises:
            SettingsError: a value that breaks its rule, a variable of the server's namespace
                that is no setting, PostgreSQL without an encryption key, or internal routes
                without a secret.
        """
        _refuse_unknown(environ, overrides)
        values: dict[str, Any] = {}
        for field in SETTINGS:
            given, name = overrides.get(field.name), field.metadata["option"] or field.name
            if given is None:
                name = field.metadata["variable"]
                given = environ.get(name) or None  # an empty variable counts as unset
            if given is not None:
                values[field.name] = _read(name, field, given)
        quotas = {name: environ[name] for name in QUOTA_VARIABLES if environ.get(name)}
        quotas |= overrides.get("quota_environment") or {}
        settings = cls(quota_environment=quotas, **values)
        if settings.is_postgresql and settings.encryption_key is None:
            raise SettingsError(
                "AGENTSERVER_ENCRYPTION_KEY: is required with PostgreSQL "
                "(make one with: openssl rand -hex 32)"
            )
        if settings.internal_listen and settings.internal_api_secret is None:
            raise SettingsError("INTERNAL_API_SECRET: is required with --internal-listen")
        if settings.codex is not None and settings.codex_app_gateway_rest_url is not None:
            raise SettingsError(
                "AGENTSERVER_CODEX: must be left out with CODEX_APP_GATEWAY_REST_URL"
            )
        if settings.imbridge_url is not None:
            if "im" in values:
                raise SettingsError("AGENTSERVER_IM: must be left out with IMBRIDGE_URL")
            if not settings.is_postgresql:
                raise SettingsError(
                    "DATABASE_URL: must name PostgreSQL with IMBRIDGE_URL: the IM bridge has the "
                    "same database"
                )
        settings._check_executors()
        settings._check_hydra()
        settings._check_modelserver()
        return settings

    def _check_executors(self) -> None:
        host = self.codex_exec_gateway_public_host
        if not self.has_remote_executors:
            if host is not None:
                raise SettingsError(
                    "CODEX_EXEC_GATEWAY_PUBLIC_HOST: must be left out without a URL in "
                    "CODEX_EXEC_GATEWAY_INTERNAL_URL"
                )
        elif host is None:
            raise SettingsError(
                "CODEX_EXEC_GATEWAY_PUBLIC_HOST: is required with CODEX_EXEC_GATEWAY_INTERNAL_URL"
            )
        elif self.internal_listen is None:
            raise SettingsError(
                "CODEX_EXEC_GATEWAY_INTERNAL_URL: needs --internal-listen, where the gateway asks "
                "who an executor is"
            )

    def _check_hydra(self) -> None:
        if self.hydra_admin_url == "off":
            if self.hydra_public_url is not None:
                raise SettingsError("HYDRA_PUBLIC_URL: must be left out where HYDRA_ADMIN_URL=off")
        elif self.hydra_admin_url is None and self.hydra_public_url is not None:
            raise SettingsError("HYDRA_ADMIN_URL: is required with HYDRA_PUBLIC_URL")
        elif self.hydra_admin_url is not None and self.hydra_public_url is None:
            raise SettingsError("HYDRA_PUBLIC_URL: is required with HYDRA_ADMIN_URL")

    def _check_modelserver(self) -> None:
        needed = {
            "MODELSERVER_OAUTH_TOKEN_URL": self.modelserver_token_url,
            "MODELSERVER_OAUTH_INTROSPECT_URL": self.modelserver_introspect_url,
            "MODELSERVER_OAUTH_CLIENT_ID": self.modelserver_client_id,
        }
        is_elsewhere = self.modelserver_auth_url not in (None, "off", "built-in")
        missing = [name for name, value in needed.items() if is_elsewhere and not value]
        if missing:
            raise SettingsError(f"{missing[0]}: is required with MODELSERVER_OAUTH_AUTH_URL")

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL; otherwise it is SQLite."""
        return (self.database_url or "").startswith("postgresql://")

    @property
    def resolved_database_url(self) -> str:
        """The database URL, by default that of a SQLite file in the data directory."""
        if self.database_url is not None:
            return self.database_url
        return "sqlite:///" + quote(str(self.data_dir / DATABASE_FILE))

    @property
    def has_remote_executors(self) -> bool:
        """Whether executors are connected to a gateway that is a separate service."""
        return self.codex_exec_gateway_internal_url not in (None, "off")

    @property
    def delivers_messages(self) -> bool:
        """Whether this server talks to Telegram, Matrix and WeChat, be they simulated."""
        return self.imbridge_url is None and self.im != "off"

    @property
    def sandbox_commands(self) -> dict[str, tuple[str, ...]]:
        """The commands of those types of sandboxes that have one."""
        every = {type_: getattr(self, f"sandbox_command_{type_}") for type_ in TYPES}
        return {type_: command for type_, command in every.items() if command is not None}

    @property
    def subdomain_prefixes(self) -> dict[str, str]:
        """How the web addresses of sandboxes begin, by type."""
        return {type_: getattr(self, f"subdomain_prefix_{type_}") for type_ in SUBDOMAINS}

    @property
    def serves_https(self) -> bool:
        """Whether the public URL is https."""
        return (self.public_url or "").startswith("https://")


SETTINGS = tuple(field for field in attrs.fields(Settings) if "variable" in field.metadata)


def _read(name: str, field: attrs.Attribute[Any], given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return field.metadata["read"](given)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None


def _refuse_unknown(environ: Mapping[str, str], overrides: Mapping[str, Any]) -> None:
    fields = {field.name for field in attrs.fields(Settings)}
    for name in overrides:
        if name not in fields:
            raise SettingsError(f"{name}: is not a setting of the server")
    known = {field.metadata["variable"] for field in SETTINGS} | CLIENT_VARIABLES
    for name in sorted(environ):
        ours = name.startswith("AGENTSERVER_") and not name.startswith(TEST_PREFIX)
        if ours and name not in known:
            raise SettingsError(f"{name}: is not a setting of the server (see serve --help)")
