"""The states of sandboxes and tasks are shown as the server has them."""

import pytest
from substitutions import ROOT

from agentserver_reference.domain import sandboxes, tasks


@pytest.mark.parametrize(
    ("page", "table"),
    [
        ("sandboxes.md", sandboxes.life_cycle_table()),
        ("operate-agents.md", tasks.life_cycle_table()),
    ],
    ids=["sandboxes", "tasks"],
)
def test_the_guide_shows_the_servers_own_table(page: str, table: str) -> None:
    guide = ROOT / "docs" / "pages" / "guides" / page
    assert table in guide.read_text(encoding="utf-8")
