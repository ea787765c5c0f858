"""How answers are decoded, and the error for one that is not what the contract says."""

from __future__ import annotations

from attrs import frozen


@frozen(eq=False, repr=False)
class Decoding:
    """How answers are decoded."""

    strict: bool = False
    """Whether an answer that breaks the contract raises instead of being read as it is."""


class DecodeError(Exception):
    """An answer is not what the contract says.

    Args:
        path: Where, as a JSON path: `$.items[3].role`.
        message: What is wrong there. It never contains the value, which may be a secret.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path} {self.message}"
