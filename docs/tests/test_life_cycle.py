"""The states of sandboxes are shown as the server has them."""

from substitutions import ROOT

from agentserver_reference.domain.sandboxes import life_cycle_table


def test_the_guide_shows_the_servers_own_table() -> None:
    guide = ROOT / "docs" / "pages" / "guides" / "sandboxes.md"
    assert life_cycle_table() in guide.read_text(encoding="utf-8")
