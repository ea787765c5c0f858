"""Requests that the SDK does not make."""

from __future__ import annotations

from agentserver_contract.contract.schemas import MAX_BODY_BYTES, MAX_NESTING, REQUEST_ID
from agentserver_contract.model.action import (
    Choose,
    a_room,
    has_room,
    may_change_defaults,
    one_of,
    transition,
)
from agentserver_contract.model.run import Play
from agentserver_contract.model.setup import allow_one_more
from agentserver_contract.model.state import LIMITS, Broken


@transition(has_room)
def bodies_are_read_as_promised(play: Play, choose: Choose) -> None:
    """Media types, sizes, depth, repeated and unknown keys."""
    room, place = a_room(play, choose), "workspaces.rename"
    who, target = one_of(room, choose, "owner"), f"/api/workspaces/{room.id}"
    body = b'{"name": "raw"}'
    for media_type in ("", "application/json; charset=utf-8", "Application/JSON"):
        play.raw(place, who, target, body, headers={"content-type": media_type}, status=200)
    for media_type in ("text/plain", "application/merge-patch+json", "application/jsonx"):
        play.raw(place, who, target, body, headers={"content-type": media_type}, status=415)
    start, end = b'{"name": "raw", "padding": "', b'"}'
    for size, status in ((MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)):
        padding = b"x" * (size - len(start) - len(end))
        play.raw(place, who, target, start + padding + end, status=status)
    for depth, status in ((MAX_NESTING - 1, 200), (MAX_NESTING, 400)):
        nested = b"[" * depth + b"]" * depth
        play.raw(place, who, target, b'{"name": "raw", "padding": ' + nested + b"}", status=status)
    twice = b'{"name": "first", "name": "last", "Name": "other", "id": "mine", "role": "admin"}'
    for text, status in ((b'{"Name": "x"}', 400), (b'{"name": "\\ud800"}', 400), (twice, 200)):
        play.raw(place, who, target, text, status=status)
    room.name = "last"
    room.renamed.moves()


@transition(has_room)
def an_id_is_the_servers_to_give(play: Play, choose: Choose) -> None:
    allow_one_more(play, "outsider")
    place = "workspaces.create"
    body = b'{"name": "mine", "id": "mine", "created_at": "2000-01-01T00:00:00Z", "owner": "x"}'
    made = play.raw(place, "outsider", "/api/workspaces", body, status=201).json()
    play.gone.append(made["id"])
    play.call("outsider", "workspaces.delete", made["id"])
    if made["id"] == "mine" or made["created_at"].startswith("2000"):
        raise Broken(place, "fields that the contract does not know are ignored", made)


@transition(has_room)
def whole_numbers_stay_whole(play: Play, choose: Choose) -> None:
    room, place = a_room(play, choose), "admin.workspaces.quota.set"
    target = f"/api/admin/workspaces/{room.id}/quota"
    play.raw(place, "admin", target, b'{"max_sandboxes": 7.0, "max_total_cpu": 1e2}', status=204)
    room.overrides = (room.overrides or dict.fromkeys(LIMITS)) | {
        "max_sandboxes": 7,
        "max_total_cpu": 100,
    }
    room.overridden.moves()
    shown = play.raw("admin.workspaces.quota.get", "admin", target, status=200)
    if b".0" in shown.body:
        raise Broken("admin.workspaces.quota.get", "a whole number is shown as one", shown)
    play.raw(place, "admin", target, b'{"max_sandboxes": 7.5}', status=400)


@transition(may_change_defaults)
def whole_numbers_stay_whole_in_defaults(play: Play, choose: Choose) -> None:
    place, target = "admin.quota_defaults.set", "/api/admin/quotas/defaults"
    name = choose([name for name in play.defaults if name != "max_workspaces_per_user"])
    for text, value in ((b"9.0", 9), (b"3e2", 300)):
        body = b'{"%s": %s}' % (name.encode(), text)
        shown = play.raw(place, "admin", target, body, status=200)
        play.defaults[name] = value
        if b".0" in shown.body:
            raise Broken(place, "a whole number is shown as one", shown)
        play.call("admin", "admin.quota_defaults.get")


@transition(has_room)
def paths_are_read_as_promised(play: Play, choose: Choose) -> None:
    room, place = a_room(play, choose), "workspaces.get"
    who = one_of(room, choose, "owner")
    encoded = f"%{ord(room.id[0]):02X}{room.id[1:]}"
    play.raw(place, who, f"/api/workspaces/{encoded}", status=200)
    for odd in (f"{room.id}%2Fmembers", f"{room.id}%00", "%FF", "%2E%2E", "x" * 3000):
        play.raw(place, who, f"/api/workspaces/{odd}", status=403)
    for unknown in (f"{room.id}/", f"{room.id}/nothing", "/members", f"{room.id}//members"):
        play.raw(place, who, f"/api/workspaces/{unknown}", status=404)
    answer = play.raw(place, who, f"/api/workspaces/{room.id}", method="PUT", status=405)
    if sorted((answer.header("allow") or "").split(", ")) != ["DELETE", "GET", "PATCH"]:
        raise Broken(place, "Allow names what the path takes", answer.as_text())
    play.raw(place, who, f"/api/workspaces/{room.id}", method="HEAD", status=405)


@transition()
def every_answer_has_a_request_id(play: Play, choose: Choose) -> None:
    place, seen = "auth.me", []
    own = "own-id_1.~X"
    for given in (own, "x" * 128, "", "", "with blank", "x" * 129, 'quote"'):
        for who, status in (("owner", 200), (None, 401)):
            answer = play.raw(
                place, who, "/api/auth/me", headers={"x-request-id": given}, status=status
            )
            came = answer.header("x-request-id") or ""
            sane = bool(REQUEST_ID.fullmatch(given))
            if (came == given) != sane or not came:
                raise Broken(place, "X-Request-Id is kept if it is sane", (given, came))
            if answer.header("x-content-type-options") != "nosniff":
                raise Broken(place, "every answer is nosniff", answer.as_text())
            seen += [] if sane else [came]
    if len(set(seen)) != len(seen):
        raise Broken(place, "a new X-Request-Id is new", seen)
