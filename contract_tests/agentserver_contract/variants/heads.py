"""Heads of requests that are no HTTP, or too much of it, and the status that refuses each."""

from __future__ import annotations

from dataclasses import dataclass

_LONG = 2 * 1024**2
"""Bytes: more than any server reads by default, and more than ours can be set to."""


@dataclass(frozen=True)
class BadHead:
    """A head, in which `{path}` and `{host}` stand for those of the request."""

    name: str
    status: int
    text: str
    repeated: str = ""
    """What follows again and again, and never ends."""

    def sent(self, path: str, host: str) -> bytes:
        """The bytes of a request."""
        text = self.text.format(path=path, host=host)
        times = _LONG // len(self.repeated) if self.repeated else 0
        return (text + self.repeated * times).encode("latin-1")


_LINE, _HOST, _END = "GET {path} HTTP/1.1\r\n", "Host: {host}\r\n", "\r\n"

UNFINISHED = BadHead("a head that is never finished", 408, _LINE + _HOST)
"""What a server gives up after a while."""

HEADS = (
    BadHead("no Host", 400, _LINE + _END),
    BadHead("two Hosts", 400, _LINE + _HOST + _HOST + _END),
    BadHead("a request line of one word", 400, "nonsense\r\n" + _HOST + _END),
    BadHead("a request line with another protocol", 400, "GET {path} HTTQ/1.1\r\n" + _HOST + _END),
    BadHead("bytes that are no text", 400, "\x16\x03\x01\x02\xff\r\n\r\n"),
    BadHead("a header without a colon", 400, _LINE + _HOST + "nonsense\r\n" + _END),
    BadHead("a header with a blank before its colon", 400, _LINE + _HOST + "A : b\r\n" + _END),
    BadHead("a header with a NUL", 400, _LINE + _HOST + "A: b\x00c\r\n" + _END),
    BadHead("a length that is no number", 400, _LINE + _HOST + "Content-Length: x\r\n" + _END),
    BadHead(
        "two lengths",
        400,
        _LINE + _HOST + "Content-Length: 2\r\nContent-Length: 3\r\n" + _END + "{{}}",
    ),
    BadHead(
        "a length of a body in chunks",
        400,
        _LINE + _HOST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + _END + "0\r\n\r\n",
    ),
    BadHead("a request line too long", 431, "GET {path}?", repeated="a"),
    BadHead("a header too long", 431, _LINE + _HOST + "A: ", repeated="b"),
    BadHead("too many headers", 431, _LINE + _HOST, repeated=f"A: {'b' * 59}\r\n"),
)
