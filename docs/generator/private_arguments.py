"""Leaves arguments that begin with an underscore out of the SDK's reference: they are its own."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Function


class PrivateArguments(Extension):
    """What mkdocstrings asks about every function that it reads."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Take the arguments away."""
        for name in [each.name for each in func.parameters if each.name.startswith("_")]:
            del func.parameters[name]
