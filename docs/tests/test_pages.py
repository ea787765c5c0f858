"""Every block of every page is executed, top to bottom, against the page's own server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from pages import pages
from reader import Reader, sybil
from substitutions import ROOT, WHEEL, substitute
from sybil import Example
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
"""Every page that is written by hand."""

NO_SERVER = {
    "README.md",
    "docs/pages/index.md",
    "docs/pages/install.md",
    "docs/pages/quickstart.md",
    "docs/pages/guides/server.md",
}
"""Pages that start the server themselves."""

NO_ACCOUNT = {"docs/generator/speed.md"}
"""Pages that need a server only; every other page continues from the quickstart."""


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
    url = "postgresql://agentserver:...@db.example.com/agentserver"
    databases = {url: request.getfixturevalue("new_postgres_url")} if url in text else {}
    with Reader(tmp_path, databases) as reader:
        if name not in NO_SERVER:
            reader.start_server()
            if name not in NO_ACCOUNT:
                reader.sign_up()
        for example in sybil(reader).parse(page).examples():
            problem = _problem(example)
            if problem is not None:
                place = f"{name}:{example.line}"
                pytest.fail(f"{place}\n\n{problem}", pytrace=False)
        reader.finish()


def test_workflow_of_the_guide_has_valid_shell_scripts() -> None:
    text = (PAGES / "guides" / "contract-tests.workflow.yml").read_text(encoding="utf-8")
    assert WHEEL in text
    jobs = yaml.safe_load(text)["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert any("agentserver-contract gate" in script for script in scripts)
    for script in scripts:
        # Only parsed: a workflow has its own machine. A shell cannot parse `${{ }}`.
        plain = substitute(script).replace("${{ matrix.shard }}", "1")
        subprocess.run(["bash", "-n", "-c", plain], check=True)
