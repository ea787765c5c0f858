"""A workspace's own language-model endpoint: how its API key is masked."""

_FIRST, _LAST = 3, 4


def masked(api_key: str) -> str:
    """Return the first 3 and last 4 characters of an API key, and of a short one nothing."""
    would_show_all = len(api_key) <= _FIRST + _LAST
    if len(api_key.encode()) <= 8 or would_show_all:
        return "****"
    return f"{api_key[:_FIRST]}...{api_key[-_LAST:]}"
