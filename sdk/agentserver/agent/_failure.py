"""What is said of an exception: its text without secrets, for the server and for the log."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable
from typing import Final

from agentserver._secret import HIDDEN, Secret, scrub

LONGEST: Final = 2000
"""Characters of a failure's reason; the rest is in the agent's own log."""

_SHORTEST_SECRET: Final = 8
_SECRET_VARIABLE: Final = re.compile(r"(?i)(token|key|secret|password|passwd|credential)")
_CREDENTIALS: Final = re.compile(
    r"""(?ix)
    (?P<before>
        \b(?:bearer|basic)\s+          # of a header
      | ://[^\s/:@]*:                  # the password in a URL
      | \b[\w-]*(?:token|api_?key|secret|password)["']?\s*[=:]\s*["']?
    )
    [^\s"'&,;@]{4,}
    """
)
_UNSENDABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def reason(error: BaseException, secrets: Iterable[Secret]) -> str:
    """The kind and the text of an exception, as a server takes and anybody may read it.

    Hidden are the `secrets`, the values of environment variables that are named like secrets, and
    what looks like a credential: an HTTP authorization, a password in a URL, ``token=...``.
    """
    text = str(error)
    name = type(error).__qualname__
    return _shortened(without_secrets(f"{name}: {text}" if text else name, secrets))


def full_text(error: BaseException, secrets: Iterable[Secret]) -> str:
    """The exception with its traceback, for the log, without secrets."""
    return without_secrets("".join(traceback.format_exception(error)).rstrip(), secrets)


def without_secrets(text: str, secrets: Iterable[Secret]) -> str:
    """A text in which no credential is left that can be recognised."""
    text = scrub(text, [*secrets, *_environment_secrets()])
    text = _CREDENTIALS.sub(lambda match: match["before"] + HIDDEN, text)
    return _UNSENDABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _environment_secrets() -> Iterable[Secret]:
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name) and len(value) >= _SHORTEST_SECRET:
            yield Secret(value)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
