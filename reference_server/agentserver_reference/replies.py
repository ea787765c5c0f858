"""What a handler gives back."""

from __future__ import annotations

from typing import Any

import attrs

Headers = tuple[tuple[str, str], ...]


@attrs.frozen
class Reply:
    """A status, a body that is sent as JSON (`None`: no body), and extra headers."""

    status: int
    body: Any = None
    headers: Headers = ()
