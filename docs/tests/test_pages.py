"""Every block of every page is run, top to bottom, against a server of the page's own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from instead import ROOT, in_place
from pages import pages
from reader import Reader
from sybil import Example, Sybil
from sybil.example import SybilFailure

PAGES = ROOT / "docs" / "pages"
WRITTEN = {
    str(page.relative_to(ROOT)): page
    for page in (
        ROOT / "README.md",
        *sorted({*PAGES.rglob("*.md")} - {PAGES / path for path in pages(ROOT)}),
        ROOT / "docs" / "generator" / "speed.md",
    )
}
"""Every page but those made from data."""

NO_SERVER = {"docs/pages/quickstart.md", "docs/pages/guides/server.md"}
"""Pages that start it themselves."""

NO_ACCOUNT = {"README.md", "docs/pages/index.md", "docs/generator/speed.md"}
"""Pages that run a server and say no more; every other one goes on where the quickstart ends."""


def _problem(example: Example) -> str | None:
    try:
        example.evaluate()
    except SybilFailure as failure:
        return failure.result
    return None


@pytest.mark.parametrize("name", WRITTEN)
def test_page_does_what_it_shows(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    page = WRITTEN[name]
    text = page.read_text(encoding="utf-8")
    for command in ("bash", "curl", "openssl"):
        if f"{command} " in text and shutil.which(command) is None:
            pytest.skip(f"the page uses {command}, which is not installed here")
    shown = "postgresql://agentserver:...@db.example.com/agentserver"
    databases = {shown: request.getfixturevalue("new_postgres_url")} if shown in text else {}
    # Those of the README are the commands of CI itself, which test_packaging sees to.
    skipped = "console" if name == "README.md" else None
    with Reader(tmp_path, databases, skipped) as reader:
        if name not in NO_SERVER:
            reader.start_server()
            if name not in NO_ACCOUNT:
                reader.sign_up()
        for example in Sybil([reader.parse]).parse(page).examples():
            problem = _problem(example)
            if problem is not None:
                place = f"{name}:{example.line}"
                pytest.fail(f"{place}\n\n{problem}", pytrace=False)
        reader.finish()


def test_workflow_of_the_guide_has_steps_that_can_be_run() -> None:
    text = (PAGES / "guides" / "contract-tests.workflow.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert any("agentserver-contract gate" in script for script in scripts)
    for script in scripts:
        # Not run: a workflow has a machine of its own. In shells, `${{ }}` is no word.
        plain = in_place(script).replace("${{ matrix.shard }}", "1")
        subprocess.run(["bash", "-n", "-c", plain], check=True)
