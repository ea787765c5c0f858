"""The frames of codex's relay. Only the addresses are read: what they carry is encrypted."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from google.protobuf.message import Message

LONGEST_STREAM_ID = 128
"""Bytes of a stream's id that codex accepts."""

_VERSION = 1
_FIELDS = {
    "Reset": {"reason": (1, "TYPE_STRING")},
    "Frame": {
        "version": (1, "TYPE_UINT32"),
        "stream_id": (2, "TYPE_STRING"),
        "reset": (8, "TYPE_MESSAGE"),
    },
}
"""The fields of each message that are looked at, by number and type. Others remain as they are."""


@attrs.frozen
class Address:
    """Where a frame belongs."""

    stream_id: str
    is_last: bool
    """Whether the stream ends with it."""


def read(frame: bytes) -> Address | None:
    """Return where a frame belongs; None if that cannot be read."""
    from google.protobuf.message import DecodeError

    message: Any = _frame_class()()
    try:
        message.ParseFromString(frame)
    except DecodeError:
        return None
    stream_id: str = message.stream_id
    if not 0 < len(stream_id.encode()) <= LONGEST_STREAM_ID:
        return None
    return Address(stream_id, message.HasField("reset"))


def reset(stream_id: str, reason: str) -> bytes:
    """Return the frame that ends a stream."""
    message: Any = _frame_class()(version=_VERSION, stream_id=stream_id)
    message.reset.reason = reason
    encoded: bytes = message.SerializeToString()
    return encoded


@cache
def _frame_class() -> type[Message]:
    """Return the class of frames. The library is imported with the first of them."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="relay.proto", package="relay", syntax="proto3")
    field_types = descriptor_pb2.FieldDescriptorProto.Type
    for name, fields in _FIELDS.items():
        described = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            described.field.add(
                name=field,
                number=number,
                type=field_types.Value(kind),
                label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
                type_name=f".relay.{field.title()}" if kind == "TYPE_MESSAGE" else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("relay.Frame"))
