"""Every kind of operation that a contract may have, generated and called like the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from every_kind_sdk import build_sdk, run_program

# Each promise runs as a program of its own, where the SDK is that of the contract with every kind.
BEGINNING = """
import asyncio
from datetime import UTC, datetime
import httpx
from agentserver import ArgumentError, AsyncClient, Client, MissingCredential
from agentserver import ResponseValidationError
from agentserver.models import Parcel, ParcelQueued

PARCEL = {"id": "p", "weight": 1.5, "size": "small", "sent_at": "2026-11-23T10:00:00Z"}
sent = []

def answering(status, **content):
    def answer(request):
        sent.append(request)
        return httpx.Response(status, **content)
    return httpx.MockTransport(answer)

def client(status, *, session="s", strict=False, **content):
    given = {"session": session} if session else {"token": "pak_1"}
    given |= {"transport": answering(status, **content), "strict": strict, "max_retries": 0}
    return Client("https://post.example", **given)

def raised(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
"""

PROMISES = {
    "each documented success gives its own type": """
with client(201, json=PARCEL) as api:
    assert type(api.parcels.send(idempotency_key="k", size="small")) is Parcel
with client(202, json={"position": 3}) as api:
    queued = api.parcels.send(idempotency_key="k", size="small")
    assert type(queued) is ParcelQueued and queued.position == 3
with client(204, session=None) as api:
    assert api.parcels.next() is None
with client(200, session=None, json=PARCEL) as api:
    assert api.parcels.next().weight == 1.5
""",
    "an undocumented success is read like the first one, unless strict": """
with client(200, json=PARCEL) as api:
    assert type(api.parcels.send(idempotency_key="k", size="small")) is Parcel
with client(200, json=PARCEL, strict=True) as api:
    error = raised(ResponseValidationError, api.parcels.send, idempotency_key="k", size="small")
    assert "has status 200, not 201 or 202" in str(error), error
""",
    "a redirect that is the success is returned and never followed": """
with client(302, headers={"Location": "/counters/4?state=x"}) as api:
    assert api.parcels.collect("p") == "https://post.example/counters/4?state=x"
    assert len(sent) == 1
with client(302, headers={"Location": "https://elsewhere.example/a"}) as api:
    assert api.parcels.collect("p") == "https://elsewhere.example/a"
with client(302) as api:
    assert "Location" in str(raised(ResponseValidationError, api.parcels.collect, "p"))

async def collect():
    transport = answering(302, headers={"Location": "/counters/5"})
    async with AsyncClient("https://post.example", session="s", transport=transport) as api:
        return await api.parcels.collect("p")

assert asyncio.run(collect()) == "https://post.example/counters/5"
""",
    "query parameters of every type are sent as the contract writes them": """
with client(200, json=[PARCEL]) as api:
    page = api.parcels.list(limit=10, min_weight=0.5, fragile=True, size="small",
        label=["gift", "ur gent"], since=datetime(2026, 11, 23, 10, tzinfo=UTC),
        sender_id="7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11")
    assert [parcel.id for parcel in page] == ["p"]
query = sent[0].url.query.decode()
assert query == (
    "limit=10&min_weight=0.5&fragile=true&size=small&label=gift&label=ur%20gent"
    "&since=2026-11-23T10%3A00%3A00Z&sender_id=7e7a4f6c-1f5e-4d0a-9a51-2f1c8a0c7d11"), query
""",
    "a header parameter is a header, and what no header can carry is refused": """
with client(200, json=[]) as api:
    api.parcels.list(accept_language="de-AT")
    assert sent[-1].headers["Accept-Language"] == "de-AT"
    api.parcels.list()
    assert "Accept-Language" not in sent[-1].headers
    for bad in ("", " en", "en ", "e" + chr(10) + "n", "ü", chr(127), chr(0xd800)):
        error = raised(ArgumentError, api.parcels.list, accept_language=bad)
        assert "Accept-Language" in str(error), error
    assert len(sent) == 2
""",
    "the credential is one that the operation takes": """
with client(200, json=PARCEL) as api:
    api.parcels.get("p")
    assert sent[-1].headers["Cookie"] == "agentserver-token=s"
    assert "Authorization" not in sent[-1].headers
    assert "token=" in str(raised(MissingCredential, api.parcels.next))
with client(200, session=None, json=PARCEL) as api:
    api.parcels.get("p")
    assert sent[-1].headers["Authorization"] == "Bearer pak_1"
    assert "Cookie" not in sent[-1].headers
    assert "session=" in str(raised(MissingCredential, api.parcels.collect, "p"))
""",
}


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK of the contract with every kind."""
    return build_sdk(tmp_path_factory.mktemp("every-kind"))


@pytest.mark.parametrize("promise", PROMISES)
def test_for_every_kind_of_operation(sdk: Path, promise: str) -> None:
    ran = run_program(BEGINNING + PROMISES[promise], sdk)
    assert ran.returncode == 0, f"{promise}\n{ran.stderr}"
