"""A workspace's own language-model endpoint: how its key may be shown."""

_FIRST, _LAST = 3, 4


def masked(api_key: str) -> str:
    """An API key as it may be shown: its first 3 and last 4 characters, short ones not at all."""
    ends_are_all = len(api_key) <= _FIRST + _LAST
    if len(api_key.encode()) <= 8 or ends_are_all:
        return "****"
    return f"{api_key[:_FIRST]}...{api_key[-_LAST:]}"
