"""The bytes of a list of workspaces made objects, times made `datetime`, by several libraries."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
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


def readers(stock: ModuleType, body: bytes) -> dict[str, Callable[[], Any]]:
    """What makes objects of the bytes of an answer, by name.

    Args:
        stock: The generated client.
        body: The answer's bytes. The objects that the two clients wrap it in are made before.
    """
    from_dict = import_module(f"{stock.__name__}.models").Workspace.from_dict
    reply = Reply(200, {"content-type": "application/json"}, (), body)
    return {
        "SDK": lambda: _by_sdk(reply),
        _STOCK: lambda: [from_dict(item) for item in json.loads(body)],
        _PYDANTIC: partial(pydantic.TypeAdapter(list[_Model]).validate_json, body),
        "msgspec": partial(msgspec.json.Decoder(list[_Struct]).decode, body),
        "json.loads alone": partial(json.loads, body),
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
        subjects = {count: readers(stock, answer(count)) for count in effort.objects}
    for count, reads in subjects.items():
        times = _OBJECTS_A_ROUND // count
        taken = in_turns(
            effort.rounds, {name: partial(_timed, read, times) for name, read in reads.items()}
        )
        what = f"{count:,} object{'s' if count > 1 else ''}"
        targets = _TARGETS | ({_PYDANTIC: _TARGET_OF_ONE} if count == 1 else {})
        for name, target in targets.items():
            yield beside("decoding", what, "µs", taken["SDK"], name, taken[name], at_most=target)


def _by_sdk(reply: Reply) -> Any:
    result, problem = decoded(list_workspaces.OPERATION, reply, "http://localhost", strict=False)
    assert problem is None, problem  # noqa: S101 (an answer of ours)
    return result


def _timed(read: Callable[[], Any], times: int) -> float:
    gc.collect()  # all begin alike, and pay for what they leave behind
    started = time.process_time()
    for _ in range(times):
        read()
    return (time.process_time() - started) / times * 1e6
