"""Omits arguments that begin with an underscore from the SDK's reference: they are private."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Function


class PrivateArguments(Extension):
    """A Griffe extension, which mkdocstrings calls for every function."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Remove the private arguments."""
        for name in [each.name for each in func.parameters if each.name.startswith("_")]:
            del func.parameters[name]
