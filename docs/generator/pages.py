"""Every generated page, by its path below docs/pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import changelog_page
import departures_page
import go_types_page
import index_page
import schemas_page
import sdk_pages
import speed_page
import tag_page

from agentserver_contract.contract.document import load

RELEASE = "v0.64.12"
DEPARTURES = Path("contract_tests/agentserver_contract/departures")


def pages(root: Path) -> Mapping[str, str]:
    """The text of each page, generated from the files of the project at `root`."""
    contract = load(root / "openapi.yaml")
    return {
        "api/index.md": index_page.page(contract),
        **{f"api/{tag}.md": tag_page.page(contract, tag) for tag in contract.tags},
        "api/schemas.md": schemas_page.page(contract),
        "api/departures.md": departures_page.page(contract, root / DEPARTURES / f"{RELEASE}.toml"),
        "api/go-types.md": go_types_page.page(contract),
        "sdk/resources.md": sdk_pages.resources(contract),
        "sdk/models.md": sdk_pages.models(),
        "about/speed.md": speed_page.page(),
        "about/changelog.md": changelog_page.page(root / "CHANGELOG.md"),
    }
