"""The body of an answer, put together within one bound on what it may unpack to."""

from __future__ import annotations

import zlib
from typing import Final

_GZIP: Final = 16 + zlib.MAX_WBITS
_PLAIN: Final = frozenset({"", "identity"})
_GZIPPED: Final = frozenset({"gzip", "x-gzip"})


class Body:
    """Takes the pieces of a body as they arrive, and unpacks them.

    Args:
        encoding: the answer's Content-Encoding.
        most: how many bytes it may come to.
    """

    def __init__(self, encoding: str, most: int) -> None:
        self._pieces: list[bytes] = []
        self._left = most
        self._gzip = None
        self.problem = ""
        """Why the body cannot be read; empty when it can."""
        names = [name.strip().lower() for name in encoding.split(",")]
        encodings = [name for name in names if name not in _PLAIN]
        if len(encodings) == 1 and encodings[0] in _GZIPPED:
            self._gzip = zlib.decompressobj(_GZIP)
        elif encodings:
            self.problem = "it is in an encoding that was not requested"

    def take(self, piece: bytes) -> bool:
        """Add the next piece; return whether to go on reading."""
        if self._gzip is not None:
            try:
                piece = self._gzip.decompress(piece, self._left + 1)
            except zlib.error:
                self.problem = "it is not gzip as declared"
        if len(piece) > self._left and not self.problem:
            self.problem = "it is larger than max_response_bytes allows"
        if self.problem:
            return False
        self._left -= len(piece)
        self._pieces.append(piece)
        return True

    def whole(self) -> bytes:
        """What was taken, when there is no more."""
        content = b"".join(self._pieces)
        if self._gzip is not None and self._pieces and not self._gzip.eof and not self.problem:
            self.problem = "it is gzip that ends too early"
        return b"" if self.problem else content
