"""Values to send: unusual legal ones up to the limits, and invalid ones just beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

FREE_OBJECTS: tuple[dict[str, Any], ...] = (
    {},
    {"purpose": "review"},
    {"a": [1, -1, 0.5, 2**53, None, True, {"b": {"": []}}], "ü": "two\nlines 😀", "0": "0"},
    {"nothing": None, "purpose": "review"},
    {"nothing": None},
    {"none": [], "empty": {}, "blank": "", "no": False, "zero": 0},
)
"""What is kept as it is given, whatever it says."""
NAMES = (
    "e\u0301 decomposed",
    "漢" * 255,
    "a",
    "x" * 255,
    "  blanks kept  ",
    "Ünïcödé 漢字 😀",
    "<&>\"'\\",
    "two\nlines",
    "null",
    "0",
)
BAD_NAMES = ("", "x" * 256, "a\0b")
KEYS = ("k", "12345678", "é" * 8, "ñ" * 7, "k-9-bytes", "sk-0123456789abcdef", "s" * 4096)
"""Of every length that a mask treats otherwise; none stands in what a server says of a token."""
ADDRESSES = (
    "https://models.example.com/v1/",
    "http://10.0.0.1:8000",
    "HTTPS://[::1]:443/?q=1#f",
)
BAD_ADDRESSES = (
    "ftp://models.example.com",
    "https://user:password@models.example.com",
    "https:///path",
    "models.example.com",
    "https://[AaF]",
    "https://[1:2]",
    "https://models.example.com/%zz",
    "https://models|example",
    "https://models.{example}",
)
PRIVATE_HOSTS = (
    *("10.0.0.1", "172.31.255.255", "192.168.0.1", "127.0.0.1", "169.254.169.254", "0.1.2.3"),
    *("127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "localhost."),
    *("[::1]", "[::]", "[fc00::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]"),
)
"""A server in a private network, in every spelling."""
MODELS: tuple[list[dict[str, str]], ...] = (
    [{"id": f"m{number}", "name": f"Model {number}"} for number in range(100)],
    [{"id": "m", "name": "Model"}],
    [{"id": "b", "name": "Second"}, {"id": "a", "name": "First"}, {"id": "b", "name": "Second"}],
)
COUNTS = (0, 1, 5, 2**31 - 1)
BYTES = (0, 1, 2**31, 2**53 - 1)
BAD_COUNTS = (-1, 2**31)


def in_zones(moment: datetime) -> Iterator[datetime]:
    """The same moment as clocks show it in several places of the world."""
    for zone in (UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=9, minutes=30))):
        yield moment.astimezone(zone)
