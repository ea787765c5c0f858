"""The bytes of a list of workspaces made objects, times made `datetime`, by four libraries."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
import pydantic
from canned import WORKSPACE
from measuring import Effort, Row, beside, in_turns

from agentserver._generated.api.workspaces import list_workspaces
from agentserver._transport import Reply, decoded

_TARGETS = {"pydantic v2": 1.2, "msgspec": None, "json.loads alone": None}
_OBJECTS_A_ROUND = 20_000


class _Model(pydantic.BaseModel):
    id: str
    name: str
    created_at: datetime
    updated_at: datetime


class _Struct(msgspec.Struct):
    id: str
    name: str
    created_at: datetime
    updated_at: datetime


def readers() -> dict[str, Callable[[bytes], Any]]:
    """Who makes objects of an answer's bytes."""
    return {
        "SDK": _by_sdk,
        "pydantic v2": pydantic.TypeAdapter(list[_Model]).validate_json,
        "msgspec": msgspec.json.Decoder(list[_Struct]).decode,
        "json.loads alone": json.loads,
    }


def answer(count: int) -> bytes:
    """What a server answers who has so many workspaces."""
    items = [
        WORKSPACE | {"id": f"{WORKSPACE['id'][:-6]}{n:06}", "name": f"{WORKSPACE['name']} {n}"}
        for n in range(count)
    ]
    return json.dumps(items, separators=(",", ":")).encode()


def rows(effort: Effort) -> Iterator[Row]:
    """For each number of objects, beside each library."""
    for count in effort.objects:
        body = answer(count)
        times = _OBJECTS_A_ROUND // count
        subjects = {
            name: lambda read=read: _timed(read, body, times)  # noqa: B023 (used in this turn)
            for name, read in readers().items()
        }
        taken = in_turns(effort.rounds, subjects)
        what = f"{count:,} object{'s' if count > 1 else ''}"
        for name, target in _TARGETS.items():
            yield beside("decoding", what, "µs", taken["SDK"], name, taken[name], at_most=target)


def _by_sdk(body: bytes) -> Any:
    reply = Reply(200, {"content-type": "application/json"}, (), body)
    result, problem = decoded(list_workspaces.OPERATION, reply, strict=False)
    assert problem is None, problem  # noqa: S101 (an answer of ours)
    return result


def _timed(read: Callable[[bytes], Any], body: bytes, times: int) -> float:
    gc.collect()  # all begin alike; what they leave behind is theirs to pay for
    started = time.process_time()
    for _ in range(times):
        read(body)
    return (time.process_time() - started) / times * 1e6
