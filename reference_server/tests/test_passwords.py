"""Passwords are kept as Argon2id hashes, and a stranger's costs as much as a member's."""

import threading

import attrs
import pytest
from serving import serving

from agentserver_reference.domain import passwords
from agentserver_reference.domain.passwords import Cost, Passwords
from agentserver_reference.settings import Settings

pytestmark = pytest.mark.anyio

CHEAPEST = Cost(memory=8, passes=1, lanes=1)
DEARER = Cost(memory=16, passes=2, lanes=1)


async def test_a_hash_is_a_phc_string_of_the_cost_and_salted() -> None:
    kept = [await Passwords(CHEAPEST).hash("secret") for _ in range(2)]
    assert all(text.startswith("$argon2id$v=19$m=8,t=1,p=1$") for text in kept), kept
    assert kept[0] != kept[1], "two hashes of one password tell that it is one"


async def test_only_the_same_password_matches_to_the_last_byte() -> None:
    checker = Passwords(CHEAPEST)
    kept = await checker.hash("pass wörd 😀")
    assert await checker.verify("pass wörd 😀", kept)
    for other in ("pass wörd 😀 ", "pass wörd", "Pass wörd 😀", ""):
        assert not await checker.verify(other, kept), other


async def test_without_an_account_no_password_is_right_and_one_hash_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[str] = []
    matches = passwords._matches

    def counting(password: str, kept: str) -> bool:
        checked.append(kept)
        return matches(password, kept)

    checker = Passwords(CHEAPEST)
    kept = await checker.hash("secret")
    monkeypatch.setattr(passwords, "_matches", counting)
    assert not await checker.verify("secret", None)
    assert not await checker.verify("wrong", kept)
    assert len(checked) == 2, "a missing account must cost one check, as a wrong password does"
    assert checked[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The costs of the hashes that passwords are compared with, in their order."""
    costs: list[str] = []
    matches = passwords._matches

    def recording(password: str, stored: str) -> bool:
        costs.append(stored.split("$")[3])
        return matches(password, stored)

    monkeypatch.setattr(passwords, "_matches", recording)
    return costs


async def test_after_a_change_of_the_cost_every_attempt_computes_each_cost_in_use(
    compared: list[str],
) -> None:
    old = await Passwords(CHEAPEST).hash("secret")
    checker = Passwords(DEARER)
    new = await checker.hash("secret")
    await checker.add_costs([old])
    for password, stored, right in (
        ("secret", None, False),
        ("wrong", old, False),
        ("wrong", new, False),
        ("secret", old, True),
        ("secret", new, True),
    ):
        compared.clear()
        assert await checker.verify(password, stored) is right
        assert sorted(compared) == sorted([str(CHEAPEST), str(DEARER)]), (password, stored)


async def test_a_cost_that_another_process_has_introduced_is_computed_from_then_on(
    compared: list[str],
) -> None:
    foreign = await Passwords(DEARER).hash("secret")
    checker = Passwords(CHEAPEST)
    assert await checker.verify("secret", foreign)
    compared.clear()
    assert not await checker.verify("secret", None)
    assert sorted(compared) == sorted([str(CHEAPEST), str(DEARER)])


async def test_the_costs_of_a_database_are_in_use_from_the_start(
    settings: Settings, compared: list[str]
) -> None:
    account = {"email": "alice@example.com", "password": "a right password"}
    async with serving(settings) as client:
        assert (await client.post("/api/auth/register", json=account)).status_code == 201
    async with serving(attrs.evolve(settings, password_cost=str(DEARER))) as client:
        for attempt in (
            {"email": "nobody@example.com", "password": "a wrong password"},
            {"email": "alice@example.com", "password": "a wrong password"},
        ):
            compared.clear()
            assert (await client.post("/api/auth/login", json=attempt)).status_code == 401
            assert sorted(compared) == sorted([str(CHEAPEST), str(DEARER)])
        assert (await client.post("/api/auth/login", json=account)).status_code == 200
    # The login has stored a hash of the new cost, so the old one is in use no longer.
    async with serving(attrs.evolve(settings, password_cost=str(DEARER))) as client:
        compared.clear()
        assert (await client.post("/api/auth/login", json=account)).status_code == 200
        assert compared == [str(DEARER)]


async def test_a_hash_of_an_unknown_form_matches_no_password() -> None:
    assert not await Passwords(CHEAPEST).verify("secret", "$argon2i$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA")


async def test_hashing_happens_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    checker = Passwords(CHEAPEST)
    derive = checker._derive
    monkeypatch.setattr(
        checker,
        "_derive",
        lambda password: threads.append(threading.current_thread()) or derive(password),
    )
    await checker.hash("secret")
    assert threads
    assert threads[0] is not threading.current_thread()


async def test_a_hash_of_another_cost_still_matches_and_is_outdated() -> None:
    kept = await Passwords(CHEAPEST).hash("secret")
    dearer = Passwords(DEARER)
    assert await dearer.verify("secret", kept)
    assert dearer.outdated(kept)
    assert not dearer.outdated(await dearer.hash("secret"))


@pytest.mark.parametrize("text", ["", "m=8", "m=8,t=1,p=x", "t=1,m=8,p=1", "m=8,t=1,p=1,"])
def test_a_cost_is_written_as_phc_strings_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="must look like m=19456,t=2,p=1"):
        Cost.parse(text)
    assert str(Cost.parse("m=8,t=2,p=3")) == "m=8,t=2,p=3"
