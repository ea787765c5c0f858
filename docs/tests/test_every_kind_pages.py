"""The reference documents every kind of operation, with calls that work."""

from __future__ import annotations

import pytest
from every_kind_sdk import CONTRACT, ROOT, build_sdk, run_program

PROGRAM = """
import sys
from pathlib import Path
import index_page, schemas_page, tag_page
from agentserver_contract.contract.document import load

contract = load(Path({contract!r}))
pages = [tag_page.page(contract, "parcels"), index_page.page(contract), schemas_page.page(contract)]
sys.stdout.write("\\n".join(pages))
"""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The pages of the contract with every kind, one after the other."""
    sdk = build_sdk(tmp_path_factory.mktemp("every-kind"))
    program = PROGRAM.format(contract=str(CONTRACT))
    ran = run_program(program, sdk, ROOT / "docs/generator", ROOT / "contract_tests")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "shown",
    [
        # each success with its own example and result
        "**Response 201**",
        "**Response 202**",
        "returns [`ParcelQueued`](../sdk/models.md#agentserver.models.ParcelQueued)",
        "| returns `None` | No parcel is waiting.",
        # a redirect
        "returns the address in `Location` as `str`",
        "[`Location`](index.md#headers)",
        # parameters of every type
        '    label=["gift", "urgent"],',
        '    since=datetime.fromisoformat("2026-11-23T10:00:00Z"),',
        "min_weight=0.5&fragile=true&size=small&label=gift&label=urgent",
        "`Accept-Language` <small>header, optional</small>",
        "Called `accept_language` in the SDK.",
        "--header 'Idempotency-Key: order-17'",
        # credentials
        '--header "Authorization: Bearer $AGENTSERVER_TOKEN"',
        "the cookie `agentserver-token` or the bearer token `apiKey`",
    ],
)
def test_the_pages_show(text: str, shown: str) -> None:
    assert shown in text
