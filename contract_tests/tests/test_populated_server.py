"""On a server that others use, a run touches nothing of theirs, and leaves nothing behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from populated_server import OPERATOR, PASSWORD, USERS, Rows, populated_server, rows

from agentserver import Client
from agentserver_contract import cli
from agentserver_contract.__main__ import BROKEN, COULD_NOT_RUN, HOLDS, main
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import DOMAIN, NAMES, email_of, emails_of, log_in
from agentserver_contract.fixtures.session import Credential, run_session
from agentserver_contract.http.guard import Guard
from agentserver_contract.http.target import Target

QUICK = ("--closed", "--examples", "2", "--scenarios", "20", "--seed", "1")
OF_THE_RUN = f"@{DOMAIN}"


@pytest.fixture(autouse=True)
def credential(monkeypatch: pytest.MonkeyPatch) -> Credential:
    monkeypatch.setenv("AGENTSERVER_EMAIL", OPERATOR)
    monkeypatch.setenv("AGENTSERVER_PASSWORD", PASSWORD)
    monkeypatch.delenv("AGENTSERVER_SESSION", raising=False)
    monkeypatch.delenv("AGENTSERVER_CONTRACT_SECRET", raising=False)
    return Credential(email=OPERATOR, password=PASSWORD)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with populated_server(tmp_path) as url:
        yield url


def lost_and_new(before: Rows, after: Rows) -> tuple[Rows, Rows]:
    """Rows that were removed or changed, and rows that are new, by table."""
    lost = {name: found - after[name] for name, found in before.items() if found - after[name]}
    new = {name: found - before[name] for name, found in after.items() if found - before[name]}
    return lost, new


def defaults(url: str) -> dict[str, int]:
    """The settings of the whole installation."""
    with Client(url, email=OPERATOR, password=PASSWORD) as dana:
        found = dana.admin.quota_defaults.get().to_dict()
        dana.auth.logout()
        return found


@pytest.mark.whole
@pytest.mark.parametrize("options", [("--quick",), ("--allow-global", "--yes")], ids=" ".join)
def test_every_row_of_others_is_as_it_was(
    url: str, tmp_path: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before, settings = rows(tmp_path), defaults(url)
    status = main(["run", url, *QUICK, *options])
    output = capsys.readouterr().out
    assert status == HOLDS, output
    assert defaults(url) == settings
    after = rows(tmp_path)
    if "--allow-global" in options:
        # A setting that was sent once is kept as a row, also where it is the default; and Dana's
        # row says when her role was changed, although she has it back.
        for found in (before, after):
            del found["system_settings"]
            found["users"] = {row[:-1] for row in found["users"]}
    lost, new = lost_and_new(before, after)
    assert not lost, f"changed or removed: {lost}"
    accounts = new.pop("users")
    assert all(OF_THE_RUN in str(account) for account in accounts), f"of others: {accounts}"
    ids = {account[1] for account in accounts}
    # The server's own, which it makes when it signs for the first time.
    new.pop("signing_keys", None)
    for table, found in new.items():
        # Credentials of the run's own accounts are all that may remain beside them.
        assert table == "user_credentials", f"left in {table}: {found}"
        assert all(ids & set(row) for row in found), f"of others in {table}: {found}"
    assert "Blocked by the guard" in output
    check_what_is_said(output, is_quick="--quick" in options)


def check_what_is_said(output: str, *, is_quick: bool) -> None:
    """What a run says of itself, and of what it does not try."""
    assert "seed 1" in output
    assert "The contract holds" in output
    left_out = ("ids", "values", "races") if is_quick else ()
    for layer in ("roles", "refusals", "ids", "values", "races", "model", "fuzzing"):
        if layer in left_out:
            assert f"{layer}: not run: a quick run leaves it out" in output
        else:
            # A part of it, where the run has several processes.
            progress = re.search(rf"^ *{layer}( \(\d/\d\))?: \d+ cases", output, re.MULTILINE)
            assert progress, f"no progress of {layer}"
    assert "roles expired-session" in output, "what a run by URL cannot try is reported"
    assert "\x1b" not in output, "colour is for terminals"


def test_run_that_only_reads_leaves_every_row_as_it_was(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Target(url) as target:
        monkeypatch.setenv("AGENTSERVER_SESSION", log_in(target, OPERATOR, PASSWORD))
    before = rows(tmp_path)
    status = main(["run", url, *QUICK, "--read-only"])
    output = capsys.readouterr().out
    assert status == HOLDS, output
    assert rows(tmp_path) == before
    assert "it would write" in output, "what was not tried must be reported"


def test_guard_blocks_no_race_of_the_last_place(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--layers", "races", "--operation", "create_workspace", "--format", "json"]
    status = main(["run", url, *QUICK, *words])
    output = capsys.readouterr().out
    assert status == HOLDS, output
    (layer,) = json.loads(output)["layers"]
    assert not layer["not_run"]


def test_next_run_uses_the_same_accounts(url: str, tmp_path: Path) -> None:
    first = ["run", url, *QUICK, "--layers", "roles", "--operation", "get_workspace"]
    assert main(first) == HOLDS
    before = rows(tmp_path)["users"]
    assert main(first) == HOLDS
    assert rows(tmp_path)["users"] == before


def test_run_clears_away_what_a_run_before_it_could_not(
    url: str, tmp_path: Path, contract: Contract, credential: Credential
) -> None:
    """A run that is killed restores nothing: the next one finds its accounts as they were left."""
    before = rows(tmp_path)
    guard = Guard(contract, emails_of())
    with Target(url) as unguarded, Target(url, guard=guard) as target:
        with run_session(target, guard, unguarded, credential) as session:
            accounts = session.accounts
        owner, colleague = accounts["owner"], accounts["colleague"]
        session = log_in(target, owner.email, owner.password)
        with target.client(session=session) as client:
            kept = client.workspaces.create(name="Left behind")
            client.workspaces.members.add(kept.id, email=colleague.email, role="owner")
    with Client(url, email=OPERATOR, password=PASSWORD) as dana:
        dana.admin.users.set_role(colleague.id, role="admin")
        dana.admin.users.quota.set(owner.id, max_workspaces=3)
        dana.auth.logout()
    assert main(["run", url, *QUICK, "--layers", "roles", "--operation", "check_health"]) == HOLDS
    after = rows(tmp_path)
    for table in ("workspaces", "workspace_members", "user_quotas"):
        assert after[table] == before[table], f"left in {table}"
    with Client(url, email=OPERATOR, password=PASSWORD) as dana:
        admins = [user.email for user in dana.admin.users.list() if user.role == "admin"]
    assert admins == [OPERATOR]


def test_workspace_that_others_have_joined_is_left_alone(
    url: str, contract: Contract, credential: Credential
) -> None:
    guard = Guard(contract, emails_of())
    with Target(url) as unguarded, Target(url, guard=guard) as target:
        with run_session(target, guard, unguarded, credential) as session:
            owner = session.accounts["owner"]
        with Client(url, email=USERS[1], password=PASSWORD) as erik:
            theirs = erik.workspaces.create(name="Erik's")
            erik.workspaces.members.add(theirs.id, email=owner.email, role="owner")
            assert main(["run", url, *QUICK, "--layers", "roles"]) == HOLDS
            assert theirs.id in [workspace.id for workspace in erik.workspaces.list()]


def test_everything_is_restored_when_the_run_fails(
    url: str, tmp_path: Path, contract: Contract, credential: Credential
) -> None:
    before = rows(tmp_path)
    guard = Guard(contract, emails_of(), allow_global=True)
    left_behind: list[str] = []

    def fail() -> None:
        with (
            Target(url) as unguarded,
            Target(url, guard=guard) as target,
            run_session(target, guard, unguarded, credential, confirmed=True) as session,
        ):
            nonlocal left_behind
            left_behind = session.left_behind
            with target.client(session=session.accounts["owner"].session) as client:
                client.workspaces.create(name="Soon gone")
            with target.client(session=session.accounts["admin"].session) as client:
                client.admin.quota_defaults.set(max_workspaces_per_user=6)
                client.admin.users.set_role(session.accounts["colleague"].id, role="admin")
            with unguarded.client(session=session.accounts["admin"].session) as client:
                client.admin.users.set_role(session.accounts["admin"].id, role="user")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not left_behind
    after = rows(tmp_path)
    for table in ("workspaces", "workspace_members", "user_quotas", "system_settings"):
        assert after[table] == before[table], f"not restored in {table}"
    lost, _ = lost_and_new(before, after)
    # Dana's row says when it was last changed; nothing else in it has changed.
    assert set(lost) <= {"users"}
    with Client(url, email=OPERATOR, password=PASSWORD) as dana:
        admins = [user.email for user in dana.admin.users.list() if user.role == "admin"]
    assert admins == [OPERATOR]


def test_accounts_with_another_password_could_not_be_used(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client(url) as client:
        client.auth.register(email=email_of(NAMES[1]), password="of another run")
    assert main(["run", url, *QUICK]) == COULD_NOT_RUN
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert email_of(NAMES[1]) in line
    assert "AGENTSERVER_CONTRACT_SECRET" in line


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"AGENTSERVER_PASSWORD": ""}, "AGENTSERVER_SESSION"),
        ({"AGENTSERVER_PASSWORD": "not hers"}, "cannot log in"),
        ({"AGENTSERVER_EMAIL": USERS[1]}, "is no administrator"),
        ({"AGENTSERVER_SESSION": "ab" * 32}, "credential does not work"),
    ],
    ids=["none", "wrong password", "no administrator", "dead session"],
)
def test_run_without_an_administrators_credential_is_refused(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    line: str,
) -> None:
    before = rows(tmp_path)["users"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["run", url, *QUICK]) == COULD_NOT_RUN
    assert line in capsys.readouterr().err
    assert rows(tmp_path)["users"] == before, "no account is registered without a credential"


def test_secret_is_enough_beside_a_session(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Target(url) as target:
        session = log_in(target, OPERATOR, PASSWORD)
        monkeypatch.setenv("AGENTSERVER_SESSION", session)
        monkeypatch.delenv("AGENTSERVER_PASSWORD")
        quick = ["run", url, *QUICK, "--layers", "roles", "--operation", "get_workspace"]
        assert main(quick) == COULD_NOT_RUN
        assert "secret" in capsys.readouterr().err
        monkeypatch.setenv("AGENTSERVER_CONTRACT_SECRET", "known to the next run")
        assert main(quick) == HOLDS
        with target.client(session=session) as client:
            assert client.auth.me().email == OPERATOR, "a session that was given stays open"


def test_remote_server_is_not_tried_without_the_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "http://agents.example.com"]) == COULD_NOT_RUN
    assert "--allow-remote" in capsys.readouterr().err


def test_server_that_does_not_answer_could_not_be_tried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "http://127.0.0.1:9"]) == COULD_NOT_RUN
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "127.0.0.1:9" in line


def test_exit_codes_are_distinct() -> None:
    assert (HOLDS, BROKEN, COULD_NOT_RUN) == (0, 1, 2)
    text = cli.parser().format_help()
    for line in ("0  the contract holds", "1  it is broken", "2  it could not be tried"):
        assert line in text
