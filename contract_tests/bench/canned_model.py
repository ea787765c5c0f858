"""A language model that streams its answer at once: what is left of a call is what is between.

`python canned_model.py PORT`.
"""

from __future__ import annotations

import asyncio
import json
import sys

EVENTS = 50
"""Deltas of an answer."""


def _event(data: dict[str, object]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_USAGE = {"input_tokens": 1, "output_tokens": EVENTS}
_MESSAGE = {"id": "msg_1", "type": "message", "model": "canned", "content": [], "usage": _USAGE}
_TEXT = {"type": "text_delta", "text": "A few words of an answer. "}
_BEGIN = _chunk(_event({"type": "message_start", "message": _MESSAGE}))
_DELTA = _chunk(_event({"type": "content_block_delta", "index": 0, "delta": _TEXT}))
_END = _chunk(
    _event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": _USAGE})
    + _event({"type": "message_stop"})
)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection."""
    while head := await _head(reader):
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        writer.write(_HEAD + _BEGIN)
        for _ in range(EVENTS):
            # Each leaves by itself, as those of a model do.
            await asyncio.sleep(0)
            writer.write(_DELTA)
        writer.write(_END + _chunk(b""))
    writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1])))
