"""What an agent keeps on disk, and what it says of exceptions."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from attrs import fields

from agentserver import ConfigurationError, Secret
from agentserver.agent._credentials import Identity, Place, Store
from agentserver.agent._failure import LONGEST, full_text, reason
from agentserver.agent._state import Folder, claim_of
from agentserver.agent._task import Task
from agentserver.agent._worker import Kept, Report

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")

REPORT = Report("completed", {"answer": [1, None, "é"]}, "", 0.25, 3)


def identity(**changes: str) -> Identity:
    given = {
        "server": "https://agents.example.com",
        "workspace_id": "w1",
        "sandbox_id": "s1",
        "name": "Shouter",
    }
    return Identity(**given | changes, token=Secret("t" * 32), tunnel_token=Secret("u" * 32))


# --- reports and messages -------------------------------------------------------------------------


def test_what_is_kept_outlasts_the_process_until_it_is_forgotten(tmp_path: Path) -> None:
    first = Folder(tmp_path / "state")
    first.keep(Kept("a", None))
    first.keep(Kept("b", None))
    first.keep(Kept("b", REPORT))
    assert sorted(Folder(first.path).kept(), key=lambda kept: kept.id) == [
        Kept("a", None),
        Kept("b", REPORT),
    ]
    first.forget("a")
    first.forget("b")
    first.forget("never kept")
    assert Folder(first.path).kept() == []


def test_what_a_poll_gave_is_kept_as_it_was(tmp_path: Path) -> None:
    task = Task("a", "Do it.", "Python", "review", 3, 0.5, 60, "requester", ("x", "y"))
    Folder(tmp_path).keep(Kept("a", None, claim_of(task)))
    (kept,) = Folder(tmp_path).kept()
    assert kept.claim is not None
    found = kept.claim.item
    names = [each.name for each in fields(Task) if each.init]
    assert [getattr(found, name) for name in names] == [getattr(task, name) for name in names]
    assert (kept.claim.skill, kept.claim.skill_known, kept.claim.seconds) == ("review", True, 60)


def test_messages_are_kept_in_their_order(tmp_path: Path) -> None:
    state = Folder(tmp_path)
    state.keep_messages([{"id": "z"}, {"id": "a"}])
    state.keep_messages([{"id": "m"}])
    assert [message["id"] for message in Folder(tmp_path).messages()] == ["z", "a", "m"]
    state.forget_message("a")
    assert [message["id"] for message in state.messages()] == ["z", "m"]


@pytest.mark.parametrize("id", ["../../etc/passwd", "a/b", "", "x" * 5000, "\ud800", "NUL"])
def test_an_id_is_no_name_of_a_file(tmp_path: Path, id: str) -> None:
    state = Folder(tmp_path / "state")
    state.keep(Kept(id, None))
    assert state.kept() == [Kept(id, None)]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    state.forget(id)
    assert state.kept() == []


@POSIX
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        state = Folder(tmp_path / "state")
        state.keep(Kept("a", REPORT))
        state.keep_messages([{"id": "m"}])
        place = Place(tmp_path / "state")
        place.save(identity())
    finally:
        os.umask(old)
    for path in (tmp_path / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_file_that_cannot_be_read_is_left_and_the_others_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = Folder(tmp_path)
    state.keep(Kept("a", REPORT))
    broken = tmp_path / "reports" / "broken.json"
    broken.write_text('{"id": "b"')
    assert state.kept() == [Kept("a", REPORT)]
    assert "broken.json cannot be read" in caplog.text
    assert broken.exists()


def test_a_file_is_never_half_written(tmp_path: Path) -> None:
    state = Folder(tmp_path)
    state.keep(Kept("a", None))
    with pytest.raises(TypeError):
        state.keep(Kept("a", Report("completed", {"not", "json"})))
    assert state.kept() == [Kept("a", None)]
    assert [path.suffix for path in (tmp_path / "reports").iterdir()] == [".json"]


def test_one_process_uses_a_folder_at_a_time(tmp_path: Path) -> None:
    with (
        Folder(tmp_path).used_alone(),
        pytest.raises(ConfigurationError, match="another process runs this agent"),
        Folder(tmp_path).used_alone(),
    ):
        pass
    with Folder(tmp_path).used_alone():
        pass


# --- credentials ----------------------------------------------------------------------------------


def test_credentials_are_kept_by_server_workspace_and_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for server, workspace, name in [
        ("https://a.example", "w1", "Shouter"),
        ("https://a.example", "w2", "Other"),
        ("https://b.example", "w1", "Shouter"),
    ]:
        mine = identity(server=server, workspace_id=workspace, name=name)
        store.place(server, name, workspace).save(mine)
        found = store.find(server, name, None)
        assert found is not None
        assert found.load() == mine
    assert store.find("https://c.example", "Shouter", None) is None
    assert store.find("https://a.example", "Shouter", "w2") is None


def test_of_several_workspaces_one_must_be_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for workspace in ("w1", "w2"):
        place = store.place("https://a.example", "Shouter", workspace)
        place.save(identity(server="https://a.example", workspace_id=workspace))
    with pytest.raises(ConfigurationError, match="2 workspaces .* as workspace="):
        store.find("https://a.example", "Shouter", None)
    found = store.find("https://a.example", "Shouter", "w2")
    assert found is not None
    assert found == store.place("https://a.example", "Shouter", "w2")


def test_names_that_differ_in_signs_alone_are_not_taken_for_each_other(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.place("https://a.example", "My agent", "w1").save(
        identity(server="https://a.example", name="My agent")
    )
    assert store.find("https://a.example", "My/agent", None) is None
    places = {store.place("https://a.example", name, "w1") for name in ("My agent", "My/agent")}
    assert len(places) == 2


def test_credentials_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="cannot be read: remove it") as caught:
        Place(tmp_path).load()
    assert "\n" not in str(caught.value)


def test_no_repr_shows_a_token() -> None:
    assert "ttt" not in repr(identity())
    assert "uuu" not in repr(identity())


# --- exceptions -----------------------------------------------------------------------------------


def test_a_reason_names_the_exception_and_its_text() -> None:
    assert reason(ValueError("no such branch"), []) == "ValueError: no such branch"
    assert reason(TimeoutError(), []) == "TimeoutError"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://me:hunter22@host/x failed", "GET https://me:***@host/x failed"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("token=abcdef and more", "token=*** and more"),
        ('{"api_key": "abcdef"}', '{"api_key": "***"}'),
        ("the agent's own: 0123456789abcdef", "the agent's own: ***"),
        ("a key of the environment: sk-environment", "a key of the environment: ***"),
        ("a\x00b\ud800c", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"),
    ],
)
def test_a_reason_holds_no_secret(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    secrets = [Secret("0123456789abcdef")]
    assert reason(ValueError(text), secrets) == f"ValueError: {shown}"
    try:
        raise ValueError(text)
    except ValueError as error:
        logged = full_text(error, secrets)
    assert logged.startswith("Traceback")
    assert logged.endswith(f"ValueError: {shown}")


def test_a_reason_is_as_long_as_a_server_takes() -> None:
    assert len(reason(ValueError("x" * 100_000), [])) == LONGEST
