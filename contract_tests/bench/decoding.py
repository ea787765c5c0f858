"""The bytes of a list of workspaces made objects, times made `datetime`, by several libraries."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import Any

import msgspec
import pydantic
from canned import WORKSPACE
from measuring import Effort, Row, beside, in_turns
from stock_client import stock_client

from agentserver._generated.api.workspaces import list_workspaces
from agentserver._transport import Reply, decoded

_PYDANTIC, _STOCK = "pydantic v2", "the generated client"
_TARGETS = {_PYDANTIC: 1.3, _STOCK: 1.0, "msgspec": None, "json.loads alone": None}
_TARGET_OF_ONE = 2.0
"""Beside pydantic, for one object: what an answer costs however much it holds weighs more there."""
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


def readers(stock: ModuleType) -> dict[str, Callable[[bytes], Any]]:
    """What makes objects of an answer's bytes, by name; `stock` is the generated client."""
    from_dict = import_module(f"{stock.__name__}.models").Workspace.from_dict
    return {
        "SDK": _by_sdk,
        _STOCK: lambda body: [from_dict(item) for item in json.loads(body)],
        _PYDANTIC: pydantic.TypeAdapter(list[_Model]).validate_json,
        "msgspec": msgspec.json.Decoder(list[_Struct]).decode,
        "json.loads alone": json.loads,
    }


def answer(count: int) -> bytes:
    """What a server with so many workspaces answers."""
    items = [
        WORKSPACE | {"id": f"{WORKSPACE['id'][:-6]}{n:06}", "name": f"{WORKSPACE['name']} {n}"}
        for n in range(count)
    ]
    return json.dumps(items, separators=(",", ":")).encode()


def rows(effort: Effort) -> Iterator[Row]:
    """For each number of objects, beside each library."""
    with stock_client() as (stock, _):
        subjects = readers(stock)
    for count in effort.objects:
        body = answer(count)
        times = _OBJECTS_A_ROUND // count
        taken = in_turns(
            effort.rounds,
            {
                name: lambda read=read: _timed(read, body, times)  # noqa: B023 (used in this turn)
                for name, read in subjects.items()
            },
        )
        what = f"{count:,} object{'s' if count > 1 else ''}"
        targets = _TARGETS | ({_PYDANTIC: _TARGET_OF_ONE} if count == 1 else {})
        for name, target in targets.items():
            yield beside("decoding", what, "µs", taken["SDK"], name, taken[name], at_most=target)


def _by_sdk(body: bytes) -> Any:
    reply = Reply(200, {"content-type": "application/json"}, (), body)
    result, problem = decoded(list_workspaces.OPERATION, reply, "http://localhost", strict=False)
    assert problem is None, problem  # noqa: S101 (an answer of ours)
    return result


def _timed(read: Callable[[bytes], Any], body: bytes, times: int) -> float:
    gc.collect()  # all begin alike, and pay for what they leave behind
    started = time.process_time()
    for _ in range(times):
        read(body)
    return (time.process_time() - started) / times * 1e6
