"""`Page`: a list operation's items as an immutable sequence."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest

from agentserver.pagination import Page


def again(value: Any) -> Any:
    """The value, pickled and unpickled."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - written a moment ago


def test_page_is_a_sequence_in_the_order_given() -> None:
    page = Page(["a", "b", "c"])
    assert isinstance(page, Sequence)
    assert (len(page), page[0], page[-1], list(page), list(reversed(page))) == (
        3,
        "a",
        "c",
        ["a", "b", "c"],
        ["c", "b", "a"],
    )
    assert "b" in page
    assert "z" not in page
    assert page.index("c") == 2
    assert page.count("a") == 1


def test_page_is_false_only_when_it_is_empty() -> None:
    assert not Page[int]()
    assert Page([0])


def test_slice_of_a_page_is_a_page() -> None:
    part = Page(range(5))[1:4]
    assert isinstance(part, Page)
    assert part == [1, 2, 3]


def test_index_outside_a_page_raises() -> None:
    with pytest.raises(IndexError):
        Page([1])[1]


@pytest.mark.parametrize("other", [[1, 2], (1, 2), Page([1, 2]), range(1, 3)])
def test_page_equals_any_sequence_of_the_same_items(other: Sequence[int]) -> None:
    assert Page([1, 2]) == other
    assert other == Page([1, 2])


@pytest.mark.parametrize("other", [[1], [2, 1], "12", b"\x01\x02", {1, 2}, None, 7])
def test_page_differs_from_everything_else(other: object) -> None:
    assert Page([1, 2]) != other


def test_text_is_no_page_of_its_letters() -> None:
    assert Page(["a", "b"]) != "ab"


def test_page_cannot_be_changed() -> None:
    page = Page([1])
    for change in ("append", "clear", "insert", "__setitem__", "__delitem__"):
        assert not hasattr(page, change)
    with pytest.raises(AttributeError):
        page.has_more = True  # type: ignore[misc]


def test_equal_pages_have_equal_hashes() -> None:
    assert hash(Page([1, 2])) == hash(Page((1, 2)))


def test_page_says_whether_the_server_holds_more() -> None:
    assert Page([1]).has_more is False
    assert Page([1], has_more=True).has_more is True


def test_page_survives_pickle_and_deepcopy() -> None:
    page = Page([{"a": 1}], has_more=True)
    for copy in (again(page), deepcopy(page)):
        assert copy == page
        assert copy.has_more is True
        assert copy[0] is not page[0]


def test_repr_of_a_page_is_bounded() -> None:
    assert repr(Page([1, 2])) == "Page([1, 2])"
    assert repr(Page(range(1000))) == "Page([0, 1, 2, ... 997 more])"
    assert len(repr(Page(["x" * 10_000] * 10_000))) <= 1024
