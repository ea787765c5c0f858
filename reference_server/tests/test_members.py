"""Members of a workspace, over HTTP, on both databases."""

import attrs
import pytest
from people import ReferenceServer, User, error_of, ok

pytestmark = pytest.mark.anyio

FORBIDDEN = (403, "insufficient permissions")
LAST_OWNER = (409, "the workspace must keep an owner")


@attrs.frozen
class Team:
    """A workspace's path, and a member of each role."""

    path: str
    owner: User
    maintainer: User
    developer: User
    guest: User
    stranger: User


@pytest.fixture
async def team(server: ReferenceServer) -> Team:
    owner = await server.create_user("owner@example.com")
    path = f"/api/workspaces/{await owner.create_workspace()}"
    people = {"owner": owner}
    for role in ("maintainer", "developer", "guest"):
        person = people[role] = await server.create_user(f"{role}@example.com")
        ok(await owner.request("POST", f"{path}/members", {"email": person.email, "role": role}))
    return Team(path=path, stranger=await server.create_user("stranger@example.com"), **people)


async def roles(team: Team) -> dict[str, str]:
    listed = await team.guest.read(f"{team.path}/members")
    return {member["email"].partition("@")[0]: member["role"] for member in listed}


async def test_members_are_listed_in_the_order_they_came(team: Team) -> None:
    assert list((await roles(team)).items()) == [
        ("owner", "owner"),
        ("maintainer", "maintainer"),
        ("developer", "developer"),
        ("guest", "guest"),
    ]


async def test_an_added_member_is_a_developer_by_default(team: Team) -> None:
    added = ok(
        await team.maintainer.request(
            "POST", f"{team.path}/members", {"email": "STRANGER@example.com"}
        )
    )
    assert added.status_code == 201
    assert added.json() == {
        "user_id": team.stranger.id,
        "email": "stranger@example.com",
        "role": "developer",
        "picture": None,
    }
    ok(await team.stranger.get(team.path))


async def test_adding_a_member_twice_is_a_conflict_and_changes_nothing(team: Team) -> None:
    again = {"email": team.guest.email, "role": "maintainer"}
    refused = await team.owner.request("POST", f"{team.path}/members", again)
    assert error_of(refused) == (409, "already a workspace member")
    assert (await roles(team))["guest"] == "guest"


async def test_an_address_without_an_account_cannot_be_added(team: Team) -> None:
    refused = await team.owner.request("POST", f"{team.path}/members", {"email": "no@example.com"})
    assert error_of(refused) == (404, "user not found")


async def test_a_maintainer_cannot_make_an_owner(team: Team) -> None:
    owner = {"email": team.stranger.email, "role": "owner"}
    assert (
        error_of(await team.maintainer.request("POST", f"{team.path}/members", owner)) == FORBIDDEN
    )
    assert "stranger" not in await roles(team)
    ok(await team.owner.request("POST", f"{team.path}/members", owner))


async def test_only_an_owner_changes_roles_and_removes(team: Team) -> None:
    target = f"{team.path}/members/{team.guest.id}"
    for person in (team.maintainer, team.developer, team.guest):
        assert error_of(await person.request("PUT", target, {"role": "developer"})) == FORBIDDEN
        assert error_of(await person.request("DELETE", target)) == FORBIDDEN
    assert (await roles(team))["guest"] == "guest"


async def test_a_new_role_counts_from_the_next_request(team: Team) -> None:
    rename = ("PATCH", team.path, {"name": "renamed"})
    assert error_of(await team.guest.request(*rename)) == FORBIDDEN
    promoted = await team.owner.request(
        "PUT", f"{team.path}/members/{team.guest.id}", {"role": "maintainer"}
    )
    assert promoted.status_code == 204
    ok(await team.guest.request(*rename))


async def test_the_role_of_a_user_who_is_not_a_member_is_not_found(team: Team) -> None:
    refused = await team.owner.request(
        "PUT", f"{team.path}/members/{team.stranger.id}", {"role": "guest"}
    )
    assert error_of(refused) == (404, "user is not a workspace member")


async def test_removing_ends_the_membership_and_answers_the_same_again(team: Team) -> None:
    target = f"{team.path}/members/{team.developer.id}"
    for _ in range(2):
        assert (await team.owner.request("DELETE", target)).status_code == 204
    assert error_of(await team.developer.get(team.path)) == (403, "not a workspace member")
    ok(await team.developer.get("/api/auth/check"))


async def test_the_last_owner_can_neither_leave_nor_step_down(team: Team) -> None:
    myself = f"{team.path}/members/{team.owner.id}"
    assert error_of(await team.owner.request("DELETE", myself)) == LAST_OWNER
    assert error_of(await team.owner.request("PUT", myself, {"role": "guest"})) == LAST_OWNER
    ok(await team.owner.request("PUT", myself, {"role": "owner"}))
    assert (await roles(team))["owner"] == "owner"


async def test_an_owner_may_go_while_another_stays(team: Team) -> None:
    second = f"{team.path}/members/{team.guest.id}"
    ok(await team.owner.request("PUT", second, {"role": "owner"}))
    ok(await team.owner.request("DELETE", f"{team.path}/members/{team.owner.id}"))
    assert error_of(await team.guest.request("DELETE", second)) == LAST_OWNER


@pytest.mark.parametrize("user_id", ["no%00body", "%FF", "x" * 4000])
async def test_an_id_that_cannot_exist_is_unknown(team: Team, user_id: str) -> None:
    target = f"{team.path}/members/{user_id}"
    assert (await team.owner.request("DELETE", target)).status_code == 204
    refused = await team.owner.request("PUT", target, {"role": "guest"})
    assert error_of(refused) == (404, "user is not a workspace member")
