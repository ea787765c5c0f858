"""Arguments on their way to the wire: encoded as they are, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from agentserver._encode import body, hide, query
from agentserver._errors import ArgumentError
from agentserver._omit import OMIT
from agentserver._secret import Secret
from agentserver.models import LLMModel, WorkspaceRole

CYCLE: list[Any] = []
CYCLE.append(CYCLE)


def test_argument_left_out_is_not_sent_and_none_is_null() -> None:
    assert body({"a": OMIT, "b": None, "c": 0, "d": "", "e": False}) == {
        "b": None,
        "c": 0,
        "d": "",
        "e": False,
    }


def test_body_of_nothing_is_sent_only_where_one_is_due() -> None:
    assert body({"a": OMIT}, required=True) == {}
    assert body({"a": OMIT}, required=False) is OMIT


def test_models_mappings_enums_and_times_become_plain_json() -> None:
    sent = body(
        {
            "models": (LLMModel(id="a", name="A"), {"id": "b", "name": OMIT}),
            "role": WorkspaceRole.OWNER,
            "unknown": WorkspaceRole("viewer"),
            "at": datetime(2026, 11, 23, 10, tzinfo=UTC),
            "there": datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=8))),
        }
    )
    assert sent == {
        "models": [{"id": "a", "name": "A"}, {"id": "b"}],
        "role": "owner",
        "unknown": "viewer",
        "at": "2026-11-23T10:00:00Z",
        "there": "2026-11-23T10:00:00+08:00",
    }
    assert isinstance(sent, dict)
    assert type(sent["role"]) is str


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "^x: must be a finite number$"),
        ([1.0, float("inf")], r"^x\[1\]: must be a finite number$"),
        ({"y": float("-inf")}, r"^x\.y: must be a finite number$"),
        (b"bytes", "^x: a bytes has no form in JSON$"),
        ({1, 2}, "^x: a set has no form in JSON$"),
        ({1: 2}, "^x: its keys must be str, not int$"),
        (datetime(2026, 1, 1), "^x: must be a datetime with a time zone$"),  # noqa: DTZ001
        (CYCLE, "^x: is nested too deeply to be sent$"),
    ],
    ids=["nan", "inf", "-inf", "bytes", "set", "int key", "naive time", "cycle"],
)
def test_what_json_has_no_form_for_is_refused_by_name(value: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        body({"x": value})


def test_query_has_a_pair_for_each_item_and_none_for_what_is_left_out() -> None:
    assert query({"a": OMIT, "b": True, "c": 1.5, "d": ["x y", "z"], "e": []}) == (
        ("b", "true"),
        ("c", "1.5"),
        ("d", "x y"),
        ("d", "z"),
    )


@pytest.mark.parametrize("value", [None, {"a": 1}, [[1]], "\ud800", b"x", float("nan")], ids=repr)
def test_what_a_query_has_no_form_for_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^x"):
        query({"x": value})


def test_secret_is_hidden_once_and_what_is_not_sent_stays() -> None:
    secret = hide("hunter2")
    assert isinstance(secret, Secret)
    assert hide(secret) is secret
    assert hide(OMIT) is OMIT
    assert hide(None) is None
    assert "hunter2" not in repr(body({"password": secret}))


def test_secret_of_a_wrong_type_is_refused_without_being_shown() -> None:
    hidden = hide(b"hunter2")
    assert "hunter2" not in repr(hidden)
    with pytest.raises(ArgumentError, match=r"^password: must be a str, not bytes$"):
        body({"password": hidden})
