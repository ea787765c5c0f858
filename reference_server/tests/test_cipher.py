"""Stored secrets can be read with their key, in their place, unaltered, and not otherwise."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentserver_reference.domain.cipher import Cipher, Undecipherable
from agentserver_reference.domain.llm_config import masked
from agentserver_reference.storage.keyfile import InvalidKeyFile, read_or_create_key

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def test_a_secret_comes_back() -> None:
    cipher = Cipher(KEY)
    for secret in ("", "sk-0123", "schlüssel 😀"):
        stored = cipher.encrypt(secret, row="w", column="c")
        assert cipher.decrypt(stored, row="w", column="c") == secret


def test_a_stored_secret_tells_neither_itself_nor_that_it_is_the_same_again() -> None:
    cipher = Cipher(KEY)
    stored = [cipher.encrypt("sk-0123", row="w", column="c") for _ in range(2)]
    assert "sk-0123" not in "".join(stored)
    assert stored[0] != stored[1]


@pytest.mark.parametrize(("row", "column"), [("v", "c"), ("w", "d"), ("c", "w"), ("", "")])
def test_a_secret_moved_elsewhere_is_not_read(row: str, column: str) -> None:
    cipher = Cipher(KEY)
    stored = cipher.encrypt("sk-0123", row="w", column="c")
    with pytest.raises(Undecipherable, match="does not belong to this row"):
        cipher.decrypt(stored, row=row, column=column)


def test_an_altered_secret_is_not_read() -> None:
    cipher = Cipher(KEY)
    key_id, _, text = cipher.encrypt("sk-0123", row="w", column="c").partition(".")
    altered = f"{key_id}.{'B' if text[0] == 'A' else 'A'}{text[1:]}"
    with pytest.raises(Undecipherable):
        cipher.decrypt(altered, row="w", column="c")


def test_another_key_is_named_as_the_reason() -> None:
    stored = Cipher(KEY).encrypt("sk-0123", row="w", column="c")
    with pytest.raises(Undecipherable) as refused:
        Cipher(OTHER_KEY).decrypt(stored, row="w", column="c")
    assert Cipher(KEY).key_id in str(refused.value)
    assert Cipher(OTHER_KEY).key_id in str(refused.value)


def test_no_key_shows_in_a_cipher() -> None:
    cipher = Cipher(KEY)
    assert "kkkk" not in repr(cipher) + str(vars(cipher))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match=f"it has {length}"):
        Cipher(bytes(length))


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = read_or_create_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_create_key(path) == key
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"], "a draft was left behind"


def test_many_who_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: read_or_create_key(path), range(32)))
    assert len(keys) == 1


@pytest.mark.parametrize("content", [b"", b"abc", b"zz" * 32, b"6b" * 31, b"\xff\xfe"])
def test_a_file_that_holds_no_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(InvalidKeyFile, match=r"secret\.key: must contain 32 bytes"):
        read_or_create_key(path)
    assert path.read_bytes() == content, "what was there was overwritten"


@pytest.mark.parametrize(
    ("api_key", "shown"),
    [
        ("x", "****"),
        ("12345678", "****"),
        ("123456789", "123...6789"),
        ("ääää", "****"),
        ("äääää", "****"),
        ("äääääääää", "äää...ääää"),
        ("sk-0123456789abcdef", "sk-...cdef"),
        ("😀😀😀", "****"),
    ],
)
def test_an_api_key_is_shown_by_its_ends_in_whole_characters(api_key: str, shown: str) -> None:
    assert masked(api_key) == shown


def test_the_key_is_made_on_a_file_system_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", no_links)
    path = tmp_path / "secret.key"
    assert read_or_create_key(path) == read_or_create_key(path)
    assert list(tmp_path.iterdir()) == [path]
