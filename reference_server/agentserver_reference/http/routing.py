"""Routing: a trie of path segments, in which literal segments precede parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

from agentserver_reference.domain.errors import NotFound, Refusal

T = TypeVar("T")

_REST = "...}"


class MethodNotAllowed(Refusal):
    """The path exists, but not with this method; `allow` lists its methods."""

    def __init__(self, allow: Iterable[str]) -> None:
        super().__init__("method not allowed")
        self.allow = ", ".join(sorted(allow))


class _Node(Generic[T]):
    __slots__ = ("any_segment", "methods", "names", "rest", "segments")

    def __init__(self) -> None:
        self.segments: dict[str, _Node[T]] = {}
        self.any_segment: _Node[T] | None = None
        self.rest: _Node[T] | None = None
        self.names: tuple[str, ...] = ()
        self.methods: dict[str, T] | None = None


class Router(Generic[T]):
    """Finds a target by path and method. Literal segments take precedence over parameters."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add_path(self, template: str) -> dict[str, T]:
        """Add a path such as `/api/workspaces/{workspace_id}`, and return its targets by method.

        A path without methods responds with 405 to all of them. A last segment such as `{path...}`
        stands for one or more segments, of which the last may be empty.
        """
        node, names = self._root, []
        for segment in template.split("/")[1:]:
            if segment.endswith(_REST):
                names.append(segment[1 : -len(_REST)])
                node.rest = node.rest or _Node()
                node = node.rest
            elif segment.startswith("{"):
                names.append(segment[1:-1])
                node.any_segment = node.any_segment or _Node()
                node = node.any_segment
            else:
                node = node.segments.setdefault(segment, _Node())
        if node.methods is None:
            node.methods, node.names = {}, tuple(names)
        elif node.names != tuple(names):
            raise ValueError(f"{template}: another path of this form names {node.names}")
        return node.methods

    def find(self, method: str, raw_path: bytes) -> tuple[T, dict[str, str]]:
        """Return the target and the decoded path parameters.

        Arguments:
            method: in upper case.
            raw_path: the path as it was sent, percent-encoded, so that `%2F` stays in its segment.

        Raises:
            NotFound: no such path.
            MethodNotAllowed: the path takes other methods.
        """
        segments = raw_path.decode("utf-8", "replace").split("/")[1:]
        if b"%" in raw_path or b"\0" in raw_path:
            segments = [_decode(segment) for segment in segments]
        found = _walk(self._root, segments, 0, ())
        if found is None:
            raise NotFound("not found")
        node, values = found
        methods = node.methods or {}
        if method not in methods:
            raise MethodNotAllowed(methods)
        return methods[method], dict(zip(node.names, values, strict=True))


def _walk(
    node: _Node[T], segments: list[str], position: int, values: tuple[str, ...]
) -> tuple[_Node[T], tuple[str, ...]] | None:
    if position == len(segments):
        return None if node.methods is None else (node, values)
    segment = segments[position]
    literal = node.segments.get(segment)
    if literal and (found := _walk(literal, segments, position + 1, values)):
        return found
    if (
        node.any_segment
        and segment
        and (found := _walk(node.any_segment, segments, position + 1, (*values, segment)))
    ):
        return found
    return (node.rest, (*values, "/".join(segments[position:]))) if node.rest else None


def _decode(segment: str) -> str:
    """Decode a segment. Bytes that no id contains become U+FFFD, so that the id is unknown."""
    return unquote(segment, errors="replace").replace("\0", "\ufffd")
