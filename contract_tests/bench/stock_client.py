"""The client that openapi-python-client makes of the contract by itself, with its own templates."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

from children import HERE

_CONTRACT = HERE.parents[1] / "openapi.yaml"
_PACKAGE = "stock_agentserver"


@contextmanager
def stock_client() -> Iterator[tuple[ModuleType, ModuleType]]:
    """Its package, and its module of the operation `get_workspace`."""
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as name:
        folder = Path(name)
        (folder / "settings.json").write_text(json.dumps({"post_hooks": []}))
        code = "from openapi_python_client.cli import app; app()"
        command = [sys.executable, "-c", code, "generate", "--meta", "none"]
        where = ["--path", str(_CONTRACT), "--output-path", str(folder / _PACKAGE)]
        subprocess.run(  # noqa: S603 (the generator, with options of our own)
            [*command, *where, "--config", str(folder / "settings.json")],
            check=True,
            capture_output=True,
        )
        sys.path.insert(0, name)
        try:
            yield (
                import_module(_PACKAGE),
                import_module(f"{_PACKAGE}.api.workspaces.get_workspace"),
            )
        finally:
            sys.path.remove(name)
