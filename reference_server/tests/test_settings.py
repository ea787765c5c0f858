"""What an operator can set, and what is said of a setting that cannot be used."""

from pathlib import Path

import pytest

from agentserver_reference.settings import SETTINGS, Settings, SettingsError

KEY = "6b" * 32


def test_no_setting_is_needed() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.resolved_database_url.startswith("sqlite:////")
    assert settings.password_auth_enabled
    assert not settings.serves_https


def test_an_option_beats_its_variable_which_beats_the_default() -> None:
    environment = {"AGENTSERVER_PORT": "9001", "AGENTSERVER_HOST": "::1"}
    settings = Settings.from_environment(environment, port="9002", log_level=None)
    assert (settings.port, settings.host, settings.log_level) == (9002, "::1", "info")


def test_an_empty_variable_is_an_unset_one() -> None:
    assert Settings.from_environment({"AGENTSERVER_ENCRYPTION_KEY": ""}).encryption_key is None


def test_every_setting_has_a_variable_and_a_word_of_help() -> None:
    variables = [field.metadata["variable"] for field in SETTINGS]
    assert len(set(variables)) == len(variables)
    assert all(field.metadata["help"] for field in SETTINGS)


def test_the_variables_of_the_release_are_read() -> None:
    settings = Settings.from_environment(
        {
            "PASSWORD_AUTH_ENABLED": "FALSE",
            "AGENTSERVER_COOKIE_DOMAIN": ".example.com",
            "LLMPROXY_URL": "http://proxy:8081/",
            "LLMPROXY_DEFAULT_MAX_RPD": "500",
            "QUOTA_MAX_WORKSPACES_PER_USER": "3",
            "IDLE_TIMEOUT": "30m",
            "CLAUDECODE_SUBDOMAIN_PREFIX": "my-claude",
            "HOME": "/root",
        }
    )
    assert not settings.password_auth_enabled
    assert settings.cookie_domain == ".example.com"
    assert settings.llm_proxy_url == "http://proxy:8081"
    assert settings.llm_proxy_default_max_rpd == 500
    assert settings.subdomain_prefixes == {
        "opencode": "code",
        "openclaw": "claw",
        "claudecode": "my-claude",
        "jupyter": "jupyter",
    }
    assert settings.quota_environment == {
        "QUOTA_MAX_WORKSPACES_PER_USER": "3",
        "IDLE_TIMEOUT": "30m",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AGENTSERVER_PORT", "65536"),
        ("AGENTSERVER_PORT", "http"),
        ("AGENTSERVER_PORT", "-1"),
        ("DATABASE_URL", "mysql://root@host/db"),
        ("DATABASE_URL", "postgresql:db"),
        ("DATABASE_URL", "postgresql://host:port/db"),
        ("DATABASE_URL", "sqlite:file.db"),
        ("DATABASE_URL", "nonsense"),
        ("AGENTSERVER_PUBLIC_URL", "ftp://example.com"),
        ("AGENTSERVER_PUBLIC_URL", "https://"),
        ("AGENTSERVER_PUBLIC_URL", "https://u:p@example.com"),
        ("AGENTSERVER_PUBLIC_URL", "https://example.com:port"),
        ("AGENTSERVER_PUBLIC_URL", "https://[::1"),
        ("AGENTSERVER_ENCRYPTION_KEY", "short"),
        ("AGENTSERVER_ENCRYPTION_KEY", "zz" * 32),
        ("AGENTSERVER_LOG_FORMAT", "xml"),
        ("AGENTSERVER_LOG_LEVEL", "loud"),
        ("AGENTSERVER_PASSWORD_COST", "10"),
        ("AGENTSERVER_PASSWORD_COST", "m=8,t=1,p=4"),
        ("AGENTSERVER_PASSWORD_COST", "m=8,t=0,p=1"),
        ("AGENTSERVER_INTERNAL_LISTEN", "8081"),
        ("AGENTSERVER_INTERNAL_LISTEN", ":8081"),
        ("AGENTSERVER_INTERNAL_LISTEN", "::1:8081"),
        ("AGENTSERVER_INTERNAL_LISTEN", "[::1]"),
        ("AGENTSERVER_INTERNAL_LISTEN", "localhost:65536"),
        ("INTERNAL_API_SECRET", "two words"),
        ("OPENCODE_SUBDOMAIN_PREFIX", "-code"),
        ("JUPYTER_SUBDOMAIN_PREFIX", "a.b"),
        ("LLMPROXY_URL", "on"),
        ("LLMPROXY_DEFAULT_MAX_RPD", "-1"),
        ("LLMPROXY_DEFAULT_MAX_RPD", "many"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({name: value})
    line = str(refused.value)
    assert line.startswith(f"{name}: must "), line
    assert "\n" not in line


@pytest.mark.parametrize("name", ["AGENTSERVER_PROT", "AGENTSERVER_DATABASE_URL"])
def test_an_unknown_variable_of_the_server_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: is not a setting"):
        Settings.from_environment({name: "1"})


def test_an_unknown_override_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"^prot: is not a setting"):
        Settings.from_environment({}, prot=1)


def test_the_variables_of_the_sdk_and_of_the_tests_are_none_of_the_servers() -> None:
    names = ("URL", "TOKEN", "SESSION", "EMAIL", "PASSWORD", "CONTRACT_SECRET", "TEST_DATABASE_URL")
    environment = {f"AGENTSERVER_{name}": "theirs" for name in names}
    assert Settings.from_environment(environment) == Settings.from_environment({})


def test_postgresql_needs_a_key() -> None:
    url = "postgresql://user:pass@host/db"
    with pytest.raises(SettingsError, match=r"^AGENTSERVER_ENCRYPTION_KEY: is required"):
        Settings.from_environment({}, database_url=url)
    assert Settings.from_environment({}, database_url=url, encryption_key=KEY).is_postgresql


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:8081", ("::1", 8081)), ("box:1", ("box", 1))],
)
def test_internal_routes_need_a_secret(text: str, address: tuple[str, int]) -> None:
    with pytest.raises(SettingsError, match=r"^INTERNAL_API_SECRET: is required"):
        Settings.from_environment({}, internal_listen=text)
    settings = Settings.from_environment({"INTERNAL_API_SECRET": "s"}, internal_listen=text)
    assert settings.internal_listen == address


@pytest.mark.parametrize("text", [KEY, "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="])
def test_a_key_is_hexadecimal_or_base64(text: str) -> None:
    assert Settings.from_environment({}, encryption_key=text).encryption_key == b"k" * 32


def test_no_secret_is_in_the_repr() -> None:
    settings = Settings.from_environment(
        {"INTERNAL_API_SECRET": "between-us"},
        database_url="postgresql://user:hunter2@host/db",
        encryption_key=KEY,
    )
    shown = repr(settings) + str(settings)
    assert "between-us" not in shown
    assert "hunter2" not in shown
    assert KEY not in shown
    assert repr(bytes.fromhex(KEY)) not in shown


def test_a_path_of_the_data_directory_survives_the_url(tmp_path: Path) -> None:
    from agentserver_reference.storage import sqlite_path

    folder = tmp_path / "50% of #1, what? é"
    settings = Settings.from_environment({}, data_dir=str(folder))
    assert sqlite_path(settings.resolved_database_url) == folder / "agentserver.db"
